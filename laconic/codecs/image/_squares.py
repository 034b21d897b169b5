"""Local least squares: linear predictions whose coefficients fit the coded pixels around the present one.

Every coded pixel (taps and value, relative to a local mean) adds its products to normal equations whose weight fades with the
distance in columns and in rows. The sums are kept per column and swept along each row from both sides, so that a pixel costs a
few passes over one matrix, whatever the reach:

    column sums of rows above --sweep from the right--> ahead[x]
    column sums incl. this row --sweep from the left--> behind      behind + ahead[x] --solve--> coefficients

All is strict IEEE double arithmetic in a fixed order (elementwise loops, explicit accumulators): every machine gets the same.
"""

from typing import Any

import numpy as np

from laconic.codecs.image._state import MAX_TAPS, PAD, PERIOD, WIDTH, State
from laconic.entropy._jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_ROW = U(MAX_TAPS + 1)
_LEAST_PIVOT = 1e-9
_WILD = 1e6


@inlined
def packed_size(taps: int) -> int:
    """Numbers in the lower triangle of the products of `taps` taps and the target."""
    return (taps + U(1)) * (taps + U(2)) // U(2)


@inlined
def start_row(s: State, p: int, o: int) -> None:
    """Before a row: fade the column sums, sum them up from the right."""
    size = packed_size(U(s.counts[p, o]))
    base = U(s.bases[p, o])
    column_fade, row_fade = s.fade[o, 0], s.fade[o, 1]
    width = U(s.plan[WIDTH])
    for k in range(size):
        s.behind[p, o, k] = 0.0
        s.products[k] = 0.0
    for r in range(width):
        at = base + (width - U(1) - r) * size
        for k in range(size):
            v = s.columns[at + k] * row_fade
            s.columns[at + k] = v
            t = v + column_fade * s.products[k]
            s.products[k] = t
            s.ahead[at + k] = t


@inlined
def predict(s: State, p: int, o: int, y: int, x: int, centre: float) -> float:
    """The prediction of predictor `o`, its coefficients fitted anew every PERIOD pixels."""
    n = U(s.counts[p, o])
    _gather(s, p, o, y, x, n)
    if x % U(s.plan[PERIOD]) == 0:
        _solve(s, p, o, x, n)
    total = 0.0
    for i in range(n):
        total += s.coefficients[p, o, i] * s.values[o, i]
    if not (-_WILD < total < _WILD):  # also what is not a number
        total = 0.0
    return centre + total


@inlined
def learn(s: State, p: int, o: int, x: int, target: float, weight: float) -> None:
    """Add the pixel to its column and to what lies behind. `target` is relative to the pixel's `centre`."""
    n = U(s.counts[p, o])
    size = packed_size(n)
    base = U(s.bases[p, o]) + x * size
    s.values[o, n] = target
    fade = s.fade[o, 0]
    k = U(0)
    for i in range(n + U(1)):
        t = s.values[o, i] * weight
        for j in range(i + U(1)):
            s.products[k + j] = t * s.values[o, j]
        k += i + U(1)
    for k in range(size):
        s.columns[base + k] += s.products[k]
    for k in range(size):
        s.behind[p, o, k] = fade * (s.behind[p, o, k] + s.columns[base + k])


@inlined
def _gather(s: State, p: int, o: int, y: int, x: int, n: int) -> None:
    """Each tap, relative to the mean of left and upper neighbour in its own plane."""
    at_x, at_y = S64(x) + PAD, S64(y) + PAD
    for i in range(n):
        q = U(s.taps[p, o, i, 0])
        near = s.pixels[q, U(at_y), U(at_x - 1)] + s.pixels[q, U(at_y - 1), U(at_x)]
        value = s.pixels[q, U(at_y + s.taps[p, o, i, 1]), U(at_x + s.taps[p, o, i, 2])]
        s.values[o, i] = np.float64(value) - np.float64(near) * 0.5


@inlined
def _solve(s: State, p: int, o: int, x: int, n: int) -> None:
    """Gaussian elimination of the symmetric, ridged system, without pivoting; the right side is the last column."""
    matrix = s.matrix
    at = U(s.bases[p, o]) + x * packed_size(n)
    ridge = s.fade[o, 2]
    k = U(0)
    for i in range(n + U(1)):
        for j in range(i + U(1)):
            matrix[j * _ROW + i] = s.behind[p, o, k] + s.ahead[at + k]
            k += U(1)
    for i in range(n):
        matrix[i * _ROW + i] += ridge
    for c in range(n):
        pivot = matrix[c * _ROW + c]
        if pivot < _LEAST_PIVOT:
            pivot = _LEAST_PIVOT
        inverse = 1.0 / pivot
        matrix[c * _ROW + c] = inverse
        for i in range(c + U(1), n):
            factor = matrix[c * _ROW + i] * inverse
            for j in range(i, n + U(1)):
                matrix[i * _ROW + j] -= factor * matrix[c * _ROW + j]
    for q in range(n):
        i = n - U(1) - q
        s.coefficients[p, o, i] = _substitute(s, p, o, i, n) * matrix[i * _ROW + i]


@inlined
def _substitute(s: State, p: int, o: int, i: int, n: int) -> float:
    """Right side of row i without the coefficients behind it, in four sums."""
    row = i * _ROW
    s0, s1, s2, s3 = s.matrix[row + n], 0.0, 0.0, 0.0
    j = i + U(1)
    while j + U(3) < n:
        s0 -= s.matrix[row + j] * s.coefficients[p, o, j]
        s1 -= s.matrix[row + j + U(1)] * s.coefficients[p, o, j + U(1)]
        s2 -= s.matrix[row + j + U(2)] * s.coefficients[p, o, j + U(2)]
        s3 -= s.matrix[row + j + U(3)] * s.coefficients[p, o, j + U(3)]
        j += U(4)
    while j < n:
        s0 -= s.matrix[row + j] * s.coefficients[p, o, j]
        j += U(1)
    return (s0 + s1) + (s2 + s3)
