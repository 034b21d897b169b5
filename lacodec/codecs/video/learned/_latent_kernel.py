"""Latents of a frame as binary decisions, each predicted by counters of several contexts whose answers are mixed.

    mean and scale by the image's networks --+--> mean of both --> rounded difference: zero? sign? larger? --> range coder
    latents foreseen from the frame before --+--> contexts

All arithmetic of a decoder is on whole numbers; means and latents count sixteenths.
"""

from typing import Any

import numpy as np

from lacodec.codecs.video.learned._state import CONTEXTS, INPUTS, MORE, RATIOS, SIGN, SPAN, UNARY, WHOLE, ZERO, State
from lacodec.entropy.mixing import code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
U32: Any = np.uint32

MOST = (1 << 15) - 1
"""The largest magnitude of a symbol."""
PAD = 2  # positions around maps
_RATE = 6  # of weights
_LIMIT = 255  # counts of a counter
_SIGHT = 127  # sixteenths: larger differences teach no more than these
_OLD = 1 << 22  # from which on sums of gains are halved
_EVERY = 8  # channels between two looks at the surroundings
_BIT = 0.11552453009332421  # log(2) / 6: squared steps that a bit is worth
_NATS = 256.0 * 0.6931471805599453


@flat_kernel
def code_step(
    s: State,
    jobs: np.ndarray,
    decoding: int,
    has_past: int,
    price: float,
    means: np.ndarray,
    scales: np.ndarray,
    past: np.ndarray,
    wanted: np.ndarray,
    values: np.ndarray,
    sizes: np.ndarray,
    sizes_before: np.ndarray,
    sums: np.ndarray,
    sums_before: np.ndarray,
) -> int:
    """Code some channels at every second place: jobs int64[n, 4] has first channel, end, first row, first column.

    means, scales, past: int32[h, w, channels], past: the latents foreseen. wanted: float32 of the same shape, what an encoder
    has. values: int32, the latents as coded. sizes: uint8[h + 2 PAD, w + 2 PAD, channels], magnitudes of symbols.
    sums: int32[3, h + 2, w + 2], of what was expected, of symbols, and of errors of `past`; *_before: of the frame before.
    Returns 0, or 1 if a decoded symbol is too large.
    """
    height, width = values.shape[:2]
    bad = 0
    for j in range(jobs.shape[0]):
        for y in range(jobs[j, 2], height, 2):
            for x in range(jobs[j, 3], width, 2):
                expected, found, missed = S64(0), S64(0), S64(0)
                near, ratio = S64(0), S64(RATIOS - 1)
                for c in range(jobs[j, 0], jobs[j, 1]):
                    if (c - jobs[j, 0]) % _EVERY == 0:
                        all_expected = _around(sums, sums_before, 0, y, x) + 4 * expected + 8
                        near = _ratio(_around(sums, sums_before, 1, y, x) + 4 * found, all_expected)
                        ratio = _ratio(_around(sums, sums_before, 2, y, x) + 4 * missed, all_expected)
                    level, mean = S64(scales[y, x, c]), S64(means[y, x, c])
                    centre, apart = mean, S64(0)
                    if has_past:
                        apart = S64(past[y, x, c]) - mean
                        a, b = (0, level, ratio), (1, c, ratio)
                        products, squares = s.gains[a[0], a[1], a[2], 0], s.gains[a[0], a[1], a[2], 1]
                        products += s.gains[b[0], b[1], b[2], 0]
                        squares += s.gains[b[0], b[1], b[2], 1]
                        centre += (apart * min(max((products << 8) // squares, 0), 288) + 128) >> 8
                    around = _magnitudes(sizes, y + PAD, x + PAD, c)
                    q = _code_symbol(
                        s, decoding, has_past, price, level, centre, apart, near, ratio, around, c,
                        S64(sizes_before[y + PAD, x + PAD, c]),
                        S64(sizes[y + PAD, x + PAD, c - 1]) if c > jobs[j, 0] else S64(0),
                        S64(sizes[y + PAD, x + PAD, c - 2]) if c > jobs[j, 0] + 1 else S64(0),
                        wanted[y, x, c] * np.float32(16.0) - np.float32(centre),
                    )  # fmt: skip
                    if abs(q) > MOST:
                        bad, q = 1, S64(0)
                    value = centre + 16 * q
                    values[y, x, c] = value
                    sizes[y + PAD, x + PAD, c] = min(abs(q), 255)
                    expected += s.spreads[level]
                    found += min(16 * abs(q), 255)
                    missed += min(abs(value - past[y, x, c]), 255)
                    if has_past and apart:
                        seen, told = apart, S64(value) - mean
                        while abs(seen) > _SIGHT:
                            seen, told = seen >> 1, told >> 1
                        told *= seen
                        _teach_gain(s, 0, level, ratio, told, seen * seen)
                        _teach_gain(s, 1, c, ratio, told, seen * seen)
                sums[0, y + 1, x + 1] += expected
                sums[1, y + 1, x + 1] += found
                sums[2, y + 1, x + 1] += missed
    return bad


@inlined
def _teach_gain(s: State, kind: int, row: int, ratio: int, product: int, square: int) -> None:
    s.gains[kind, row, ratio, 0] += product
    s.gains[kind, row, ratio, 1] += square
    if s.gains[kind, row, ratio, 1] > _OLD:
        s.gains[kind, row, ratio, 0] >>= 1
        s.gains[kind, row, ratio, 1] >>= 1


@inlined
def _around(sums: np.ndarray, before: np.ndarray, kind: int, y: int, x: int) -> int:
    total = S64(0)
    for dy in range(3):
        for dx in range(3):
            total += S64(sums[kind, y + dy, x + dx]) * S64((1 + (dy == 1)) * (1 + (dx == 1)))
    return total + (S64(before[kind, y + 1, x + 1]) >> 1)


@inlined
def _ratio(part: int, whole: int) -> int:
    """Class of part / whole, 0 to 7: below 1/8, 1/4, 3/8, 1/2, 3/4, 1, 3/2, and above."""
    part = 8 * part
    if part < 3 * whole:
        return S64(0) if part < whole else S64(1) if part < 2 * whole else S64(2)
    if part < 6 * whole:
        return S64(3) if part < 4 * whole else S64(4)
    return S64(5) if part < 8 * whole else S64(6) if part < 12 * whole else S64(7)


@inlined
def _magnitudes(sizes: np.ndarray, y: int, x: int, c: int) -> int:
    """Of the symbols around, as far as they are known: 0 to 5."""
    near = S64(sizes[y - 1, x, c]) + S64(sizes[y + 1, x, c]) + S64(sizes[y, x - 1, c]) + S64(sizes[y, x + 1, c])
    far = S64(sizes[y - 1, x - 1, c]) + S64(sizes[y - 1, x + 1, c]) + S64(sizes[y + 1, x - 1, c]) + S64(sizes[y + 1, x + 1, c])
    further = S64(sizes[y - 2, x, c]) + S64(sizes[y, x - 2, c]) + S64(sizes[y + 2, x, c]) + S64(sizes[y, x + 2, c])
    return min(2 * near + far + further, 5)


@inlined
def _code_symbol(
    s: State, decoding: int, has_past: int, price: float, level: int, centre: int, apart: int, near: int, ratio: int,
    around: int, c: int, before: int, last: int, second: int, rest: float,
) -> int:  # fmt: skip
    """The symbol; an encoder chooses it by `rest`, the sixteenths that the latent is above its centre."""
    apart_class = S64(s.far[min(abs(apart), 4095)])
    size_class = S64(s.far[min(abs(centre), 4095)])
    beside = min(last, 2) * 3 + min(second, 2)
    past = S64(1) if has_past else S64(0)
    at = s.places
    at[0] = (level * 12 + apart_class) * 2 + past
    at[1] = (level * 8 + near) * 8 + ratio
    at[2] = (c * 4 + (near >> 1)) & (SPAN - 1)
    at[3] = ((around * 3 + min(before, 2)) * 32 + (level >> 1)) * 4 + (near >> 1)
    at[4] = ((beside * 32 + (level >> 1)) * 8 + near) * 2 + past
    at[5] = ((size_class * 12 + apart_class) * 8 + ratio) * 2 + past
    for k in range(CONTEXTS):
        at[k] += (ZERO * CONTEXTS + k) * SPAN
    s.inputs[CONTEXTS] = s.plain[level]
    mixed = _predict(s, ZERO, level, near * 8 + ratio)
    q, size = S64(0), S64(0)
    if not decoding:
        magnitude = abs(rest) * (1.0 / 16.0)
        size = S64(np.floor(magnitude + 0.5))
        bits = 1.4 - mixed / _NATS if size == 1 else 1.7
        if size and magnitude - size < price * _BIT * bits * 0.5 - 0.5:
            size -= 1
        size = min(size, MOST)
    if not _learn(s, ZERO, level, near * 8 + ratio, mixed, U(size != 0), decoding):
        return q
    up = U(0) if rest < 0 else U(1)
    towards = apart < 0
    kind = S64(SIGN)
    at[0] = (apart_class * 8 + ratio) * 2 + towards
    at[1] = (level * 12 + apart_class) * 2 + towards
    at[2] = c & (SPAN - 1)
    at[3], at[4], at[5] = towards, towards, towards
    up = _code(s, kind, ratio, apart_class, up, decoding)
    k = S64(1)
    while k < UNARY:
        kind = MORE + min(k - 1, 3)
        step = min(k, 15)
        at[0] = (level * 12 + apart_class) * 16 + step
        at[1] = (level * 8 + near) * 16 + step
        at[2] = (c * 4 + min(step, 3)) & (SPAN - 1)
        at[3] = ((around * 3 + min(before, 2)) * 16 + (level >> 2)) * 16 + step
        at[4] = (beside * 16 + (level >> 2)) * 16 + step
        at[5] = (size_class * 8 + ratio) * 16 + step
        if not _code(s, kind, level, near * 8 + ratio, U(size > k), decoding):
            break
        k += 1
    if k == UNARY:
        k += code_rest(s, size - k, decoding)
    return k if up else -k


@inlined
def _code(s: State, kind: int, first: int, second: int, bit: np.uint64, decoding: int) -> np.uint64:
    """A decision whose contexts, yet without their beginnings, are in `places`."""
    for k in range(CONTEXTS):
        s.places[k] = (s.places[k] & (SPAN - 1)) + (kind * CONTEXTS + k) * SPAN
    s.inputs[CONTEXTS] = 0
    return _learn(s, kind, first, second, _predict(s, kind, first, second), bit, decoding)


@inlined
def _predict(s: State, kind: int, first: int, second: int) -> int:
    """The stretched chance of a one."""
    for k in range(CONTEXTS):
        s.inputs[k] = np.int32(s.stretch[s.counters[s.places[k]] >> U32(20)])
    s.inputs[INPUTS - 1] = 256
    total = S64(0)
    for k in range(INPUTS):
        total += S64(s.inputs[k]) * (S64(s.weights[0, kind, first, k]) + S64(s.weights[1, kind, second, k]))
    return min(max(total >> 16, -2900), 2900)


@inlined
def _learn(s: State, kind: int, first: int, second: int, mixed: int, bit: np.uint64, decoding: int) -> np.uint64:
    """Code a bit by its stretched chance, and learn."""
    p = min(max(S64(s.squash[U(mixed + 3072)]), 1), 65535)
    bit = code_decision(s.registers, s.stream, p, bit, decoding)
    target = (S64(bit) << 22) - S64(bit)
    error = ((S64(bit) << 16) - p) * _RATE
    for k in range(INPUTS):
        step = np.int32((S64(s.inputs[k]) * error + (1 << 17)) >> 18)
        s.weights[0, kind, first, k] += step
        s.weights[1, kind, second, k] += step
    for k in range(CONTEXTS):
        s.counters[s.places[k]] = learned(s.counters[s.places[k]], target, U32(_LIMIT), s.reciprocal)
    return bit


@inlined
def code_rest(s: State, value: int, decoding: int) -> int:
    """A whole number from 0 on: the number of bits of one more, then those."""
    bits = S64(0)
    while bits < 17 and code_decision(s.registers, s.stream, 32768, U((value + 1) >> (bits + 1) > 0), decoding):
        bits += 1
    found = S64(1)
    for i in range(bits):
        found = found * 2 + S64(code_decision(s.registers, s.stream, 32768, U(((value + 1) >> (bits - 1 - i)) & 1), decoding))
    return found - 1


@flat_kernel
def code_whole(s: State, decoding: int, kind_levels: np.ndarray, before: np.ndarray, values: np.ndarray) -> int:
    """Code whole numbers int32[h, w, channels] as differences to `before`: hyper-latents. kind_levels: uint8[channels], scales.

    Returns 0, or 1 if one is too large.
    """
    height, width, channels = values.shape
    at, bad = s.places, 0
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                level, old = S64(kind_levels[c]), S64(before[y, x, c])
                left = min(abs(S64(values[y, x - 1, c]) - before[y, x - 1, c]), 2) if x else S64(0)
                above = min(abs(S64(values[y - 1, x, c]) - before[y - 1, x, c]), 2) if y else S64(0)
                last = min(abs(S64(values[y, x, c - 1]) - before[y, x, c - 1]), 2) if c else S64(0)
                second = min(abs(S64(values[y, x, c - 2]) - before[y, x, c - 2]), 2) if c > 1 else S64(0)
                size, up = S64(0), U(0)
                if not decoding:
                    q = S64(values[y, x, c]) - old
                    size, up = abs(q), U(q > 0)
                k = S64(0)
                while k < UNARY:
                    step = min(k, 3)
                    at[0] = (level * 4 + step) * 4 + min(abs(old), 3)
                    at[1] = (c & 1023) * 4 + step
                    at[2] = ((left * 3 + above) * 4 + step) * 4 + min(abs(old), 3)
                    at[3] = (((last * 3 + second) * 4 + step) * 3 + left) * 3 + above
                    at[4] = (level * 4 + step) * 9 + left * 3 + above
                    at[5] = ((level * 4 + step) * 3 + last) * 3 + second
                    if not _code(s, WHOLE, level, step, U(size > k), decoding):
                        break
                    k += 1
                if k == UNARY:
                    k += code_rest(s, size - k, decoding)
                if k:
                    up = code_decision(s.registers, s.stream, 32768, up, decoding)
                value = old + (k if up else -k)
                if abs(value) > MOST:
                    bad, value = 1, S64(0)
                values[y, x, c] = value
    return bad
