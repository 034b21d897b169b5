"""`BlockCodec`: the base of codecs that cut bytes into blocks and code each by itself.

    bytes --blocks--> block --encode_block--> payload ~~~ payload --decode_block--> block --assemble--> bytes

A codec says how large the blocks are and how one is coded; order, threads, hashes, ranges and lost chunks are handled here.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lacodec.codecs.base import Codec, Lost
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.raw import Raw

_ZEROS = bytes(1 << 16)


@dataclass(frozen=True)
class _Block:
    data: bytes
    start: int


class BlockCodec(Codec[Raw]):
    """Any bytes, in independent blocks of `chunk_size()` bytes; covers are byte ranges; lost blocks decode to zeros."""

    identical = "bytes"
    appends = True

    @abstractmethod
    def encode_block(self, block: bytes) -> bytes:
        """The payload for one block; the block is empty only for an empty file."""

    @abstractmethod
    def decode_block(self, payload: bytes, size: int) -> bytes:
        """The block of `size` bytes; raises CorruptFile when the payload cannot be one of this codec's."""

    def encode(self, value: Raw, threads: int = 1) -> Iterator[Chunk]:
        """One chunk per block; an empty input gives one empty chunk."""
        return ordered_map(self._chunk, self._blocks(value), threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = ()) -> bytes:
        """The bytes of the chunk."""
        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
            raise CorruptFile("its decoded size contradicts the range it covers")
        data = self.decode_block(chunk.payload, chunk.decoded_size)
        if len(data) != chunk.decoded_size or content_hash(data) != chunk.content_hash:
            raise CorruptFile("it decodes to other bytes than were encoded")
        return data

    def assemble(self, header: Header, parts: Iterator[bytes | Lost]) -> Raw:
        """A Raw that decodes while it is read; zeros stand for lost ranges that are known."""
        return Raw(IteratorSource(chain.from_iterable(_pieces(part) for part in parts)))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a byte range: `key` is a slice (step 1) or an int."""
        start, stop = _range(index, key)
        return [i for i, head in enumerate(index) if head.covers and head.covers[0][0] < stop and head.covers[0][1] > start]

    def extract(self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[bytes]) -> bytes | int:
        """The bytes of the slice, or the one byte as an int."""
        start, stop = _range(index, key)
        chosen = self.select(header, index, key)
        skip = index[chosen[0]].covers[0][0] if chosen else 0
        data = b"".join(parts)[start - skip : stop - skip]
        return data[0] if isinstance(key, int) else data

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
        for data in value.source.blocks(self.chunk_size()):
            yield _Block(data, start)
            start += len(data)
        size = value.source.size
        if size is not None and start != size:
            raise BadInput(f"{value.source.name}: changed while it was read ({size} bytes before, {start} now); encode it again")
        if start == 0:
            yield _Block(b"", 0)

    def _chunk(self, block: _Block) -> Chunk:
        size = len(block.data)
        payload = self.encode_block(block.data)
        return Chunk(CRITICAL, ((block.start, block.start + size),), payload, content_hash(block.data), size)


def _pieces(part: bytes | Lost) -> Iterator[bytes]:
    if not isinstance(part, Lost):
        yield part
    elif part.covers is not None and len(part.covers) == 1:
        left = part.covers[0][1] - part.covers[0][0]
        while left > 0:
            yield _ZEROS[:left]
            left -= len(_ZEROS)


def _range(index: Sequence[ChunkHead], key: Any) -> tuple[int, int]:
    total = max((head.covers[0][1] for head in index if head.covers), default=0)
    if isinstance(key, int):
        if not -total <= key < total:
            raise BadInput(f"byte {key} is outside the file of {total} bytes")
        return key % total, key % total + 1
    if not isinstance(key, slice):
        raise BadInput(f"{key!r} selects nothing in bytes; use a byte position or a slice such as [1000:2000]")
    start, stop, step = key.indices(total)
    if step != 1:
        raise BadInput(f"step {step} is not possible; take a slice with step 1 and step through the result")
    return start, max(start, stop)
