"""Codec `points`: the chunks of a file of point records -> the file.

payload = bytes before the records, size and `others` (`arrays_codec`) if any; number of records, u8 method and data if any
method  = 0 columns   3 a sweep of a moving car (`points_moving`)   5 a sweep (`points_sweep`)   2, 1 and 4 older forms of 3 and 5
          6 lanes   7 rows   8 size, payload of codec `bytes` of the records   9 frames   10 mirrored
          11 records of las (`points_las`)
mirrored = u8 axis (0 to 2: x, y, z), size, payload of columns u32[n]: 0, or how many records before this one is that whose
          image it is: the same with the other sign on the axis; u8 method, data of those with 0
frames  = how many; of each: number of points, u8 method and data if there are any; each is told from the one before
lanes   = u8 source: 0, or 1 + the position of a column of integers; size, payload of columns u8[n], or of that column;
          the other columns, as `columns` has them, of the records in the order of these numbers (equal ones as they were)
rows    = width; for each column size, payload of columns [n / width, width]
columns = for each group: u8 joint if it has three columns; joint: size, payload of columns [n, 3]; else such [n] for each

A group: three columns of one type called x, y, z, or as colours and normals are. The header's metadata has a table:

table = number of records, offset of the first one, u8 kind     kind 0: float32 x, y, z, intensity   1: ring, too   2: columns,
        column, column, ...   3: u8 form (`points_forms`),      column = u8 type, size of its name, its name
        size of its recipe, recipe, then u8 kind as before   4 frames: how many, points of each, then u8 kind as before
                                                               5 las: u8 point format, bytes of a record
"""

import struct
from dataclasses import dataclass
from typing import Any

from reference import bytes_codec, columns, points_forms, points_las, points_moving, points_sweep
from reference.arrays_codec import others
from reference.container import CRITICAL, Chunk
from reference.stream import Damaged, Stream, need

MOST_BEFORE = 1 << 22
USUAL = ("x", "y", "z", "intensity", "ring")
TYPES = [
    f"{order}{kind}{width}" for order in "<>" for kind, widths in (("f", "248"), ("i", "248"), ("u", "248")) for width in widths
]
TYPES += ["|i1", "|u1"]
LAS_OLD = "x:<i4 y:<i4 z:<i4 intensity:<u2 returns:|u1 classification:|u1 scan_angle:|i1 user_data:|u1 point_source_id:<u2 "
LAS_NEW = (
    "x:<i4 y:<i4 z:<i4 intensity:<u2 returns:|u1 flags:|u1 classification:|u1 user_data:|u1 scan_angle:<i2 point_source_id:<u2 "
    "time:<f8 "
)
LAS_TIME, LAS_COLOUR, LAS_INFRARED = "time:<f8 ", "red:<u2 green:<u2 blue:<u2 ", "infrared:<u2 "
LAS_WAVE = "wave_descriptor:|u1 wave_offset:<u8 wave_size:<u4 wave_place:<f4 wave_x:<f4 wave_y:<f4 wave_z:<f4 "
TOGETHER = (("x", "y", "z"), ("red", "green", "blue"), ("r", "g", "b"), ("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))


def decode(header: dict[str, Any], chunks: list[Chunk], base: bytes | None = None) -> bytes:
    """The file. base: the file of the frame before, if one is needed."""
    table = read_table(header["metadata"]["points"])
    names, types = table.names, table.types
    before = _frame(base, table.offset, types) if base is not None else []
    out = []
    for chunk in chunks:
        if chunk.kind == CRITICAL and chunk.covers:
            ((start, stop),) = chunk.covers
            need(stop - start == chunk.decoded_size, "a size that contradicts the range that is covered")
            out.append(decode_payload(chunk.payload, chunk.decoded_size, names, types, before))
            chunk.check(out[-1])
    cloud = b"".join(out)
    return points_forms.written(table.form, table.recipe, cloud, table.offset, table.count, types) if table.form else cloud


def _frame(base: bytes, offset: int, types: list[str]) -> list[tuple[float, ...]]:
    """x, y and z of the records in the first 4 MiB of a frame before, which are read as those of the file itself."""
    need(types[:3] == ["<f4"] * 3, "a frame before of something else")
    width = sum(int(kind[2]) for kind in types)
    records = base[offset:][: MOST_BEFORE // width * width]
    return [struct.unpack_from("<3f", records, at) for at in range(0, len(records) // width * width, width)]


@dataclass(frozen=True)
class Table:
    """What a header says. form: 0 where the bytes are those of the file."""

    names: list[str]
    types: list[str]
    offset: int
    count: int
    form: int
    recipe: bytes


def read_table(table: bytes) -> Table:
    """The table in the metadata."""
    data = Stream(table)
    count, offset, kind, form, recipe = data.number(), data.number(), data.byte(), 0, b""
    if kind == 3:
        form, recipe, kind = data.byte(), data.piece(), data.byte()
    if kind == 4:
        need(sum(data.number() for _ in range(data.number())) == count, "frames that do not have all points")
        kind = data.byte()
    need(kind in (0, 1, 2, 5), "columns of an unknown kind")
    names, types = list(USUAL[: 4 + kind]), ["<f4"] * (4 + kind)
    if kind == 5:
        names, types = las_columns(data.byte(), data.number())
    if kind == 2:
        found = [(TYPES[data.byte()], data.piece()) for _ in range(data.number())]
        names, types = [name.decode("utf-8", "surrogatepass") for _, name in found], [kind for kind, _ in found]
    data.finish()
    return Table(names, types, offset, count, form, recipe)


def las_columns(point_format: int, size: int) -> tuple[list[str], list[str]]:
    """Names and types of the columns of las records: those of the point format, then extra bytes up to the size."""
    need(point_format < 11, "a point format of las that is unknown")
    fields = LAS_NEW if point_format > 5 else LAS_OLD + (LAS_TIME if point_format in (1, 3, 4, 5) else "")
    fields += LAS_COLOUR if point_format in (2, 3, 5, 7, 8, 10) else ""
    fields += LAS_INFRARED if point_format in (8, 10) else ""
    fields += LAS_WAVE if point_format in (4, 5, 9, 10) else ""
    found = [tuple(field.split(":")) for field in fields.split()]
    extra = size - sum(int(kind[2]) for _, kind in found)
    need(0 <= extra <= 1024 - len(found), "records of las that are too short")
    found += [(f"extra{i}", "|u1") for i in range(extra)]
    return [name for name, _ in found], [kind for _, kind in found]


def decode_payload(payload: bytes, size: int, names: list[str], types: list[str], before: list[tuple[float, ...]]) -> bytes:
    """The bytes of a chunk."""
    data = Stream(payload)
    if not size:
        data.finish()
        return b""
    lead = data.number()
    head = others(Stream(data.piece()), lead) if lead else b""
    count = data.number()
    need(lead + count * sum(int(kind[2]) for kind in types) == size, "records that do not make up the size")
    records = _records(data, data.byte(), names, types, count, before) if count else b""
    data.finish()
    return head + records


def _records(data: Stream, method: int, names: list[str], types: list[str], count: int, before: list[tuple[float, ...]]) -> bytes:
    """The records by a method."""
    need(method <= 11, "records of an unknown form")
    widths = [int(kind[2]) for kind in types]
    if method == 8:
        return bytes_codec.decode(data.piece(), count * sum(widths))
    if method == 10:
        return _mirrored(data, names, types, count)
    if method == 9:
        out = b""
        for _ in range(data.number()):
            points = data.number()
            if points:
                frame = _records(data, data.byte(), names, types, points, before)
                before = _frame(frame, 0, types) if types[:3] == ["<f4"] * 3 else []
                out += frame
        need(len(out) == count * sum(widths), "frames that do not have all points")
        return out
    if method == 0:
        numbers = _columns(data, names, types, count)
    elif method == 6:
        numbers = _lanes(data, names, types, count)
    elif method == 7:
        numbers = _rows(data, types, count)
    elif method == 11:
        numbers = _las(data, names, types, count)
    elif method in (1, 4, 5):
        numbers = points_sweep.decode(data, types, count, method, before)
    else:
        numbers = points_moving.decode(data, types, count, method == 2)
    orders = ["big" if kind[0] == ">" else "little" for kind in types]
    return b"".join(
        bits.to_bytes(width, order)  # type: ignore[arg-type]
        for row in zip(*numbers, strict=True)
        for bits, width, order in zip(row, widths, orders, strict=True)
    )


def _mirrored(data: Stream, names: list[str], types: list[str], count: int) -> bytes:
    """Records of which some are images of earlier ones."""
    place = names.index("xyz"[data.byte()])
    need(types[place][1] == "f", "images of whole numbers")
    distances = columns.decode(data.piece(), ("u", 4), (count,))
    method, several = data.byte(), distances.count(0)
    need(method in (0, 6, 7, 8), "records of an unknown form")
    others = _records(data, method, names, types, several, []) if several else b""
    size, at = sum(int(kind[2]) for kind in types), sum(int(kind[2]) for kind in types[:place])
    sign = at if types[place][0] == ">" else at + int(types[place][2]) - 1
    found, own = list[bytes](), 0
    for i, distance in enumerate(distances):
        if distance == 0:
            found.append(others[own * size : (own + 1) * size])
            own += 1
            continue
        need(distance <= i and distances[i - distance] == 0, "an image of an image")
        image = bytearray(found[i - distance])
        image[sign] ^= 128
        found.append(bytes(image))
    return b"".join(found)


def _lanes(data: Stream, names: list[str], types: list[str], count: int) -> list[list[int]]:
    """The bits of every column, coded laser by laser."""
    source = data.byte() - 1
    need(source < len(types), "a column that is none")
    kind = types[source] if source >= 0 else "|u1"
    need(kind in ("|u1", "|i1", "<u2", "<i2"), "lasers that are no integers")
    lanes = columns.decode(data.piece(), (kind[1], int(kind[2])), (count,))
    half = 1 << 8 * int(kind[2]) - 1
    order = sorted(range(count), key=lambda i: (lanes[i] + half) % (2 * half) if kind[1] == "i" else lanes[i])
    kept = [i for i in range(len(names)) if i != source]
    found = _columns(data, [names[i] for i in kept], [types[i] for i in kept], count)
    out = [lanes] * len(names)
    for i, column in zip(kept, found, strict=True):
        out[i] = [0] * count
        for place, bits in zip(order, column, strict=True):
            out[i][place] = bits
    return out


def _rows(data: Stream, types: list[str], count: int) -> list[list[int]]:
    """The bits of every column, coded by firings."""
    width = data.number()
    need(0 < width <= count and count % width == 0, "firings that do not make up the points")
    return [columns.decode(data.piece(), (kind[1], int(kind[2])), (count // width, width)) for kind in types]


def _las(data: Stream, names: list[str], types: list[str], count: int) -> list[list[int]]:
    """The bits of every column of las records."""
    found = points_las.decode(data, names, types, count)
    kept = [i for i, name in enumerate(names) if name not in found]
    others = _columns(data, [names[i] for i in kept], [types[i] for i in kept], count)
    return [found[name] if name in found else others.pop(0) for name in names]


def _columns(data: Stream, names: list[str], types: list[str], count: int) -> list[list[int]]:
    """The bits of every column."""
    out: list[list[int]] = []
    while len(out) < len(names):
        at = len(out)
        kind = (types[at][1], int(types[at][2]))
        three = tuple(name.lower() for name in names[at : at + 3])
        several = 3 if three in TOGETHER and len(set(types[at : at + 3])) == 1 else 1
        how = data.byte() if several == 3 else 0
        if how == 1:
            found = columns.decode(data.piece(), kind, (count, 3))
            out += [found[i::3] for i in range(3)]
        elif how == 0:
            out += [columns.decode(data.piece(), kind, (count,)) for _ in range(several)]
        else:
            raise Damaged("columns that are coded in an unknown way")
    return out
