"""Random access to a `.lac` file: header, index, and single chunks."""

from dataclasses import replace
from typing import Any

from lacodec.container import layout
from lacodec.container.order import Order
from lacodec.container.stream import compact_chunk, damaged, named, read_head, walk
from lacodec.container.types import CRITICAL, INDEX, MAX_DECODED, MAX_PAYLOAD, Chunk, ChunkHead, Header, Limits, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded, UnsupportedFile
from lacodec.io.remote import TAIL
from lacodec.io.source import Source


class Reader:
    """Header, index and single chunks of a file that can be read at any offset.

    Opening takes one range read, the last 64 KiB: footer and index, which repeats the header. The rest of a longer index is a
    second one, as is the start of the compact form. Without a valid footer at the end the chunk headers are visited from the
    start; an appended part that was cut off is left out, and `problem` reports it.

    Attributes: `source`, `header`, `header_bytes`, `index`, `compact`, `file_id`, `decoded_size` of all critical chunks in bytes,
    `header_size` and `index_size` of the sections in bytes,
    `end` of the part that the index knows, `problem` (a message, or None for a file that is whole as far as its index tells),
    `unfinished` (the error that a file without any footer is without `partial`, or None).
    """

    def __init__(self, source: Source, limits: Limits | None = None, partial: bool = False) -> None:
        """Read what is needed; with `partial`, a file without a footer is not an error but a `problem`."""
        if source.size is None:
            raise BadInput(f"{source.name}: a pipe cannot be read in part; save it to a file first")
        self.source, self._size = source, source.size
        self._limits = limits or Limits()
        self.problem: str | None = None
        self.unfinished: CorruptFile | None = None
        self.compact = False
        tail_offset = max(0, source.size - TAIL)
        tail = source.read(tail_offset, TAIL)
        if tail[-4:] != layout.FOOTER_END or not self._load_index(tail, tail_offset):
            self._walk(partial)

    def chunk(self, position: int, view: bool = False) -> Chunk:
        """The chunk at this position of the index, read in one piece and checked.

        view: its payload may be a view of the source's memory, which then must not change.
        """
        head = self.index[position]
        data = self.source.view(head.offset, head.end - head.offset + len(layout.COMPACT_END) * self.compact)
        if self.compact:
            return compact_chunk(self.source, head, bytes(data), self._limits)
        head_size = head.payload_offset - head.offset
        if data[:head_size] != layout.pack_chunk_head(head, self.file_id):
            raise damaged(self.source, head, "its header differs from the index")
        payload: Any = data[head_size:] if view else bytes(data[head_size:])
        if len(payload) < head.payload_size or content_hash(payload) != head.payload_hash:
            raise damaged(self.source, head, "its bytes differ from those that were written")
        return head.with_payload(payload)

    def beginning(self, position: int, size: int) -> Chunk:
        """The chunk at this position of the index with the first `size` bytes of its payload, which are not checked."""
        head = self.index[position]
        return head.with_payload(self.source.read(head.payload_offset, min(size, head.payload_size)), cut=True)

    def _load_index(self, tail: bytes, tail_offset: int) -> bool:
        """Take everything from footer and index; False when they are not valid."""
        footer_offset = self._size - layout.FOOTER_SIZE
        try:
            file_id, offset, size = layout.parse_footer(tail[-layout.FOOTER_SIZE :], footer_offset)
            missing = max(0, min(tail_offset - offset, size))
            data = tail[max(0, offset - tail_offset) :][: size - missing]
            if missing:
                data = self.source.read(offset, missing) + data
            index = layout.parse_chunk_head(data[: layout.chunk_head_size(data[: layout.CHUNK_FIXED], file_id)], file_id, offset)
            payload = data[index.payload_offset - offset :]
            if index.kind != INDEX or index.end != footer_offset or content_hash(payload) != index.payload_hash:
                return False
            self._check_memory(len(payload))
            header_bytes, heads = layout.parse_index(payload, file_id)
            header = Header.unpack(header_bytes)
            order, least = Order(self._limits), layout.PREFIX.size
            for head in heads:
                order.add(head)
                if head.offset < least or head.end > offset:
                    return False
                least = head.end
        except CorruptFile:
            return False  # the chunks themselves will tell
        except (LimitExceeded, UnsupportedFile) as error:
            raise type(error)(f"{self.source.name}: {error}") from error
        self.header, self.header_bytes, self.index, self.file_id = header, header_bytes, tuple(heads), file_id
        self.header_size, self.index_size = len(layout.pack_head(header_bytes, file_id)), size
        self.decoded_size, self.end = order.decoded_size, self._size
        return True

    def _check_memory(self, index_size: int) -> None:
        need = 10 * index_size  # measured: a parsed chunk header takes some 500 bytes
        if self._limits.max_memory is not None and need > self._limits.max_memory:
            raise LimitExceeded(
                f"the index needs about {need >> 20} MiB of memory, the limit is {self._limits.max_memory >> 20} MiB"
            )

    def _walk(self, partial: bool) -> None:
        head = read_head(self.source)
        self.header, self.header_bytes, self.file_id, self.end = head.header, head.header_bytes, head.file_id, self._size
        self.header_size, self.index_size = head.size, 0
        order = Order(self._limits)
        if head.chunk is not None:
            self.compact = True
            self.index = (self._whole_compact(head.chunk, order),)
            self.decoded_size = order.decoded_size
            return
        found: list[ChunkHead] = []
        footers: list[tuple[int, int]] = []
        try:
            for chunk in walk(self.source, head, order, footers):
                found.append(chunk)
        except CorruptFile as error:
            if not footers and not partial:
                raise
            self.problem, self.unfinished = str(error), None if footers else error
            if footers:
                self.end, count = footers[-1]
                found = found[:count]
        self.index = tuple(found)
        self.decoded_size = sum(chunk.decoded_size for chunk in found if chunk.kind == CRITICAL and chunk.covers)

    def _whole_compact(self, chunk: ChunkHead, order: Order) -> ChunkHead:
        payload_size = max(0, self._size - chunk.payload_offset - len(layout.COMPACT_END))
        if payload_size > MAX_PAYLOAD:
            raise LimitExceeded(
                f"{self.source.name}: one chunk of {payload_size} bytes, the limit is {MAX_DECODED}; it is damaged"
            )
        named(self.source, order.add, chunk)
        return replace(chunk, payload_size=payload_size)
