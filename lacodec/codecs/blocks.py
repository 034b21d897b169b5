"""`BlockCodec`: the base of codecs that cut bytes into blocks and code each separately.

    bytes --blocks--> block --encode_block--> payload ~~~ payload --decode_block--> block --assemble--> bytes

A codec defines the size of the blocks and how to code one; this class handles order, threads, hashes, ranges and lost chunks.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Layout, Lost, Range, total
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.raw import Raw

V = TypeVar("V")


@dataclass(frozen=True)
class _Block:
    data: bytes
    start: int


class ByteRanges(Codec[V]):
    """For codecs whose chunks cover byte ranges and decode to their bytes: an open file is an array of bytes."""

    identical = "bytes"
    bytewise = True

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Bytes."""
        import numpy as np

        return Layout((total(index),), np.dtype(np.uint8))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a byte range: `key` is a slice with step 1."""
        return Range.of(key, total(index), "bytes").chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[bytes], session: Session = DEFAULT
    ) -> bytes:
        """The bytes of the slice."""
        return b"".join(Range.of(key, total(index), "bytes").pieces(index, parts))


class BlockCodec(ByteRanges[Raw]):
    """Any bytes, in independent blocks of `chunk_size()` bytes; covers are byte ranges; lost blocks decode to zeros."""

    appends = True

    @abstractmethod
    def encode_block(self, block: bytes, session: Session = DEFAULT) -> bytes:
        """The payload for one block; the block is empty only for an empty file."""

    @abstractmethod
    def decode_block(self, payload: bytes, size: int, version: int, session: Session = DEFAULT) -> bytes:
        """The block of `size` bytes, of a stream of that version; raises CorruptFile if this codec cannot have made it."""

    def decode_payload(self, header: Header, payload: bytes, size: int, session: Session = DEFAULT) -> bytes:
        """The block, by `decode_block`; for codecs that embed payloads of others, whose versions are in the header."""
        return self.decode_block(payload, size, header.stream_version, session)

    def cut(self, source: Source) -> Iterator[bytes]:
        """The content in blocks of at most `chunk_size()` bytes, none of them empty."""
        return source.blocks(self.chunk_size())

    def encode(self, value: Raw, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per block; an empty input gives one empty chunk."""
        return ordered_map(lambda block: self._chunk(block, session), self._blocks(value), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> bytes:
        """The bytes of the chunk."""
        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
            raise CorruptFile("its decoded size contradicts the range it covers")
        data = self.decode_payload(header, chunk.payload, chunk.decoded_size, session)
        if len(data) != chunk.decoded_size or content_hash(data) != chunk.content_hash:
            raise CorruptFile("its bytes differ from those that were encoded")
        return data

    def assemble(self, header: Header, parts: Iterator[bytes | Lost], session: Session = DEFAULT) -> Raw:
        """A Raw that decodes while it is read; zeros stand for lost ranges that are known."""
        return Raw(IteratorSource(chain.from_iterable(_pieces(part) for part in parts)))

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of bytes."""
        return self.encode_block(content, session)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> bytes:
        """The `expected` bytes; raises CorruptFile."""
        data = self.decode_block(payload, expected, header.nested.get(self.name, 0), session)
        if len(data) != expected:
            raise CorruptFile("an embedded payload does not have the stated size")
        return data

    @classmethod
    def samples(cls) -> list[Any]:
        """Text, records and code-like bytes: each calls on other parts of the models."""
        text = "".join(f"{i} green bottles hanging on the wall, and if one falls there are {i - 1}.\n" for i in range(99, 0, -1))
        records = b"".join(i.to_bytes(4, "little") + (i * i % 65536).to_bytes(2, "little") + b"\0\0" for i in range(1000))
        code = b"".join(
            b"\x55\x48\x89\xe5\xe8" + (4096 - 16 * i & 0xFFFFFFFF).to_bytes(4, "little") + b"\x5d\xc3" for i in range(400)
        )
        return [text.encode(), records, code]

    def _blocks(self, value: Raw) -> Iterator[_Block]:
        start = 0
        for data in self.cut(value.source):
            yield _Block(data, start)
            start += len(data)
        size = value.source.size
        if size is not None and start != size:
            raise BadInput(f"{value.source.name}: changed while it was read ({size} bytes before, {start} now); encode it again")
        if start == 0:
            yield _Block(b"", 0)

    def _chunk(self, block: _Block, session: Session) -> Chunk:
        size = len(block.data)
        payload = self.encode_block(block.data, session)
        return Chunk(CRITICAL, ((block.start, block.start + size),), payload, content_hash(block.data), size)


def _pieces(part: bytes | Lost) -> Iterator[bytes]:
    return part.filled() if isinstance(part, Lost) else iter((part,))
