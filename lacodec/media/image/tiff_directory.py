"""Directories of TIFF files: tags read, kept and written."""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source

ICC, XMP, ORIENTATION, EXIF, GPS, COLOURS = 34675, 700, 274, 34665, 34853, 320

X_DPI, Y_DPI, UNIT, PHOTOMETRIC, EXTRA = 282, 283, 296, 262, 338

GEO = frozenset((33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113))
"""GeoTIFF tags: the place of the picture on earth."""

COMMENTS = frozenset((254, 255, 269, 270, 271, 272, 280, 281, 285, 297, 305, 306, 315, 316, 33432))
"""Tags that tell of the picture without changing how it looks."""

LAYOUT = frozenset((256, 257, 258, 259, 266, 273, 277, 278, 279, 284, 292, 293, 317, 322, 323, 324, 325, 339))
"""Tags that define the layout of the pixels in the file."""

_KEPT = (
    COMMENTS
    | GEO
    | {ICC, XMP, ORIENTATION, COLOURS, X_DPI, Y_DPI, UNIT, PHOTOMETRIC, EXTRA, 266, 301, 318, 319, 339, 33723, 34377}
)

_FORMS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 16: "Q"}

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

_MOST = 512 << 10  # bytes of tags


class Tag(NamedTuple):
    """An entry of a directory; `data` in the file's byte order."""

    kind: int
    length: int
    data: bytes


class Directory(NamedTuple):
    """An IFD. used: (first, last + 1) of all bytes that it takes."""

    big: bool
    tags: dict[int, Tag]
    following: int
    used: list[tuple[int, int]]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Whole numbers of a tag; none if it is missing or of another kind."""
        entry = self.tags.get(tag)
        if entry is None or entry.kind not in (1, 3, 4):
            return ()
        return struct.unpack(f"{'>' if self.big else '<'}{entry.length}{_FORMS[entry.kind]}", entry.data)

    def ratio(self, tag: int) -> float | None:
        """A positive rational number."""
        entry = self.tags.get(tag)
        if entry is None or (entry.kind, entry.length) != (5, 1):
            return None
        over, under = struct.unpack(f"{'>' if self.big else '<'}II", entry.data)
        return over / under if over and under else None


def read_directory(source: Source, at: int | None = None) -> Directory:
    """The IFD at an offset, by default the first; raises UnsupportedFile."""
    name, size = source.name, source.size or 0
    head = source.read(0, 8)
    big = head[:2] == b"MM"
    order = ">" if big else "<"
    if len(head) < 8 or head[:4] not in (b"II*\0", b"MM\0*"):
        raise UnsupportedFile(f"{name}: this TIFF has no header")
    start = struct.unpack(f"{order}I", head[4:])[0] if at is None else at
    raw = source.read(start, 2)
    count = int.from_bytes(raw, "big" if big else "little")
    block = source.read(start + 2, 12 * count + 4)
    if len(raw) < 2 or len(block) < 12 * count + 4 or not count:
        raise UnsupportedFile(f"{name}: the directory of this TIFF is cut off")
    tags: dict[int, Tag] = {}
    used, total = [(0, 8), (start, start + 6 + 12 * count)], 0
    for i in range(count):
        tag, kind, n = struct.unpack_from(f"{order}HHI", block, 12 * i)
        length = _SIZES.get(kind, 0) * n
        total += length
        if tag in tags or kind not in _SIZES or total > _MOST:
            raise UnsupportedFile(f"{name}: tag {tag} of this TIFF is a duplicate, too large or of an unknown kind")
        data = block[12 * i + 8 : 12 * i + 8 + length]
        if length > 4:
            place = struct.unpack_from(f"{order}I", block, 12 * i + 8)[0]
            data = source.read(place, length)
            if place + length > size:
                raise UnsupportedFile(f"{name}: tag {tag} of this TIFF lies beyond its end")
            used.append((place, place + length))
        tags[tag] = Tag(kind, n, data)
    return Directory(big, tags, struct.unpack_from(f"{order}I", block, 12 * count)[0], used)


def packed_tags(big: bool, tags: list[tuple[int, Tag]]) -> bytes:
    """The form in which an Image keeps the tags of a TIFF: byte order, then for each number, kind, count and data."""
    order = ">" if big else "<"
    items = (struct.pack(f"{order}HHI", tag, kind, count) + data for tag, (kind, count, data) in tags)
    return (b"MM" if big else b"II") + b"".join(items)


def unpacked_tags(data: bytes) -> Directory:
    """The inverse of `packed_tags`; raises BadInput."""
    big, at = data[:2] == b"MM", 2
    tags: dict[int, Tag] = {}
    while at < len(data):
        if len(data) < at + 8:
            raise BadInput("the stored TIFF tags are cut off")
        tag, kind, count = struct.unpack_from(f"{'>' if big else '<'}HHI", data, at)
        size = _SIZES.get(kind, 0) * count
        tags[tag] = Tag(kind, count, data[at + 8 : at + 8 + size])
        if len(tags[tag].data) != size or kind not in _SIZES:
            raise BadInput("the stored TIFF tags are cut off")
        at += 8 + size
    return Directory(big, tags, 0, [])


def small_directory(tags: dict[int, Tag], big: bool = False) -> bytes:
    """A TIFF without pixels, as EXIF data is."""
    order = ">" if big else "<"
    block, values = struct.pack(f"{order}H", len(tags)), b""
    after = 8 + 6 + 12 * len(tags)
    for tag in sorted(tags):
        kind, count, data = tags[tag]
        inline = len(data) <= 4
        block += struct.pack(f"{order}HHI", tag, kind, count)
        block += data.ljust(4, b"\0") if inline else struct.pack(f"{order}I", after + len(values))
        values += b"" if inline else data + b"\0" * (len(data) % 2)
    return (b"MM\0*" if big else b"II*\0") + struct.pack(f"{order}I", 8) + block + bytes(4) + values


def exif_directory(data: bytes) -> Directory | None:
    """The first directory of EXIF data; None if it cannot be read."""
    try:
        return read_directory(BytesSource(data.removeprefix(b"Exif\0\0"), "EXIF"))
    except UnsupportedFile:
        return None


def tag_differences(one: Directory, other: Directory) -> Iterator[int]:
    """Tags that are kept and differ."""
    for tag in sorted((set(one.tags) | set(other.tags)) & _KEPT):
        if one.tags.get(tag) != other.tags.get(tag):
            yield tag


def describe_tag(tag: int) -> Any:
    """A tag by name where it has a common one."""
    names = {ICC: "colour profile", XMP: "XMP", ORIENTATION: "orientation", EXIF: "EXIF", GPS: "EXIF", 33723: "IPTC"}
    return names.get(tag) or ("GeoTIFF tags" if tag in GEO else "Photoshop data" if tag == 34377 else f"TIFF tag {tag}")
