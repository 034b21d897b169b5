"""The head of an LZ payload: which table every context uses, and the tables.

Frequencies are stored as levels (logarithms in steps of half a bit), each by its distance from the level of the same symbol in
the last table that had it, through an adaptive binary coder. Encoder and decoder make the same frequencies of the levels, in
integers.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.bytes.lz.layout import ALPHABETS, CONTEXT_BASES, CONTEXTS, FREQ_BITS, KINDS, MAX_TABLES
from lacodec.codecs.bytes.lz.model import LOG_UNIT, Model, log2_units
from lacodec.entropy.bits import FAILED, close_coder, code_bit, open_coder
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import helper, kernel

LEVEL_STEPS = 2  # levels per bit
MAX_LEVEL = FREQ_BITS * LEVEL_STEPS + 1
_LONGEST = 40  # bytes: no level takes more
# contexts: table number the same as before (by kind, 2), else its bits (by kind, 64); level is zero (2 x 5 x 4), above the
# expected one (2 x 64), by how far (4 x 32)
_SAME, _TABLE, _ZERO, _ABOVE, _STEP, _MODEL = 0, 16, 336, 384, 512, 640
assert MAX_LEVEL < 32
assert MAX_TABLES == 64


def _level_weights() -> NDArray[np.int64]:
    """i64[MAX_LEVEL + 1]: 2**(level / LEVEL_STEPS), relative, by exact integer roots."""
    weights = [0]
    for level in range(1, MAX_LEVEL + 1):
        power, low = 1 << (level + 24 * LEVEL_STEPS), 1
        while (low + 1) ** LEVEL_STEPS <= power:  # the largest integer whose LEVEL_STEPS-th power fits
            step = 1
            while (low + 2 * step) ** LEVEL_STEPS <= power:
                step *= 2
            low += step
        weights.append(low >> 12)
    return np.array(weights, np.int64)


_WEIGHTS = _level_weights()


def make_levels(histograms: NDArray[np.int64]) -> NDArray[np.uint8]:
    """u8[rows, 256] for counts i64[rows, 256]: 0 for a symbol that never comes, else 1..MAX_LEVEL."""
    share = log2_units(np.maximum(histograms, 1)) - log2_units(np.maximum(histograms.sum(axis=1), 1))[:, None]
    level = MAX_LEVEL + (share * LEVEL_STEPS + LOG_UNIT // 2) // LOG_UNIT
    return np.where(histograms > 0, np.maximum(level, 1), 0).astype(np.uint8)


def pack_model(model: Model, levels: NDArray[np.uint8]) -> bytes:
    """Bytes that `unpack_model` turns into the same tables."""
    bases = np.repeat(np.cumsum(model.counts) - model.counts, np.diff(CONTEXT_BASES))
    tables = (model.tables - bases).astype(np.uint16)
    buffer = np.zeros(_LONGEST * levels.size + 4 * CONTEXTS, np.uint8)
    length = code_head(
        model.counts.copy(), tables, levels.copy(), ALPHABETS, CONTEXT_BASES, *_work_space(), buffer, len(buffer), False
    )
    return buffer[:length].tobytes()


def unpack_model(data: bytes | memoryview) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """tables u16[CONTEXTS], the row of each context, and levels u8[rows, 256]. CorruptFile when damaged."""
    counts, tables = np.zeros(KINDS, np.int64), np.zeros(CONTEXTS, np.uint16)
    levels = np.zeros((KINDS * MAX_TABLES, 256), np.uint8)
    buffer = np.zeros(len(data) + 4, np.uint8)
    buffer[: len(data)] = np.frombuffer(data, np.uint8)
    if code_head(counts, tables, levels, ALPHABETS, CONTEXT_BASES, *_work_space(), buffer, len(data), True) == FAILED:
        raise CorruptFile("LZ payload: damaged tables")
    bases = np.repeat(np.cumsum(counts) - counts, np.diff(CONTEXT_BASES))
    return (tables + bases).astype(np.uint16), levels[: counts.sum()]


def _work_space() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """model: chance of a one, less 1/2, in 65536ths, and times seen; coder: low, high, code, position; seen: see _code_levels."""
    return np.zeros((_MODEL, 2), np.int64), np.zeros(4, np.int64), np.zeros((256, 2), np.int64)


def make_freqs(levels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """u32[rows, 256]: frequencies that sum to 2**FREQ_BITS in every row. Rows without a symbol give everything to symbol 0."""
    freqs = np.zeros(levels.shape, np.uint32)
    spread_levels(levels, _WEIGHTS, freqs)
    return freqs


@kernel
def spread_levels(levels, weights, freqs):  # type: ignore[no-untyped-def]
    """Frequencies in proportion to the levels' weights, at least 1; the rounding error is added to the largest."""
    for t in range(levels.shape[0]):
        total, left, largest = np.int64(0), np.int64(1 << FREQ_BITS), 0
        for s in range(256):
            total += weights[levels[t, s]]
        for s in range(256):
            if levels[t, s] > 0:
                freq = max(np.int64(1), (weights[levels[t, s]] << FREQ_BITS) // total)
                freqs[t, s] = freq
                left -= freq
                if levels[t, s] > levels[t, largest]:
                    largest = s
        while left < 0:
            for s in range(256):
                if freqs[t, s] > 1 and left < 0 and levels[t, s] == levels[t, largest]:
                    freqs[t, s] -= 1
                    left += 1
        freqs[t, largest] += left


@kernel
def code_head(counts, tables, levels, alphabets, bases, model, coder, seen, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Code counts i64[KINDS], tables u16[CONTEXTS] (numbered within a kind) and levels u8[rows, 256] to or from a buffer.

    buffer u8: `length` bytes and four more. Returns the bytes used, or FAILED on a damaged stream.
    """
    open_coder(coder, buffer, length, decoding)
    row = np.int64(0)
    for kind in range(KINDS):
        count = np.int64(1)
        for k in range(6):
            count += code_bit(((counts[kind] - 1) >> k) & 1, np.int64(-1), model, coder, buffer, length, decoding) << k
        counts[kind] = count
        if not _code_tables(tables, bases[kind], bases[kind + 1], kind, count, model, coder, buffer, length, decoding):
            return FAILED
        for s in range(256):
            seen[s, 0] = 0
        for t in range(count):
            _code_levels(levels, row, seen, t, kind, alphabets[kind], model, coder, buffer, length, decoding)
            row += 1
    return close_coder(coder, buffer, length, decoding)


@helper
def _code_tables(tables, start, stop, kind, count, model, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """The table of every context of a kind; False if one is beyond the count."""
    bits, last, same = 0, np.int64(0), np.int64(1)
    while 1 << bits < count:
        bits += 1
    for c in range(start, stop):
        if bits:
            same = code_bit(np.int64(tables[c] == last), _SAME + 2 * kind + same, model, coder, buffer, length, decoding)
            if not same:
                node = np.int64(1)
                for k in range(bits - 1, -1, -1):
                    bit = (np.int64(tables[c]) >> k) & 1
                    node = 2 * node + code_bit(bit, _TABLE + 64 * kind + node, model, coder, buffer, length, decoding)
                last = node - (1 << bits)
                if last >= count:
                    return False
        tables[c] = last
    return True


@helper
def _code_levels(levels, row, seen, t, kind, alphabet, model, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """The levels of table number t of a kind. seen i64[256, 2]: tables that have the symbol, level in the last of them."""
    zeros, last = 3, np.int64(MAX_LEVEL // 2)
    literal = np.int64(kind < 2)
    for s in range(alphabet):
        often = 0 if t == 0 else 1 if seen[s, 0] == 0 else 2 if 3 * seen[s, 0] < t else 3 if 3 * seen[s, 0] < 2 * t else 4
        context = _ZERO + 20 * literal + 4 * often + zeros
        zero = code_bit(np.int64(levels[row, s] == 0), context, model, coder, buffer, length, decoding)
        zeros = 2 * (zeros & 1) + zero
        if zero:
            levels[row, s] = 0
            continue
        known = np.int64(seen[s, 0] > 0)
        expected = seen[s, 1] if known else last
        level, step = np.int64(levels[row, s]), np.int64(0)
        if expected < MAX_LEVEL and code_bit(
            np.int64(level > expected), _ABOVE + 64 * known + expected, model, coder, buffer, length, decoding
        ):
            step = np.int64(1)
            while expected + step < MAX_LEVEL and code_bit(
                np.int64(level > expected + step), _STEP + 32 * known + step, model, coder, buffer, length, decoding
            ):
                step += 1
            level = expected + step
        else:
            while expected - step > 1 and code_bit(
                np.int64(level < expected - step), _STEP + 64 + 32 * known + step, model, coder, buffer, length, decoding
            ):
                step += 1
            level = expected - step
        levels[row, s] = level
        seen[s, 0] += 1
        seen[s, 1] = level
        last = level
