"""Kernels of `predict`: residuals of unsigned integers, and back. Arithmetic wraps, so every residual fits its type.

The first value stays; values before `lag` are predicted by the one before them.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

U = np.uint64


@kernel
def subtract(values, lag, out):  # type: ignore[no-untyped-def]
    """out[i] = values[i] - values[i - lag]."""
    n, lag = U(len(values)), U(lag)
    out[U(0)] = values[U(0)]
    for i in range(U(1), min(lag, n)):
        out[i] = values[i] - values[i - U(1)]
    for i in range(lag, n):
        out[i] = values[i] - values[i - lag]


@kernel
def add(residuals, lag, out):  # type: ignore[no-untyped-def]
    """The inverse of `subtract`; `out` may be `residuals`."""
    n, lag = U(len(residuals)), U(lag)
    last = residuals[U(0)]
    out[U(0)] = last
    for i in range(U(1), n if lag == U(1) else min(lag, n)):
        last = residuals.dtype.type(residuals[i] + last)
        out[i] = last
    if lag > U(1):
        for i in range(lag, n):
            out[i] = residuals[i] + out[i - lag]


@kernel
def exclusive(values, lag, out):  # type: ignore[no-untyped-def]
    """out[i] = values[i] ^ values[i - lag]."""
    n, lag = U(len(values)), U(lag)
    out[U(0)] = values[U(0)]
    for i in range(U(1), n):
        out[i] = values[i] ^ values[i - (lag if i >= lag else U(1))]


@kernel
def undo_exclusive(residuals, lag, out):  # type: ignore[no-untyped-def]
    """The inverse of `exclusive`; `out` may be `residuals`."""
    n, lag = U(len(residuals)), U(lag)
    out[U(0)] = residuals[U(0)]
    for i in range(U(1), n):
        out[i] = residuals[i] ^ out[i - (lag if i >= lag else U(1))]


@helper
def _median(left, above, corner):  # type: ignore[no-untyped-def]
    """The middle one of left, above and left + above - corner, as JPEG-LS predicts; without branches, and nothing overflows."""
    return left + above - min(max(corner, min(left, above)), max(left, above))


@kernel
def subtract_median(values, near, far, out):  # type: ignore[no-untyped-def]
    """out[i] = values[i] - the median prediction from values[i - near], [i - far] and [i - near - far]."""
    n, near, far = U(len(values)), U(near), U(far)
    out[U(0)] = values[U(0)]
    for i in range(U(1), min(near + far, n)):
        out[i] = values[i] - values[i - (far if i >= far else near if i >= near else U(1))]
    for i in range(near + far, n):
        out[i] = values[i] - values.dtype.type(_median(U(values[i - near]), U(values[i - far]), U(values[i - near - far])))


@kernel
def add_median(residuals, near, far, out):  # type: ignore[no-untyped-def]
    """The inverse of `subtract_median`; `out` may be `residuals`."""
    n, near, far = U(len(residuals)), U(near), U(far)
    out[U(0)] = residuals[U(0)]
    for i in range(U(1), min(near + far, n)):
        out[i] = residuals[i] + out[i - (far if i >= far else near if i >= near else U(1))]
    if near == U(1) and n > far:
        left, corner = U(out[far]), U(out[U(0)])
        for i in range(far + U(1), n):  # the last value stays in a register
            above = U(out[i - far])
            guess = above - min(max(corner, min(left, above)), max(left, above))
            left = U(residuals.dtype.type(left + guess + U(residuals[i])))
            out[i] = left
            corner = above
        return
    for i in range(near + far, n):
        out[i] = residuals[i] + residuals.dtype.type(_median(U(out[i - near]), U(out[i - far]), U(out[i - near - far])))
