"""Local least squares: linear predictions whose coefficients fit the coded pixels around the present one.

Every coded pixel (taps and value, relative to a local mean) adds its products to normal equations whose weight fades with the
distance in columns and in rows. The sums are kept per block of columns and swept along each row from both sides:

    block sums of rows above --sweep from the right--> ahead[b]
    block sums incl. this row --sweep from the left--> behind      behind + ahead[b] --solve--> coefficients

One elimination serves several predictors: its first k steps are those of the problem with the first k taps only.
All is strict IEEE double arithmetic in a fixed order: every machine gets the same.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.state import STRIDE, State
from lacodec.kernels.float_vector import add_outer, add_scaled, dot
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _LANES = U(1), U(8)
_ROW = U(STRIDE)
_LEAST_PIVOT = 1e-9
_WILD = 1e6


@inlined
def start_row(s: State, p: int) -> None:
    """Before a row: fade the block sums, sum them up from the right."""
    size, blocks = s.sizes[p], U(s.plan[st.BLOCKS])
    for o in range(U(s.plan[st.WINDOWS])):
        for k in range(U(size)):
            s.behind[o, k] = 0.0
        base = s.bases[p] + S64(o * blocks) * size
        last = base + S64(blocks - _ONE) * size
        column_fade, row_fade = s.fade[o, 0], s.fade[o, 1]
        for k in range(U(size)):
            v = s.columns[U(last) + k] * row_fade
            s.columns[U(last) + k] = v
            s.ahead[U(last) + k] = v
        for r in range(_ONE, blocks):
            at = U(last - S64(r) * size)
            then = at + U(size)
            for k in range(U(size)):
                v = s.columns[at + k] * row_fade
                s.columns[at + k] = v
                s.ahead[at + k] = v + column_fade * s.ahead[then + k]


@inlined
def predict(s: State, p: int, y: int, x: int, centre: float) -> None:
    """The predictions of all windows and orders into `guesses`, their coefficients refitted for every block."""
    block = U(s.plan[st.BLOCK])
    inside = x % block
    n = U(s.counts[p, s.plan[st.ORDERS] - 1])
    if inside == 0:
        for o in range(U(s.plan[st.WINDOWS])):
            _solve(s, p, o, x // block, n)
    row = S64(inside * _ROW)
    _gather(s, p, y, x, n, U(row))
    padded = S64((n + _LANES) // _LANES * _LANES)
    s.samples[U(row) + n] = 0.0
    for g in range(U(s.plan[st.WINDOWS] * s.plan[st.ORDERS])):
        total = dot(s.coefficients, S64(g * _ROW), s.samples, row, padded)
        if not (-_WILD < total < _WILD):  # also NaN
            total = 0.0
        s.guesses[g] = centre + total


@inlined
def learn(s: State, p: int, x: int, width: int, target: float, weight: float) -> None:
    """Add the pixel to its block, and a full block to the sums behind. `target` is relative to the pixel's `centre`."""
    block = U(s.plan[st.BLOCK])
    inside = x % block
    n = U(s.counts[p, s.plan[st.ORDERS] - 1])
    row = inside * _ROW
    s.samples[row + n] = target
    for i in range(n + _ONE):
        s.weighted[row + i] = s.samples[row + i] * weight
    if inside + _ONE < block and x + _ONE < width:
        return
    size = add_products(s, s.samples, s.weighted, U(0), n, inside + _ONE)
    for o in range(U(s.plan[st.WINDOWS])):
        base = s.bases[p] + S64(o * U(s.plan[st.BLOCKS]) + x // block) * size
        fade = s.fade[o, 0]
        add_scaled(s.columns, base, s.products, 0, size, 1.0)
        for k in range(U(size)):
            s.behind[o, k] = fade * (s.behind[o, k] + s.columns[U(base) + k])


@inlined
def _gather(s: State, p: int, y: int, x: int, n: int, row: int) -> None:
    """Each tap, relative to the mean of left and upper neighbour in its own plane."""
    width = U(s.pixels.shape[2])
    plane = U(s.pixels.shape[1]) * width
    here = (y + U(st.PAD)) * width + x + U(st.PAD)
    flat = s.flat
    for q in range(p + _ONE):
        at = q * plane + here
        s.centres[q] = (np.float64(flat[at - _ONE]) + np.float64(flat[at - width])) * 0.5
    at = S64(p * plane + here)
    for i in range(n):
        s.samples[row + i] = np.float64(flat[U(at + s.taps[p, i, 0])]) - s.centres[U(s.taps[p, i, 1])]


@inlined
def _solve(s: State, p: int, o: int, b: int, n: int) -> None:
    """Coefficients of every order in window `o` from the surroundings of block `b`."""
    matrix = s.matrix
    ahead = U(s.bases[p]) + (o * U(s.plan[st.BLOCKS]) + b) * U(s.sizes[p])
    padded = padded_size(n)
    k = U(0)
    for i in range(n):
        for j in range(i // _LANES * _LANES, padded):
            matrix[i * _ROW + j] = s.behind[o, k] + s.ahead[ahead + k]
            k += _ONE
        matrix[i * _ROW + i] += s.fade[o, 2]
    eliminate(s, n)
    orders = U(s.plan[st.ORDERS])
    for g in range(orders):
        substitute(s, n, U(s.counts[p, g]), s.coefficients, (o * orders + g) * _ROW)


@inlined
def padded_size(n: int) -> int:
    """Numbers in a row for n taps and the target, in whole vectors."""
    return (n // _LANES + _ONE) * _LANES


@inlined
def add_products(s: State, samples: np.ndarray, weighted: np.ndarray, base: int, n: int, rows: int) -> int:
    """`products` = sum over `rows` samples from `base` on; returns how many numbers these are."""
    padded = padded_size(n)
    at = S64(0)
    for i in range(n):
        first = i // _LANES * _LANES
        count = S64(padded - first)
        for k in range(U(at), U(at + count)):
            s.products[k] = 0.0
        add_outer(s.products, at, samples, S64(base + first), count, weighted, S64(base + i), S64(STRIDE), S64(rows))
        at += count
    return at


@inlined
def eliminate(s: State, n: int) -> None:
    """`matrix` (upper triangle, right side in column n) to L D L' without pivoting; L into `lower`."""
    matrix = s.matrix
    padded = padded_size(n)
    for c in range(n):
        pivot = matrix[c * _ROW + c]
        if pivot < _LEAST_PIVOT:
            pivot = _LEAST_PIVOT
        inverse = 1.0 / pivot
        s.inverses[c] = inverse
        for i in range(c + _ONE, n):
            factor = matrix[c * _ROW + i] * inverse
            s.lower[i * _ROW + c] = factor
            first = i // _LANES * _LANES
            add_scaled(matrix, S64(i * _ROW + first), matrix, S64(c * _ROW + first), S64(padded - first), -factor)


@inlined
def substitute(s: State, n: int, order: int, into: np.ndarray, at: int) -> None:
    """Coefficients of the problem with the first `order` taps of n, and zeros up to the padded size."""
    for i in range(padded_size(n)):
        into[at + i] = s.matrix[i * _ROW + n] * s.inverses[i] if i < order else 0.0
    for r in range(_ONE, order):
        j = order - r
        count = S64((j + _LANES - _ONE) // _LANES * _LANES)
        add_scaled(into, S64(at), s.lower, S64(j * _ROW), count, -into[at + j])
