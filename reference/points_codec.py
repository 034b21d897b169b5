"""Codec `points`: the chunks of a file of point records -> the file.

payload = bytes before the records, size and `others` (`arrays_codec`) if any; number of records, u8 method and data if any
method  = 0 columns   5 columns by rings   1 a sweep (`points_sweep`)   2 a sweep of a moving car (`points_moving`)
columns = for each group: u8 joint if it has three columns; joint: size, payload of columns [n, 3]; else such [n] for each

A group: three columns of one type called x, y, z, or as colours and normals are. The header's metadata has a table:

table = number of records, offset of the first one, u8 kind     kind 0: float32 x, y, z, intensity   1: ring, too   2: columns,
        column, column, ...   3: u8 form (`points_forms`),      column = u8 type, size of its name, its name
        size of its recipe, recipe, then u8 kind as before   4 frames: how many, points of each, then u8 kind as before
"""

from dataclasses import dataclass
from typing import Any

from reference import columns, points_forms, points_moving, points_sweep
from reference.arrays_codec import others
from reference.container import CRITICAL, Chunk
from reference.stream import Damaged, Stream, need

USUAL = ("x", "y", "z", "intensity", "ring")
TYPES = [
    f"{order}{kind}{width}" for order in "<>" for kind, widths in (("f", "248"), ("i", "248"), ("u", "248")) for width in widths
]
TYPES += ["|i1", "|u1"]
TOGETHER = (("x", "y", "z"), ("red", "green", "blue"), ("r", "g", "b"), ("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))


def decode(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The file."""
    table = read_table(header["metadata"]["points"])
    names, types = table.names, table.types
    out = []
    for chunk in chunks:
        if chunk.kind == CRITICAL and chunk.covers:
            ((start, stop),) = chunk.covers
            need(stop - start == chunk.decoded_size, "a size that contradicts the range that is covered")
            out.append(decode_payload(chunk.payload, chunk.decoded_size, names, types))
            chunk.check(out[-1])
    cloud = b"".join(out)
    return points_forms.written(table.form, table.recipe, cloud, table.offset, table.count, types) if table.form else cloud


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
    need(kind <= 2, "columns of an unknown kind")
    names, types = list(USUAL[: 4 + kind]), ["<f4"] * (4 + kind)
    if kind == 2:
        found = [(TYPES[data.byte()], data.piece()) for _ in range(data.number())]
        names, types = [name.decode("utf-8", "surrogatepass") for _, name in found], [kind for kind, _ in found]
    data.finish()
    return Table(names, types, offset, count, form, recipe)


def decode_payload(payload: bytes, size: int, names: list[str], types: list[str]) -> bytes:
    """The bytes of a chunk."""
    data = Stream(payload)
    if not size:
        data.finish()
        return b""
    lead = data.number()
    before = others(Stream(data.piece()), lead) if lead else b""
    count = data.number()
    widths = [int(kind[2]) for kind in types]
    need(lead + count * sum(widths) == size, "records that do not make up the size")
    records = b""
    if count:
        method = data.byte()
        need(method in (0, 1, 2, 5), "records of an unknown form")
        if method == 5:
            numbers = _by_ring(data, names, types, count)
        elif method:
            numbers = (points_sweep if method == 1 else points_moving).decode(data, types, count)
        else:
            numbers = _columns(data, names, types, count)
        orders = ["big" if kind[0] == ">" else "little" for kind in types]
        rows = zip(*numbers, strict=True)
        records = b"".join(
            bits.to_bytes(width, order)  # type: ignore[arg-type]
            for row in rows
            for bits, width, order in zip(row, widths, orders, strict=True)
        )
    data.finish()
    return before + records


def _by_ring(data: Stream, names: list[str], types: list[str], count: int) -> list[list[int]]:
    """The bits of every column, where all points of a ring stand together, the lowest first."""
    at = data.byte()
    need(at < len(names) and len(names) > 1 and types[at][1] in "ui", "no column that tells rings")
    kind, width = types[at][1], int(types[at][2])
    rings = columns.decode(data.piece(), (kind, width), (count,))
    signed = [ring - (1 << 8 * width) if kind == "i" and ring >> (8 * width - 1) else ring for ring in rings]
    order = sorted(range(count), key=lambda i: signed[i])
    found = _columns(data, names[:at] + names[at + 1 :], types[:at] + types[at + 1 :], count)
    out = [[0] * count for _ in found]
    for column, together in zip(out, found, strict=True):
        for i, bits in zip(order, together, strict=True):
            column[i] = bits
    return [*out[:at], rings, *out[at:]]


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
