"""Features as binary decisions, each predicted by counters of several contexts whose answers are mixed.

    neighbours in the channel, what was missed in the channels before --least squares--> centre
    what was missed around --> expected size --> logistic distribution, contexts --> decisions: not the centre? above? further?

Predictions are double-precision sums in a fixed order; all else is whole numbers.
"""

from typing import Any

import numpy as np

from lacodec.codecs.features import _state as state
from lacodec.codecs.features._state import CHANNELS, CONTEXTS, INPUTS, LEVELS, SPAN, TAPS, State
from lacodec.entropy.mixing import POSITION, READ_AHEAD, code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
U32: Any = np.uint32

MOST = 1 << 22
"""The largest magnitude of a number."""
GOOD, TOO_LARGE, TOO_SHORT = 0, 1, 2
"""Results of `code_items`; the others are for decoders."""
_RATE = 6  # of weights
_LIMIT = 255  # counts of a counter
_UNARY = 8  # distances that are coded step by step
_RIDGE = 32.0
_FADE = 0.98  # of sums, from one row to the next
_FAR = 1 << 18  # sixteenths: sizes are not told apart beyond
_KEPT = 256  # sizes of which a channel knows the mean


@flat_kernel
def code_items(s: State, decoding: int, values: np.ndarray, sizes: np.ndarray) -> int:
    """Code int32[n, height, width, channels], row by row, all channels of a place one after another.

    sizes: scratch, int32[height, width, channels], by how much predictions were wrong, in sixteenths. Returns one of the results.
    """
    items, height, width, channels = values.shape
    for item in range(items):
        for y in range(height):
            for x in range(width):
                found, usual = S64(0), S64(0)
                for c in range(channels):
                    mean = _predict(s, values[item], y, x, c)
                    sixteenths = S64(np.floor(mean * 16.0 + 0.5))
                    one = s.sizes[c, 0] // s.sizes[c, 1]
                    active = one * (found + 32) // (usual + 32)
                    q = _code_number(s, decoding, c, sixteenths, sizes, y, x, one, active, S64(values[item, y, x, c]))
                    if abs(q) > MOST:
                        return TOO_LARGE
                    values[item, y, x, c] = q
                    size = min(abs(16 * q - sixteenths), _FAR)
                    sizes[y, x, c] = size
                    found += size
                    usual += one
                    s.sizes[c, 0] += size
                    s.sizes[c, 1] += 1
                    if s.sizes[c, 1] > _KEPT:
                        s.sizes[c, 0] >>= 1
                        s.sizes[c, 1] >>= 1
                    s.missed[c] = q - mean
                    _add(s, c, np.float64(q))
            if decoding and s.registers[POSITION] > s.stream.size + READ_AHEAD:
                return TOO_SHORT
            for c in range(channels):
                _fit(s, c)
    return GOOD


@inlined
def _predict(s: State, values: np.ndarray, y: int, x: int, c: int) -> float:
    """The mean by the taps of the channel; leaves what they are applied to in a row of `work`."""
    width = values.shape[1]
    inputs = s.work[TAPS]
    inputs[0] = values[y, x - 1, c] if x else 0
    inputs[1] = values[y - 1, x, c] if y else 0
    inputs[2] = values[y - 1, x - 1, c] if x and y else 0
    inputs[3] = values[y - 1, x + 1, c] if y and x + 1 < width else 0
    inputs[4] = values[y, x - 2, c] if x > 1 else 0
    inputs[5] = values[y - 2, x, c] if y > 1 else 0
    inputs[6] = s.missed[c - 1] if c else 0.0
    inputs[7] = s.missed[c - 2] if c > 1 else 0.0
    inputs[8] = 1.0
    mean = 0.0
    for k in range(TAPS):
        mean += s.taps[c, k] * inputs[k]
    return mean if abs(mean) < MOST else 0.0  # and where it is no number


@inlined
def _add(s: State, c: int, value: float) -> None:
    """Count a value with what the taps were applied to."""
    inputs, products = s.work[TAPS], s.products[c]
    for k in range(TAPS):
        for i in range(k + 1):
            products[k, i] += inputs[k] * inputs[i]
        products[TAPS, k] += inputs[k] * value


@inlined
def _fit(s: State, c: int) -> None:
    """The taps of a channel by least squares with a ridge; then its sums fade."""
    work, products = s.work, s.products[c]
    solved = True
    for k in range(TAPS):  # the Cholesky factor, its diagonal inverted
        for i in range(k + 1):
            total = products[k, i]
            if i == k:
                total += _RIDGE
            for j in range(i):
                total -= work[k, j] * work[i, j]
            if i == k:
                solved = solved and total > 1e-9
                work[k, k] = 1.0 / np.sqrt(max(total, 1e-9))
            else:
                work[k, i] = total * work[i, i]
    answer = work[TAPS + 1]
    for k in range(TAPS):
        total = products[TAPS, k]
        for j in range(k):
            total -= work[k, j] * answer[j]
        answer[k] = total * work[k, k]
    for k in range(TAPS - 1, -1, -1):
        total = answer[k]
        for j in range(k + 1, TAPS):
            total -= work[j, k] * answer[j]
        answer[k] = total * work[k, k]
    for k in range(TAPS):
        s.taps[c, k] = answer[k] if solved else 0.0
    for k in range(TAPS + 1):
        for i in range(TAPS):
            products[k, i] *= _FADE


@inlined
def _level(s: State, size: int) -> int:
    """Four to an octave of a size in sixteenths."""
    more = S64(0)
    while size >= 4096:
        size, more = size >> 1, more + 4
    return min(S64(s.levels[size]) + more, LEVELS - 1)


@inlined
def _code_number(
    s: State, decoding: int, c: int, mean: int, sizes: np.ndarray, y: int, x: int, usual: int, active: int, value: int
) -> int:
    """A number around its mean, in sixteenths. usual: the mean size in the channel; active: that times how it was in others."""
    width = sizes.shape[1]
    west = S64(sizes[y, x - 1, c]) if x else usual
    north = S64(sizes[y - 1, x, c]) if y else usual
    corners = S64(sizes[y - 1, x - 1, c]) if x and y else usual
    corners += S64(sizes[y - 1, x + 1, c]) if y and x + 1 < width else usual
    beyond = S64(sizes[y, x - 2, c]) if x > 1 else usual
    beyond += S64(sizes[y - 2, x, c]) if y > 1 else usual
    last = S64(sizes[y, x, c - 1]) if c else S64(0)
    second = S64(sizes[y, x, c - 2]) if c > 1 else S64(0)
    near = (4 * (west + north) + 2 * corners + beyond) // 14
    active = min(active, _FAR)
    level, around, other = _level(s, (4 * near + 5 * usual + 7 * active) >> 4), _level(s, near), _level(s, active)
    own, slope, centre = min(c, CHANNELS - 1), s.slopes[level], (mean + 8) >> 4
    shift = mean - 16 * centre
    part = (shift + 8) >> 1
    cell, wide = _class(west) * 5 + _class(north), _class(corners >> 1) * 5 + _class(beyond >> 1)
    across = _class(last) * 5 + _class(second)
    weight = min(_level(s, min(16 * abs(centre), _FAR)), 31)
    above, below = _beyond(s, slope, 8 - shift), _beyond(s, slope, 8 + shift)
    at = s.places
    at[0], at[1] = level * 8 + part, own * 16 + min(around >> 2, 7)
    _common(at, around, other, cell, wide, across, weight, level)
    if not _code(s, state.ZERO, own, level, _chance(above + below, 65536), U(value != centre), decoding):
        return centre
    signs = _sign(s.missed[c - 1] if c else 0.0) * 3 + _sign(s.missed[c - 2] if c > 1 else 0.0)
    at[0], at[1] = part * 64 + level, own * 16 + part
    at[2], at[3], at[4] = weight * 2 + (centre > 0), signs, signs * 8 + part
    at[5], at[6] = part * 64 + around, part * 64 + other
    up = _code(s, state.SIGN, own, level, _chance(above, above + below), U(value > centre), decoding)
    side = shift if up else -shift
    left = above if up else below
    distance, k = abs(value - centre), S64(1)
    while k < _UNARY:
        rest = _beyond(s, slope, 16 * k + 8 - side)
        at[0], at[1] = level * 8 + k, own * 16 + k
        _common(at, around, other, cell, wide, across, weight, level)
        if not _code(s, state.MORE + min(k - 1, 3), own, level, _chance(rest, left), U(distance > k), decoding):
            break
        left = rest
        k += 1
    if k == _UNARY:
        k += _code_rest(s, distance - k, own, level, around, other, decoding)
    return centre + k if up else centre - k


@inlined
def _common(at: np.ndarray, around: int, other: int, cell: int, wide: int, across: int, weight: int, level: int) -> None:
    """Contexts of whether a number is the centre, and of how far it is."""
    at[2], at[3], at[4] = around * 64 + other, cell * 25 + wide, across * 64 + level
    at[5], at[6] = weight * 64 + level, cell * 25 + across


@inlined
def _sign(missed: float) -> int:
    """Whether a prediction fell short by half a step: 2; or by as much in the other direction: 0; or 1."""
    return S64(2) if missed > 0.5 else S64(0) if missed < -0.5 else S64(1)


@inlined
def _code_rest(s: State, value: int, own: int, level: int, around: int, other: int, decoding: int) -> int:
    """A whole number from 0 on: the number of bits of one more, then those."""
    bits, at = S64(0), s.places
    while bits < 24:
        step = min(bits, 15)
        at[0] = level * 16 + step
        at[1] = own * 16 + step
        at[2] = around * 16 + step
        at[3] = other * 16 + step
        at[4], at[5], at[6] = step, step, step
        if not _code(s, state.PREFIX, own, level, 32768, U((value + 1) >> (bits + 1) > 0), decoding):
            break
        bits += 1
    found = S64(1)
    for i in range(bits):
        found = found * 2 + S64(code_decision(s.registers, s.stream, 32768, U(((value + 1) >> (bits - 1 - i)) & 1), decoding))
    return found - 1


@inlined
def _class(size: int) -> int:
    """0 to 4, of a size in sixteenths."""
    return S64(0) if size < 4 else S64(1) if size < 8 else S64(2) if size < 16 else S64(3) if size < 32 else S64(4)


@inlined
def _beyond(s: State, slope: int, distance: int) -> int:
    """65536 times the probability of more than distance / 16 from the mean, on one side."""
    return S64(s.squash[U(3072 - min(max((distance * slope) >> 16, -3071), 3071))])


@inlined
def _chance(part: int, whole: int) -> int:
    return min(max((part << 16) // max(whole, 1), 24), 65536 - 24)


@inlined
def _code(s: State, kind: int, own: int, level: int, plain: int, bit: np.uint64, decoding: int) -> np.uint64:
    """A decision whose contexts, yet without their beginnings, are in `places`; plain: its chance by the distribution."""
    at = s.places
    for k in range(CONTEXTS):
        at[k] = (at[k] & (SPAN - 1)) + (kind * CONTEXTS + k) * SPAN
        s.inputs[k] = np.int32(s.stretch[s.counters[at[k]] >> U32(20)])
    s.inputs[CONTEXTS] = np.int32(s.stretch[plain >> 4])
    s.inputs[INPUTS - 1] = 256
    total = S64(0)
    for k in range(INPUTS):
        total += S64(s.inputs[k]) * (S64(s.weights[0, kind, level, k]) + S64(s.weights[1, kind, own, k]))
    p = min(max(S64(s.squash[U(min(max(total >> 16, -2900), 2900) + 3072)]), 1), 65535)
    bit = code_decision(s.registers, s.stream, p, bit, decoding)
    target = (S64(bit) << 22) - S64(bit)
    error = ((S64(bit) << 16) - p) * _RATE
    for k in range(INPUTS):
        step = np.int32((S64(s.inputs[k]) * error + (1 << 17)) >> 18)
        s.weights[0, kind, level, k] += step
        s.weights[1, kind, own, k] += step
    for k in range(CONTEXTS):
        s.counters[at[k]] = learned(s.counters[at[k]], target, U32(_LIMIT), s.reciprocal)
    return bit
