"""Pictures within pictures: previews in the metadata of a JPEG file, and further pictures behind the first (MPO).

file --analyse--> picture with its header --JPEG files found in there, cut out--> Picture, a tree --pack--> all but the frames
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lacodec.codecs.image.jpeg.headers import restore, shorten
from lacodec.codecs.image.jpeg.stream.parse import Parsed, analyse, analyse_first
from lacodec.codecs.image.jpeg.stream.record import Stream, unpack, varint
from lacodec.errors import CorruptFile

_SOI = b"\xff\xd8\xff"
_LEAST = 64  # bytes of a file's scans for which it is cut out
_TRIES, MAX_PICTURES, _MAX_DEPTH = 32, 64, 3


@dataclass(frozen=True)
class Picture:
    """A file of `size` bytes. parsed: with a header from which the files `inner` are cut; places: where, in that header."""

    parsed: Parsed
    size: int
    places: tuple[int, ...] = ()
    inner: tuple["Picture", ...] = ()

    @property
    def blocks(self) -> int:
        """Of all pictures."""
        return sum(part.coefficients.size // 64 for one in self.walk() for part in one.parsed.frame.components)

    def walk(self) -> Iterator["Picture"]:
        """All pictures, those inside of others first."""
        for one in self.inner:
            yield from one.walk()
        yield self


def read_picture(data: bytes) -> Picture | None:
    """The picture in a file, with those inside of it; None if it cannot be restored exactly."""
    parsed = analyse(data)
    if parsed is None or len(parsed.record.header) == len(data):
        return None
    return _with_inner(Picture(parsed, len(data)), [MAX_PICTURES], 1)


def _with_inner(picture: Picture, left: list[int], depth: int) -> Picture:
    header, kept, inner, places = picture.parsed.record.header, [], [], []
    at, start, tries = 2, 0, 0
    while depth < _MAX_DEPTH and tries < _TRIES and left[0] > 1:
        at = header.find(_SOI, at)
        if at < 0:
            break
        tries += 1
        found = analyse_first(header[at:])
        if found is None or found[1] - len(found[0].record.header) < _LEAST:
            at += 3
            continue
        left[0] -= 1
        kept.append(header[start:at])
        places.append(sum(map(len, kept)))
        inner.append(_with_inner(Picture(*found), left, depth + 1))
        at += found[1]
        start = at
    if not inner:
        return picture
    kept.append(header[start:])
    record = replace(picture.parsed.record, header=b"".join(kept))
    return Picture(replace(picture.parsed, record=record), picture.size, tuple(places), tuple(inner))


def full_header(header: bytes, places: tuple[int, ...], files: list[bytes]) -> bytes:
    """The header with the files that were cut out of it."""
    parts, start = [], 0
    for place, file in zip(places, files, strict=True):
        parts += [header[start:place], file]
        start = place
    return b"".join([*parts, header[start:]])


def pack(picture: Picture) -> bytes:
    """All but the frames.

    For each picture, those inside of it behind it: varint bytes of its header, of its record, files inside; for each of these
    varint place behind the one before, size; then all headers (`headers`); then all records (`record`).
    """
    facts: list[bytes] = []
    headers: list[bytes] = []
    records: list[bytes] = []

    def add(one: Picture) -> None:
        headers.append(shorten(one.parsed.record.header))
        records.append(one.parsed.record.pack())
        facts.append(b"".join(map(varint, (len(headers[-1]), len(records[-1]), len(one.inner)))))
        before = 0
        for place, file in zip(one.places, one.inner, strict=True):
            facts.append(varint(place - before) + varint(file.size))
            before = place
        for file in one.inner:
            add(file)

    add(picture)
    return b"".join(facts + headers + records)


@dataclass
class Packed:
    """A picture whose frame is still to come: `parsed` without it, see `Picture`."""

    header: bytes
    packed: bytes
    size: int
    places: tuple[int, ...]
    inner: list["Packed"]


def unpack_pictures(data: bytes, size: int) -> Packed:
    """The inverse of `pack`, for a file of `size` bytes; raises CorruptFile."""
    stream = Stream(data)
    order: list[tuple[Packed, tuple[int, int]]] = []

    def facts(size: int, depth: int) -> Packed:
        lengths, count = (stream.varint(), stream.varint()), stream.varint()
        if count >= MAX_PICTURES or depth > _MAX_DEPTH or len(order) >= MAX_PICTURES:
            raise CorruptFile("there are too many pictures in a picture")
        found = Packed(b"", b"", size, (), [])
        order.append((found, lengths))
        at, places, sizes = 0, [], []
        for _ in range(count):
            at += stream.varint()
            places.append(at)
            sizes.append(stream.varint())
        if sum(sizes) > size:
            raise CorruptFile("a picture inside another one is larger than that")
        found.places = tuple(places)
        found.inner = [facts(one, depth + 1) for one in sizes]
        return found

    top = facts(size, 1)
    for one, (length, _) in order:
        one.header = restore(stream.take(length), one.size)
    for one, (_, length) in order:
        one.packed = stream.take(length)
    stream.finish()
    return top


__all__ = ["MAX_PICTURES", "Packed", "Picture", "full_header", "pack", "read_picture", "unpack", "unpack_pictures"]
