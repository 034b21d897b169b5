"""Files of points that are written from a cloud: pcd packed by LZF, and lines of text. laz and feather are left to libraries.

form = 1 pcd compressed: cloud = header, records, bytes behind them; recipe = u8 bits, u8 factor of the hash
       3 text: cloud = bytes before the lines, records, bytes behind the lines, note; recipe = u64 bytes of the note;
         u8 1 if the bytes behind the lines are folded (`points_faces`)
"""

import struct
from itertools import chain
from typing import Any

from reference.container import read_msgpack
from reference.points_faces import unfolded
from reference.stream import need

COMPRESSED, TEXT = 1, 3
WRITERS = ((16, 1), (16, 5), (13, 1), (15, 1), (14, 1), (15, 5), (14, 5), (13, 5))


def written(form: int, recipe: bytes, cloud: bytes, offset: int, count: int, types: list[str]) -> bytes:
    """The file."""
    if form == COMPRESSED:
        return _compressed(recipe, cloud, offset, count, types)
    need(form == TEXT, "points that a library packs")
    return _text(recipe, cloud, offset, count, types)


def _compressed(recipe: bytes, cloud: bytes, offset: int, count: int, types: list[str]) -> bytes:
    need(tuple(recipe) in WRITERS, "an unknown hash")
    widths = _field_widths(cloud[:offset])
    row = sum(widths)
    need(row == sum(int(kind[2]) for kind in types), "a header that contradicts the points")
    records, fields, at = cloud[offset : offset + count * row], [], 0
    for width in widths:
        fields += [records[i + at : i + at + width] for i in range(0, len(records), row)]
        at += width
    packed = lzf(b"".join(fields), *recipe)
    return cloud[:offset] + struct.pack("<II", len(packed), len(records)) + packed + cloud[offset + len(records) :]


def _field_widths(head: bytes) -> list[int]:
    found = {line.split()[0]: line.split()[1:] for line in head.decode("latin-1").splitlines() if line.split()}
    counts = found.get("COUNT") or ["1"] * len(found["SIZE"])
    return [int(size) * int(several) for size, several in zip(found["SIZE"], counts, strict=True)]


def lzf(data: bytes, bits: int, factor: int) -> bytes:
    """As the point cloud libraries pack: greedy; the last place of three bytes with this hash, if it is near."""
    table: dict[int, int] = {}
    out, run, at, last = bytearray(), bytearray(), 0, len(data) - 2

    def slot(place: int) -> int:
        three = int.from_bytes(data[place : place + 3], "big")
        return ((three >> (24 - bits)) - three * factor) & ((1 << bits) - 1)

    def literals() -> None:
        if run:
            out.extend((len(run) - 1, *run))
            run.clear()

    while at < last:
        place = table.get(slot(at), 0)
        table[slot(at)] = at
        away = at - place - 1
        if place == 0 or away >= 1 << 13 or data[place : place + 3] != data[at : at + 3]:
            run.append(data[at])
            at += 1
            if len(run) == 32:
                literals()
            continue
        literals()
        count = _common(data, place, at, min(len(data) - at - 2, 264))
        length = count - 2
        out += bytes([(away >> 8) + (min(length, 7) << 5), *([length - 7] if length >= 7 else []), away & 255])
        at += count
        if at < last:
            for again in range(at - (2 if factor == 5 else 1), at):
                table[slot(again)] = again
    for byte in data[at:]:
        run.append(byte)
        if len(run) == 32:
            literals()
    literals()
    return bytes(out)


def _common(data: bytes, place: int, at: int, most: int) -> int:
    """How many bytes agree; the limit does not hold for the first 18."""
    count = 2
    if most > 16:
        for count in range(3, 19):
            if data[place + count] != data[at + count]:
                return count
    count += 1
    while count < most and data[place + count] == data[at + count]:
        count += 1
    return count


def _text(recipe: bytes, cloud: bytes, offset: int, count: int, types: list[str]) -> bytes:
    end = len(cloud) - int.from_bytes(recipe[:8], "little")
    pieces, formats, rows, lines = read_msgpack(cloud[end:])
    width = sum(int(kind[2]) for kind in types)
    codes = {
        "f2": "e",
        "f4": "f",
        "f8": "d",
        "i1": "b",
        "i2": "h",
        "i4": "i",
        "i8": "q",
        "u1": "B",
        "u2": "H",
        "u4": "I",
        "u8": "Q",
    }
    record = struct.Struct("<" + "".join(codes[kind[1:]] for kind in types))
    other = dict(zip(rows, lines, strict=True))
    out = [cloud[:offset]]
    for row in range(count):
        values = record.unpack_from(cloud, offset + row * width)
        printed = [_printed(how, value) for how, value in zip(formats, values, strict=True)]
        line = b"".join(chain.from_iterable(zip(pieces, [*printed, b""], strict=True)))
        out.append(other.get(row, line))
    behind = cloud[offset + count * width : end]
    return b"".join([*out, unfolded(behind) if recipe[8:] == b"\1" else behind])


def _printed(how: str, value: Any) -> bytes:
    if how in ("d", "r"):
        return repr(value).encode()
    return f"{value:.{how[1:]}{how[0]}}".encode()
