"""A `.lac` file -> header and chunks, reading forwards only (pipes too), and the checks that `Reader` shares.

Everything that a file claims is checked before it is believed: a forged file gives a LacodecError, no crash and no large
allocation.
"""

from collections.abc import Callable, Iterator

import xxhash

from lacodec.container import layout
from lacodec.container.order import Order
from lacodec.container.types import INDEX, MAX_PAYLOAD, Chunk, ChunkHead, Header, Limits, content_hash
from lacodec.errors import CorruptFile, CutOff, LacodecError, LimitExceeded
from lacodec.io.source import Source

_BLOCK = 1 << 20
_ZEROS = 1 << 20  # zeros at the end of a damaged file of which any may be the first that does not belong to it


def read_head(source: Source) -> layout.FileHead:
    """The start of a file, checked; raises UnsupportedFile if it is not a `.lac` file, CorruptFile if it is damaged."""
    try:
        data = source.read(0, layout.PREFIX.size)
        fixed, rest = layout.head_rest_size(data)
        data += source.read(len(data), fixed)
        data += source.read(len(data), layout.axes_size(data))
        data += source.read(len(data), rest)
        return layout.parse_head(data)
    except LacodecError as error:
        raise type(error)(f"{source.name}: {error}") from error


def stream(source: Source, limits: Limits | None = None) -> tuple[Header, Iterator[Chunk]]:
    """(header, chunks in order), reading forwards only and one chunk at a time; the end of the file is checked too."""
    head = read_head(source)
    return head.header, _chunks(source, head, limits or Limits())


def _chunks(source: Source, head: layout.FileHead, limits: Limits) -> Iterator[Chunk]:
    if head.chunk is not None:
        data = source.read(head.size, MAX_PAYLOAD + 2)
        yield compact_chunk(source, head.chunk, data, limits)
        return
    for chunk in walk(source, head, Order(limits)):
        yield chunk.with_payload(read_payload(source, chunk))


def compact_chunk(source: Source, chunk: ChunkHead, data: bytes, limits: Limits) -> Chunk:
    """The only chunk of a compact file; `data` is all that follows its start, to the end of the file."""
    named(source, Order(limits).add, chunk)
    if len(data) > MAX_PAYLOAD + 1:
        raise LimitExceeded(f"{source.name}: more than {MAX_PAYLOAD} bytes for one chunk; the file is damaged or forged")
    payload = data[:-1]
    if data[-1:] != layout.COMPACT_END or content_hash(payload) != chunk.payload_hash:
        zeros = zeros_behind(chunk, data)
        if zeros:
            what = "byte that is zero follows" if zeros == 1 else "bytes that are zero follow"
            raise CorruptFile(f"{source.name}: {zeros} {what} the end of its content; --salvage ignores them")
        message = f"{source.name}: its only chunk is damaged or cut off; restore the file from a copy"
        raise CutOff(message, chunk.with_payload(data, cut=True))
    return chunk.with_payload(payload)


def zeros_behind(chunk: ChunkHead, data: bytes) -> int:
    """How many zeros a copy or tape has added after `data`, the rest of a compact file; 0: another kind of damage."""
    least = data.rstrip(b"\0")
    digest = xxhash.xxh3_64(least)
    for size in range(len(least), min(len(data), len(least) + _ZEROS)):
        if digest.intdigest() == chunk.payload_hash:
            return len(data) - size - len(layout.COMPACT_END)
        digest.update(b"\0")
    return 0


def read_payload(source: Source, chunk: ChunkHead) -> bytes:
    """The payload of a chunk, checked against its hash."""
    payload = source.read(chunk.payload_offset, chunk.payload_size)
    if len(payload) < chunk.payload_size:
        raise _ends_in(source, chunk, chunk.payload_size - len(payload), payload)
    if content_hash(payload) != chunk.payload_hash:
        raise damaged(source, chunk, "its bytes differ from those that were written")
    return payload


def walk(
    source: Source, head: layout.FileHead, order: Order, footers: list[tuple[int, int]] | None = None
) -> Iterator[ChunkHead]:
    """Chunk headers of a chunked file one after another, each checked; the caller may read a payload before going on.

    `footers` collects (end of footer, chunks before it). Raises CorruptFile when the file does not end with a footer.
    """
    offset, complete = head.size, False
    index = xxhash.xxh3_64(layout.index_start(head.header_bytes))  # the hash in the next index
    while True:
        chunk, head_bytes = _chunk_head_at(source, head.file_id, offset)
        if chunk is None:
            if complete:
                return
            raise CutOff(f"{source.name}: ends at offset {offset} without a footer: it is cut off; --salvage decodes the rest")
        if source.size is not None and chunk.end > source.size:
            raise _ends_in(source, chunk, chunk.end - source.size, source.read(chunk.payload_offset, chunk.payload_size))
        complete = chunk.kind == INDEX
        if complete:
            _check_index(source, chunk, order.count, index.intdigest())
            _check_footer(source, chunk, head.file_id)
            offset = chunk.end + layout.FOOTER_SIZE
            if footers is not None:
                footers.append((offset, order.count))
        else:
            named(source, order.add, chunk)
            index.update(layout.index_entry(offset, head_bytes))
            yield chunk
            offset = chunk.end


def _chunk_head_at(source: Source, file_id: int, offset: int) -> tuple[ChunkHead | None, bytes]:
    data, size = source.read(offset, layout.CHUNK_FIXED), layout.CHUNK_FIXED
    if not data:
        return None, b""
    try:
        size = layout.chunk_head_size(data, file_id)
        data += source.read(offset + len(data), size - len(data))
        return layout.parse_chunk_head(data, file_id, offset), data
    except LacodecError as error:
        kind = CutOff if len(data) < size else type(error)
        raise kind(f"{source.name}: at offset {offset}: {error}; --salvage decodes the chunks that are whole") from error


def _check_index(source: Source, chunk: ChunkHead, count: int, expected: int) -> None:
    found, position = xxhash.xxh3_64(), chunk.payload_offset
    while position < chunk.end:
        block = source.read(position, min(_BLOCK, chunk.end - position))
        if not block:
            break
        found.update(block)
        position += len(block)
    if position < chunk.end:
        raise _ends_in(source, chunk, chunk.end - position)
    if not chunk.payload_hash == expected == found.intdigest() or chunk.sequence != count:
        raise CorruptFile(
            f"{source.name}: the index at offset {chunk.offset} is damaged or contradicts the chunks; --salvage ignores it"
        )


def _check_footer(source: Source, index: ChunkHead, file_id: int) -> None:
    data = source.read(index.end, layout.FOOTER_SIZE)
    try:
        found = layout.parse_footer(data, index.end)
        if found != (file_id, index.offset, index.end - index.offset):
            raise CorruptFile("the footer contradicts the index")
    except CorruptFile as error:
        kind = CutOff if len(data) < layout.FOOTER_SIZE else CorruptFile
        raise kind(f"{source.name}: at offset {index.end}: {error}; --salvage decodes without it") from error


def named(source: Source, add: Callable[[ChunkHead], None], chunk: ChunkHead) -> None:
    """Call `add(chunk)`, with the file's name in front of any error."""
    try:
        add(chunk)
    except LacodecError as error:
        raise type(error)(f"{source.name}: {error}") from error


def _ends_in(source: Source, chunk: ChunkHead, missing: int, payload: bytes = b"") -> CutOff:
    message = str(damaged(source, chunk, f"the file ends {missing} bytes too early"))
    return CutOff(message, chunk.with_payload(payload, cut=True))


def damaged(source: Source, chunk: ChunkHead, why: str) -> CorruptFile:
    """The error for a chunk whose bytes are wrong."""
    return CorruptFile(f"{source.name}: {chunk.describe()} is damaged: {why}; --salvage decodes the others")
