"""Special values: a plane of marks says where which of them are.

    marks = number of different values, these values, number of listed ones, their bytes (zstd), plane

Mark 0: a value of the field; from 1: a value of the table; 255: the next one of the list.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.bounded._plane import read_plane, write_plane
from lacodec.codecs.fields import Reader, Writer, pack, unpack
from lacodec.errors import CorruptFile

Bytes = NDArray[np.uint8]
_TABLE = 254
_LISTED = 255
_FAR = 16  # times the range of all others that a fill value is away from them
_ENDS = 2  # fill values, at most, at either end


def special(values: NDArray[Any], bound: Bound) -> NDArray[np.bool_]:
    """Where the special values are."""
    found = ~np.isfinite(values)
    found |= np.signbit(values) & (values == 0) if bound.relative is None else values == 0
    for _ in range(_ENDS):
        fills = _far_away(values, found)
        if not len(fills):
            break
        found |= np.isin(values, fills)
    return found


def _far_away(values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """The largest and the smallest value, where they occur several times and no other value is near."""
    rest = values[~known] if known.any() else values
    fills = []
    if len(rest) > 2:
        low, high = rest.min(), rest.max()
        below, above = np.max(rest, where=rest < high, initial=low), np.min(rest, where=rest > low, initial=high)
        with np.errstate(all="ignore"):
            if (
                float(high) - float(below) > _FAR * (float(below) - float(low))
                and np.count_nonzero(rest == high) > 1
                and below > low
            ):
                fills.append(high)
            elif (
                float(above) - float(low) > _FAR * (float(high) - float(above))
                and np.count_nonzero(rest == low) > 1
                and above < high
            ):
                fills.append(low)
    return np.array(fills, values.dtype)


def write(out: Writer, values: NDArray[Any], special: NDArray[np.bool_], shape: tuple[int, ...]) -> Bytes:
    """Store them; returns the marks, u8[n]."""
    bits = np.ascontiguousarray(values[special]).view(f"u{values.itemsize}")
    table, which, counts = np.unique(bits, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(table), np.int64)
    rank[order] = np.arange(len(table))
    kinds = np.minimum(rank[which] + 1, _LISTED)
    marks = np.zeros(len(values), np.uint8)
    marks[special] = kinds
    shown = table[order[:_TABLE]]
    listed = bits[kinds == _LISTED]
    out.number(len(shown))
    out.write(shown.astype(shown.dtype.newbyteorder("<")).tobytes())
    out.number(len(listed))
    pack(out, listed.astype(listed.dtype.newbyteorder("<")).tobytes())
    write_plane(out, marks, shape)
    return marks


def read(reader: Reader, dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[Bytes, NDArray[Any]]:
    """(marks, the special values in order)."""
    little, n = np.dtype(f"<u{dtype.itemsize}"), int(np.prod(shape))
    count = reader.number()
    if count > _TABLE:
        raise CorruptFile("it has too many different special values")
    table = np.zeros(_LISTED + 1, little)
    table[1 : 1 + count] = np.frombuffer(reader.take(count * dtype.itemsize), little)
    size = reader.number()
    if size > n:
        raise CorruptFile("it lists more special values than it has values")
    listed = np.frombuffer(unpack(reader, size * dtype.itemsize), little)
    marks = read_plane(reader, shape)
    kinds = marks[marks != 0]
    values = table[kinds]
    if np.count_nonzero(kinds == _LISTED) != size or (kinds[kinds != _LISTED] > count).any():
        raise CorruptFile("its marks do not fit its special values")
    values[kinds == _LISTED] = listed
    return marks, values.astype(f"u{dtype.itemsize}").view(dtype)
