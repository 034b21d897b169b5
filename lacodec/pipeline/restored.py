"""The bytes that a `.lac` file restores, as a `Source`: read by range, decoded chunk by chunk."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lacodec.codecs.references import Reference
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Limits, Reader
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.threads import ordered_map
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.value import Tensors
from lacodec.pipeline.decoding import Decoding

KEPT = 32 << 20
"""Bytes of decoded chunks that are kept for the next read."""

DEVICE_BATCH = 256 << 20
"""Decoded bytes of the chunks that a GPU decodes at a time: enough segments to fill it."""

_NOTHING = np.empty(0, np.uint8)


class LacSource(Source):
    """The bytes that a `.lac` file restores, decoded chunk by chunk."""

    def __init__(self, source: Source, max_memory: int | None = None, bases: Sequence[Reference] = ()) -> None:
        """bases: files that this one may be stored as differences to; the caller closes them.

        Raises UnsupportedFile for files of another kind, CorruptFile for damage.
        """
        self._source = source
        self._reader = Reader(source, Limits(None, max_memory))
        header = self._reader.header
        self._decoding = Decoding(header, source.name, Session(references=tuple(bases), max_memory=max_memory))
        if not self._decoding.codec.covers_file(header):
            raise UnsupportedFile(f"{source.name}: was coded by {header.codec!r} and holds no tensors; use lacodec.open")
        self._positions = [i for i, head in enumerate(self._reader.index) if head.kind == CRITICAL and head.covers]
        self._starts = [self._reader.index[i].covers[0][0] for i in self._positions]
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self.size, self.name = self._reader.decoded_size, source.name

    def tensors(self) -> Tensors:
        """The places of the tensors: from the header if the codec keeps them there, else from the restored bytes."""
        header, codec = self._reader.header, self._decoding.codec
        table = codec.table(header)
        if table is None:
            return TENSORS.from_source(self)
        return Tensors(self, header.format or "", tuple(table), codec.made_of(header))

    def read(self, offset: int, n: int) -> bytes:
        """As in Source."""
        return b"".join(piece.tobytes() for _, piece in self.pieces(offset, max(0, min(n, (self.size or 0) - offset))))

    def pieces(self, offset: int, size: int) -> Iterator[tuple[int, np.ndarray]]:
        """(position after `offset`, bytes) of the parts of chunks that make up a range."""
        at = offset
        while at < offset + size:
            which = bisect_right(self._starts, at) - 1
            skip = at - self._starts[which] if which >= 0 else 0
            piece = self._chunk(which)[skip : skip + offset + size - at] if which >= 0 else _NOTHING
            if not len(piece):
                raise CorruptFile(f"{self.name}: has no chunk with the bytes from {at} on")
            yield at - offset, piece
            at += len(piece)

    def parts(self, threads: int) -> Iterator[tuple[int, np.ndarray]]:
        """(first byte, bytes) of every chunk in order."""
        return ordered_map(lambda which: (self._starts[which], self._decode(which)), range(len(self._starts)), threads)

    @property
    def for_device(self) -> bool:
        """Whether `parts_on` can be asked: the file's codec decodes on devices."""
        return self._decoding.codec.on_device

    def parts_on(self, device: Any, threads: int) -> Iterator[tuple[int, Any]]:
        """`parts`, decoded on a CUDA device: (first byte, tensor u8[...] there) of every chunk. See `codecs/weights/gpu.py`."""
        batch: list[tuple[Chunk, tuple[Chunk, ...]]] = []
        for which, item in enumerate(ordered_map(self._coded, range(len(self._starts)), threads)):
            batch.append(item)
            if which + 1 == len(self._starts) or sum(chunk.decoded_size for chunk, _ in batch) >= DEVICE_BATCH:
                try:
                    found = self._decoding.codec.decode_on_device(self._decoding.header, batch, device, self._decoding.session)
                except (BadInput, CorruptFile) as error:
                    raise type(error)(f"{self.name}: {error}") from error
                yield from zip(self._starts[which + 1 - len(batch) : which + 1], found, strict=True)
                batch = []
                del found  # the next batch may need its memory

    def close(self) -> None:
        """Close the `.lac` file."""
        self._source.close()

    def _chunk(self, which: int) -> np.ndarray:
        with self._lock:
            kept = self._kept.pop(which, None)
        if kept is None:
            kept = self._decode(which)
        with self._lock:
            self._kept[which] = kept
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT:
                self._kept.popitem(last=False)
        return kept

    def _decode(self, which: int) -> np.ndarray:
        part: Any = self._decoding.part(self._read(which))
        return np.frombuffer(part, np.uint8)

    def _coded(self, which: int) -> tuple[Chunk, tuple[Chunk, ...]]:
        """A chunk and the shared sections that it needs."""
        chunk = self._read(which)
        return chunk, self._decoding.needed_by(chunk)

    def _read(self, which: int) -> Chunk:
        position = self._positions[which]
        for sequence in self._reader.index[position].depends:
            self._decoding.notice_shared(self._reader.chunk(sequence))
        return self._reader.chunk(position)
