"""Prediction of points without a stencil: interpolated along their axes, as far as they have neighbours on both sides."""

import numpy as np

from lacodec.kernels.jit import inlined

_STRIDE, _EDGE = 4, 5  # places in the plan of a pass, see `_kernel`


@inlined
def edge_guess(field, plan, i0, i1, i2, i3):  # type: ignore[no-untyped-def]
    """The mean of the predictions along those axes of `plan` that are known best: between two sides, else from one."""
    s = plan[_STRIDE]
    at = ((i0 * plan[1] + i1) * plan[2] + i2) * plan[3] + i3
    best, total, lines = np.int64(-1), 0.0, 0.0
    unit = np.int64(1)
    for axis in range(3, -1, -1):
        i = i3 if axis == 3 else i2 if axis == 2 else i1 if axis == 1 else i0
        n = plan[axis]
        if plan[_EDGE] >> (3 - axis) & 1:
            kind, value = _line(field, at, s * unit, s, i, n)
            if kind > best:
                best, total, lines = kind, 0.0, 0.0
            if kind == best:
                total += value
                lines += 1.0
        unit *= n
    return total / lines if lines else 0.0


@inlined
def _line(field, at, far, s, i, n):  # type: ignore[no-untyped-def]
    """(kind, prediction) along one axis: 1 between two sides, 0 from one."""
    left = field[np.uint64(at - far)]
    if i + s < n:
        right = field[np.uint64(at + far)]
        if i >= 3 * s and i + 3 * s < n:
            outer = field[np.uint64(at - 3 * far)] + field[np.uint64(at + 3 * far)]
            return np.int64(1), 0.5625 * (left + right) - 0.0625 * outer
        if i >= 3 * s:
            return np.int64(1), 0.75 * left + 0.375 * right - 0.125 * field[np.uint64(at - 3 * far)]
        if i + 3 * s < n:
            return np.int64(1), 0.375 * left + 0.75 * right - 0.125 * field[np.uint64(at + 3 * far)]
        return np.int64(1), 0.5 * (left + right)
    if i >= 3 * s:
        return np.int64(0), 1.5 * left - 0.5 * field[np.uint64(at - 3 * far)]
    return np.int64(0), left
