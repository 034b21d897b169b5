"""Prediction of points near an edge: interpolated along their axes, as far as they have neighbours on both sides."""

import numpy as np

from lacodec.kernels.jit import inlined

_STRIDE, _EDGE = 4, 6  # places in the plan of a pass, see `_kernel`


@inlined
def edge_guess(field, sizes, plan, i0, i1, i2, i3, count):  # type: ignore[no-untyped-def]
    """(prediction, activity) of a point: the mean along those axes of `plan` for which it is best.

    count: of points in an activity.
    """
    s = plan[_STRIDE]
    at = ((i0 * plan[1] + i1) * plan[2] + i2) * plan[3] + i3
    best, total, lines, activity, points = np.int64(-1), 0.0, 0.0, np.int64(0), np.int64(0)
    unit = np.int64(1)
    for axis in range(3, -1, -1):
        i = i3 if axis == 3 else i2 if axis == 2 else i1 if axis == 1 else i0
        n = plan[axis]
        if plan[_EDGE] >> (3 - axis) & 1:
            far = s * unit
            kind, value = _line(field, at, far, s, i, n)
            if kind > best:
                best, total, lines = kind, 0.0, 0.0
            if kind == best:
                total += value
                lines += 1.0
            size = np.int64(sizes[np.uint64(at - far)])
            activity += min(size, np.int64(sizes[np.uint64(at + far)])) if i + s < n else size
            points += 1
        unit *= n
    if points == 0:
        return 0.0, np.int64(0)
    return total / lines, activity * count // points


@inlined
def _line(field, at, far, s, i, n):  # type: ignore[no-untyped-def]
    """(kind, prediction) along one axis: 1 between two sides, 0 from one."""
    left = field[np.uint64(at - far)]
    if i + s < n:
        right = field[np.uint64(at + far)]
        if i >= 3 * s and i + 3 * s < n:
            return np.int64(1), 0.5625 * (left + right) - 0.0625 * (
                field[np.uint64(at - 3 * far)] + field[np.uint64(at + 3 * far)]
            )
        if i >= 3 * s:
            return np.int64(1), 0.75 * left + 0.375 * right - 0.125 * field[np.uint64(at - 3 * far)]
        if i + 3 * s < n:
            return np.int64(1), 0.375 * left + 0.75 * right - 0.125 * field[np.uint64(at + 3 * far)]
        return np.int64(1), 0.5 * (left + right)
    if i >= 3 * s:
        return np.int64(0), 1.5 * left - 0.5 * field[np.uint64(at - 3 * far)]
    return np.int64(0), left
