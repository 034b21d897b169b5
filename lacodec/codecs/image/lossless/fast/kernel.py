"""The fast pixel model: one pass over the planes, static weights, frequency tables that follow the picture.

    neighbours, planes coded before --> linear predictors --weighted by local error--> mean
    errors of the means around      --> context: a frequency table   |
    value less the rounded mean, mirrored so that the mean lies above it --> token and raw bits --> rANS

Each plane runs a row and two columns behind the one before it, so that it sees pixels below and to the right there, and the
processor can work on all planes at once. An encoder records what it would code; `_fast` codes that backwards.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.image.lossless.fast.vector import (
    PREDICTORS,
    TABLE,
    TOKENS,
    adapt,
    blend_first,
    blend_second,
    blend_third,
    correct,
    find_token,
    float_bits,
    note_errors,
)
from lacodec.kernels.jit import flat_kernel, helper, inlined

U: Any = np.uint64
S64: Any = np.int64
F32: Any = np.float32

PAD = 4  # columns beside a plane, rows above it
LAG = 2  # columns that a plane stays behind the one before it
BITS = 15  # of frequencies
BINS = 64  # of expected errors, four to an octave from 2**LOWEST on
LOWEST = -3
CONTEXTS = 3 * BINS * 2
SHIFTS = 11
ESCAPE = TOKENS - 1
DIRECT = 16  # magnitudes below have tokens of their own
REACH = 512  # magnitudes from here on are escaped
GAIN = 32  # what a symbol adds to its count
LIMIT = 1 << 17  # of the sum of counts
INTERVAL = 256  # symbols from one table to the next, at most
SIZES = 14  # factors of the expected error

SETS = 84  # of factors that correct the blend: by expected error 4, by signs 16, by place 64
STEP = F32(0.08)
STEADY = F32(2048)

HEIGHT, WIDTH, PLANES, TOP, DECODING, LEVEL, PLAN = range(7)
STATE, POSITION, RECORDS = range(3)
START = 1 << 32  # state of an encoder before its first record


class State(NamedTuple):
    """Everything that one coder of one tile holds."""

    plan: np.ndarray  # int64[PLAN]
    coder: np.ndarray  # uint64[3]: state, words read, records written
    words: np.ndarray  # uint32: the stream, read
    records: np.ndarray  # uint64: start, frequency << 16, number of raw bits << 32, raw bits << 40; written
    pixels: np.ndarray  # float32[planes, PAD + height + 1, stride]
    errors: np.ndarray  # float32[planes, 2, stride, PREDICTORS]: sizes, of two rows
    sizes: np.ndarray  # float32[planes, 4, stride]: errors of the mean, of four rows
    coefficients: np.ndarray  # float32[3, TAPS, PREDICTORS]
    near: np.ndarray  # float32[3, NEAR + 2, PREDICTORS]
    expect: np.ndarray  # float32[3, SIZES]: what the expected error is made of
    guesses: np.ndarray  # float32[3, PREDICTORS]
    apart: np.ndarray  # float32[3, PREDICTORS]: what they differ from their blend
    trust: np.ndarray  # float32[3, SETS, PREDICTORS]: factors of that
    chosen: np.ndarray  # uint64[3, 3]: numbers of the sets in use
    tables: np.ndarray  # uint16[CONTEXTS * TABLE]: where each token starts
    counts: np.ndarray  # uint32[CONTEXTS * TOKENS]
    due: np.ndarray  # uint32[CONTEXTS, 3]: symbols until the table is made anew, until it was so the last time, total
    token_of: np.ndarray  # uint8[2 * REACH]
    spans: np.ndarray  # int64[SHIFTS * TOKENS]: lowest value << 8 | raw bits


@flat_kernel
def code_planes(s: State, begin: int, end: int) -> None:
    """Code the pixels of a tile, from `pixels` or into it: steps begin..end of height + planes - 1, each a row of every plane."""
    height, width, planes = U(s.plan[HEIGHT]), U(s.plan[WIDTH]), U(s.plan[PLANES])
    for step in range(U(begin), U(end)):
        for x in range(width + U(LAG) * (planes - U(1))):
            if step < height and x < width:
                _code_pixel(s, 0, step, x)
            if planes == U(3):
                if step - U(1) < height and x - U(LAG) < width:
                    _code_pixel(s, 1, step - U(1), x - U(LAG))
                if step - U(2) < height and x - U(2 * LAG) < width:
                    _code_pixel(s, 2, step - U(2), x - U(2 * LAG))


@inlined
def _code_pixel(s: State, p: int, y: int, x: int) -> None:
    pixels, sizes, errors = s.pixels, s.sizes, s.errors
    width = U(s.plan[WIDTH])
    stride = U(pixels.shape[2])
    c = x + U(PAD)
    if x == U(0):
        _open_row(s, p, y)
    row_size = stride * U(PREDICTORS)
    plane_size = U(pixels.shape[1]) * stride
    at = U(p) * plane_size + (y + U(PAD)) * stride + c
    here = (U(2 * p) + (y & U(1))) * row_size + c * U(PREDICTORS)
    above = (U(2 * p) + (~y & U(1))) * row_size + c * U(PREDICTORS)
    if p == 0:
        mean = blend_first(pixels, at, stride, plane_size, s.coefficients, errors, here, above, s.near, s.guesses)
    elif p == 1:
        mean = blend_second(pixels, at, stride, plane_size, s.coefficients, errors, here, above, s.near, s.guesses)
    else:
        mean = blend_third(pixels, at, stride, plane_size, s.coefficients, errors, here, above, s.near, s.guesses)
    size = _expected(s, p, y, c)
    bin_of = min(max(S64(float_bits(size) >> U(21)) - (127 + LOWEST) * 4, S64(0)), S64(BINS - 1))
    fix, power = _correction(s, p, y, c, mean, bin_of) if s.plan[LEVEL] else (F32(0), F32(0))
    mean = mean + fix
    sought = mean
    mean = min(max(mean, F32(0)), F32(s.plan[TOP]))
    base = S64(mean + F32(0.5))
    apart = mean - F32(base)
    sign = S64(-1) if apart < F32(0) else S64(1)
    shift = U(max((bin_of >> 2) + (LOWEST - 3), 0))
    context = (U(p * BINS) + U(bin_of)) * U(2) + U(abs(apart) > F32(0.25))
    if s.plan[DECODING]:
        value = read(s, context, shift)
        value = min(max(base + sign * value, 0), s.plan[TOP])
        level = F32(value)
        pixels[p, y + U(PAD), c] = level
    else:
        level = pixels[p, y + U(PAD), c]
        record(s, context, shift, (S64(level) - base) * sign)
    if s.plan[LEVEL]:
        _learn(s, p, (level - sought) * STEP / (power + size * size * STEADY + F32(1)))
    note_errors(errors, here, s.guesses, U(p * PREDICTORS), level)
    sizes[p, y & U(3), c] = abs(level - mean)
    if x + U(1) == width:
        _close_row(s, p, y)


@inlined
def _correction(s: State, p: int, y: int, c: int, blend: float, bin_of: int) -> tuple[float, float]:
    """What to add to the blend: learned sums of what the guesses differ from it; and the sum of the squares of that."""
    chosen, first = s.chosen, U(p * PREDICTORS)
    chosen[p, 0] = U(p * SETS) + U(min(max((bin_of - 4) >> 3, 0), 3))
    fix, power = correct(s.guesses, first, blend, s.trust, chosen[p, 0] * U(PREDICTORS), s.apart)
    if s.plan[LEVEL] > 1:
        here, above = s.pixels[p, y + U(PAD)], s.pixels[p, y + U(PAD - 1)]
        signs = U(above[c] > blend) | (U(above[c + U(1)] > blend) << U(1)) | (U(above[c - U(1)] > blend) << U(2))
        chosen[p, 1] = U(p * SETS + 4) + (signs | (U(here[c - U(1)] > blend) << U(3)))
        chosen[p, 2] = U(p * SETS + 20) + ((c >> U(5)) & U(63))
        by_signs, power = correct(s.guesses, first, blend, s.trust, chosen[p, 1] * U(PREDICTORS), s.apart)
        by_place, power = correct(s.guesses, first, blend, s.trust, chosen[p, 2] * U(PREDICTORS), s.apart)
        fix += by_signs
        fix += by_place
    return fix, power


@inlined
def _learn(s: State, p: int, step: float) -> None:
    """Move the factors in use towards what would have been right."""
    first = U(p * PREDICTORS)
    adapt(s.trust, s.chosen[p, 0] * U(PREDICTORS), s.apart, first, step)
    if s.plan[LEVEL] > 1:
        adapt(s.trust, s.chosen[p, 1] * U(PREDICTORS), s.apart, first, step)
        adapt(s.trust, s.chosen[p, 2] * U(PREDICTORS), s.apart, first, step)


@inlined
def _expected(s: State, p: int, y: int, c: int) -> float:
    """Expected size of the error, from those around and those of the planes before."""
    sizes, f = s.sizes, s.expect
    now, above = y & U(3), (y - U(1)) & U(3)
    total = f[p, 0] + sizes[p, above, c] * f[p, 1]
    total += sizes[p, above, c + U(1)] * f[p, 2]
    total += sizes[p, above, c - U(1)] * f[p, 3]
    total += sizes[p, (y - U(2)) & U(3), c] * f[p, 4]
    total += sizes[p, now, c - U(2)] * f[p, 5]
    if p == 0:
        row = y + U(PAD)
        n, nw, ne = s.pixels[p, row - U(1), c], s.pixels[p, row - U(1), c - U(1)], s.pixels[p, row - U(1), c + U(1)]
        total += abs(n - nw) * f[p, 7]
        total += abs(n - ne) * f[p, 8]
        total += abs(s.pixels[p, row, c - U(1)] - nw) * f[p, 9]
    else:
        total += sizes[p - 1, now, c] * f[p, 7]
        total += sizes[p - 1, now, c + U(1)] * f[p, 8]
        total += sizes[p - 1, now, c - U(1)] * f[p, 9]
        total += sizes[p - 1, (y + U(1)) & U(3), c] * f[p, 10]
    if p == 2:
        total += sizes[0, now, c] * f[p, 11]
    return total + sizes[p, now, c - U(1)] * f[p, 6]


@inlined
def _open_row(s: State, p: int, y: int) -> None:
    """Margins to the left repeat the first pixel of the row above, and its errors."""
    for c in range(U(PAD)):
        s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD - 1), U(PAD)]
        s.sizes[p, y & U(3), c] = s.sizes[p, (y - U(1)) & U(3), U(PAD)]
        for i in range(U(PREDICTORS)):
            s.errors[p, y & U(1), c, i] = s.errors[p, ~y & U(1), U(PAD), i]


@inlined
def _close_row(s: State, p: int, y: int) -> None:
    """Margins to the right repeat the last pixel, and its errors; below the last row it is repeated."""
    end = U(s.plan[WIDTH]) + U(PAD)
    for c in range(end, end + U(PAD)):
        s.pixels[p, y + U(PAD), c] = s.pixels[p, y + U(PAD), end - U(1)]
        s.sizes[p, y & U(3), c] = s.sizes[p, y & U(3), end - U(1)]
        for i in range(U(PREDICTORS)):
            s.errors[p, y & U(1), c, i] = s.errors[p, y & U(1), end - U(1), i]
    if y + U(1) == U(s.plan[HEIGHT]):
        for c in range(end + U(PAD)):
            s.pixels[p, y + U(PAD + 1), c] = s.pixels[p, y + U(PAD), c]
            s.sizes[p, (y + U(1)) & U(3), c] = s.sizes[p, y & U(3), c]


@inlined
def read(s: State, context: int, shift: int) -> int:
    """The next value, by the table of `context`, in units of 2**shift with the rest as raw bits."""
    coder, tables = s.coder, s.tables
    state, start = coder[STATE], context * U(TABLE)
    slot = state & U((1 << BITS) - 1)
    token = find_token(tables, start, slot)
    low = U(tables[start + token])
    state = (U(tables[start + token + U(1)]) - low) * (state >> U(BITS)) + slot - low
    span = s.spans[shift * U(TOKENS) + token]
    bits = U(span & 255)
    raw = state & ((U(1) << bits) - U(1))
    state >>= bits
    at = coder[POSITION]
    if state < U(1 << 32):
        state = (state << U(32)) | U(s.words[min(at, U(len(s.words) - 1))])
        coder[POSITION] = at + U(1)
    coder[STATE] = state
    count(s, context, token)
    return (span >> 8) + S64(raw)


@inlined
def record(s: State, context: int, shift: int, value: int) -> None:
    """Record a value as `read` will read it."""
    start = context * U(TABLE)
    level = value >> S64(shift)
    token = U(ESCAPE)
    if abs(level) < REACH:
        token = U(s.token_of[U(level + REACH)])
    span = s.spans[shift * U(TOKENS) + token]
    low = U(s.tables[start + token])
    freq = U(s.tables[start + token + U(1)]) - low
    raw = U(value - (span >> 8))
    s.records[s.coder[RECORDS]] = low | (freq << U(16)) | (U(span & 255) << U(32)) | (raw << U(40))
    s.coder[RECORDS] += U(1)
    count(s, context, token)


@inlined
def count(s: State, context: int, token: int) -> None:
    """Count a token; when it is due, make the table of its context anew."""
    s.counts[context * U(TOKENS) + token] += np.uint32(GAIN)
    left = s.due[context, 0] - np.uint32(1)
    s.due[context, 0] = left
    if left == 0:
        renew(s.tables, s.counts, s.due, context)


@helper
def renew(tables, counts, due, context):  # type: ignore[no-untyped-def]
    """Make the table of a context from its counts; halve them when they are many."""
    total = U(due[context, 2]) + U(due[context, 1]) * U(GAIN)
    first, start = context * U(TOKENS), context * U(TABLE)
    if total > U(LIMIT):
        total = U(0)
        for t in range(U(TOKENS)):
            counts[first + t] = (counts[first + t] + np.uint32(1)) >> np.uint32(1)
            total += U(counts[first + t])
    factor = (U((1 << BITS) - TOKENS) << U(24)) // total
    place, best, most = U(0), U(0), U(0)
    for t in range(U(TOKENS)):
        tables[start + t] = np.uint16(place)
        freq = ((U(counts[first + t]) * factor) >> U(24)) + U(1)
        place += freq
        if freq > most:
            best, most = t, freq
    rest = np.uint16(U(1 << BITS) - place)
    for t in range(best + U(1), U(TOKENS)):
        tables[start + t] += rest
    tables[start + U(TOKENS)] = np.uint16(1 << BITS)
    due[context, 2] = np.uint32(total)
    due[context, 1] = min(due[context, 1] * np.uint32(2), np.uint32(INTERVAL))
    due[context, 0] = due[context, 1]


@flat_kernel
def first_tables(tables: np.ndarray, counts: np.ndarray, due: np.ndarray) -> None:
    """Make the tables of all contexts."""
    for context in range(U(CONTEXTS)):
        renew(tables, counts, due, context)


@flat_kernel
def code_records(records: np.ndarray, count: int, words: np.ndarray) -> tuple[int, int]:
    """Code records from the last to the first into the end of `words`; (state, place of the first word)."""
    state, at = U(START), U(len(words))
    for k in range(U(count)):
        record = records[U(count) - U(1) - k]
        low, freq, bits = record & U(0xFFFF), (record >> U(16)) & U(0xFFFF), (record >> U(32)) & U(0xFF)
        if state >> (U(64 - BITS) - bits) >= freq:
            at -= U(1)
            words[at] = np.uint32(state & U(0xFFFFFFFF))
            state >>= U(32)
        state = (state << bits) | (record >> U(40))
        state = (state // freq << U(BITS)) + state % freq + low
    return state, at
