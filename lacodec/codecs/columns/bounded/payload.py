"""Error-bounded floats: an array and a bound go in, a payload comes out; every decoded value is within the bound.

    array --> special values --> marks, a plane of small numbers
          --> the others ------> field of doubles --> predicted, quantised, coded (`_field`)
          --> what would still miss the bound ------> misses, stored exactly

    payload = u8 flags (1 relative, 2 marks, 4 signs, 8 all negative, 16 misses), [marks], [signs], [misses], field

NaNs with their payload, infinities and -0.0 are special values, also zeros under a relative bound, and fill values far away from
all others.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.bounded import _domain, _marks, _misses
from lacodec.codecs.columns.bounded._field import Report, decode_field, encode_field, ignore
from lacodec.codecs.columns.bounded._passes import four_axes
from lacodec.codecs.columns.bounded._plane import read_plane, write_plane
from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import BadInput, CorruptFile

RELATIVE, MARKS, SIGNS, NEGATIVE, MISSES = 1, 2, 4, 8, 16
_MOST_FLAGS = 31
_FEW_MISSES = 8  # as a shift: what may miss the bound on a grid
_NO_MARKS = np.zeros(1, np.uint8)


def encode_bounded(array: NDArray[Any], bound: Bound, *, effort: int = 5, report: Report = ignore) -> bytes:
    """The payload of an array of f2, f4 or f8. report: is told the bytes that are done."""
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
        raise BadInput(f"an error bound is for float16, float32 and float64, not {array.dtype}")
    values = np.ascontiguousarray(array).reshape(-1)
    if not len(values):
        return b""
    shape = four_axes(array.shape)
    out, flags = Writer(), 0
    special = _marks.special(values, bound)
    marks = _NO_MARKS
    if special.any():
        flags |= MARKS
        marks = _marks.write(out, values, special, shape)
    if bound.relative is not None:
        flags |= RELATIVE
        negative = np.signbit(values) & ~special
        if negative.any():
            flags |= NEGATIVE
            if not (negative | special).all():
                flags += SIGNS - NEGATIVE
                write_plane(out, negative.view(np.uint8), shape)
    for gridded in (True, False):
        field, scale = _domain.enter(values, special, bound, gridded)
        coded, field = encode_field(field, marks, shape, scale, effort, lambda n: report(n * values.itemsize))
        decoded = _domain.leave(field, values.dtype, bound.relative is not None)
        if flags & (SIGNS | NEGATIVE):
            decoded = np.where(negative, -decoded, decoded)
        missed = np.flatnonzero(~(_domain.within(values, decoded, bound) & ~_domain.denormal(decoded) | special))
        if scale.origin is None or len(missed) <= len(values) >> _FEW_MISSES:
            break
    if len(missed):
        flags |= MISSES
        _misses.write(out, missed, values[missed])
    return bytes([flags]) + out.data + coded


def decode_bounded(data: bytes | memoryview, dtype: Any, shape: tuple[int, ...], report: Report = ignore) -> NDArray[Any]:
    """The array of a payload, with the dtype and the shape that it was made of. CorruptFile if it is damaged."""
    dtype, n = np.dtype(dtype), math.prod(shape)
    reader = Reader(memoryview(data), 0)
    if not n:
        if len(data):
            raise CorruptFile("it has values for an array without any")
        return np.empty(shape, dtype)
    axes = four_axes(shape)
    flags = reader.take(1)[0]
    if flags > _MOST_FLAGS or flags & (SIGNS | NEGATIVE) not in ((0, SIGNS, NEGATIVE) if flags & RELATIVE else (0,)):
        raise CorruptFile(f"its flags are unknown: {flags:#x}")
    marks, fills = _marks.read(reader, dtype, axes) if flags & MARKS else (_NO_MARKS, np.empty(0, dtype))
    negative = read_plane(reader, axes) if flags & SIGNS else None
    missed, exact = _misses.read(reader, dtype, n) if flags & MISSES else (None, None)
    field = decode_field(reader.rest(), marks, axes, n, lambda n: report(n * dtype.itemsize))
    values = _domain.leave(field, dtype, bool(flags & RELATIVE))
    if negative is not None:
        values = np.where(negative != 0, -values, values)
    elif flags & NEGATIVE:
        values = -values
    if flags & MARKS:
        values[marks != 0] = fills
    if missed is not None:
        values[missed] = exact
    return values.reshape(shape)
