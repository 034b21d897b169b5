"""Tensors out of a file, one by one or all in turn: of a `.lac` file, or a plain one (safetensors, npy, npz, GGUF, PyTorch).

.lac -> chunks, decoded when they are needed -> bytes of the original file -> arrays
"""

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from laconic._coding import Decoding
from laconic._files import open_source
from laconic.container import CRITICAL, Limits, Reader
from laconic.container.layout import MAGIC
from laconic.errors import BadInput, CorruptFile, UnsupportedFile
from laconic.media import tensors
from laconic.media._safetensors import read_header
from laconic.media.tensors import TensorEntry
from laconic.source import Source, seekable
from laconic.threads import ordered_map

KEPT = 32 << 20
"""Bytes of decoded chunks that a file keeps for the next tensor."""

_NOTHING = np.empty(0, np.uint8)
_CODECS = ("weights", "bytes")


class TensorFile:
    """The tensors of a file by name; `entries` in the order in which they lie in it. Close it, or use it in a `with` block."""

    def __init__(self, path: str | os.PathLike[str], *, max_memory: int | None = None) -> None:
        """Open a file; raises LaconicError when it is damaged or holds no tensors that can be read."""
        self._source = source = seekable(open_source(path))
        try:
            if source.peek(len(MAGIC)) == MAGIC:
                self._source = _CodedFile(source, max_memory)
            found = self._source.tensors() if isinstance(self._source, _CodedFile) else tensors.from_source(source)
        except BaseException:
            source.close()
            raise
        self.path, self.format = Path(path), found.format
        self.entries = {entry.name: entry for entry in found.entries}

    def metadata(self) -> dict[str, str] | None:
        """What the `__metadata__` of a safetensors file says; None without one, and for other formats."""
        return read_header(self._source)[0] or None if self.format == "safetensors" else None

    def entry(self, name: str) -> TensorEntry:
        """Where a tensor lies and what it is; raises BadInput when there is none of this name."""
        try:
            return self.entries[name]
        except KeyError:
            near = get_close_matches(name, self.entries, 3)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are {len(self.entries)}"
            raise BadInput(f"{self.path}: has no tensor {name!r}; {hint}") from None

    def data(self, entry: TensorEntry, start: int = 0, stop: int | None = None) -> np.ndarray:
        """uint8[stop - start], writable: bytes of a tensor, all of them by default."""
        out = np.empty((entry.size if stop is None else stop) - start, np.uint8)
        for at, piece in self._pieces(entry.offset + start, out.size):
            out[at : at + len(piece)] = piece
        return out

    def all(self, threads: int | None = None) -> Iterator[tuple[TensorEntry, np.ndarray]]:
        """(tensor, uint8[its bytes]) in the order of the file, which is read and decoded once; by default over all cores."""
        if not isinstance(self._source, _CodedFile):
            for entry in self.entries.values():
                yield entry, self.data(entry)
            return
        parts = self._source.parts(threads or os.cpu_count() or 1)
        start, part = 0, _NOTHING
        for entry in self.entries.values():
            out, done = np.empty(entry.size, np.uint8), 0
            while done < out.size:
                piece = part[entry.offset + done - start :][: out.size - done]
                if not len(piece):
                    start, part = next(parts, (start, piece))
                    if not len(part):
                        raise CorruptFile(f"{self.path}: ends before tensor {entry.name!r} does")
                out[done : done + len(piece)] = piece
                done += len(piece)
            yield entry, out

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _pieces(self, offset: int, size: int) -> Iterator[tuple[int, np.ndarray]]:
        if isinstance(self._source, _CodedFile):
            yield from self._source.pieces(offset, size)
        elif size:
            data = np.frombuffer(self._source.read(offset, size), np.uint8)
            if len(data) != size:
                raise BadInput(f"{self.path}: became shorter while it was read")
            yield 0, data


class _CodedFile(Source):
    """The bytes that a `.lac` file restores, decoded chunk by chunk."""

    def __init__(self, source: Source, max_memory: int | None) -> None:
        self._source = source
        self._reader = Reader(source, Limits(None, max_memory))
        header = self._reader.header
        if header.codec not in _CODECS:
            raise UnsupportedFile(f"{source.name}: was coded by {header.codec!r} and holds no tensors; use laconic.open")
        self._decoding = Decoding(header, source.name, max_memory=max_memory)
        self._positions = [i for i, head in enumerate(self._reader.index) if head.kind == CRITICAL and head.covers]
        self._starts = [self._reader.index[i].covers[0][0] for i in self._positions]
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self.size, self.name = self._reader.decoded_size, source.name

    def tensors(self) -> tensors.Tensors:
        """What lies where: from the header of a file that codec `weights` wrote, else from the restored bytes."""
        if self._reader.header.codec != "weights":
            return tensors.from_source(self)
        from laconic.codecs.weights.codec import table_of

        return tensors.Tensors(self, self._reader.header.format or "", table_of(self._reader.header))

    def read(self, offset: int, n: int) -> bytes:
        """As in Source."""
        return b"".join(piece.tobytes() for _, piece in self.pieces(offset, max(0, min(n, (self.size or 0) - offset))))

    def pieces(self, offset: int, size: int) -> Iterator[tuple[int, np.ndarray]]:
        """(position behind `offset`, bytes) of the parts of chunks that make up a range."""
        at = offset
        while at < offset + size:
            which = bisect_right(self._starts, at) - 1
            skip = at - self._starts[which] if which >= 0 else 0
            piece = self._chunk(which)[skip : skip + offset + size - at] if which >= 0 else _NOTHING
            if not len(piece):
                raise CorruptFile(f"{self.name}: has no chunk for the bytes from {at} on")
            yield at - offset, piece
            at += len(piece)

    def parts(self, threads: int) -> Iterator[tuple[int, np.ndarray]]:
        """(first byte, bytes) of every chunk in order."""
        return ordered_map(lambda which: (self._starts[which], self._decode(which)), range(len(self._starts)), threads)

    def close(self) -> None:
        """Close the `.lac` file."""
        self._source.close()

    def _chunk(self, which: int) -> np.ndarray:
        kept = self._kept.pop(which, None)
        if kept is None:
            while self._kept and sum(map(len, self._kept.values())) + self._length(which) > KEPT:
                self._kept.popitem(last=False)
            kept = self._decode(which)
        self._kept[which] = kept
        return kept

    def _length(self, which: int) -> int:
        return self._reader.index[self._positions[which]].decoded_size

    def _decode(self, which: int) -> np.ndarray:
        position = self._positions[which]
        for sequence in self._reader.index[position].depends:
            self._decoding.notice_shared(self._reader.chunk(sequence))
        part: Any = self._decoding.part(self._reader.chunk(position))
        return np.frombuffer(part, np.uint8)
