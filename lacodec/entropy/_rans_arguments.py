"""What callers may pass to the rANS coder, brought into the few forms that the kernels take; everything else is BadInput."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

Ints = NDArray[Any]  # of integers
MAX_BITS = {32: 14, 64: 24}
_LIMITS = {np.dtype(kind).str: (np.iinfo(kind).min, np.iinfo(kind).max) for kind in (np.uint8, np.int16, np.uint16, np.int32)}


def check_width(tables: Tables, width: int) -> None:
    """BadInput when the tables are too fine for the width."""
    if tables.freq_bits > MAX_BITS[width]:
        raise BadInput(f"rANS: tables of {tables.freq_bits} bits; width {width} takes at most {MAX_BITS[width]}")


def integer_values(symbols: ArrayLike, name: str) -> Ints:
    """u8, i16 and i32 as they are, other integers as i32."""
    array = np.asarray(symbols)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and len(array)):
        raise BadInput(f"rANS: {name} must be a one-dimensional array of integers, not {array.dtype}{list(array.shape)}")
    if array.dtype in (np.uint8, np.int16, np.int32):
        return np.ascontiguousarray(array)
    if array.dtype.itemsize > 2 and len(array) and (int(array.min()) < -(1 << 31) or int(array.max()) >= 1 << 31):
        raise BadInput(f"rANS: {name} must fit 32 bits with sign, got {array.min()}..{array.max()}")
    return array.astype(np.int32)


def as_bytes(values: Ints) -> Ints | None:
    """The same values as u8, if they fit."""
    if values.dtype == np.uint8:
        return values
    if len(values) and (int(values.min()) < 0 or int(values.max()) > 255):
        return None
    return values.astype(np.uint8)


def table_index(index: ArrayLike | None, n: int, tables: Tables) -> Ints | None:
    """The table of each symbol as u8, u16 or u32, checked; None when there is only one table."""
    if index is None:
        if len(tables) > 1:
            raise BadInput(f"rANS: {len(tables)} tables need an index that says which one each symbol uses")
        return None
    array = np.asarray(index)
    if array.shape != (n,) or (array.dtype.kind not in "iu" and n):
        raise BadInput(f"rANS: index must be integers[{n}], one per symbol, not {array.dtype}{list(array.shape)}")
    if n and (int(array.max()) >= len(tables) or (array.dtype.kind == "i" and int(array.min()) < 0)):
        raise BadInput(f"rANS: index {array.min()}..{array.max()} is outside the {len(tables)} tables")
    if len(tables) == 1:
        return None
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array)
    return array.astype(np.uint16 if len(tables) <= 1 << 16 else np.uint32)


def offsets(offset: ArrayLike | None, n: int) -> NDArray[np.int32] | None:
    """One offset per symbol as i32, or None."""
    if offset is None:
        return None
    array = integer_values(offset, "offset")
    if array.shape != (n,):
        raise BadInput(f"rANS: offset must be integers[{n}], one per symbol, not {list(array.shape)}")
    return array.astype(np.int32, copy=False)


def output(n: int, dtype: DTypeLike, out: Ints | None, tables: Tables, left: int) -> Ints:
    """The array to decode n symbols into: `out`, checked, or a new one. `left` is how many symbols the stream still has."""
    if n < 0:
        raise BadInput(f"rANS: cannot pull {n} symbols")
    if n > left:
        raise CorruptFile(f"rANS stream: {n} symbols wanted, {left} left: a wrong length or a damaged file")
    kind = np.dtype(dtype) if out is None else out.dtype
    if kind.str not in _LIMITS:
        raise BadInput(f"rANS: symbols come as uint8, int16, uint16 or int32, not {kind}")
    low, high = _LIMITS[kind.str]
    if tables.lowest < low or tables.highest > high:
        raise BadInput(f"rANS: {kind} cannot hold the values {tables.lowest}..{tables.highest} of the tables")
    if out is None:
        return np.empty(n, kind)
    if out.shape != (n,) or not out.flags.c_contiguous or not out.flags.writeable:
        raise BadInput(f"rANS: out must be a contiguous writable array of {n} symbols")
    return out


def no_row_message(
    at: int,
    values: Ints,
    index: Ints | None,
    offset: NDArray[np.int32] | None,
    tables: Tables,
) -> str:
    value = int(values[at]) - (0 if offset is None else int(offset[at]))
    t = 0 if index is None else int(index[at])
    low = int(tables.origins[t])
    return (
        f"rANS: symbol {at} of the push is {value}, which table {t} (values {low}..{low + int(tables.sizes[t]) - 1}, "
        "no escape) has no frequency for; normalise its counts with it or use tables with an escape"
    )
