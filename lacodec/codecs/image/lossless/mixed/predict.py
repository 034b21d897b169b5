"""Predictions of a pixel from its neighbours, and their blend by the errors that each made around it."""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.similar import predict_similar
from lacodec.codecs.image.lossless.mixed.squares import predict
from lacodec.codecs.image.lossless.mixed.state import PAD, State
from lacodec.kernels.jit import inlined

U: Any = np.uint64
_ONE, _TWO, _THREE = U(1), U(2), U(3)
_LEARNED_WEIGHT = 2.0  # of least squares against the others in the blend


@inlined
def look_around(s: State, p: int, y: int, x: int) -> None:
    """The pixels next to this one and, in the plane before, next to the same place, into `around`."""
    pixels, around = s.pixels, s.around
    row, at = y + U(PAD), x + U(PAD)
    around[st.W] = pixels[p, row, at - _ONE]
    around[st.N] = pixels[p, row - _ONE, at]
    around[st.NW] = pixels[p, row - _ONE, at - _ONE]
    around[st.NE] = pixels[p, row - _ONE, at + _ONE]
    around[st.WW] = pixels[p, row, at - _TWO]
    around[st.NN] = pixels[p, row - _TWO, at]
    around[st.NNE] = pixels[p, row - _TWO, at + _ONE]
    if p > 0:
        r = p - _ONE
        around[st.OTHER] = pixels[r, row, at]
        around[st.OTHER_W] = pixels[r, row, at - _ONE]
        around[st.OTHER_N] = pixels[r, row - _ONE, at]
        around[st.OTHER_NW] = pixels[r, row - _ONE, at - _ONE]
        around[st.OTHER_NE] = pixels[r, row - _ONE, at + _ONE]
    else:
        for i in range(U(st.OTHER), U(st.AROUND)):
            around[i] = 0.0


@inlined
def guess(s: State, p: int, y: int, x: int) -> None:
    """All predictions into `guesses`: least squares, then `SIMPLE` others."""
    around, guesses = s.around, s.guesses
    w, n, nw, ne = around[st.W], around[st.N], around[st.NW], around[st.NE]
    other, other_w, other_n = around[st.OTHER], around[st.OTHER_W], around[st.OTHER_N]
    other_nw, other_ne = around[st.OTHER_NW], around[st.OTHER_NE]
    centre = (w + n) * 0.5
    predict(s, p, y, x, centre)
    e = U(s.plan[st.SQUARES])
    if s.plan[st.REACH] > 0:
        guesses[e - _ONE] = centre + predict_similar(s, p, y, x)
    guesses[e] = _median(w, n, nw)
    guesses[e + _ONE] = other + _median(w - other_w, n - other_n, nw - other_nw)
    guesses[e + _TWO] = w + (ne - n) * 0.5 + (other - other_w - (other_ne - other_n) * 0.5)
    guesses[e + _THREE] = centre + (other - (other_w + other_n) * 0.5) + (ne - nw) * 0.25 - (other_ne - other_nw) * 0.25
    guesses[e + U(4)] = w + other - other_w
    guesses[e + U(5)] = n + other - other_n
    guesses[e + U(6)] = n + ne - around[st.NNE]


@inlined
def _median(a: float, b: float, c: float) -> float:
    """Of left a, upper b, and their sum less the upper left c."""
    return min(max(a + b - c, min(a, b)), max(a, b))


@inlined
def blend_guesses(s: State, p: int, y: int, x: int) -> float:
    """Bring the guesses into range and average them, weighted by the squares of their errors around the pixel."""
    errors, guesses = s.errors, s.guesses
    now, above, at = y & _THREE, (y - _ONE) & _THREE, x + U(PAD)
    top, unit = np.float64(s.plan[st.TOP]), s.unit[0]
    squares = U(s.plan[st.SQUARES])
    weight_sum, blend = 0.0, 0.0
    for i in range(squares + U(st.SIMPLE)):
        v = min(max(guesses[i], 0.0), top)
        guesses[i] = v
        near = (
            (errors[p, now, at - _ONE, i] + errors[p, above, at, i]) * 2.0
            + errors[p, above, at + _ONE, i]
            + errors[p, above, at - _ONE, i]
            + errors[p, now, at - _TWO, i]
        )
        weight = 1.0 / (near * unit + 1.0)
        weight = weight * weight
        if i < squares:
            weight = weight * _LEARNED_WEIGHT
        blend += weight * v
        weight_sum += weight
        s.local[i] = near
    return blend / weight_sum
