"""Parts of the fit, as numba kernels: layers of the networks and their gradients, for many places at once, and soft rounding.

Arrays are float32 and hold a place per column. Nothing here needs to be exact: only encoders fit.
"""

from typing import Any

import numpy as np

from lacodec.kernels.jit import kernel

inexact = kernel(fastmath={"reassoc", "contract", "nsz", "arcp"})
F32: Any = np.float32
_STEPS = 4  # inputs at a time, so that sums are loaded and stored less often


@inexact
def exponential(x: float) -> float:
    """e**x for -64 <= x <= 64, to about a thousandth."""
    x = x * F32(1.0 / 256.0)
    y = F32(1.0) + x * (F32(1.0) + x * (F32(0.5) + x * (F32(1.0 / 6.0) + x * F32(1.0 / 24.0))))
    for _ in range(8):
        y = y * y
    return y


@inexact
def apply(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray, out: np.ndarray, n: int) -> None:
    """out[j] = bias[j] + sum of weights[k, j] * inputs[k], in the first n columns."""
    for j in range(out.shape[0]):
        for x in range(n):
            out[j, x] = bias[j]
        _add_products(weights[:, j], inputs, out[j], n)


@inexact
def apply_back(weights: np.ndarray, slopes: np.ndarray, inputs: np.ndarray, n: int) -> None:
    """inputs[k] = sum of weights[k, j] * slopes[j]: gradients of a layer's inputs, of those of what it gives."""
    for k in range(inputs.shape[0]):
        for x in range(n):
            inputs[k, x] = F32(0.0)
        _add_products(weights[k], slopes, inputs[k], n)


@inexact
def _add_products(weights: np.ndarray, inputs: np.ndarray, out: np.ndarray, n: int) -> None:
    count = inputs.shape[0]
    whole = count - count % _STEPS
    for k in range(0, whole, _STEPS):
        a, b, c, d = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for x in range(n):
            out[x] += a * inputs[k, x] + b * inputs[k + 1, x] + c * inputs[k + 2, x] + d * inputs[k + 3, x]
    for k in range(whole, count):
        a = weights[k]
        for x in range(n):
            out[x] += a * inputs[k, x]


@inexact
def add_gradients(inputs: np.ndarray, slopes: np.ndarray, weights: np.ndarray, bias: np.ndarray, n: int) -> None:
    """weights[k, j] += sum of inputs[k] * slopes[j], bias[j] += sum of slopes[j]."""
    count = inputs.shape[0]
    whole = count - count % _STEPS
    for j in range(slopes.shape[0]):
        own = slopes[j]
        total = F32(0.0)
        for x in range(n):
            total += own[x]
        bias[j] += total
        for k in range(0, whole, _STEPS):
            a, b, c, d = F32(0.0), F32(0.0), F32(0.0), F32(0.0)
            for x in range(n):
                a += inputs[k, x] * own[x]
                b += inputs[k + 1, x] * own[x]
                c += inputs[k + 2, x] * own[x]
                d += inputs[k + 3, x] * own[x]
            weights[k, j] += a
            weights[k + 1, j] += b
            weights[k + 2, j] += c
            weights[k + 3, j] += d
        for k in range(whole, count):
            a = F32(0.0)
            for x in range(n):
                a += inputs[k, x] * own[x]
            weights[k, j] += a


@inexact
def rectify(values: np.ndarray, n: int) -> None:
    """Negative ones become zero."""
    for j in range(values.shape[0]):
        for x in range(n):
            values[j, x] = max(values[j, x], F32(0.0))


@inexact
def rectify_back(values: np.ndarray, slopes: np.ndarray, n: int) -> None:
    """Where values are zero, no slope is left."""
    for j in range(values.shape[0]):
        for x in range(n):
            slopes[j, x] = slopes[j, x] if values[j, x] > F32(0.0) else F32(0.0)


@inexact
def soften(latents: np.ndarray, noise: np.ndarray, softness: float, out: np.ndarray, slopes: np.ndarray) -> None:
    """Soft rounding, noise, soft rounding again; slopes: of the result. Small softness is near to rounding."""
    sharp = F32(1.0) / F32(softness)
    edge = exponential(sharp)
    gain = F32(0.5) * (edge + F32(1.0)) / (edge - F32(1.0))  # half of one over tanh(1 / (2 * softness))
    for i in range(latents.size):
        below = np.floor(latents[i])
        bend = F32(1.0) - F32(2.0) / (F32(1.0) + exponential(F32(2.0) * sharp * (latents[i] - below - F32(0.5))))
        slope = gain * sharp * (F32(1.0) - bend * bend)
        value = below + F32(0.5) + gain * bend + noise[i]
        below = np.floor(value)
        bend = F32(1.0) - F32(2.0) / (F32(1.0) + exponential(F32(2.0) * sharp * (value - below - F32(0.5))))
        out[i] = below + F32(0.5) + gain * bend
        slopes[i] = slope * gain * sharp * (F32(1.0) - bend * bend)


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
