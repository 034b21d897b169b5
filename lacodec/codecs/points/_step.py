"""Coordinates rounded to whole steps, where the user allows that."""

import numpy as np

from lacodec.media.points.value import Columns

AXES = ("x", "y", "z")


def rounded(records: np.ndarray, step: float) -> np.ndarray:
    """A copy with x, y and z rounded to multiples of `step`, none by more than half of it; others stay as they are.

    So do coordinates that are no numbers, negative zeros, and those that floats of their type cannot be rounded so.
    """
    out = records.copy()
    for name in AXES:
        values = records[name]
        with np.errstate(all="ignore"):
            wide = values.astype(np.float64)
            found = (np.rint(wide / step) * step).astype(values.dtype)
            good = np.abs(found.astype(np.float64) - wide) <= step / 2
        good &= ~((wide == 0) & np.signbit(wide))
        out[name] = np.where(good, found, values)
    return out


def has_floats(columns: Columns) -> bool:
    """Whether x, y and z are columns of floats."""
    kinds = dict(zip(columns.names, columns.types, strict=True))
    return all(kinds.get(name, "")[1:2] == "f" for name in AXES)
