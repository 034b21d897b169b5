"""The inputs that predict a pixel's decisions: soft predictions, counted contexts, and which weights mix them."""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.state import BLEND, CLASSES, MAX_PLANES, PAD, State
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_ONE, _TWO, _THREE = U(1), U(2), U(3)
_ODD = U(0xD6E8FEB86659FD93)
_MEMORY = 250.0  # pixels that a running mean remembers, about
_STEP_FROM = 4.0  # mean error at which decisions go in steps of two


@inlined
def classify(v: float) -> int:
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
def _slot(number: int, a: int, b: int, bits: int) -> int:
    """First slot of context `number` for the values a and b."""
    h = (U(a) * GOLDEN + U(b)) * _ODD
    h = (h ^ (h >> U(29))) * GOLDEN
    h = (h ^ (h >> U(32))) * _ODD
    return (U(number) << bits) + ((h >> (U(69) - bits)) << U(5))


@inlined
def _average(pool: np.ndarray, which: int, at: int, v: float) -> None:
    pool[which, at, 0] += v
    pool[which, at, 1] += 1.0
    if pool[which, at, 1] > _MEMORY:
        pool[which, at, 0] *= 0.5
        pool[which, at, 1] *= 0.5


@inlined
def look_at_errors(s: State, p: int, y: int, x: int) -> None:
    """Sizes of the errors around, in this plane and in the one before, into `seen`."""
    errors, seen, around, unit = s.errors, s.seen, s.around, s.unit[0]
    now, above, below, at = y & _THREE, (y - _ONE) & _THREE, (y + _ONE) & _THREE, x + U(PAD)
    seen[st.ERROR_W] = errors[p, now, at - _ONE, BLEND] * unit
    seen[st.ERROR_N] = errors[p, above, at, BLEND] * unit
    corners = errors[p, above, at - _ONE, BLEND] + errors[p, above, at + _ONE, BLEND] + errors[p, now, at - _TWO, BLEND]
    seen[st.ENERGY] = ((seen[st.ERROR_W] + seen[st.ERROR_N]) * 2.0 + corners * unit) * (1.0 / 7.0)
    if p > 0:
        r = p - _ONE
        seen[st.ERROR_OTHER] = errors[r, now, at, BLEND] * unit
        cross = errors[r, now, at - _ONE, BLEND] + errors[r, now, at + _ONE, BLEND] + errors[r, below, at, BLEND]
        seen[st.ENERGY_OTHER] = (cross * unit + seen[st.ERROR_OTHER]) * 0.25
        seen[st.SIGNED_OTHER] = s.signed[r, now, at] * unit
    else:
        rough = abs(around[st.W] - around[st.NW]) + abs(around[st.N] - around[st.NW]) + abs(around[st.NE] - around[st.N])
        seen[st.ERROR_OTHER] = s.local[0] * unit * 0.2
        seen[st.ENERGY_OTHER] = rough * unit * 0.25
        seen[st.SIGNED_OTHER] = 0.0


@inlined
def scales(s: State, p: int, foreseen: float) -> tuple[int, int, float, float]:
    """The outcome of errors in places that looked like this, from two views: their places in `spread`, and the two scales."""
    row = (S64(p) * CLASSES + classify(foreseen)) * CLASSES
    spread1 = U(row + classify(s.seen[st.ENERGY_OTHER] * 0.5))
    spread2 = U(row + classify(s.seen[st.ERROR_OTHER]))
    scale1 = s.spread[0, spread1, 0] / s.spread[0, spread1, 1]
    scale2 = s.spread[1, spread2, 0] / s.spread[1, spread2, 1]
    return spread1, spread2, scale1, scale2


@inlined
def learn_scales(s: State, spread1: int, spread2: int, size: float) -> None:
    """Let the two views know the size of the error."""
    _average(s.spread, 0, spread1, size)
    _average(s.spread, 1, spread2, size)


@inlined
def set_softs(s: State, mean: float, blend: float, scale1: float, scale2: float) -> None:
    """Four distributions around the mean or the blend, and one around each of the first guesses."""
    means, slopes, unit = s.means, s.slopes, s.unit[0]
    means[0], slopes[0] = mean, unit / (scale1 + 0.05)
    means[1], slopes[1] = mean, unit / (scale2 + 0.05)
    means[2], slopes[2] = blend, unit / (scale2 * 0.45 + 0.05)
    means[3], slopes[3] = mean, unit / (scale1 * 1.8 + 0.1)
    scale = (scale1 + scale2) * 0.5
    for i in range(U(4), U(s.plan[st.SOFTS])):
        means[i] = s.guesses[i - U(4)]
        slopes[i] = unit / (s.local[i - U(4)] * unit * (0.8 / 7.0) + scale * 0.075 + 0.1)


@inlined
def set_contexts(s: State, p: int, y: int, x: int, mean: float, scale: float) -> int:
    """Contexts and selectors; returns log2 of the step of the decisions."""
    around, seen, c, unit = s.around, s.seen, s.contexts, s.unit[0]
    w, n, nw, ne = around[st.W], around[st.N], around[st.NW], around[st.NE]
    other = around[st.OTHER]
    step_bits = S64(0)
    while scale >= _STEP_FROM * unit * np.float64(S64(1) << step_bits) and step_bits < 14:
        step_bits += 1
    ip, whole = S64(p), S64(mean)
    texture = S64(w > mean) | (S64(n > mean) << 1) | (S64(nw > mean) << 2) | (S64(ne > mean) << 3)
    texture |= (S64(around[st.WW] > mean) << 4) | (S64(around[st.NN] > mean) << 5)
    signed_other = seen[st.SIGNED_OTHER]
    scale_class = classify(scale)
    key, bits = ip * 16 + step_bits, U(s.plan[st.CONTEXT_BITS])
    to_w, to_n = (w - mean) * unit, (n - mean) * unit
    c[0] = _slot(0, key, (whole >> 2) * 65536 + (S64(other) >> 2), bits)
    c[1] = _slot(1, key * 64 + _clip((ne - mean) * unit, 20), _clip((nw - mean) * unit, 20) >> 1, bits)
    c[2] = _slot(2, key * 64 + _clip(to_w, 20), _clip(to_n, 20) >> 1, bits)
    c[3] = _slot(3, key * 64 + texture, scale_class >> 1, bits)
    if s.plan[st.CONTEXTS] > 4:
        to_other_w, to_other_n = (other - around[st.OTHER_W]) * unit, (other - around[st.OTHER_N]) * unit
        rising = S64(to_other_w > 0.0) + 2 * S64(to_other_n > 0.0) + 4 * S64(signed_other > 0.0)
        c[4] = _slot(4, key, whole, bits)
        c[5] = _slot(5, key * 64 + _clip(to_other_w, 31), _clip(to_w, 31) >> 1, bits)
        c[6] = _slot(6, key * 64 + _clip(to_other_n, 31), _clip(to_n, 31) >> 1, bits)
        c[7] = _slot(7, key * 64 + texture, rising * 64 + (scale_class >> 1), bits)
    if s.plan[st.CONTEXTS] > 8:
        _set_more_contexts(s, p, y, x, mean, key, bits, scale_class)
    select = s.select
    select[0] = ip * 64 + scale_class
    select[1] = (MAX_PLANES + ip) * 64 + classify(seen[st.ERROR_W] + seen[st.ERROR_N])
    select[2] = (2 * MAX_PLANES + ip) * 64 + texture
    select[3] = (3 * MAX_PLANES + ip) * 64 + classify(seen[st.ENERGY_OTHER] + seen[st.ERROR_OTHER])
    select[st.MAX_SETS] = ip * 64 + scale_class
    select[st.MAX_SETS + 1] = (MAX_PLANES + ip) * 64 + (_clip(signed_other, 16) if p > 0 else texture)
    return step_bits


@inlined
def _set_more_contexts(s: State, p: int, y: int, x: int, mean: float, key: int, bits: int, scale_class: int) -> None:
    around, c, unit, signed = s.around, s.contexts, s.unit[0], s.signed
    now, above, at = y & _THREE, (y - _ONE) & _THREE, x + U(PAD)
    w, n, other, whole = around[st.W], around[st.N], S64(around[st.OTHER]), S64(mean)
    first = S64(s.pixels[0, y + U(PAD), at]) if p > 1 else S64(w)
    signed_w, signed_n = signed[p, now, at - _ONE] * unit, signed[p, above, at] * unit
    signed_first = signed[0, now, at] * unit if p > 1 else signed_n
    signed_other = s.seen[st.SIGNED_OTHER]
    to_w = (w - mean) * unit
    wide = scale_class >> 2
    c[8] = _slot(8, key * 8192 + _clip(to_w * 2.0, 63), _clip((around[st.WW] - mean) * unit, 63) * 16 + wide, bits)
    c[9] = _slot(9, key * 64 + _clip(signed_w * 2.0, 24), wide * 64 + _clip(signed_other * 2.0, 24), bits)
    c[10] = _slot(10, key * 64 + _clip(signed_other * 1.5, 24), wide * 64 + _clip(signed_first * 1.5, 24), bits)
    c[11] = _slot(11, key * 65536 + whole, other, bits)
    c[12] = _slot(12, key * 65536 + (whole >> 1), (S64(w) >> 1) * 65536 + (S64(n) >> 1), bits)
    c[13] = _slot(13, key * 65536 + (whole >> 1), (other >> 1) * 65536 + (first >> 1), bits)
    c[14] = _slot(14, key * 65536 + (whole >> 2), ((other >> 2) * 65536 + (S64(w) >> 2)) * 65536 + (S64(n) >> 2), bits)
    c[15] = _slot(15, key * 64 + _clip(signed_w, 24), wide * 64 + _clip(signed_n, 24), bits)
