"""Lines of faces behind the vertices of a mesh, and what is between them <-> their `corners`.

folded = u32 bytes of the note, note, corners     note (MessagePack) = [spelling, rows, other bytes, degrees, faces, sizes]
spelling  = [before, between, end, counted, numbers of a corner]; a line is: before; count of corners and a space if counted;
            corners with spaces between them, each some numbers with `between` in between; end
rows      = before which face there are other bytes, such as lines of another kind
degrees   = corners of each face, a byte each; a single one if all are alike
"""

import re
import struct
from collections.abc import Iterator
from itertools import groupby

import msgspec
import numpy as np

from lacodec.errors import CorruptFile
from lacodec.media.points import corners
from lacodec.media.points.corners import Faces, Sizes

_LEAST = 16  # faces that are worth it
_PART = 8  # one run of other lines in so many faces, at most
_CORNER = rb"\d{1,10}"
_LINE = re.compile(rb"(f |)((?:" + _CORNER + rb"(?:/\d{0,10}){0,2} ?)+)( ?\r?)\n")


class Spelling(msgspec.Struct, array_like=True, frozen=True):
    """A line of corners."""

    before: bytes
    between: bytes
    end: bytes
    counted: bool
    several: int

    def __post_init__(self) -> None:
        good = (
            self.before in (b"", b"f ") and self.between in (b"", b"/", b"//") and self.end in (b"\n", b" \n", b"\r\n", b" \r\n")
        )
        if not good or not 1 <= self.several <= 3 or (self.several > 1) != bool(self.between):
            raise CorruptFile("its lines of faces are spelled in an impossible way")

    def lines(self, faces: Faces) -> list[bytes]:
        """Each face as a line."""
        corner = self.between.join([b"%d"] * self.several)
        made, start = [], 0
        table = faces.numbers.T
        for degree, run in groupby(faces.degrees.tolist()):
            several = len(list(run))
            head = self.before + (b"%d " % degree if self.counted else b"")
            line = head + b" ".join([corner] * degree) + self.end
            stop = start + several * degree
            values = table[start:stop].reshape(several, -1).tolist()
            made += [line % tuple(row) for row in values]
            start = stop
        return made

    def pattern(self) -> "re.Pattern[bytes]":
        """Matches such a line; its first group has the numbers."""
        corner = re.escape(self.between).join([_CORNER] * self.several)
        return re.compile(re.escape(self.before) + rb"(" + corner + rb"(?: " + corner + rb")*)" + re.escape(self.end))


class _Note(msgspec.Struct, array_like=True):
    spelling: Spelling
    rows: list[int]
    others: list[bytes]
    degrees: bytes
    count: int
    sizes: list[Sizes]


def fold(data: bytes) -> bytes | None:
    """Lines of faces, and whatever is between them, as folded bytes; None if there are hardly any, or this would not be exact."""
    lines = data.splitlines(keepends=True) if b"\n" in data else []
    spelling = _spelling(lines)
    if spelling is None:
        return None
    found = _parsed(lines, spelling)
    if found is None:
        return None
    faces, rows, others = found
    packed = corners.pack(faces)
    if packed is None:
        return None
    degrees = faces.degrees.astype(np.uint8).tobytes()
    alike = degrees[:1] if len(set(degrees)) == 1 else degrees
    note = msgspec.msgpack.encode(_Note(spelling, rows, others, alike, len(degrees), packed[0]))
    folded = struct.pack("<I", len(note)) + note + packed[1]
    return folded if b"".join(unfold(folded)) == data else None


def _spelling(lines: list[bytes]) -> Spelling | None:
    """How the first line of faces is spelled."""
    counted = not any(line.startswith(b"f ") for line in lines)
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or bool(found[1]) == counted:
            continue
        words = found[2].split()
        parts = words[0].split(b"/")
        between = b"" if len(parts) == 1 else b"//" if len(parts) == 3 and not parts[1] else b"/"
        end = line[len(line.rstrip()) :]
        if end not in (b"\n", b" \n", b"\r\n", b" \r\n") or not parts[-1]:
            return None
        return Spelling(found[1], between, end, counted, 2 if between == b"//" else len(parts))
    return None


def _parsed(lines: list[bytes], spelling: Spelling) -> tuple[Faces, list[int], list[bytes]] | None:
    """(faces, before which of them there are other lines, those), None if there are too many of them, or too few faces."""
    pattern, rows, others = spelling.pattern(), list[int](), list[bytes]()
    texts, degrees = list[bytes](), list[int]()
    run: list[bytes] = []
    for line in lines:
        found = pattern.fullmatch(line)
        words = found[1] if found else b""
        degree = words.count(b" ") + 1
        if spelling.counted and found:
            several, _, words = words.partition(b" ")
            degree -= 1
            found = found if several == b"%d" % degree else None
        if found is None or not 1 <= degree <= corners.MOST_DEGREE:
            run.append(line)
            continue
        if run:
            rows.append(len(degrees))
            others.append(b"".join(run))
            run = []
        texts.append(words)
        degrees.append(degree)
    if run:
        rows.append(len(degrees))
        others.append(b"".join(run))
    if len(degrees) < max(_LEAST, len(rows) * _PART):
        return None
    text = b" ".join(texts)
    flat = np.array((text.replace(b"/", b" ") if spelling.between else text).split()).astype(np.int64)
    numbers = np.ascontiguousarray(flat.reshape(-1, spelling.several).T)
    return Faces(np.array(degrees, np.int64), numbers), rows, others


def unfold(folded: bytes) -> Iterator[bytes]:
    """The bytes; raises CorruptFile."""
    size = int.from_bytes(folded[:4], "little")
    try:
        note = msgspec.msgpack.decode(folded[4 : 4 + size], type=_Note)
    except msgspec.MsgspecError as error:
        raise CorruptFile(f"the note of its faces is damaged ({error})") from error
    data = folded[4 + size :]
    if len(note.sizes) != note.spelling.several or len(note.rows) != len(note.others):
        raise CorruptFile("the note of its faces contradicts itself")
    faces = corners.unpack(_degrees(note, len(data)), note.sizes, data)
    lines, start = note.spelling.lines(faces), 0
    for row, others in zip(note.rows, note.others, strict=True):
        if not start <= row <= len(lines):
            raise CorruptFile("lines between its faces are at impossible places")
        yield b"".join(lines[start:row])
        yield others
        start = row
    yield b"".join(lines[start:])


def _degrees(note: _Note, most: int) -> np.ndarray:
    """i64[n]. most: corners, each of which has a byte at least."""
    found = np.frombuffer(note.degrees, np.uint8)
    good = len(found) in (1, note.count) and 0 < note.count <= most and 1 <= found.min() <= found.max() <= corners.MOST_DEGREE
    if not good:
        raise CorruptFile("the note of its faces contradicts itself")
    return np.resize(found, note.count).astype(np.int64)
