"""The table of arrays as headers keep it: names, types, shapes and places.

table = raw deflate of msgpack [names, types, type of each, shapes, gap before each, positions of those in Fortran order]
types = [[descr, bytes of an element], ...]
"""

import zlib
from functools import lru_cache
from typing import Annotated

import msgspec

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.media.arrays.value import MAX_ARRAYS, MAX_DIMENSIONS, ArrayEntry, elements

MAX_TABLE = 900 << 10
"""Bytes of a packed table, so that a header has room for it."""

_MOST = 16 << 20  # bytes of an unpacked one
_RAW = -15  # zlib's name for deflate without a head and a sum

_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Shape = Annotated[list[_Number], msgspec.Meta(max_length=MAX_DIMENSIONS)]
_Limit = msgspec.Meta(max_length=MAX_ARRAYS)


class _Table(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    names: Annotated[list[str], _Limit]
    types: Annotated[list[tuple[str, _Number]], _Limit]
    which: Annotated[list[_Number], _Limit]
    shapes: Annotated[list[_Shape], _Limit]
    gaps: Annotated[list[_Number], _Limit]
    fortran: Annotated[list[_Number], _Limit]


def pack_table(entries: tuple[ArrayEntry, ...]) -> bytes:
    """The table of these arrays, in the order of their places."""
    types: dict[tuple[str, int], int] = {}
    table = _Table([], [], [], [], [], [])
    at = 0
    for position, entry in enumerate(entries):
        table.names.append(entry.name)
        table.which.append(types.setdefault((entry.descr, _itemsize(entry)), len(types)))
        table.shapes.append(list(entry.shape))
        table.gaps.append(entry.offset - at)
        if entry.order == "F":
            table.fortran.append(position)
        at = entry.stop
    table.types = list(types)
    packer = zlib.compressobj(9, wbits=_RAW)
    return packer.compress(msgspec.msgpack.encode(table)) + packer.flush()


@lru_cache(maxsize=16)
def unpack_table(data: bytes) -> tuple[ArrayEntry, ...]:
    """The inverse of `pack_table`; raises CorruptFile."""
    try:
        unpacker = zlib.decompressobj(_RAW)
        text = unpacker.decompress(data, _MOST)
        if not unpacker.eof or unpacker.unused_data:
            raise CorruptFile("the table of arrays is too long")
        return tuple(_entries(msgspec.msgpack.decode(text, type=_Table)))
    except (zlib.error, msgspec.MsgspecError, UnicodeError, ValueError, RecursionError, UnsupportedFile) as error:
        raise CorruptFile(f"the table of arrays is damaged ({' '.join(str(error).split())[:200]})") from error


def _entries(table: _Table) -> list[ArrayEntry]:
    count, fortran = len(table.names), set(table.fortran)
    if {len(table.which), len(table.shapes), len(table.gaps)} != {count} or len(set(table.names)) != count:
        raise CorruptFile("the table of arrays contradicts itself")
    if max(table.which, default=-1) >= len(table.types):
        raise CorruptFile("the table of arrays refers to a missing type")
    found, at = [], 0
    for position, (name, which, shape, gap) in enumerate(zip(table.names, table.which, table.shapes, table.gaps, strict=True)):
        descr, itemsize = table.types[which]
        size = elements(shape, f"the array {name[:200]!r}") * itemsize
        if not itemsize or at + gap + size >= 1 << 62:
            raise CorruptFile("the table of arrays has an impossible size")
        found.append(ArrayEntry(name, descr, tuple(shape), at + gap, size, "F" if position in fortran else "C"))
        at += gap + size
    return found


def _itemsize(entry: ArrayEntry) -> int:
    """Bytes of an element: of an array without any, by its type."""
    count = elements(entry.shape, entry.name)
    if count:
        return entry.size // count
    from lacodec.media.arrays.dtypes import named

    return named(entry.descr).itemsize
