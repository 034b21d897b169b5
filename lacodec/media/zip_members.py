"""The places of the members of a zip file. Nothing is unpacked: of compressed members only the place is known."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source

MAX_DIRECTORY = 64 << 20  # bytes

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_FULL32 = 0xFFFFFFFF
_ENCRYPTED = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A member: `size` bytes from `offset` in the file; `stored`: as they are, neither compressed nor encrypted."""

    name: str
    offset: int
    size: int
    stored: bool


def members(source: Source) -> list[Member]:
    """The members by offset. Raises UnsupportedFile for damaged directories, members that overlap, and duplicate names."""
    found = [_located(source, entry) for entry in _entries(source)]
    found.sort(key=lambda member: (member.offset, member.size))
    at, names = 0, set()
    for member in found:
        if member.offset < at or member.name in names:
            what = "overlaps another member" if member.offset < at else "is a duplicate, so programs disagree about it"
            raise UnsupportedFile(f"{source.name}: the zip member {member.name!r} {what}")
        at = member.offset + member.size
        names.add(member.name)
    return found


def member(source: Source, suffix: str) -> Member | None:
    """The first stored member with this suffix; does not read the others. Raises for duplicate names."""
    found = [entry for entry in _entries(source) if entry.name.endswith(suffix) and entry.stored]
    if len(found) > 1 and found[0].name in {entry.name for entry in found[1:]}:
        raise UnsupportedFile(f"{source.name}: the zip member {found[0].name!r} is a duplicate, so programs disagree about it")
    return _located(source, found[0]) if found else None


def _located(source: Source, entry: Member) -> Member:
    """The member whose local header begins at `entry.offset`."""
    end, local = source.size or 0, entry.offset
    head = source.read(local, 30)
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        raise UnsupportedFile(f"{source.name}: the zip member {entry.name!r} does not begin at offset {local}, where it should")
    names, extra = struct.unpack("<HH", head[26:])
    begin = local + 30 + names + extra
    if begin + entry.size > end:
        raise UnsupportedFile(
            f"{source.name}: the zip member {entry.name!r} should end at {begin + entry.size} but the file has {end} bytes"
        )
    return Member(entry.name, begin, entry.size, entry.stored)


def _directory(source: Source, end: int) -> tuple[int, int]:
    """(offset, size) of the central directory."""
    tail_start = max(0, end - (1 << 16) - 22)
    tail = source.read(tail_start, end - tail_start)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise UnsupportedFile(f"{source.name}: is a zip file without an end; it is damaged or was cut off")
    size, start = struct.unpack("<II", tail[at + 12 : at + 20])
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        place = struct.unpack("<Q", tail[at - 12 : at - 4])[0]
        record = source.read(place, 56) if place < end else b""
        if len(record) < 56 or record[:4] != _END64:
            raise UnsupportedFile(f"{source.name}: the zip64 record at offset {place} is damaged")
        size, start = struct.unpack("<QQ", record[40:56])
    if start + size > end or size > MAX_DIRECTORY:
        raise UnsupportedFile(f"{source.name}: claims a zip directory of {size} bytes at offset {start}, which is impossible")
    return start, size


def _entries(source: Source) -> Iterator[Member]:
    """The entries of the central directory, with the offsets of the local headers."""
    start, length = _directory(source, source.size or 0)
    data = source.read(start, length)
    at = 0
    while data[at : at + 4] == b"PK\x01\x02" and at + 46 <= len(data):
        flags, method = struct.unpack_from("<HH", data, at + 8)
        packed, size, names, extras, comments = struct.unpack_from("<IIHHH", data, at + 20)
        local = struct.unpack_from("<I", data, at + 42)[0]
        name = data[at + 46 : at + 46 + names].decode("utf-8", "replace")
        extra = data[at + 46 + names : at + 46 + names + extras]
        size, packed, local = _wide(extra, [size, packed, local])
        yield Member(name, local, packed, method == 0 and not flags & _ENCRYPTED and size == packed)
        at += 46 + names + extras + comments
    if at != len(data):
        raise UnsupportedFile(f"{source.name}: its zip directory is damaged at byte {at}")


def _wide(extra: bytes, values: list[int]) -> list[int]:
    """(size, packed size, local offset) with those that did not fit in 32 bits from the zip64 field."""
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            body = extra[at + 4 : at + 4 + size]
            for i, value in enumerate(values):
                if value == _FULL32 and len(body) >= 8:
                    values[i] = struct.unpack_from("<Q", body)[0]
                    body = body[8:]
        at += 4 + size
    return values
