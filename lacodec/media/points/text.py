"""Points in lines of text: the numbers become records, and a note says how they are spelled and which lines are not so.

cloud  = bytes before the lines, records, bytes behind the lines, note
recipe = u64 bytes of the note; u8 1 if the bytes behind are folded (`faces`)
note (MessagePack) = [pieces, formats, numbers of other lines, these lines]    see `spelling`
"""

from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Part, Source
from lacodec.media.points import faces
from lacodec.media.points.forms import spooled
from lacodec.media.points.spelling import Spelling, run_of, spelling_of
from lacodec.media.points.value import Columns, Form, PointCloud

_BLOCK = 1 << 20
_LINE = 1 << 14  # bytes of a line at most
_SAMPLE = 2048  # lines that tell how numbers are spelled
_ROWS = 1 << 14  # that are printed at a time
_SOME, _PART = 8, 16  # lines that may be spelled in another way: some, and one in so many
_NAMES = ("x", "y", "z")
_MOST_FACES = 32 << 20  # bytes behind the lines, up to which faces are looked for: it takes 13 times as much memory
_FOLDED = b"\1"


class _Note(msgspec.Struct, array_like=True):
    pieces: list[bytes]
    formats: list[str]
    rows: list[int]
    lines: list[bytes]


def read(source: Source, kind: str, offset: int, count: int | None, columns: Columns | None) -> PointCloud:
    """The points in `count` lines from `offset` on (None: in all that look like the first). columns: as a header names them.

    Raises UnsupportedFile.
    """
    sample = list(islice(_lines(source.read(offset, _SAMPLE * 64)), _SAMPLE))[: count if count else None]
    if not sample or count == 0:
        raise UnsupportedFile(f"{source.name}: has no lines of numbers")
    spelling, types = spelling_of(sample, columns.types if columns else None)
    found = columns or Columns(_names(len(types)), types)
    columns = Columns(found.names, types)
    stop, rows = _run(source, offset, spelling) if count is None else (_end(source, offset, count), count)
    note = _Note(list(spelling.pieces), list(spelling.formats), [], [])
    behind = Part(source, stop, source.size or 0)
    folded = faces.fold(behind.read(0, behind.size)) if behind.size <= _MOST_FACES else None
    rest: Source = behind if folded is None else BytesSource(folded, source.name)
    made = spooled(_cloud(source, offset, stop, spelling, columns, note, rest), source.name)
    last = len(msgspec.msgpack.encode(note))
    if made.size != offset + rows * columns.size + (rest.size or 0) + last:
        raise UnsupportedFile(f"{source.name}: ends before its points do")
    recipe = last.to_bytes(8, "little") + (b"" if folded is None else _FOLDED)
    return PointCloud(made, kind, columns, offset, rows, Form("text", recipe))


def _cloud(
    source: Source, offset: int, stop: int, spelling: Spelling, columns: Columns, note: _Note, rest: Source
) -> Iterator[bytes]:
    """The bytes of the cloud; fills `note`, which comes last. rest: what is behind the records."""
    yield from Part(source, 0, offset).blocks(_BLOCK)
    at = 0
    for block in _blocks(source, offset, stop):
        made, lines = _numbers(block, spelling, columns)
        other = _others(block, lines, spelling, made)
        note.rows += [at + i for i in other]
        note.lines += [lines[i] for i in other]
        at += len(made)
        if len(note.rows) > _SOME + at // _PART:
            raise UnsupportedFile(f"{source.name}: its numbers are spelled in several ways")
        yield made.tobytes()
    if stop > offset and source.read(stop - 1, 1) != b"\n":  # the file ends with a line that does not end
        note.rows = [*(row for row in note.rows if row != at - 1), at - 1]
        note.lines = [*note.lines[: len(note.rows) - 1], source.read(max(offset, stop - _LINE), _LINE).rpartition(b"\n")[2]]
    yield from rest.blocks(_BLOCK)
    yield msgspec.msgpack.encode(note)


def pieces(cloud: PointCloud) -> Iterator[bytes]:
    """The file."""
    source, size = cloud.source, cloud.source.size or 0
    end = size - int.from_bytes(cloud.form.recipe[:8], "little")
    if end < cloud.stop:
        raise CorruptFile(f"{source.name}: its note is longer than what is behind its points")
    try:
        note = msgspec.msgpack.decode(source.read(end, size - end), type=_Note)
    except msgspec.MsgspecError as error:
        raise CorruptFile(f"{source.name}: its note is damaged ({error})") from error
    spelling = Spelling(tuple(note.pieces), tuple(note.formats))
    if len(note.formats) != len(cloud.columns.names) or len(note.rows) != len(note.lines):
        raise CorruptFile(f"{source.name}: its note contradicts its points")
    _check_types(spelling, cloud.columns)
    yield from Part(source, 0, cloud.offset).blocks(_BLOCK)
    other = dict(zip(note.rows, note.lines, strict=True))
    rows = sorted(other)
    for start in range(0, cloud.count, _ROWS):
        stop = min(cloud.count, start + _ROWS)
        width = cloud.columns.size
        records = np.frombuffer(source.read(cloud.offset + start * width, (stop - start) * width), cloud.columns.dtype)
        text = spelling.lines([records[name] for name in cloud.columns.names])
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
        if here:
            lines = text.splitlines(keepends=True)
            for row in here:
                lines[row - start] = other[row]
            text = b"".join(lines)
        yield text
    if cloud.form.recipe[8:] == _FOLDED:
        yield from faces.unfold(source.read(cloud.stop, end - cloud.stop))
    else:
        yield from Part(source, cloud.stop, end).blocks(_BLOCK)


def _check_types(spelling: Spelling, columns: Columns) -> None:
    for one, kind in zip(spelling.formats, columns.types, strict=True):
        if (one == "d") != (kind[1] != "f"):
            raise CorruptFile("a column of numbers is spelled as another type")


def _names(count: int) -> tuple[str, ...]:
    return (*_NAMES, *(f"c{i}" for i in range(len(_NAMES), count)))[:count]


def _lines(data: bytes) -> list[bytes]:
    """All but what is behind the last end of a line."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _end(source: Source, offset: int, count: int) -> int:
    """Where `count` lines from `offset` on end; raises UnsupportedFile."""
    at = offset
    while block := source.read(at, _BLOCK):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
        if count <= len(ends):
            return at + int(ends[count - 1]) + 1
        at, count = at + len(block), count - len(ends)
    if count == 1 and at > offset and source.read(at - 1, 1) != b"\n":
        return at
    raise UnsupportedFile(f"{source.name}: ends before its points do")


def _run(source: Source, offset: int, spelling: Spelling) -> tuple[int, int]:
    """(where the lines end that look like the first one, how many they are)."""
    pattern, at, rows = run_of(spelling), offset, 0
    while block := source.read(at, _BLOCK):
        found = pattern.match(block)
        size = found.end() if found else 0
        rows += block.count(b"\n", 0, size)
        at += size
        if not size or len(block) - size > _LINE:
            break
    return at, rows


def _blocks(source: Source, start: int, stop: int) -> Iterator[bytes]:
    """Whole lines; an end where the last one has none."""
    while start < stop:
        block = source.read(start, min(_BLOCK, stop - start))
        if start + len(block) == stop and not block.endswith(b"\n"):
            yield block + b"\n"
            return
        size = block.rfind(b"\n") + 1
        if not size:
            raise UnsupportedFile(f"{source.name}: has a line of more than {_BLOCK} bytes")
        yield block[:size]
        start += size


def _numbers(block: bytes, spelling: Spelling, columns: Columns) -> tuple[np.ndarray, list[bytes]]:
    """(records of these lines, the lines; none where all have the words of the first). Lines with other words become zeros."""
    count = block.count(b"\n")
    out = np.zeros(count, columns.dtype)
    try:
        found = spelling.numbers(block, columns.types)
        if len(found[0]) != count:
            raise ValueError("a line has more or fewer words")
        for name, values in zip(columns.names, found, strict=True):
            out[name] = values
        return out, []
    except (ValueError, OverflowError):
        lines = _lines(block)
    for i, line in enumerate(lines):  # rare
        try:
            numbers = spelling.numbers(line, columns.types)
            for name, number in zip(columns.names, numbers, strict=True):
                out[name][i] = number[0]
        except (ValueError, OverflowError, IndexError):
            continue
    return out, lines


def _others(block: bytes, lines: list[bytes], spelling: Spelling, made: np.ndarray) -> list[int]:
    """Which lines are not printed again as they are; fills `lines` if there are some."""
    again = spelling.lines([made[name] for name in made.dtype.names or ()])
    if again == block:
        return []
    if not lines:
        lines += _lines(block)
    return [i for i, (one, other) in enumerate(zip(lines, _lines(again), strict=True)) if one != other]
