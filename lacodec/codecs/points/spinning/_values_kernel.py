"""One number of each point, mixed: predicted by least squares from the points around it, contexts from what they had.

The decisions, and what they learn, are those of mixed columns.
"""

from typing import Any

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.features import make_contexts
from lacodec.codecs.columns.mixed.numbers import code_number
from lacodec.codecs.columns.mixed.squares import limited, solve
from lacodec.codecs.columns.mixed.state import ORDER, State
from lacodec.codecs.columns.mixed.whole import S64, U, bit_length, fine, quarters, size_of, wrapped
from lacodec.codecs.points.spinning._neighbours_kernel import NE, NEE, NN, NNE, NW, NWW, WW, WWW, N, W
from lacodec.codecs.points.spinning.sides import Sides
from lacodec.entropy.mixing import POSITION
from lacodec.kernels.float_vector import dot, fade_and_add
from lacodec.kernels.jit import flat_kernel, inlined

_ONE = U(1)
_SETTLING = 1024  # values after which the mixer learns half as fast as it might
_LATE = 64  # bytes behind its end from which a decoder need not go on
_TARGET = U(ORDER - 1)
_TINY = 1e-30  # keeps fading sums out of the denormal numbers
TAPS, MORE_TAPS = 12, 15
"""Inputs of least squares; with a frame before."""
_OFFSET_BITS, _MOST_OFF = 4, 800  # of what the frame before is short of, and of one look at it
_NONE = 1000  # class where the frame before tells nothing
CLASSES = 16
"""Of surroundings, each with a fit of its own."""

# Features of a point's surroundings; "to" ones are differences from the prediction, "near" ones their classes.
NOTHING, RING, TO_W, TO_N, NEAR_W, NEAR_N, NEAR_NE, NEAR_NW, NEAR_NN, NEAR_PLANE, NEAR_LINE, ERROR_W, ERROR_N, ERROR_NE = range(
    14
)
LOCAL, CLASS, GAP, HEIGHT, FRACTION, TOLD, TOLD_MORE, VALUE_W, VALUE_N, PREDICTED = range(14, 24)
ERROR_WW, ERROR_MEAN, VALUE_WW, VALUE_NE, MEAN = range(26, 31)
NEAR_PAST, NEAR_MOVED, NEAR_SHAPE, NEAR_LEFT, NEAR_RIGHT, NEAR_FAR = range(31, 37)  # from the frame before; 37 is KNOWN
APART, OFFSET, FEATURES = range(38, 41)


@flat_kernel
def code_points(s: State, sides: Sides, limits: np.ndarray, start: int, stop: int) -> Any:
    """Code the numbers of points [start:stop]; returns how far it came: `stop`, unless the stream had ended.

    limits, f64[2]: differences and targets beyond which least squares do not look.
    """
    plan = s.plan
    base = U(s.values.size) - U(plan[st.COUNT]) - _ONE  # position 0 of a neighbour: none
    digits = plan[st.SCHEME] == st.DIGITS
    bits = plan[st.BITS]
    mask = ~U(0) >> U(64 - bits)
    late = s.stream.size + _LATE
    for i in range(U(start), U(stop)):
        s.registers[st.RATE] = plan[st.MIX_RATE] + S64(U(plan[st.BOOST]) // (i + U(_SETTLING)))
        p = _predict(s, sides, limits[U(0)], base, i)
        _look_around(s, sides, base, i, p)
        make_contexts(s)
        at = base + i + _ONE
        zero = S64(0) if digits else p
        x = S64(U(zero + code_number(s, i, wrapped(s.values[at] - zero, bits))) & mask)
        s.values[at] = x
        s.errors[i + _ONE] = x - p
        if plan[st.TAPS] > TAPS and sides.past[i, U(0)]:
            off = (x - sides.past[i, U(0)] << S64(_OFFSET_BITS)) - s.features[OFFSET]
            s.features[OFFSET] += min(max(off, S64(-_MOST_OFF)), S64(_MOST_OFF)) >> S64(2)
        _learn(s, x - s.values[base + U(sides.near[i, W])], limits[_ONE])
        if s.registers[POSITION] > late:
            return S64(i)
    return S64(stop)


@inlined
def _predict(s: State, sides: Sides, most: float, base: int, i: int) -> int:
    """Fill the window and choose the fit; returns the prediction, within what a number may be."""
    v, near = s.values, sides.near
    w, ww, www = v[base + U(near[i, W])], v[base + U(near[i, WW])], v[base + U(near[i, WWW])]
    n, nw, ne = v[base + U(near[i, N])], v[base + U(near[i, NW])], v[base + U(near[i, NE])]
    nn, nww, nee = v[base + U(near[i, NN])], v[base + U(near[i, NWW])], v[base + U(near[i, NEE])]
    nne = v[base + U(near[i, NNE])]
    unit = s.rates[st.UNIT]
    s.window[U(0)] = limited(np.float64(w - ww), most) * unit
    s.window[U(1)] = limited(np.float64(ww - www), most) * unit
    s.window[U(2)] = limited(np.float64(n - nw), most) * unit
    s.window[U(3)] = limited(np.float64(ne - n), most) * unit
    s.window[U(4)] = limited(np.float64(nw - nww), most) * unit
    s.window[U(5)] = limited(np.float64(nee - ne), most) * unit
    s.window[U(6)] = limited(np.float64(n - w), most) * unit
    s.window[U(7)] = limited(np.float64(nn - n), most) * unit
    s.window[U(8)] = limited(np.float64(nne - nn), most) * unit
    s.window[U(9)] = limited(np.float64(s.errors[U(near[i, N])]), most) * unit
    s.window[U(10)] = limited(np.float64(s.errors[U(near[i, W])]), most) * unit
    s.window[U(11)] = limited(np.float64(s.errors[U(near[i, NE])]), most) * unit
    here = S64(0)
    if s.plan[st.TAPS] > TAPS:
        here = sides.past[i, U(0)]
        left, right = _past(sides, near[i, W]), sides.past[i, U(2)]
        s.window[U(12)] = limited(np.float64(_corrected(s, here) - w), most) * unit if here else 0.0
        s.window[U(13)] = limited(np.float64(here - left), most) * unit if here and left else 0.0
        s.window[U(14)] = limited(np.float64(right - here), most) * unit if here and right else 0.0
    s.window[_TARGET] = 0.0
    around = size_of(w - ww) + size_of(n - nw) + size_of(ne - n)
    kind = min(bit_length(around >> _ONE), S64(CLASSES - 2))
    if here:
        kind += CLASSES
    s.features[CLASS] = kind
    row = kind * ORDER
    step = limited(dot(s.window, 0, s.coefficients, row, ORDER) / unit, most)
    whole = np.floor(step + 0.5)
    s.features[FRACTION] = S64((step + 0.5 - whole) * 4.0)
    most_value = S64((~U(0)) >> U(64 - s.plan[st.BITS]))
    return min(max(w + S64(whole), S64(0)), most_value)


@inlined
def _past(sides: Sides, neighbour: int) -> int:
    """The number of a neighbour, given as in `Sides.near`, by the frame before; 0 for none."""
    return sides.past[U(neighbour) - _ONE, U(0)] if neighbour else S64(0)


@inlined
def _corrected(s: State, past: int) -> int:
    """A number by the frame before, plus what such numbers were short of lately."""
    return past + (s.features[OFFSET] >> S64(_OFFSET_BITS))


@inlined
def _class_of(s: State, past: int, p: int) -> int:
    return fine(_corrected(s, past) - p) if past else S64(_NONE)


@inlined
def _look_around(s: State, sides: Sides, base: int, i: int, p: int) -> None:
    v, e, f, near = s.values, s.errors, s.features, sides.near
    w, ww = v[base + U(near[i, W])], v[base + U(near[i, WW])]
    n, nw, ne = v[base + U(near[i, N])], v[base + U(near[i, NW])], v[base + U(near[i, NE])]
    nn = v[base + U(near[i, NN])]
    f[RING] = S64(sides.rings[i])
    f[TO_W], f[TO_N] = w - p, n - p
    f[NEAR_W], f[NEAR_N], f[NEAR_NE] = fine(w - p), fine(n - p), fine(ne - p)
    f[NEAR_NW], f[NEAR_NN] = fine(nw - p), fine(nn - p)
    f[NEAR_PLANE], f[NEAR_LINE] = fine(w + n - nw - p), fine(w + w - ww - p)
    ew, eww = e[U(near[i, W])], e[U(near[i, WW])]
    en, ene, enw = e[U(near[i, N])], e[U(near[i, NE])], e[U(near[i, NW])]
    f[ERROR_W], f[ERROR_N], f[ERROR_NE], f[ERROR_WW] = fine(ew), fine(en), fine(ene), fine(eww)
    local = size_of(ew) * U(2) + size_of(en) * U(2) + size_of(eww) + size_of(ene) + size_of(enw)
    f[LOCAL] = min(quarters(local), S64(63))
    f[ERROR_MEAN] = fine((ew * 2 + en * 2 + eww + ene + enw) >> 2)
    f[GAP] = S64(sides.gaps[i])
    f[HEIGHT] = p >> s.plan[st.VALUE_SHIFT]
    f[TOLD], f[TOLD_MORE] = sides.told[i, 0], sides.told[i, 1]
    f[VALUE_W], f[VALUE_N], f[VALUE_WW], f[VALUE_NE] = w, n, ww, ne
    f[PREDICTED] = p
    f[MEAN] = (w * 2 + n * 2 + ww + ne + nw + nn) >> 3
    if s.plan[st.TAPS] > TAPS:
        _look_back(s, sides, i, w, n, p)


@inlined
def _look_back(s: State, sides: Sides, i: int, w: int, n: int, p: int) -> None:
    """Features from the frame before: what it tells beside the prediction; its steps from W and N on."""
    f, near = s.features, sides.near
    here, left, above = sides.past[i, U(0)], _past(sides, near[i, W]), _past(sides, near[i, N])
    f[NEAR_PAST], f[NEAR_LEFT] = _class_of(s, here, p), _class_of(s, sides.past[i, U(1)], p)
    f[NEAR_RIGHT], f[NEAR_FAR] = _class_of(s, sides.past[i, U(2)], p), _class_of(s, sides.past[i, U(3)], p)
    f[NEAR_MOVED] = fine(w + here - left - p) if here and left else S64(_NONE)
    f[NEAR_SHAPE] = fine(n + here - above - p) if here and above else S64(_NONE)
    f[APART] = min(quarters(size_of(_corrected(s, here) - p)), S64(62)) if here else S64(63)


@inlined
def _learn(s: State, target: int, most: float) -> None:
    """Let the fit of these surroundings know the number; target: its difference from W."""
    s.window[_TARGET] = limited(np.float64(target), most) * s.rates[st.UNIT]
    fit = U(s.features[CLASS])
    base = S64(fit) * ORDER * ORDER
    for j in range(U(s.plan[st.TAPS])):
        fade_and_add(s.squares, base + S64(j) * ORDER, s.window, ORDER, s.rates[st.KEEP], s.window[j], _TINY)
    s.means[fit] += 1
    if s.means[fit] & (s.plan[st.SOLVE_EVERY] - 1) == 0:
        solve(s, U(base), fit * U(ORDER), U(s.plan[st.TAPS]))
