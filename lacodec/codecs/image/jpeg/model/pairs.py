"""Effort 1: sizes of two coefficients as one symbol, in zigzag order, under one context; signs as they are.

per block: pairs up to the last that is not zero; those; DC's difference to its prediction
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.image.jpeg.model.sizes import code_difference, code_size
from lacodec.codecs.image.jpeg.model.symbols import Symbols, code_plain, code_symbol
from lacodec.codecs.image.jpeg.model.vectors import nonzero
from lacodec.kernels.bit_counts import leading_zeros, ones, trailing_zeros
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
LARGEST = 255  # of sums in records
SUMS, RECORD = 8, 48  # a block's record: sums of the sizes of two; what is before and behind stays zero
CLASSES = 16  # of what is expected of a pair
PLAIN = 3  # sizes of pairs from which on the rest follows
ROWS, COLUMNS, KIND, DECODING = range(4)
# Rows: of pairs, of what sizes have beyond PLAIN, of numbers of pairs, of DC.
BEYOND = 32 * CLASSES * 4
ENDS = BEYOND + 32 * CLASSES
DC = ENDS + 64
KIND_ROWS = DC + 64  # of one kind: luma or chroma


class Pairs(NamedTuple):
    """Everything that the coder of one component holds."""

    plan: np.ndarray  # int64[4]
    coefficients: np.ndarray  # int16[rows, columns, 64], zigzag order
    flat: np.ndarray  # the same, int16[rows * columns * 64]
    records: np.ndarray  # int16[2 * (columns + 2) * RECORD]
    ends: np.ndarray  # int64[2, columns + 2, 2]: numbers of pairs, sizes of DC's difference
    near: np.ndarray  # int16[32]: what the blocks around foretell
    sizes: np.ndarray  # int16[65]: of the block's coefficients
    levels: np.ndarray  # int64[2, columns + 2]: DC
    class_of: np.ndarray  # uint8[1024]


@flat_kernel
def code_pair_rows(f: Pairs, c: Symbols, start: int, stop: int) -> None:
    """Code block rows start..stop-1."""
    decoding = f.plan[DECODING]
    for y in range(U(start), U(stop)):
        for x in range(U(f.plan[COLUMNS])):
            _code_block(f, c, y, x, decoding)


@inlined
def _code_block(f: Pairs, c: Symbols, y: int, x: int, decoding: int) -> None:
    stride = U(f.plan[COLUMNS] + 2) * U(RECORD)
    here = (y & U(1)) * stride + (x + U(1)) * U(RECORD) + U(SUMS)
    up = here - stride if here >= stride else here + stride
    block, kind = f.coefficients[y, x], U(f.plan[KIND] * KIND_ROWS)
    now, before, at = y & U(1), (y + U(1)) & U(1), x + U(1)
    _look_around(f, up, here)
    mask = nonzero(f.flat, (y * U(f.plan[COLUMNS]) + x) * U(64)) >> U(1)  # decoders begin with zeros
    end = (U(65) - leading_zeros(mask)) >> U(1)
    around = U(f.ends[now, at - U(1), 0] + f.ends[before, at, 0])
    end = _code_end(c, kind + U(ENDS) + min(around, U(63)), end, decoding)
    f.ends[now, at, 0] = S64(end)
    found, beyond = _code_pairs(f, c, block, kind, here, end, decoding)
    _code_beyond(f, c, block, kind, here, beyond, decoding)
    _code_signs(f, c, block, found if decoding else mask, decoding)
    _code_dc(f, c, block, kind, now, before, at, end, decoding)


@inlined
def _look_around(f: Pairs, up: int, here: int) -> None:
    """Weighted sums of the same and neighbouring pairs of the blocks around."""
    r, left, right = f.records, here - U(RECORD), up + U(RECORD)
    for p in range(U(32)):
        same = (r[up + p] + r[left + p]) * np.int16(2) + r[right + p]
        beside = r[up + p + U(1)] + r[left + p + U(1)] + r[up + p - U(1)] + r[left + p - U(1)]
        f.near[p] = np.int16(same + beside)


@inlined
def _code_end(c: Symbols, row: int, end: int, decoding: int) -> int:
    """0..32: a symbol for two, and a bit."""
    high = code_symbol(c, row, row, min((end + U(1)) >> U(1), U(15)), decoding)
    if high == U(0):
        return high
    if high < U(15):
        return high * U(2) - code_plain(c, end & U(1), U(1), decoding)
    return min(U(29) + code_plain(c, end - U(29), U(2), decoding), U(32))


@inlined
def _code_pairs(f: Pairs, c: Symbols, block: np.ndarray, kind: int, here: int, end: int, decoding: int) -> tuple[int, int]:
    """Sizes up to PLAIN, two as one symbol. Returns the bits k - 1 of those that aren't zero and of those that reach PLAIN.

    No branch depends on a symbol.
    """
    found, beyond, own, before = U(0), U(0), S64(0), S64(0)
    r = f.records
    for p in range(end):
        expected = (S64(f.near[p]) + before * 3) >> 1
        left = end - p
        rest = U(left > U(1)) + U(left > U(3)) + U(left > U(7))
        row = kind + (p * U(CLASSES) + U(f.class_of[U(min(expected, 1023))])) * U(4) + rest
        k = p * U(2) + U(1)
        both = U(0)
        if not decoding:
            both = U(min(abs(S64(block[k])), PLAIN) * 4 + min(abs(S64(block[(k + U(1)) & U(63)])), PLAIN) * S64(k < U(63)))
        both = code_symbol(c, row, row, both, decoding)
        one, two = both >> U(2), both & U(3)
        if decoding:
            f.sizes[k], f.sizes[k + U(1)] = np.int16(one), np.int16(two)
            found |= (U(one != U(0)) | U(two != U(0)) << U(1)) << (k - U(1))
        beyond |= (U(one == U(PLAIN)) | U(two == U(PLAIN)) << U(1)) << (k - U(1))
        r[here + p] = np.int16(one + two)
        before, own = own, S64(one + two)
    for p in range(end, U(32)):
        r[here + p] = 0
    return found & ~(U(1) << U(63)), beyond & ~(U(1) << U(63))


@inlined
def _code_beyond(f: Pairs, c: Symbols, block: np.ndarray, kind: int, here: int, beyond: int, decoding: int) -> None:
    """What sizes have beyond PLAIN; beyond: bits k - 1 of those."""
    while beyond != U(0):
        k = trailing_zeros(beyond) + U(1)
        beyond &= beyond - U(1)
        p = (k - U(1)) >> U(1)
        row = kind + U(BEYOND) + p * U(CLASSES) + U(f.class_of[U(min(S64(f.near[p]) >> 1, 1023))])
        more = code_size(c, row, row, U(abs(S64(block[k])) - PLAIN), decoding)
        f.sizes[k] = np.int16(more + U(PLAIN))
        f.records[here + p] = np.int16(min(S64(f.records[here + p]) + S64(more), LARGEST))


@inlined
def _code_signs(f: Pairs, c: Symbols, block: np.ndarray, mask: int, decoding: int) -> None:
    """Signs of what is not zero, up to 32 at a time; mask: bits k - 1 of those."""
    while mask != U(0):
        count, signs = min(ones(mask), U(32)), U(0)
        if decoding:
            signs = code_plain(c, signs, count, decoding)
        for i in range(count):
            k = trailing_zeros(mask) + U(1)
            mask &= mask - U(1)
            if decoding:
                size = S64(f.sizes[k])
                block[k] = np.int16(-size if signs & U(1) else size)
                signs >>= U(1)
            else:
                signs |= U(block[k] < 0) << i
        if not decoding:
            code_plain(c, signs, count, decoding)


@inlined
def _code_dc(f: Pairs, c: Symbols, block: np.ndarray, kind: int, now: int, before: int, at: int, end: int, decoding: int) -> None:
    """The difference to the middle one of left, above, and their sum less the corner."""
    levels = f.levels
    left, up, corner = levels[now, at - U(1)], levels[before, at], levels[before, at - U(1)]
    foretold = min(max(left + up - corner, min(left, up)), max(left, up))
    around = f.ends[now, at - U(1), 1] + f.ends[before, at, 1]
    row = kind + U(DC) + U(f.class_of[U(min(around * 2, 1023))]) * U(4) + min(end >> U(2), U(3))
    rest = code_difference(c, row, S64(block[U(0)]) - foretold, decoding)
    f.ends[now, at, 1] = abs(rest)
    value = S64(np.int16(foretold + rest))
    if decoding:
        block[U(0)] = np.int16(value)
    levels[now, at] = value
