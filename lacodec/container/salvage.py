"""What is left of a damaged or truncated file: whole chunks, and a `Damage` for each that is not.

valid index?  yes: visit every chunk it lists          no: scan for chunk markers from the start
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lacodec.container import layout
from lacodec.container.reader import Reader
from lacodec.container.stream import read_head, read_payload, zeros_behind
from lacodec.container.types import ANCILLARY, CRITICAL, FIRST_OPTIONAL, INDEX, Chunk, ChunkHead, Covers, Header, Limits
from lacodec.errors import BadInput, CorruptFile, LacodecError, LimitExceeded
from lacodec.io.source import Source

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Damage:
    """A lost chunk: `covers` is None where nothing tells what it held; `message` names chunk, place and cause.

    `content` is False when it is known that no part of the value is missing (a shared section, an ancillary chunk).
    """

    message: str
    covers: Covers | None
    sequence: int | None = None
    content: bool = True


def salvage(source: Source, limits: Limits | None = None) -> tuple[Header, Iterator[Chunk | Damage]]:
    """(header, chunks and damages in order). Raises CorruptFile when both copies of the header are lost."""
    if source.size is None:
        raise BadInput(f"{source.name}: salvage needs a file that can be read twice, not a pipe; save it to a file first")
    limits = limits or Limits()
    try:
        reader = Reader(source, limits)
    except CorruptFile:
        head = read_head(source)  # without index there is but one copy of the header
        return head.header, _scan(source, head, limits)
    if reader.problem is not None:
        return reader.header, _scan(source, read_head(source), limits)
    return reader.header, _visit(reader)


def _visit(reader: Reader) -> Iterator[Chunk | Damage]:
    for position, head in enumerate(reader.index):
        try:
            yield reader.chunk(position)
        except CorruptFile as error:
            padded = _padded(reader, head) if reader.compact else None
            yield _damage(error, head) if padded is None else Damage(str(error), None, content=False)
            if padded is not None:
                yield padded


def _padded(reader: Reader, head: ChunkHead) -> Chunk | None:
    """The only chunk of a compact file that has zeros behind its end; None for other files."""
    data = reader.source.read(head.payload_offset, head.payload_size + len(layout.COMPACT_END))
    zeros = zeros_behind(head, data)
    return head.with_payload(data[: -zeros - len(layout.COMPACT_END)]) if zeros else None


def _scan(source: Source, head: layout.FileHead, limits: Limits) -> Iterator[Chunk | Damage]:
    if head.chunk is not None:
        yield Damage(f"{source.name}: the only chunk is damaged; nothing is left", head.chunk.covers, 0)
        return
    gaps = _Gaps(source.name, limits)
    offset, size = head.size, source.size or 0
    tries = 4 * size  # bytes that may be read for chunks that turn out damaged: keeps a forged file from costing quadratic time
    while offset < size:
        chunk = _head_at(source, head.file_id, offset)
        if chunk is None or chunk.sequence < gaps.due:
            offset = _next_marker(source, head.file_id, offset + 1)
            gaps.complete = False
        elif chunk.kind == INDEX:
            yield from gaps.before(chunk)
            offset = _after_index(source, head.file_id, chunk)
        else:
            yield from gaps.before(chunk)
            try:
                whole = chunk.with_payload(read_payload(source, chunk))
            except CorruptFile as error:
                yield _damage(error, chunk)
                tries -= chunk.payload_size
                lost_place = tries > 0 and not _starts_section(source, head.file_id, chunk.end)
                offset = chunk.payload_offset if lost_place else chunk.end
            else:
                yield whole
                offset = chunk.end
    if not gaps.complete:
        yield Damage(f"{source.name}: is cut off or damaged after chunk {gaps.due - 1}; chunks may be missing there", None)


def _damage(error: CorruptFile, head: ChunkHead) -> Damage:
    return Damage(str(error), head.covers, head.sequence, head.kind == CRITICAL and bool(head.covers))


class _Gaps:
    """Notices sequence numbers that never turned up and what they must have covered (one axis); guards the decoded total."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._stop = self._total = self.due = 0
        self.complete = False  # an index has confirmed that nothing is missing so far

    def before(self, head: ChunkHead) -> Iterator[Damage]:
        """The chunks lost before this chunk or index, as one Damage."""
        covering = head.kind == CRITICAL and len(head.covers) == 1
        if head.sequence > self.due:
            covers = ((self._stop, head.covers[0][0]),) if covering and head.covers[0][0] > self._stop else None
            what = f" (covers {covers[0][0]}-{covers[0][1]})" if covers else ""
            which = f"chunk {self.due}" if head.sequence == self.due + 1 else f"chunks {self.due} to {head.sequence - 1}"
            message = f"{self._name}: {which}{what}, before offset {head.offset}, cannot be found"
            yield Damage(message, covers, self.due)
        self.complete = head.kind == INDEX
        if self.complete:
            self.due = head.sequence
            return
        self.due = head.sequence + 1
        self._total += head.decoded_size
        if self._limits.max_size is not None and self._total > self._limits.max_size:
            raise LimitExceeded(
                f"{self._name}: {head.describe()} raises the decoded size past {self._limits.max_size} bytes; raise max_size"
            )
        if covering:
            self._stop = head.covers[0][1]


def _head_at(source: Source, file_id: int, offset: int) -> ChunkHead | None:
    try:
        data = source.read(offset, layout.CHUNK_FIXED)
        data += source.read(offset + len(data), layout.chunk_head_size(data, file_id) - len(data))
        head = layout.parse_chunk_head(data, file_id, offset)
    except LacodecError:
        return None
    return head if head.kind in (CRITICAL, ANCILLARY, INDEX) or head.kind >= FIRST_OPTIONAL else None


def _starts_section(source: Source, file_id: int, offset: int) -> bool:
    return offset == source.size or _head_at(source, file_id, offset) is not None


def _after_index(source: Source, file_id: int, index: ChunkHead) -> int:
    """Where to go on: behind the footer (whole or not) of a whole index, inside of a damaged one."""
    try:
        read_payload(source, index)
    except CorruptFile:
        return index.payload_offset
    return index.end if _starts_section(source, file_id, index.end) else index.end + layout.FOOTER_SIZE


def _next_marker(source: Source, file_id: int, offset: int) -> int:
    """Offset of the next chunk marker of this file, or the file's end."""
    marker = layout.chunk_marker(file_id)
    while block := source.read(offset, _BLOCK):
        found = block.find(marker)
        if found >= 0:
            return offset + found
        if len(block) < _BLOCK:
            break
        offset += _BLOCK - len(marker) + 1
    return source.size or 0
