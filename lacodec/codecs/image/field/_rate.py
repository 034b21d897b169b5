"""What latents cost, and the gradient of that: the context network forth and back, a row of a level at a time, as numba kernel.

latents around, latents of the coarser level --> 16 --> 16 --> mean, size --> bits of the latent
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.field._kernel import OWN, PAD, PARENT
from lacodec.codecs.image.field._rows import F32, add_gradients, apply, apply_back, exponential, inexact, rectify, rectify_back

_LN2 = F32(np.log(2.0))
_SMALLEST, _LARGEST = F32(-6.0), F32(5.8)  # of log2 of the scale, as the coder has them
_MOST = F32(60.0)


@inexact
def code_rows(
    level: np.ndarray,
    parent: np.ndarray,
    weights: tuple[np.ndarray, ...],
    level_slopes: np.ndarray,
    parent_slopes: np.ndarray,
    weight_slopes: tuple[np.ndarray, ...],
    price: float,
    work: tuple[np.ndarray, ...],
) -> None:
    """Add gradients of price * bits of a level to all slopes.

    level, parent: float32[height + 2 * PAD, width + 2 * PAD], zeros around them. weights: [INPUTS, HIDDEN], [HIDDEN],
    [HIDDEN, HIDDEN], [HIDDEN], [HIDDEN, 2], [2]. work: two arrays [INPUTS, width], four [HIDDEN, width], two [2, width].
    """
    first, first_bias, second, second_bias, last, last_bias = weights
    first_slopes, first_bias_slopes, second_slopes, second_bias_slopes, last_slopes, last_bias_slopes = weight_slopes
    seen, seen_slopes, low, low_slopes, high, high_slopes, found, found_slopes = work
    n = level.shape[1] - 2 * PAD
    for y in range(level.shape[0] - 2 * PAD):
        _look(level, parent, y, n, seen)
        apply(first, first_bias, seen, low, n)
        rectify(low, n)
        apply(second, second_bias, low, high, n)
        rectify(high, n)
        apply(last, last_bias, high, found, n)
        _cost(level[y + PAD, PAD:], found, found_slopes, level_slopes[y + PAD, PAD:], F32(price), n)
        add_gradients(high, found_slopes, last_slopes, last_bias_slopes, n)
        apply_back(last, found_slopes, high_slopes, n)
        rectify_back(high, high_slopes, n)
        add_gradients(low, high_slopes, second_slopes, second_bias_slopes, n)
        apply_back(second, high_slopes, low_slopes, n)
        rectify_back(low, low_slopes, n)
        add_gradients(seen, low_slopes, first_slopes, first_bias_slopes, n)
        apply_back(first, low_slopes, seen_slopes, n)
        _look_back(seen_slopes, y, n, level_slopes, parent_slopes)


@inexact
def _look(level: np.ndarray, parent: np.ndarray, y: int, n: int, seen: np.ndarray) -> None:
    k = 0
    for place in OWN:
        row, left = level[y + PAD + place[0]], PAD + place[1]
        for x in range(n):
            seen[k, x] = row[x + left]
        k += 1
    for place in PARENT:
        row, left = parent[(y >> 1) + PAD + place[0]], PAD + place[1]
        for x in range(n):
            seen[k, x] = row[(x >> 1) + left]
        k += 1


@inexact
def _look_back(slopes: np.ndarray, y: int, n: int, level_slopes: np.ndarray, parent_slopes: np.ndarray) -> None:
    k = 0
    for place in OWN:
        row, left = level_slopes[y + PAD + place[0]], PAD + place[1]
        for x in range(n):
            row[x + left] += slopes[k, x]
        k += 1
    for place in PARENT:
        row, left = parent_slopes[(y >> 1) + PAD + place[0]], PAD + place[1]
        for x in range(n):
            row[(x >> 1) + left] += slopes[k, x]
        k += 1


@inexact
def _cost(values: np.ndarray, found: np.ndarray, found_slopes: np.ndarray, value_slopes: np.ndarray, price: Any, n: int) -> None:
    """Gradients of price * bits of values, by logistic distributions around found[0], log2 of their scales found[1].

    With s one over the scale, u = (1/2 - distance) * s and w = (1/2 + distance) * s the probability is
    sigmoid(u) * sigmoid(w) * (1 - e**-s).
    """
    price = price / _LN2
    for x in range(n):
        size = min(max(found[1, x], _SMALLEST), _LARGEST)
        s = exponential(-size * _LN2)
        apart = values[x] - found[0, x]
        distance = abs(apart)
        u = min(max((F32(0.5) - distance) * s, -_MOST), _MOST)
        w = min(max((F32(0.5) + distance) * s, -_MOST), _MOST)
        beyond = F32(1.0) / (F32(1.0) + exponential(u))  # 1 - sigmoid(u)
        below = F32(1.0) / (F32(1.0) + exponential(w))
        growth = exponential(min(s, _MOST))
        by_distance = s * (beyond - below)
        by_s = (distance - F32(0.5)) * beyond - (distance + F32(0.5)) * below - F32(1.0) / (growth - F32(1.0))
        side = by_distance * price if apart > F32(0.0) else -by_distance * price
        value_slopes[x] += side
        found_slopes[0, x] = -side
        inside = found[1, x] > _SMALLEST and found[1, x] < _LARGEST
        found_slopes[1, x] = -_LN2 * s * by_s * price if inside else F32(0.0)
