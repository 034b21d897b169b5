"""Running regressions over the tile so far: the error that follows from those around, in sign (MEAN) and in size (SIZE).

As in `_squares`, but with one sum of products per plane, which fades from block to block.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.squares import add_products, eliminate, padded_size, substitute
from lacodec.codecs.image.lossless.mixed.state import BLEND, FIT_BLOCK, MAX_PLANES, PAD, STRIDE, State
from lacodec.kernels.float_vector import dot
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
MEAN, SIZE = U(0), U(1)
_ONE, _TWO, _THREE = U(1), U(2), U(3)
_ROW = U(STRIDE)


@inlined
def _row(k: int, x: int) -> int:
    """The place of the features of pixel x for regression k."""
    return (k * U(FIT_BLOCK) + x % U(FIT_BLOCK)) * _ROW


@inlined
def refine(s: State, p: int, y: int, x: int, blend: float) -> float:
    """The correction of the blend: from signed errors around, and from each prediction relative to the blend."""
    signed, features = s.signed, s.features
    now, above, below, at = y & _THREE, (y - _ONE) & _THREE, (y + _ONE) & _THREE, x + U(PAD)
    f = _row(MEAN, x)
    features[f] = signed[p, now, at - _ONE]
    features[f + U(1)] = signed[p, above, at]
    features[f + U(2)] = signed[p, above, at - _ONE]
    features[f + U(3)] = signed[p, above, at + _ONE]
    features[f + U(4)] = signed[p, now, at - _TWO]
    f += U(5)
    for q in range(p):
        features[f] = signed[q, now, at]
        features[f + U(1)] = signed[q, now, at - _ONE]
        features[f + U(2)] = signed[q, now, at + _ONE]
        features[f + U(3)] = signed[q, below, at]
        features[f + U(4)] = signed[q, above, at]
        f += U(5)
    for i in range(U(s.plan[st.SQUARES] + st.SIMPLE)):
        features[f + i] = s.guesses[i] - blend
    return _fitted(s, MEAN, p, x)


@inlined
def foresee(s: State, p: int, y: int, x: int, mean: float) -> float:
    """The size of the error of `mean`: from those around, the steps between neighbours and how far the predictions differ."""
    errors, features, around, guesses = s.errors, s.features, s.around, s.guesses
    unit = s.unit[0]
    now, above, below, at = y & _THREE, (y - _ONE) & _THREE, (y + _ONE) & _THREE, x + U(PAD)
    e = U(s.plan[st.SQUARES])
    f = _row(SIZE, x)
    features[f] = errors[p, now, at - _ONE, BLEND] * unit
    features[f + U(1)] = errors[p, above, at, BLEND] * unit
    features[f + U(2)] = errors[p, above, at - _ONE, BLEND] * unit
    features[f + U(3)] = errors[p, above, at + _ONE, BLEND] * unit
    features[f + U(4)] = errors[p, now, at - _TWO, BLEND] * unit
    features[f + U(5)] = errors[p, above, at + _TWO, BLEND] * unit
    features[f + U(6)] = errors[p, above, at - _TWO, BLEND] * unit
    features[f + U(7)] = errors[p, (y - _TWO) & _THREE, at, BLEND] * unit
    features[f + U(8)] = abs(around[st.W] - around[st.NW]) * unit
    features[f + U(9)] = abs(around[st.N] - around[st.NW]) * unit
    features[f + U(10)] = abs(around[st.NE] - around[st.N]) * unit
    features[f + U(11)] = abs(guesses[0] - mean) * unit
    features[f + U(12)] = abs(guesses[1] - mean) * unit
    features[f + U(13)] = abs(guesses[e] - mean) * unit
    features[f + U(14)] = abs(guesses[e + _ONE] - mean) * unit
    features[f + U(15)] = 1.0
    f += U(16)
    for q in range(p):
        features[f] = errors[q, now, at, BLEND] * unit
        features[f + U(1)] = errors[q, now, at - _ONE, BLEND] * unit
        features[f + U(2)] = errors[q, now, at + _ONE, BLEND] * unit
        features[f + U(3)] = errors[q, below, at, BLEND] * unit
        features[f + U(4)] = errors[q, above, at, BLEND] * unit
        f += U(5)
    return _fitted(s, SIZE, p, x)


@inlined
def _fitted(s: State, k: int, p: int, x: int) -> float:
    """The result of regression `k` for its features."""
    row = _row(k, x)
    n = U(s.fit_counts[k, p])
    for i in range(n, padded_size(n)):
        s.features[row + i] = 0.0
    return dot(s.fit_coefficients, S64((k * U(MAX_PLANES) + p) * _ROW), s.features, S64(row), S64(padded_size(n)))


@inlined
def learn_fit(s: State, k: int, p: int, x: int, target: float, weight: float) -> None:
    """Add the pixel; add up every block; refit after several."""
    row = _row(k, x)
    n = U(s.fit_counts[k, p])
    s.features[row + n] = target
    for i in range(n + _ONE):
        s.weighted_features[row + i] = s.features[row + i] * weight
    inside = x % U(FIT_BLOCK)
    if inside + _ONE < FIT_BLOCK and x + _ONE < U(s.plan[st.WIDTH]):
        return
    size = U(add_products(s, s.features, s.weighted_features, _row(k, U(0)), n, inside + _ONE))
    keep, ridge = s.fit_fade[k, 0], s.fit_fade[k, 1]
    for i in range(size):
        s.fit_sums[k, p, i] = s.fit_sums[k, p, i] * keep + s.products[i]
    if (x // U(FIT_BLOCK)) % U(s.plan[st.FIT_PERIOD]) != 0:
        return
    matrix, padded = s.matrix, padded_size(n)
    at = U(0)
    for i in range(n):
        for j in range(i // U(8) * U(8), padded):
            matrix[i * _ROW + j] = s.fit_sums[k, p, at]
            at += _ONE
        matrix[i * _ROW + i] += ridge
        matrix[i * _ROW + n] += ridge * s.fit_prior[k, i]
    eliminate(s, n)
    substitute(s, n, n, s.fit_coefficients, (k * U(MAX_PLANES) + p) * _ROW)
