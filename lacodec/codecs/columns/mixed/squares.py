"""Least squares that fade: predicts a value from those before it, one set of coefficients for each column.

All is relative to the value before, in units that the payload states; sizes are limited, so that no value can overflow.
"""

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import ORDER, State
from lacodec.codecs.columns.mixed.whole import S64, U, wrapped
from lacodec.kernels.float_vector import dot, fade_and_add
from lacodec.kernels.jit import flat_kernel, inlined

_ONE = U(1)
_TARGET = U(ORDER - 1)
_REACH = 65536.0  # units
_TINY = 1e-30  # keeps fading sums out of the denormal numbers
_LEAST_PIVOT = 1e-9


@inlined
def limited(x: float, most: float) -> float:
    """x within -most to most; no number becomes -most."""
    return min(x, most) if x > -most else -most


@inlined
def predict_squares(s: State, at: int, column: int) -> int:
    """Fill the window; returns the prediction."""
    v, plan, unit = s.values, s.plan, s.rates[st.UNIT]
    bits, near = plan[st.BITS], U(plan[st.NEAR])
    for i in range(U(plan[st.TAPS])):
        apart = wrapped(v[at - U(s.taps[i, 0])] - v[at - U(s.taps[i, 1])], bits)
        s.window[i] = limited(np.float64(apart) * unit, _REACH)
    mean = wrapped(s.means[column * U(3) + U(2)] - v[at - near], bits)
    s.window[U(plan[st.TAPS])] = limited(np.float64(mean) * unit, _REACH)
    s.window[_TARGET] = 0.0
    row = S64(column % U(plan[st.FITS])) * ORDER
    step = limited(dot(s.window, 0, s.coefficients, row, ORDER), _REACH) / unit
    whole = np.floor(step + 0.5)
    s.features[st.FRACTION] = S64((step + 0.5 - whole) * 8.0)
    return v[at - near] + S64(whole)


@inlined
def learn_squares(s: State, at: int, column: int) -> None:
    """Let the fit of the column know values[at]."""
    plan, rates = s.plan, s.rates
    target = wrapped(s.values[at] - s.values[at - U(plan[st.NEAR])], plan[st.BITS])
    s.window[_TARGET] = limited(np.float64(target) * rates[st.UNIT], _REACH)
    fit = column % U(plan[st.FITS])
    base = S64(fit) * ORDER * ORDER
    count = U(plan[st.TAPS] + 1)
    for i in range(count):
        fade_and_add(s.squares, base + S64(i) * ORDER, s.window, ORDER, rates[st.KEEP], s.window[i], _TINY)
    if (at // U(plan[st.COLUMNS])) % U(plan[st.SOLVE_EVERY]) == 0:
        solve(s, U(base), fit * U(ORDER), count)


@flat_kernel
def solve(s: State, base: int, row: int, n: int) -> None:
    """Coefficients from the sums, by Cholesky's method; unchanged when the sums are not positive definite."""
    a, factor, out, ridge = s.squares, s.factor, s.coefficients, s.rates[st.RIDGE]
    order = U(ORDER)
    for i in range(n):
        for j in range(order):
            factor[i * order + j] = 0.0
        for j in range(i + _ONE):
            value = a[base + i * order + j] - dot(factor, S64(i * order), factor, S64(j * order), S64(j + U(7)) & -8)
            if j < i:
                factor[i * order + j] = value * factor[j * order + j]
            else:
                value += ridge
                if not value > _LEAST_PIVOT:
                    return
                factor[i * order + i] = 1.0 / np.sqrt(value)
    for i in range(n):
        total = a[base + i * order + _TARGET]
        for j in range(i):
            total -= factor[i * order + j] * out[row + j]
        out[row + i] = total * factor[i * order + i]
    for k in range(n):
        i = n - _ONE - k
        total = out[row + i]
        for j in range(i + _ONE, n):
            total -= factor[j * order + i] * out[row + j]
        out[row + i] = total * factor[i * order + i]
