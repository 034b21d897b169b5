"""Chunks -> a `.lac` file, written strictly forwards (so that it can be a pipe); and more chunks -> an existing file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO

import msgspec

from lacodec.container import layout
from lacodec.container.order import Order
from lacodec.container.reader import Reader
from lacodec.container.types import CRITICAL, INDEX, MAX_DECODED, MAX_PAYLOAD, Chunk, ChunkHead, Header, Limits, content_hash
from lacodec.errors import BadInput, LimitExceeded
from lacodec.io.source import Source


@dataclass(frozen=True)
class Written:
    """What was written: bytes of the file (or bytes appended), chunks, bytes they decode to."""

    size: int
    chunks: int
    decoded_size: int


def write_container(header: Header, chunks: Iterable[Chunk], out: BinaryIO) -> Written:
    """Write a whole file to `out`: compact when there is one chunk that can be, else chunked with index and footer.

    The original's name, then the options, are left out of a compact file that they would take past the promise (input + 64 bytes
    + 0.1 %).
    """
    ahead = iter(chunks)
    first = list(_take(ahead, 2))
    if len(first) == 1 and _can_be_compact(first[0]):
        return _write_compact(header, first[0], out)
    header_bytes = header.pack()
    file_id = layout.checksum(header_bytes, first[0].payload if first else b"")
    start = layout.pack_head(header_bytes, file_id)
    out.write(start)
    part = _Part(out, file_id, header_bytes, len(start), Order(Limits()))
    size = part.write(chain(_drain(first), ahead))
    return Written(len(start) + size, part.order.count, part.order.decoded_size)


def append_chunks(file: BinaryIO, source: Source, chunks: Iterable[Chunk]) -> Written:
    """Add `chunks` (one axis, counted from 0) behind those of the chunked file open for update as `file`, read as `source`.

    What lies behind the last valid footer is dropped first. Whatever fails leaves the file as it was before.
    """
    reader = Reader(source)
    if reader.compact:
        raise BadInput(f"{source.name}: a file in the compact form cannot take more chunks; encode it again")
    order = Order(Limits())
    for head in reader.index:
        order.add(head)
    count, decoded_size = order.count, order.decoded_size
    part = _Part(file, reader.file_id, reader.header_bytes, reader.end, order)
    for head in reader.index:
        part.index += layout.index_entry(head.offset, layout.pack_chunk_head(head, reader.file_id))
    file.truncate(reader.end)
    file.seek(reader.end)
    try:
        size = part.write(shift_chunks(chunks, order.stop, count))
        file.flush()
    except BaseException:
        file.truncate(reader.end)
        raise
    return Written(size, order.count - count, order.decoded_size - decoded_size)


def shift_chunks(chunks: Iterable[Chunk], start: int, count: int) -> Iterator[Chunk]:
    """One-axis chunks as they are when `count` others, which cover the range up to `start`, come before them."""
    for chunk in chunks:
        if len(chunk.covers) > 1:
            raise BadInput("only chunks with one axis can be appended; encode to a new file")
        covers = tuple((start + a, start + b) for a, b in chunk.covers)
        yield replace(chunk, covers=covers, depends=tuple(count + i for i in chunk.depends))


class _Part:
    """Writes chunks, then an index of all chunks so far and a footer."""

    def __init__(self, out: BinaryIO, file_id: int, header_bytes: bytes, offset: int, order: Order) -> None:
        self._out, self._file_id, self._offset, self.order = out, file_id, offset, order
        self.index = bytearray(layout.index_start(header_bytes))

    def write(self, chunks: Iterable[Chunk]) -> int:
        """Returns the number of bytes written."""
        begin = self._offset
        for chunk in chunks:
            head = _head_of(chunk, self.order.count, self._offset)
            self.order.add(head)
            self._write_chunk(head, chunk.payload)
            if len(self.index) > MAX_PAYLOAD:
                raise LimitExceeded(
                    f"more than {self.order.count} chunks do not fit into one file; use larger chunks (more effort)"
                )
        payload = bytes(self.index)
        digest = content_hash(payload)
        index_offset = self._offset
        self._write_chunk(ChunkHead(self.order.count, INDEX, (), len(payload), 0, digest, digest), payload)
        self._out.write(layout.pack_footer(self._file_id, index_offset, self._offset - index_offset))
        return self._offset + layout.FOOTER_SIZE - begin

    def _write_chunk(self, head: ChunkHead, payload: bytes) -> None:
        head_bytes = layout.pack_chunk_head(head, self._file_id)
        self._out.write(head_bytes)
        self._out.write(payload)
        if head.kind != INDEX:
            self.index += layout.index_entry(self._offset, head_bytes)
        self._offset += len(head_bytes) + len(payload)


def _write_compact(header: Header, chunk: Chunk, out: BinaryIO) -> Written:
    head = _head_of(chunk, 0, 0)
    Order(Limits()).add(head)
    start = layout.pack_compact_head(header.pack(), head)
    original = header.size if header.size is not None else chunk.decoded_size
    size = len(start) + len(chunk.payload) + len(layout.COMPACT_END)
    if size > original + 64 + original // 1000 and (header.name is not None or header.options):
        options = {} if header.name is None else header.options
        return _write_compact(msgspec.structs.replace(header, name=None, options=options), chunk, out)
    out.write(start)
    out.write(chunk.payload)
    out.write(layout.COMPACT_END)
    return Written(size, 1, chunk.decoded_size)


def _can_be_compact(chunk: Chunk) -> bool:
    starts_at_zero = bool(chunk.covers) and all(start == 0 for start, _ in chunk.covers)
    return chunk.kind == CRITICAL and starts_at_zero and not chunk.depends


def _head_of(chunk: Chunk, sequence: int, offset: int) -> ChunkHead:
    if chunk.decoded_size > MAX_DECODED or len(chunk.payload) > MAX_PAYLOAD:
        size = max(chunk.decoded_size, len(chunk.payload))
        raise LimitExceeded(
            f"chunk {sequence} holds {size} bytes, the limit is {MAX_DECODED}; the codec must make smaller chunks"
        )
    digest = content_hash(chunk.payload)
    size = len(chunk.payload)
    return ChunkHead(
        sequence, chunk.kind, chunk.covers, size, chunk.decoded_size, digest, chunk.content_hash, chunk.depends, offset, offset
    )


def _take(items: Iterator[Chunk], n: int) -> Iterator[Chunk]:
    for _, item in zip(range(n), items, strict=False):
        yield item


def _drain(items: list[Chunk]) -> Iterator[Chunk]:
    """The items, each forgotten once it is given out, so that no chunk is kept longer than needed."""
    while items:
        yield items.pop(0)
