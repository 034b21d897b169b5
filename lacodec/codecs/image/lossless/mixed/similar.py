"""Least squares over the pixels close by, each weighted by how much its neighbours look like those of the present pixel.

The samples of the last rows are kept; for every pixel those within reach are weighted and summed again, on top of a little of
the sums of the first window of `_squares`.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.squares import eliminate, padded_size, substitute
from lacodec.codecs.image.lossless.mixed.state import BLEND, PAD, PAST_ROWS, STRIDE, State
from lacodec.kernels.float_vector import add_outer, squared_distance
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _LANES = U(1), U(8)
_ROW = U(STRIDE)
_PAST: Any = np.uint64(PAST_ROWS - 1)
_WILD = 1e6
_COMPARED = 8  # taps
_PRIOR, _RIDGE = 0.003, 0.03


@inlined
def predict_similar(s: State, p: int, y: int, x: int) -> float:
    """The prediction, relative to the pixel's centre; to be called after `_squares.predict`."""
    block = U(s.plan[st.BLOCK])
    n, m = U(s.counts[p, s.plan[st.ORDERS] - 1]), U(s.counts[p, s.plan[st.SIMILAR]])
    current = S64((x % block) * _ROW)
    _start(s, p, x // block, n, m)
    padded = padded_size(m)
    now, above, at = y & U(3), (y - _ONE) & U(3), x + U(PAD)
    energy = (s.errors[p, now, at - _ONE, BLEND] + s.errors[p, above, at, BLEND]) * 2.0
    energy += s.errors[p, above, at - _ONE, BLEND] + s.errors[p, above, at + _ONE, BLEND] + s.errors[p, now, at - U(2), BLEND]
    energy = energy * (1.0 / 7.0)
    unlike = 16.0 * energy * energy + 4.0 / (s.unit[0] * s.unit[0])
    reach, width = s.plan[st.REACH], s.plan[st.WIDTH]
    left = max(S64(x) - reach, 0)
    for dy in range(min(S64(y), reach) + 1):
        right = min(S64(x) + reach + 1, width) if dy > 0 else S64(x)
        line = (S64(p) * PAST_ROWS + S64((y - U(dy)) & _PAST)) * width
        for i in range(right - left):
            place = line + left + i
            d = squared_distance(s.past, place * STRIDE, s.samples, current, _COMPARED)
            weight = s.past_weight[U(place)] * s.nearness[U(dy), U(left + i - S64(x) + reach)] * unlike / (d + unlike)
            for j in range(padded):
                s.weighed[U(i) * _ROW + j] = s.past[U(place) * _ROW + j] * weight
        for i in range(m):
            first = i // _LANES * _LANES
            add_outer(
                s.matrix,
                S64(i * _ROW + first),
                s.past,
                (line + left) * STRIDE + S64(first),
                S64(padded - first),
                s.weighed,
                S64(i),
                S64(STRIDE),
                right - left,
            )
    eliminate(s, m)
    substitute(s, m, m, s.similar, U(0))
    total = 0.0
    for i in range(m):
        total += s.similar[i] * s.samples[U(current) + i]
    if not (-_WILD < total < _WILD):  # also NaN
        total = 0.0
    return total


@inlined
def _start(s: State, p: int, b: int, n: int, m: int) -> None:
    """`matrix` from the first window's sums for the first m taps and the target."""
    matrix = s.matrix
    ahead = U(s.bases[p]) + b * U(s.sizes[p])
    k = U(0)
    padded, wide = padded_size(m), padded_size(n)
    for i in range(m):
        first = i // _LANES * _LANES
        for j in range(first, padded):
            matrix[i * _ROW + j] = (s.behind[0, k + j - first] + s.ahead[ahead + k + j - first]) * _PRIOR
        matrix[i * _ROW + m] = (s.behind[0, k + n - first] + s.ahead[ahead + k + n - first]) * _PRIOR
        matrix[i * _ROW + i] += _RIDGE
        k += wide - first


@inlined
def remember(s: State, p: int, y: int, x: int, target: float, weight: float) -> None:
    """Keep the pixel's sample."""
    m = U(s.counts[p, s.plan[st.SIMILAR]])
    place = (U(p) * U(PAST_ROWS) + (y & _PAST)) * U(s.plan[st.WIDTH]) + x
    current = (x % U(s.plan[st.BLOCK])) * _ROW
    for i in range(padded_size(m)):
        s.past[place * _ROW + i] = s.samples[current + i] if i < m else 0.0
    s.past[place * _ROW + m] = target
    s.past_weight[place] = weight
