"""What latents cost, and the gradient of that: the context network forth and back, a row of a level at a time, as numba kernel.

latents around, latents of the coarser level --> 16 --> 16 --> mean, size --> bits of the latent
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.field._kernel import OWN, PAD, PARENT
from lacodec.codecs.image.field._rows import (
    BLOCK,
    F32,
    STARTS,
    add_gradients,
    add_totals,
    exponential,
    inexact,
    layer,
    layer_back,
    rectify,
    rectify_back,
)
from lacodec.kernels.row_products import STEP

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
    sums: tuple[np.ndarray, ...],
    price: float,
    work: tuple[np.ndarray, ...],
) -> None:
    """Add gradients of price * bits of a level to all slopes.

    level, parent: float32[height + 2 * PAD, width + 2 * PAD], zeros around them. weights: [INPUTS, HIDDEN], [HIDDEN],
    [HIDDEN, HIDDEN], [HIDDEN], [HIDDEN, 2], [2]. sums: of their gradients. work: two arrays [INPUTS, BLOCK], four [HIDDEN,
    BLOCK], two [2, BLOCK].
    """
    first, first_bias, second, second_bias, last, last_bias = weights
    first_sums, first_bias_sums, second_sums, second_bias_sums, last_sums, last_bias_sums = sums
    seen, seen_slopes, low, low_slopes, high, high_slopes, found, found_slopes = work
    width = level.shape[1] - 2 * PAD
    for y in range(level.shape[0] - 2 * PAD):
        for left in range(0, width, BLOCK):
            few = min(BLOCK, width - left)
            n = -(-few // STEP) * STEP
            _look(level, parent, y, left, few, seen)
            layer(first, first_bias, seen, low, n)
            rectify(low, n)
            layer(second, second_bias, low, high, n)
            rectify(high, n)
            layer(last, last_bias, high, found, n)
            _cost(level[y + PAD, PAD + left :], found, found_slopes, level_slopes[y + PAD, PAD + left :], F32(price), few)
            found_slopes[:, few:n] = F32(0.0)
            add_totals(found_slopes, last_bias_sums, n)
            add_gradients(high, STARTS, 0, found_slopes, (0, BLOCK), last_sums, n)
            layer_back(last, found_slopes, high_slopes, n)
            rectify_back(high, high_slopes, n)
            add_totals(high_slopes, second_bias_sums, n)
            add_gradients(low, STARTS, 0, high_slopes, (0, BLOCK), second_sums, n)
            layer_back(second, high_slopes, low_slopes, n)
            rectify_back(low, low_slopes, n)
            add_totals(low_slopes, first_bias_sums, n)
            add_gradients(seen, STARTS, 0, low_slopes, (0, BLOCK), first_sums, n)
            layer_back(first, low_slopes, seen_slopes, n)
            _look_back(seen_slopes, y, left, few, level_slopes, parent_slopes)


@inexact
def _look(level: np.ndarray, parent: np.ndarray, y: int, left: int, n: int, seen: np.ndarray) -> None:
    k = 0
    for place in OWN:
        row, to = level[y + PAD + place[0], left + PAD + place[1] :], seen[k]
        for x in range(n):
            to[x] = row[x]
        k += 1
    for place in PARENT:
        row, to = parent[(y >> 1) + PAD + place[0], (left >> 1) + PAD + place[1] :], seen[k]
        for x in range((n + 1) >> 1):
            to[2 * x] = row[x]
            to[2 * x + 1] = row[x]
        k += 1


@inexact
def _look_back(slopes: np.ndarray, y: int, left: int, n: int, level_slopes: np.ndarray, parent_slopes: np.ndarray) -> None:
    k = 0
    for place in OWN:
        to, own = level_slopes[y + PAD + place[0], left + PAD + place[1] :], slopes[k]
        for x in range(n):
            to[x] += own[x]
        k += 1
    for place in PARENT:
        to, own = parent_slopes[(y >> 1) + PAD + place[0], (left >> 1) + PAD + place[1] :], slopes[k]
        for x in range((n + 1) >> 1):
            to[x] += own[2 * x] + own[2 * x + 1]
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
