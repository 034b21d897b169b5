"""Values as doubles that are quantised with one step, and back; and whether a decoded value is within its bound.

An absolute bound: the values themselves. A relative one: the bits of the magnitude as a whole number, which is linear between
powers of two and grows like a logarithm from one to the next; R * |x| is at least R * 2**mantissa there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.bounded._field import Scale
from lacodec.codecs.columns.bounded._grid import grid

Floats = NDArray[np.float64]
MANTISSA = {2: 10, 4: 23, 8: 52}
"""Bits of it, by bytes of a value."""
_LARGEST_STEP = 2.0**1023
_SLACK = 1 - 2.0**-30  # of a step: rounding in doubles must not matter
_INEXACT = 1024  # units by which the bits of a float64 change as a double
_ROUNDINGS = 4  # ulps of float64 that predicting may cost


def enter(values: NDArray[Any], special: NDArray[np.bool_], bound: Bound, gridded: bool) -> tuple[Floats, Scale]:
    """(field, how to quantise it): special values have those before them. gridded: to multiples of a unit, if it has one."""
    ulp = _ulp(values, special)
    if bound.absolute is not None:
        field = values.astype(np.float64)
        step = _absolute_step(values.itemsize, ulp, bound.absolute)
    else:
        field = np.abs(values).view(f"u{values.itemsize}").astype(np.float64)
        step = _relative_step(values.itemsize, bound.relative or 0.0)
    if special.any():
        known = np.where(special, 0, np.arange(len(values)))
        field = field[np.maximum.accumulate(known)]
        if special[0]:
            first = int(np.argmin(special))
            field[:first] = 0.0 if special[first] else field[first]
    found = grid(field, bound.absolute, ulp) if gridded and bound.absolute is not None else None
    return field, Scale(*found) if found else Scale(step)


def leave(field: Floats, dtype: np.dtype[Any], relative: bool) -> NDArray[Any]:
    """Values of a decoded field; the magnitudes, under a relative bound."""
    with np.errstate(all="ignore"):
        if not relative:
            most = float(np.finfo(dtype).max)
            return np.clip(field, -most, most).astype(dtype)
        most = float(np.array(np.finfo(dtype).max, dtype).view(f"u{dtype.itemsize}"))
        if dtype.itemsize == 8:
            most = float(np.nextafter(most, 0))  # as a double it is the bits of infinity
        return np.rint(np.clip(np.nan_to_num(field), 1.0, most)).astype(f"u{dtype.itemsize}").view(dtype)


def within(values: NDArray[Any], decoded: NDArray[Any], bound: Bound) -> NDArray[np.bool_]:
    """Whether each value is within the bound, in exact terms (a few that just are may count as not)."""
    with np.errstate(all="ignore"):
        x = values.astype(np.float64)
        error = x - decoded
        np.abs(error, out=error)
        if bound.absolute is None:
            limit = np.nextafter(np.nextafter(np.abs(x) * (bound.relative or 0.0), 0), 0)
            return (error == 0) | (error < limit)
        good = error < bound.absolute
        just = np.flatnonzero(error == bound.absolute)
        if len(just):
            good[just] = _not_more(x[just], decoded[just].astype(np.float64))
        return good


def denormal(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value is denormal: some processors and settings make zero of it."""
    size = values.itemsize
    bits = values.view(f"u{size}") & np.array((1 << 8 * size - 1) - 1, f"u{size}")
    return (bits > 0) & (bits < np.array(1 << MANTISSA[size], f"u{size}"))


def _not_more(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Whether rounding took nothing from the distance of x and y as a double."""
    difference = x - y
    back = difference - x
    lost = (x - (difference - back)) - (y + back)  # exactly
    return lost * difference <= 0


def _ulp(values: NDArray[Any], special: NDArray[np.bool_]) -> float:
    """Distance of neighbouring values of the type, at the largest one."""
    _, exponent = np.frexp(float(np.max(np.abs(values), where=~special, initial=0)))
    return float(np.ldexp(1.0, int(exponent) - MANTISSA[values.itemsize] - 1))


def _absolute_step(size: int, ulp: float, bound: float) -> float:
    """Less than twice the bound by what the cast back may add."""
    cast = ulp * (_ROUNDINGS if size == 8 else 1) / 2
    half = bound - cast if bound > 2 * cast else bound
    return min(2 * half * _SLACK, _LARGEST_STEP) if half < _LARGEST_STEP / 2 else _LARGEST_STEP


def _relative_step(size: int, bound: float) -> float:
    reach = min(bound, 1.0) * 2.0 ** MANTISSA[size]
    if size == 8 and reach > 4 * _INEXACT:
        return 2 * (reach - _INEXACT) * _SLACK
    return (2 * np.floor(reach) + 1) * _SLACK  # a whole number that is nearer than this is near enough
