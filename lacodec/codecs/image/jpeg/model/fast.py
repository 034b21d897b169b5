"""Effort 2: sizes as symbols under two contexts, signs by what the borders foretell, low bits as they are.

per block: nonzeros inside, those sizes; the same for first row and first column; DC's difference to its prediction
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.image.jpeg.model.sizes import code_difference, code_size
from lacodec.codecs.image.jpeg.model.symbols import Symbols, code_bit, code_symbol
from lacodec.codecs.image.jpeg.model.vectors import dot_groups
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
LARGEST = 1023  # of levels in records: sums of 20 fit 16 bits
LARGEST_WIDE = 8191  # of dequantised values
# A block's record: sizes of its levels in natural order, dequantised values by rows and by columns.
LEVELS, SIGNED, SIGNED_T, RECORD = 8, 80, 144, 208
CHANCES = 2 * 64 * 32  # of signs: kind, place in order, class of the guess
CLASSES = 16
ROWS, COLUMNS, KIND, DECODING = range(4)
VALUE_ROWS = 64 * CLASSES * 4
COUNT_ROWS = 2048
KIND_ROWS = 2 * VALUE_ROWS + COUNT_ROWS  # of one kind: luma or chroma


class Fast(NamedTuple):
    """Everything that the coder of one component holds."""

    plan: np.ndarray  # int64[4]
    coefficients: np.ndarray  # int16[rows, columns, 64], zigzag order
    quant: np.ndarray  # int64[64], natural order
    order: np.ndarray  # int64[64]: natural places: inside, first row, first column, DC
    zigzag: np.ndarray  # int64[64]: zigzag place of a natural place
    records: np.ndarray  # int16[2 * (columns + 2) * RECORD + 16]
    counts: np.ndarray  # int64[2, columns + 2, 4]: nonzeros inside, first row, first column; size of DC's difference
    near: np.ndarray  # int16[64]: what the blocks around foretell
    starts: np.ndarray  # int64[4]
    signed_weights: np.ndarray  # int32: as in `state`
    class_of: np.ndarray  # uint8[1024]
    inverse: np.ndarray  # int64[64]: 2**24 / quant
    chances: np.ndarray  # int16[CHANCES]: of signs


@flat_kernel
def code_fast_rows(f: Fast, c: Symbols, start: int, stop: int) -> None:
    """Code block rows start..stop-1."""
    decoding = f.plan[DECODING]
    for y in range(U(start), U(stop)):
        for x in range(U(f.plan[COLUMNS])):
            _code_block(f, c, y, x, decoding)


@inlined
def _code_block(f: Fast, c: Symbols, y: int, x: int, decoding: int) -> None:
    record = U(RECORD)
    stride = U(f.plan[COLUMNS] + 2) * record
    here = (y & U(1)) * stride + (x + U(1)) * record
    up = here - stride if here >= stride else here + stride
    left = here - record
    r = f.records
    for i in range(record):
        r[here + i] = 0
    _look_around(f, up, left, record)
    block = f.coefficients[y, x]
    kind = U(f.plan[KIND] * KIND_ROWS)
    now, before, at = y & U(1), (y + U(1)) & U(1), x + U(1)
    inside = U(0)
    i = U(0)
    for part in range(U(3)):
        end = U(49) if part == U(0) else i + U(7)
        remaining = U(0)
        if not decoding:
            for k in range(i, end):
                remaining += U(block[U(f.zigzag[U(f.order[k])])] != 0)
        around = U(f.counts[now, at - U(1), part]) + U(f.counts[before, at, part])
        remaining = _code_count(c, kind + U(2 * VALUE_ROWS), part, around, inside, remaining, decoding)
        remaining = min(remaining, end - i)
        f.counts[now, at, part] = S64(remaining)
        if part == U(0):
            inside = remaining
        last, last2 = S64(0), S64(0)
        while remaining > U(0) and i < end:
            k = U(f.order[i])
            density = U(0) if remaining * U(4) < end - i else U(1) if remaining * U(2) < end - i else U(2)
            if remaining == end - i:
                density = U(3)
            level = here + U(LEVELS) + k
            own = S64(r[level - U(1)]) + S64(r[level - U(8)])
            if part > U(0):
                own = S64(r[level + (U(8) if part == U(1) else U(1))]) + last
            else:
                own += (last + last2) >> 1
            expected = (S64(f.near[k]) + own * 12) >> 2
            row = kind + (i * U(CLASSES) + U(f.class_of[U(min(expected, 1023))])) * U(4) + density
            own_class = U(f.class_of[U(min(own * 4, 1023))])
            row2 = kind + U(VALUE_ROWS) + (i * U(CLASSES) + own_class) * U(4) + U(min(S64(f.near[k]) >> 3, 3))
            z = U(f.zigzag[k])
            value = S64(block[z])
            size = code_size(c, row, row2, U(abs(value)), decoding)
            last2 = last
            last = S64(min(size, U(LARGEST)))
            if size != U(0):
                negative = _code_sign(f, c, i, k, here, up, left, U(value < 0), decoding)
                value = -S64(size) if negative else S64(size)
                wide = np.int16(min(max(value * f.quant[k], -LARGEST_WIDE), LARGEST_WIDE))
                r[here + U(SIGNED) + k] = wide
                r[here + U(SIGNED_T) + (k & U(7)) * U(8) + (k >> U(3))] = wide
                block[z] = np.int16(value)
                r[level] = np.int16(last)
                remaining -= U(1)
            i += U(1)
        i = end
    _code_dc(f, c, block, here, up, left, kind, y, at, inside, decoding)


@inlined
def _look_around(f: Fast, up: int, left: int, record: int) -> None:
    """Weighted sizes at the same and neighbouring frequencies of the blocks around."""
    r, near = f.records, f.near
    a, b = up + U(LEVELS), left + U(LEVELS)
    d, e = up - record + U(LEVELS), up + record + U(LEVELS)
    for k in range(U(64)):
        same = (r[a + k] + r[b + k]) * np.int16(5) + r[d + k] + r[e + k]
        beside = r[a + k + U(1)] + r[b + k + U(1)] + r[a + k - U(1)] + r[b + k - U(1)]
        beside += r[a + k + U(8)] + r[b + k + U(8)] + r[a + k - U(8)] + r[b + k - U(8)]
        near[k] = np.int16(same + beside)


@inlined
def _code_count(c: Symbols, base: int, part: int, around: int, inside: int, value: int, decoding: int) -> int:
    if part == U(0):
        row = base + U(512) + min(around, U(127))
        high = code_symbol(c, row, row, value >> U(2), decoding)
        row = base + U(640) + high * U(32) + min(around >> U(2), U(31))
        return high * U(4) + min(code_symbol(c, row, row, value & U(3), decoding), U(3))
    row = base + (part - U(1)) * U(256) + min(inside >> U(1), U(15)) * U(16) + min(around, U(15))
    return min(code_symbol(c, row, row, value, decoding), U(7))


@inlined
def _code_dc(
    f: Fast, c: Symbols, block: np.ndarray, here: int, up: int, left: int, kind: int, y: int, at: int, inside: int, decoding: int
) -> None:
    """The difference to what the neighbours' borders foretell."""
    now, before = y & U(1), (y + U(1)) & U(1)
    starts, r = f.starts, f.records
    starts[0], starts[1] = S64(up + U(SIGNED_T)), S64(here + U(SIGNED_T))
    starts[2], starts[3] = S64(left + U(SIGNED)), S64(here + U(SIGNED))
    rule = S64(0)
    if at == U(1):
        rule = S64(64 * 32)
    elif y == U(0):
        rule = S64(65 * 32)
    total = dot_groups(r, starts, f.signed_weights, f.plan[KIND] * 66 * 32 + rule, 0, 4)
    foretold = ((total // f.quant[U(0)]) + (1 << 13)) >> 14
    foretold = min(max(foretold, -32768), 32767)
    rest = S64(block[U(0)]) - foretold
    around = f.counts[now, at - U(1), 3] + f.counts[before, at, 3]
    row = kind + U(2 * VALUE_ROWS + 1400) + U(f.class_of[U(min(around * 2, 1023))]) * U(16) + min(inside >> U(1), U(15))
    rest = code_difference(c, row, rest, decoding)
    f.counts[now, at, 3] = abs(rest)
    value = S64(np.int16(foretold + rest))
    if decoding:
        block[U(0)] = np.int16(value)
    wide = np.int16(min(max(value * f.quant[U(0)], -LARGEST_WIDE), LARGEST_WIDE))
    r[here + U(SIGNED)] = wide
    r[here + U(SIGNED_T)] = wide


@inlined
def _code_sign(f: Fast, c: Symbols, i: int, k: int, here: int, up: int, left: int, negative: int, decoding: int) -> int:
    """The sign of order[i], natural place k, by what the borders foretell."""
    column, row = (k & U(7)) * U(8), k & U(56)
    f.starts[0], f.starts[1] = S64(up + U(SIGNED_T) + column), S64(here + U(SIGNED_T) + column)
    f.starts[2], f.starts[3] = S64(left + U(SIGNED) + row), S64(here + U(SIGNED) + row)
    guess = dot_groups(f.records, f.starts, f.signed_weights, (f.plan[KIND] * 66 + S64(k)) * 32, 0, 4)
    size = U(f.class_of[U(min((abs(guess) * f.inverse[k]) >> 33, 1023))])
    at = (U(f.plan[KIND]) * U(64) + i) * U(32) + (U(15) - size if guess < 0 else U(16) + size)
    return code_bit(c, f.chances, at, negative, decoding)
