"""The quick model of a plane: the predictions of the pixel model of pictures, values by frequency tables instead of decisions.

    neighbours, known planes --> least squares, simple predictors --blended by local error--> mean
    errors around, errors of the known planes --> context: a frequency table                   |
    value less the rounded mean, mirrored so that the mean lies above it --> token and raw bits --> rANS

An encoder records what it would code; `fast.kernel.code_records` codes that backwards.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.image.lossless.fast.kernel import BINS, LOWEST, read, record
from lacodec.codecs.image.lossless.fast.vector import float_bits
from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.contexts import look_at_errors
from lacodec.codecs.image.lossless.mixed.kernel import close_row
from lacodec.codecs.image.lossless.mixed.predict import blend_guesses, guess, look_around
from lacodec.codecs.image.lossless.mixed.squares import learn, start_row
from lacodec.codecs.image.lossless.mixed.state import BLEND, PAD, State
from lacodec.codecs.video.lossless._plane_kernel import tell_errors
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _THREE = U(1), U(3)
_ROUGH, _CALM = 2.0, 0.5  # how much larger or smaller the errors of the known planes are than those around, for another table


class Tokens(NamedTuple):
    """A coder of tokens; the fields are those of `fast.kernel.State` with the same names."""

    coder: np.ndarray
    words: np.ndarray
    records: np.ndarray
    tables: np.ndarray
    counts: np.ndarray
    due: np.ndarray
    token_of: np.ndarray
    spans: np.ndarray


@flat_kernel
def code_plane(s: State, f: Tokens, sizes: np.ndarray, signed: np.ndarray, begin: int, end: int) -> None:
    """As `_plane_kernel.code_plane`."""
    width, p = U(s.plan[st.WIDTH]), U(s.plan[st.PLANES] - 1)
    for y in range(U(begin), U(end)):
        for q in range(p):
            tell_errors(s, sizes, signed, q, y + _ONE)
            if y == 0:
                tell_errors(s, sizes, signed, q, y)
        for c in range(U(PAD)):
            s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD - 1), U(PAD)]
        start_row(s, p)
        for x in range(width):
            _code_pixel(s, f, p, y, x)
        close_row(s, p, y, width)
        for x in range(width):
            sizes[p, y, x] = np.float32(s.errors[p, y & _THREE, x + U(PAD), BLEND])


@inlined
def _code_pixel(s: State, f: Tokens, p: int, y: int, x: int) -> None:
    top, unit = s.plan[st.TOP], s.unit[0]
    row, now, at = y + U(PAD), y & _THREE, x + U(PAD)
    look_around(s, p, y, x)
    guess(s, p, y, x)
    mean = blend_guesses(s, p, y, x)
    look_at_errors(s, p, y, x)
    near, other = s.seen[st.ENERGY], s.seen[st.ENERGY_OTHER]
    expected = near * 0.75 + other * 0.25
    which = U(2) if other > near * _ROUGH else U(1) if other < near * _CALM else U(0)
    bin_of = min(max(S64(float_bits(np.float32(expected / unit)) >> U(21)) - (127 + LOWEST) * 4, S64(0)), S64(BINS - 1))
    base = S64(mean + 0.5)
    apart = mean - np.float64(base)
    sign = S64(-1) if apart < 0.0 else S64(1)
    shift = U(max((bin_of >> 2) + (LOWEST - 3), 0))
    context = (which * U(BINS) + U(bin_of)) * U(2) + U(abs(apart) > 0.25)
    if s.plan[st.DECODING]:
        value = min(max(base + sign * read(f, context, shift), 0), top)
        s.pixels[p, row, at] = np.int32(value)
    else:
        value = S64(s.pixels[p, row, at])
        record(f, context, shift, (value - base) * sign)
    v = np.float64(value)
    for i in range(U(s.plan[st.SQUARES] + st.SIMPLE)):
        s.errors[p, now, at, i] = abs(v - s.guesses[i])
    s.errors[p, now, at, BLEND] = abs(v - mean)
    s.signed[p, now, at] = v - mean
    centre = (s.around[st.W] + s.around[st.N]) * 0.5
    weight = unit * unit / (expected * expected + 4.0)
    learn(s, p, x, U(s.plan[st.WIDTH]), v - centre, weight)
