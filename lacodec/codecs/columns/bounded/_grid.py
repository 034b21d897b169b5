"""Fields whose values are all multiples of a unit, such as decimals or counts: quantised to the same multiples.

A step of m units, m odd, is within the bound up to (m - 1) / 2 units; for few units that is a longer step than twice the bound,
and no bits are spent on what lies between the multiples.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SAMPLES = 2048
_FINE = 16  # units within a bound, from which on they gain nothing
_LONGER = 1.1  # than twice the bound a step must be: predictions lose a little by the grid
_NEAR = 0.01  # of a unit: how far values may be from a multiple
_ULPS = 64  # that a unit must have, at the largest value
_NICE = 1e-7  # how near a unit or its inverse must be to a whole number to be taken for it


def grid(field: Floats, bound: float, ulp: float) -> tuple[float, float] | None:
    """(step, origin) of a field with such a unit, if it is large enough for the bound; ulp: of the type, at the largest value."""
    some = np.unique(field[np.arange(min(len(field), _SAMPLES)) * len(field) // min(len(field), _SAMPLES)])
    if len(some) < 3:
        return None
    gaps = np.diff(some)
    gap, reach = float(gaps.min()), float(some[-1] - some[0])
    if not max(bound / _FINE, _ULPS * ulp) < gap or not reach / gap < 1 << 30:
        return None
    unit = _nice(reach / float(np.rint(reach / gap)))
    origin = float(some[0] - np.rint(some[0] / unit) * unit)
    if abs(origin) <= max(_NICE * unit, 2 * ulp):
        origin = 0.0
    if _off(some, unit, origin) or _off(field, unit, origin):
        return None
    exact = unit == np.rint(unit) and not origin
    inside = int(max(bound - (0.0 if exact else 2 * ulp), 0.0) / unit)
    step = (2 * inside + 1) * unit
    return (step, origin) if step >= 2 * bound * (_LONGER if inside else 1) else None


def _nice(unit: float) -> float:
    """The unit, or the whole number or the share of one that it nearly is."""
    with np.errstate(over="ignore", divide="ignore"):
        whole, share = np.rint(unit), np.rint(1 / unit)
    if not np.isfinite(share):
        return unit
    if whole > 0 and abs(unit - whole) <= _NICE * unit:
        return float(whole)
    if share > 0 and abs(1 / unit - share) <= _NICE * share:
        return float(1 / share)
    return unit


def _off(field: Floats, unit: float, origin: float) -> bool:
    """Whether a value is not near a multiple."""
    scaled = (field - origin) / unit
    return not bool((np.abs(scaled - np.rint(scaled)) < _NEAR).all())
