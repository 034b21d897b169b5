"""The pixel model: predicts each pixel from those coded before, codes it, learns from it.

    neighbours, planes coded before --> least squares, simple predictors --blended by local error--> regression --> mean
    errors around --> regression --> classes --> calibrated scales                                                    |
    soft predictions (means, scales), counted contexts  --> decisions (`_decisions`) --> value --> everything learns

Rows are coded plane by plane, each plane one row behind the one before it: it sees that plane's next row as well.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.contexts import learn_scales, look_at_errors, scales, set_contexts, set_softs
from lacodec.codecs.image.lossless.mixed.decisions import code_value
from lacodec.codecs.image.lossless.mixed.fit import MEAN, SIZE, foresee, learn_fit, refine
from lacodec.codecs.image.lossless.mixed.predict import blend_guesses, guess, look_around
from lacodec.codecs.image.lossless.mixed.similar import remember
from lacodec.codecs.image.lossless.mixed.squares import learn, start_row
from lacodec.codecs.image.lossless.mixed.state import BLEND, PAD, State
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _THREE = U(1), U(3)


@flat_kernel
def code_tile(s: State, begin: int, end: int) -> None:
    """Code the pixels of a tile, from `pixels` or into it: steps begin..end of height + planes - 1, each a row of every plane."""
    height, width, planes = U(s.plan[st.HEIGHT]), U(s.plan[st.WIDTH]), U(s.plan[st.PLANES])
    for step in range(U(begin), U(end)):
        for p in range(planes):
            if step < p or step - p >= height:
                continue
            y = step - p
            for c in range(U(PAD)):
                s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD - 1), U(PAD)]
            start_row(s, p)
            for x in range(width):
                code_pixel(s, p, y, x)
            close_row(s, p, y, width)


@inlined
def close_row(s: State, p: int, y: int, width: int) -> None:
    """Margins repeat what lies beside them: pixels to the right and below, errors on both sides (the left ones
    for the next row)."""
    now, then = y & _THREE, (y + _ONE) & _THREE
    for c in range(U(PAD)):
        s.pixels[p, y + U(PAD), width + U(PAD) + c] = s.pixels[p, y + U(PAD), width + U(PAD - 1)]
        for i in range(U(st.MAX_PREDICTORS)):
            s.errors[p, now, width + U(PAD) + c, i] = s.errors[p, now, width + U(PAD - 1), i]
            s.errors[p, then, c, i] = s.errors[p, now, U(PAD), i]
    if y + _ONE == U(s.plan[st.HEIGHT]):
        for x in range(width + U(2 * PAD)):
            s.pixels[p, y + U(PAD + 1), x] = s.pixels[p, y + U(PAD), x]


@inlined
def code_pixel(s: State, p: int, y: int, x: int) -> None:
    """Code a pixel, from `pixels` or into it, and learn from it."""
    top, unit = np.float64(s.plan[st.TOP]), s.unit[0]
    row, now, at = y + U(PAD), y & _THREE, x + U(PAD)
    look_around(s, p, y, x)
    guess(s, p, y, x)
    blend = blend_guesses(s, p, y, x)
    mean = blend + refine(s, p, y, x, blend)
    mean = min(max(mean, 0.0), top) if mean == mean else blend
    look_at_errors(s, p, y, x)
    energy = s.seen[st.ENERGY]
    foreseen = foresee(s, p, y, x, mean)
    foreseen = min(max(foreseen, energy * 0.125), energy * 8.0 + 1.0) if foreseen == foreseen else energy
    spread1, spread2, scale1, scale2 = scales(s, p, foreseen)
    scale = (scale1 + scale2) * 0.5
    set_softs(s, mean, blend, scale1, scale2)
    step_bits = set_contexts(s, p, y, x, mean, scale)

    value = code_value(s, mean, step_bits, S64(s.pixels[p, row, at]))
    s.pixels[p, row, at] = np.int32(value)

    v = np.float64(value)
    for i in range(U(s.plan[st.SQUARES] + st.SIMPLE)):
        s.errors[p, now, at, i] = abs(v - s.guesses[i])
    size = abs(v - mean)
    s.errors[p, now, at, BLEND] = size
    s.signed[p, now, at] = v - mean
    variance = scale * scale
    learn_scales(s, spread1, spread2, size * unit)
    learn_fit(s, MEAN, p, x, v - blend, unit * unit / (variance + 4.0))
    learn_fit(s, SIZE, p, x, size * unit, 1.0 / (variance + 6.0))
    centre = (s.around[st.W] + s.around[st.N]) * 0.5
    weight = unit * unit / (variance + 4.0)
    if s.plan[st.REACH] > 0:
        remember(s, p, y, x, v - centre, weight)
    learn(s, p, x, U(s.plan[st.WIDTH]), v - centre, weight)
