"""Layers of tiny networks, forth and back, as numba kernels over rows of places: arrays [numbers, places], float32.

A row is worked on in blocks, which lie in the processor's nearest cache. Nothing here needs to be exact: only encoders fit.
"""

from typing import Any

import numpy as np

from lacodec.kernels.jit import kernel
from lacodec.kernels.row_products import LANES, STEP, add_products, add_row_sums

inexact = kernel(fastmath={"reassoc", "contract", "nsz", "arcp"})
F32: Any = np.float32
BLOCK = 64  # places
STARTS = np.arange(64) * BLOCK
"""Of the rows of a block."""
_TILE, _PAIR = 4, 2  # rows at a time


def padded(n: int) -> int:
    """Places of a row that has n: a multiple of what is worked on at once."""
    return -(-n // STEP) * STEP


def sums_of(weights: np.ndarray) -> np.ndarray:
    """Zeros for the gradients of weights[inputs, outputs], in parts."""
    return np.zeros((*weights.shape, LANES), np.float32)


@inexact
def exponential(x: float) -> float:
    """e**x for -64 <= x <= 64, to about a thousandth."""
    x = x * F32(1.0 / 256.0)
    y = F32(1.0) + x * (F32(1.0) + x * (F32(0.5) + x * (F32(1.0 / 6.0) + x * F32(1.0 / 24.0))))
    for _ in range(8):
        y = y * y
    return y


@inexact
def multiply(
    weights: np.ndarray,
    by_input: int,
    by_row: int,
    inputs: np.ndarray,
    starts: np.ndarray,
    shift: int,
    out: np.ndarray,
    place: tuple[int, int],
    rows: int,
    n: int,
) -> None:
    """Row r of `out` += sum of weights[k * by_input + r * by_row] * row k of `inputs`; n: a multiple of STEP.

    Row k of the inputs begins at starts[k] + shift of all its numbers, row r of `out` at place[0] + r * place[1].
    """
    at, stride = place
    for r in range(0, rows, _TILE):
        few = min(_TILE, rows - r)
        add_products(out, at + r * stride, stride, few, weights, r * by_row, by_input, by_row, inputs, starts, shift, n)


@inexact
def add_gradients(
    inputs: np.ndarray, starts: np.ndarray, shift: int, slopes: np.ndarray, place: tuple[int, int], sums: np.ndarray, n: int
) -> None:
    """sums[k, r] += sum of (row k of `inputs`) * (row r of `slopes`), in parts; rows begin as those of `multiply`."""
    count, rows, lanes = sums.shape
    at, stride = place
    for k in range(0, count, _TILE):
        for r in range(0, rows, _PAIR):
            add_row_sums(
                sums, (k * rows + r) * lanes, rows * lanes, inputs, starts, k, min(_TILE, count - k), shift,
                slopes, at + r * stride, stride, min(_PAIR, rows - r), n,
            )  # fmt: skip


@inexact
def layer(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray, out: np.ndarray, n: int) -> None:
    """out[j] = bias[j] + sum of weights[k, j] * inputs[k], of blocks."""
    fill(bias, out, n)
    rows = weights.shape[1]
    multiply(weights, rows, 1, inputs, STARTS[: weights.shape[0]], 0, out, (0, BLOCK), rows, n)


@inexact
def layer_back(weights: np.ndarray, slopes: np.ndarray, inputs: np.ndarray, n: int) -> None:
    """inputs[k] = sum of weights[k, j] * slopes[j]: gradients of a layer's inputs, of those of what it gives."""
    clear(inputs, n)
    rows, columns = weights.shape
    multiply(weights, 1, columns, slopes, STARTS[:columns], 0, inputs, (0, BLOCK), rows, n)


@inexact
def fill(bias: np.ndarray, out: np.ndarray, n: int) -> None:
    """out[j, :n] = bias[j]."""
    for j in range(out.shape[0]):
        for x in range(n):
            out[j, x] = bias[j]


@inexact
def clear(out: np.ndarray, n: int) -> None:
    """out[:, :n] = 0."""
    for j in range(out.shape[0]):
        for x in range(n):
            out[j, x] = F32(0.0)


@inexact
def add_totals(rows: np.ndarray, totals: np.ndarray, n: int) -> None:
    """totals[j] += sum of rows[j, :n]."""
    for j in range(rows.shape[0]):
        total = F32(0.0)
        for x in range(n):
            total += rows[j, x]
        totals[j] += total


@inexact
def rectify(values: np.ndarray, n: int) -> None:
    """Negative ones become zero."""
    for j in range(values.shape[0]):
        for x in range(n):
            values[j, x] = F32(0.5) * (values[j, x] + abs(values[j, x]))  # unlike max, in vectors


@inexact
def rectify_back(values: np.ndarray, slopes: np.ndarray, n: int) -> None:
    """Where values are zero, no slope is left."""
    for j in range(values.shape[0]):
        for x in range(n):
            slopes[j, x] = slopes[j, x] if values[j, x] > F32(0.0) else F32(0.0)


@inexact
def soften(latents: np.ndarray, noise: np.ndarray, softness: float, scale: float, out: np.ndarray, slopes: np.ndarray) -> None:
    """Soft rounding, noise (times `scale`), soft rounding again into the inside of `out`; slopes: of the result.

    Small softness is near to rounding.
    """
    pad = (out.shape[0] - latents.shape[0]) >> 1
    sharp, scale = F32(1.0) / F32(softness), F32(scale)
    edge = exponential(sharp)
    gain = F32(0.5) * (edge + F32(1.0)) / (edge - F32(1.0))  # half of one over tanh(1 / (2 * softness))
    for y in range(latents.shape[0]):
        row, to, disturbance, bends = latents[y], out[y + pad, pad:], noise[y], slopes[y]
        for x in range(latents.shape[1]):
            below = np.floor(row[x])
            bend = F32(1.0) - F32(2.0) / (F32(1.0) + exponential(F32(2.0) * sharp * (row[x] - below - F32(0.5))))
            slope = gain * sharp * (F32(1.0) - bend * bend)
            value = below + F32(0.5) + gain * bend + scale * disturbance[x]
            below = np.floor(value)
            bend = F32(1.0) - F32(2.0) / (F32(1.0) + exponential(F32(2.0) * sharp * (value - below - F32(0.5))))
            to[x] = below + F32(0.5) + gain * bend
            bends[x] = slope * gain * sharp * (F32(1.0) - bend * bend)


@inexact
def latent_slopes(bits: np.ndarray, error: np.ndarray, bend: np.ndarray, out: np.ndarray) -> None:
    """out = (inside of `bits` + `error`) * bend."""
    pad = (bits.shape[0] - out.shape[0]) >> 1
    for y in range(out.shape[0]):
        row = bits[y + pad, pad:]
        for x in range(out.shape[1]):
            out[y, x] = (row[x] + error[y, x]) * bend[y, x]


@inexact
def adam(values: np.ndarray, gradients: np.ndarray, means: np.ndarray, squares: np.ndarray, rate: float, step: int) -> None:
    """A step of Adam; the first one has number 1. gradients are zero afterwards."""
    first, second = F32(0.9), F32(0.999)
    scale = F32(rate / (1.0 - 0.9**step))
    correction = F32(1.0 / (1.0 - 0.999**step))
    for i in range(values.size):
        g = gradients[i]
        means[i] = first * means[i] + (F32(1.0) - first) * g
        squares[i] = second * squares[i] + (F32(1.0) - second) * g * g
        values[i] -= scale * means[i] / (np.sqrt(squares[i] * correction) + F32(1e-8))
        gradients[i] = F32(0.0)
