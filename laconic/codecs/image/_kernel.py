"""The pixel model: predicts each pixel from those coded before, codes it, learns from it.

    neighbours, planes coded before --> least squares, simple predictors --blended by local error--> mean --> bias corrected
    local errors --> classes --> calibrated scale                                                      |
    soft predictions (means, scales), counted contexts  --> decisions (`_decisions`) --> value --> everything learns

Rows are coded plane by plane, each plane one row behind the one before it: it sees that plane's next row as well.
"""

from typing import Any

import numpy as np

from laconic.codecs.image import _state as st
from laconic.codecs.image._decisions import code_value
from laconic.codecs.image._squares import learn, predict, start_row
from laconic.codecs.image._state import BLEND, CLASSES, MAX_PLANES, PAD, State
from laconic.entropy._jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _TWO = U(1), U(2)
_GOLDEN = U(0x9E3779B97F4A7C15)
_ODD = U(0xD6E8FEB86659FD93)
_MEMORY = 250.0  # pixels that a running mean remembers, about
_STEP_FROM = 8.0  # mean error at which decisions go in steps of two


@flat_kernel
def code_tile(s: State) -> None:
    """Code all pixels of a tile, from `pixels` or into it."""
    height, width, planes = U(s.plan[st.HEIGHT]), U(s.plan[st.WIDTH]), U(s.plan[st.PLANES])
    for step in range(height + planes - U(1)):
        for p in range(planes):
            if step < p or step - p >= height:
                continue
            y = step - p
            for c in range(U(PAD)):
                s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD - 1), U(PAD)]
            for o in range(U(s.plan[st.SQUARES])):
                start_row(s, p, o)
            for x in range(width):
                _code_pixel(s, p, y, x)
            _close_row(s, p, y, width)


@inlined
def _close_row(s: State, p: int, y: int, width: int) -> None:
    """Margins repeat what lies beside them: pixels to the right and below, errors on both sides (the left ones
    for the next row)."""
    now = y & _ONE
    for c in range(U(PAD)):
        s.pixels[p, y + U(PAD), width + U(PAD) + c] = s.pixels[p, y + U(PAD), width + U(PAD - 1)]
        for i in range(U(st.MAX_PREDICTORS)):
            s.errors[p, now, width + U(PAD) + c, i] = s.errors[p, now, width + U(PAD - 1), i]
            s.errors[p, _ONE - now, c, i] = s.errors[p, now, U(PAD), i]
    if y + _ONE == U(s.plan[st.HEIGHT]):
        for x in range(width + U(2 * PAD)):
            s.pixels[p, y + U(PAD + 1), x] = s.pixels[p, y + U(PAD), x]


@inlined
def _class(v: float) -> int:
    """Class of a size: 0..7 for 0..7 64ths, then four to an octave."""
    i = S64(min(v, 1e6) * 64.0)
    k = 0
    while i >= 8:
        i >>= 1
        k += 4
    return min(k + i, CLASSES - 1)


@inlined
def _clip(v: float, limit: int) -> int:
    """Towards zero, 0..2 * limit."""
    return S64(min(max(v, -np.float64(limit)), np.float64(limit))) + limit


@inlined
def _median(a: float, b: float, c: float) -> float:
    """Of left a, upper b, and their sum less the upper left c."""
    return min(max(a + b - c, min(a, b)), max(a, b))


@inlined
def _slot(number: int, a: int, b: int, bits: int) -> int:
    """First slot of context `number` for the values a and b."""
    h = (U(a) * _GOLDEN + U(b)) * _ODD
    h = (h ^ (h >> U(29))) * _GOLDEN
    h = (h ^ (h >> U(32))) * _ODD
    return (U(number) << bits) + ((h >> (U(69) - bits)) << U(5))


@inlined
def _mean(pool: np.ndarray, which: int, at: int) -> float:
    return pool[which, at, 0] / pool[which, at, 1]


@inlined
def _average(pool: np.ndarray, which: int, at: int, v: float) -> None:
    pool[which, at, 0] += v
    pool[which, at, 1] += 1.0
    if pool[which, at, 1] > _MEMORY:
        pool[which, at, 0] *= 0.5
        pool[which, at, 1] *= 0.5


@inlined
def _code_pixel(s: State, p: int, y: int, x: int) -> None:
    plan, pixels, errors, guesses = s.plan, s.pixels, s.errors, s.guesses
    squares = U(plan[st.SQUARES])
    top = np.float64(plan[st.TOP])
    unit = s.unit[0]
    row, at = y + U(PAD), x + U(PAD)
    w = np.float64(pixels[p, row, at - _ONE])
    n = np.float64(pixels[p, row - _ONE, at])
    nw = np.float64(pixels[p, row - _ONE, at - _ONE])
    ne = np.float64(pixels[p, row - _ONE, at + _ONE])
    ww = np.float64(pixels[p, row, at - _TWO])
    nn = np.float64(pixels[p, row - _TWO, at])
    nne = np.float64(pixels[p, row - _TWO, at + _ONE])
    centre = (w + n) * 0.5
    other, other_w, other_n, other_nw, other_ne = 0.0, 0.0, 0.0, 0.0, 0.0
    if p > 0:
        r = p - _ONE
        other = np.float64(pixels[r, row, at])
        other_w = np.float64(pixels[r, row, at - _ONE])
        other_n = np.float64(pixels[r, row - _ONE, at])
        other_nw = np.float64(pixels[r, row - _ONE, at - _ONE])
        other_ne = np.float64(pixels[r, row - _ONE, at + _ONE])

    # Predictors.
    for o in range(squares):
        guesses[o] = predict(s, p, o, y, x, centre)
    e = squares
    guesses[e] = _median(w, n, nw)
    guesses[e + _ONE] = other + _median(w - other_w, n - other_n, nw - other_nw)
    guesses[e + _TWO] = w + (ne - n) * 0.5 + (other - other_w - (other_ne - other_n) * 0.5)
    guesses[e + U(3)] = centre + (other - (other_w + other_n) * 0.5) + (ne - nw) * 0.25 - (other_ne - other_nw) * 0.25
    guesses[e + U(4)] = w + other - other_w
    guesses[e + U(5)] = n + other - other_n
    guesses[e + U(6)] = n + ne - nne

    # Their blend, by local errors.
    now = y & _ONE
    above = _ONE - now
    predictors = squares + U(st.SIMPLE)
    weight_sum, blend = 0.0, 0.0
    for i in range(predictors):
        v = min(max(guesses[i], 0.0), top)
        guesses[i] = v
        near = (
            (errors[p, now, at - _ONE, i] + errors[p, above, at, i]) * 2.0
            + errors[p, above, at + _ONE, i]
            + errors[p, above, at - _ONE, i]
            + errors[p, now, at - _TWO, i]
        )
        weight = 1.0 / (near * unit + 0.5)
        weight = weight * weight
        if i < squares:
            weight = weight * 4.0
        blend += weight * v
        weight_sum += weight
        s.local[i] = near
    blend = blend / weight_sum

    # What its errors were around, and in the plane before.
    error_w, error_n = errors[p, now, at - _ONE, BLEND] * unit, errors[p, above, at, BLEND] * unit
    around = (error_w + error_n) * 2.0 + (
        errors[p, above, at - _ONE, BLEND] + errors[p, above, at + _ONE, BLEND] + errors[p, now, at - _TWO, BLEND]
    ) * unit
    energy = around / 7.0
    error_other, energy_other, signed_other = 0.0, 0.0, 0.0
    if p > 0:
        r = p - _ONE
        error_other = errors[r, now, at, BLEND] * unit
        energy_other = (
            (errors[r, now, at - _ONE, BLEND] + errors[r, now, at + _ONE, BLEND] + errors[r, above, at, BLEND]) * unit
            + error_other
        ) * 0.25
        signed_other = s.signed[r, now, at] * unit
    rough = (abs(w - nw) + abs(n - nw) + abs(ne - n)) * unit

    # Bias correction.
    ip = S64(p)
    texture = S64(w > blend) | (S64(n > blend) << 1) | (S64(nw > blend) << 2) | (S64(ne > blend) << 3)
    texture |= (S64(ww > blend) << 4) | (S64(nn > blend) << 5)
    side = _clip(signed_other, 16)
    row_of = (ip * CLASSES + _class(energy * 2.0)) * 64
    bias1, bias2 = U(row_of + texture), U(row_of + side)
    mean = min(max(blend + (_mean(s.bias, 0, bias1) + _mean(s.bias, 1, bias2)) * 0.5, 0.0), top)

    # Scale: what errors came to where they looked like this.
    spread1 = U((ip * CLASSES + _class(energy)) * CLASSES + _class(energy_other * 0.5 if p > 0 else rough * 0.125))
    spread2 = U(
        (ip * CLASSES + _class(energy * 0.7 + energy_other * 0.3)) * CLASSES
        + _class(error_other if p > 0 else s.local[0] * unit * 0.2)
    )
    scale1, scale2 = _mean(s.spread, 0, spread1), _mean(s.spread, 1, spread2)
    scale = (scale1 + scale2) * 0.5
    means, slopes = s.means, s.slopes
    means[0], slopes[0] = mean, unit / (scale1 + 0.05)
    means[1], slopes[1] = mean, unit / (scale2 + 0.05)
    means[2], slopes[2] = blend, unit / (scale2 * 0.7 + 0.05)
    means[3], slopes[3] = mean, unit / (scale1 * 1.8 + 0.1)
    for i in range(U(4), U(plan[st.SOFTS])):
        means[i] = guesses[i - U(4)]
        slopes[i] = unit / (s.local[i - U(4)] * unit * (0.5 / 7.0) + scale * 0.5 + 0.1)

    # Contexts and selectors.
    step_bits = S64(0)
    while scale >= _STEP_FROM * unit * np.float64(S64(1) << step_bits) and step_bits < 14:
        step_bits += 1
    whole = S64(mean)
    part = S64((mean - np.float64(whole)) * 8.0)
    scale_class = _class(scale)
    bits = U(plan[st.CONTEXT_BITS])
    c = s.contexts
    key = ip * 16 + step_bits
    c[0] = _slot(0, key, scale_class * 8 + part, bits)
    c[1] = _slot(1, key * 64 + texture, scale_class >> 1, bits)
    c[2] = _slot(2, key * 64 + side, scale_class >> 1, bits)
    to_w, to_n = (w - mean) * unit, (n - mean) * unit
    c[3] = _slot(3, key * 64 + _clip(to_w, 20), _clip(to_n, 20) >> 1, bits)
    if plan[st.CONTEXTS] > 4:
        c[4] = _slot(4, key, whole * 4 + (part >> 1), bits)
        c[5] = _slot(5, key * 64 + _class(error_w), _class(error_n), bits)
        c[6] = _slot(6, key * 64 + _class(error_other), _class(energy), bits)
        apart0, apart1 = (guesses[0] - mean) * unit, (guesses[_ONE] - mean) * unit
        c[7] = _slot(7, key * 64 + _clip(apart0 * 4.0, 16), (scale_class >> 2) * 64 + _clip(apart1, 16), bits)
    if plan[st.CONTEXTS] > 8:
        apart2 = (guesses[_TWO] - mean) * unit
        c[8] = _slot(8, key * 64 + _clip((ne - mean) * unit, 20), _clip((nw - mean) * unit, 20) >> 1, bits)
        c[9] = _slot(9, key * 64 + _clip((other - other_w) * unit, 31), _clip(to_w, 31) >> 1, bits)
        c[10] = _slot(10, key * 64 + _clip((other - other_n) * unit, 31), _clip(to_n, 31) >> 1, bits)
        c[11] = _slot(11, key, (whole >> 2) * 65536 + (S64(other) >> 2), bits)
        c[12] = _slot(12, key * 8192 + _clip(to_w * 2.0, 63), _clip((ww - mean) * unit, 63) * 16 + (scale_class >> 2), bits)
        c[13] = _slot(13, key * 128 + _clip(apart0 * 8.0, 32), (scale_class >> 2) * 128 + _clip(apart2 * 8.0, 32), bits)
        c[14] = _slot(14, key, S64(x), bits)
        signed_w = s.signed[p, now, at - _ONE] * unit
        c[15] = _slot(15, key * 64 + _clip(signed_w * 2.0, 24), (scale_class >> 2) * 64 + _clip(signed_other * 2.0, 24), bits)
    select = s.select
    select[0] = ip * 64 + scale_class
    select[1] = (MAX_PLANES + ip) * 64 + _class(error_w + error_n)
    select[2] = (2 * MAX_PLANES + ip) * 64 + texture
    select[3] = (3 * MAX_PLANES + ip) * 64 + _class(energy_other + error_other)
    select[st.MAX_SETS] = ip * 64 + scale_class
    select[st.MAX_SETS + 1] = (MAX_PLANES + ip) * 64 + (side if p > 0 else texture)

    value = code_value(s, mean, step_bits, S64(pixels[p, row, at]))
    pixels[p, row, at] = np.int32(value)

    # Learn.
    v = np.float64(value)
    for i in range(predictors):
        errors[p, now, at, i] = abs(v - guesses[i])
    size = abs(v - mean)
    errors[p, now, at, BLEND] = size
    s.signed[p, now, at] = v - mean
    _average(s.bias, 0, bias1, v - blend)
    _average(s.bias, 1, bias2, v - blend)
    _average(s.spread, 0, spread1, size * unit)
    _average(s.spread, 1, spread2, size * unit)
    for o in range(squares):
        learn(s, p, o, x, v - centre, unit * unit / (scale * scale + s.fade[o, 3]))
