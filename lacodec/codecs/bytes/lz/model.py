"""Statistics of the LZ codec: counts of symbols by context go in, a few tables and prices for the parse come out.

Contexts with similar statistics share a table; the choice weighs the loss against the cost of a stored table.
Integers only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.bytes.lz.layout import (
    CONTEXT_BASES,
    CONTEXTS,
    KINDS,
    LENGTH_DETAIL,
    OFFSET_DETAIL,
    REPEATS,
    helper,
    leading_zeros,
)
from lacodec.codecs.bytes.lz.parse import PRICE_UNIT
from lacodec.kernels.jit import kernel

_LOG_BITS, LOG_UNIT = 12, 1024
FEW_TABLES = 1  # instead of an effort
_SEED_TABLES = {FEW_TABLES: (8, 20, 8, 16, 8), 2: (12, 24, 8, 16, 8), 3: (24, 48, 16, 24, 16)}  # per kind
_SYMBOL_COST = 4  # bits that a symbol costs in a packed table, about


def _logarithms() -> NDArray[np.int64]:
    """i64[4096]: floor(1024 * log2(i)), exact on every machine."""
    value = np.arange(1 << _LOG_BITS, dtype=np.uint64)
    value[0] = 1
    whole = np.zeros(len(value), np.int64)
    for bit in range(1, _LOG_BITS):
        whole[1 << bit :] += 1
    mantissa = value << (31 - whole).astype(np.uint64)
    result = whole
    for _ in range(10):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        carry = mantissa >> np.uint64(32)
        mantissa >>= carry
        result = result * 2 + carry.astype(np.int64)
    return result


_LOG = _logarithms()


class Model(NamedTuple):
    """tables u16[CONTEXTS]: row of each context; counts i64[KINDS]: rows of each kind; histograms i64[rows, 256]."""

    tables: NDArray[np.uint16]
    counts: NDArray[np.int64]
    histograms: NDArray[np.int64]


def make_model(contexts: NDArray[np.uint16], symbols: NDArray[np.uint8], effort: int) -> Model:
    """Group the contexts of symbols u8[n], contexts u16[n]; effort 2, 3 or FEW_TABLES."""
    keys = (contexts.astype(np.uint32) << np.uint32(8)) | symbols
    histograms = np.bincount(keys, minlength=CONTEXTS * 256).reshape(CONTEXTS, 256)
    tables, counts = np.zeros(CONTEXTS, np.uint16), np.zeros(KINDS, np.int64)
    rows: list[NDArray[np.int64]] = []
    for kind in range(KINDS):
        start, stop = CONTEXT_BASES[kind], CONTEXT_BASES[kind + 1]
        mine = histograms[start:stop]
        totals = mine.sum(axis=1)
        order = np.argsort(-totals, kind="stable")[: np.count_nonzero(totals)]
        groups, seeds = np.zeros(stop - start, np.int64), _SEED_TABLES[effort][kind]
        work = _work_space(seeds)
        counts[kind] = max(1, group(mine, order, seeds, _LOG, _SYMBOL_COST * LOG_UNIT, work, groups))
        # contexts that never occur go with the one before them: that packs best
        before = np.maximum.accumulate(np.where(totals > 0, np.arange(stop - start), 0))
        tables[start:stop] = groups[before] + counts[:kind].sum()
        rows.append(work[0][: counts[kind]])
    return Model(tables, counts, np.concatenate(rows))


def _work_space(seeds: int) -> tuple[NDArray[np.int64], ...]:
    """Zeros for `group`: tables, their prices, gains of merging two, costs, numbers; and all tables together."""
    shapes: tuple[tuple[int, ...], ...] = ((seeds, 256), (seeds, 256), (seeds, seeds), (seeds,), (seeds,), (256,))
    return tuple(np.zeros(shape, np.int64) for shape in shapes)


def make_prices(model: Model) -> NDArray[np.uint32]:
    """u32[rows * 256] for the parse: the cost of each symbol in 1/PRICE_UNIT bit, including its raw bits."""
    smooth = 64 * model.histograms + 32
    prices = (log2_units(smooth.sum(axis=1))[:, None] - log2_units(smooth)) * PRICE_UNIT // LOG_UNIT
    return (prices + np.repeat(_RAW_BITS, model.counts, axis=0) * PRICE_UNIT).astype(np.uint32).ravel()


def _raw_bits() -> NDArray[np.int64]:
    """i64[KINDS, 256]: raw bits after each symbol."""
    symbol = np.arange(256)
    lengths = np.maximum((symbol >> LENGTH_DETAIL) - 1, 0)
    offsets = np.maximum((np.maximum(symbol - REPEATS, 0) >> OFFSET_DETAIL) - 1, 0)
    return np.stack([0 * symbol, 0 * symbol, lengths, offsets, lengths])


_RAW_BITS = _raw_bits()


def log2_units(value: NDArray[np.int64]) -> NDArray[np.int64]:
    """About 1024 * log2 of integers below 2**52."""
    shift = np.maximum(np.frexp(value.astype(np.float64))[1] - _LOG_BITS, 0)
    return _LOG[value >> shift] + shift * LOG_UNIT


@kernel
def group(histograms, order, seeds, log, symbol_cost, work, groups):  # type: ignore[no-untyped-def]
    """Share tables among contexts: fill groups i64[contexts] for those in `order` (most frequent first), return how many groups.

    The most frequent contexts are the first tables; the others join where they cost least; then tables merge while that saves
    more in packed size than it costs in coding. Plain loops, and no new arrays: that halves the time it takes to compile.
    """
    merged, prices, gains, costs, numbers, total = work
    count = np.int64(0)
    for k in range(len(order)):
        for s in range(256):
            total[s] += histograms[order[k], s]
            if k < seeds:
                merged[k, s] = histograms[order[k], s]
        count += k < seeds
    for _ in range(2):
        count = _assign(histograms, order, merged, count, total, log, prices, numbers, groups)
    for k in range(count):
        costs[k] = _cost(merged, k, k, log, symbol_cost)
        for j in range(k):
            gains[k, j] = costs[k] + costs[j] - _cost(merged, k, j, log, symbol_cost)
    while True:
        best, a, b = np.int64(0), np.int64(0), np.int64(0)
        for k in range(count):
            for j in range(k):
                if gains[k, j] > best:
                    best, a, b = gains[k, j], np.int64(j), np.int64(k)
        if best == 0:
            return _assign(histograms, order, merged, count, total, log, prices, numbers, groups)
        count -= 1
        costs[a] += costs[b] - best
        costs[b] = costs[count]
        for s in range(256):
            merged[a, s] += merged[b, s]
            merged[b, s] = merged[count, s]
        for j in range(count):
            if j < b:
                gains[b, j] = gains[count, j]
            elif j > b:
                gains[j, b] = gains[count, j]
        for j in range(count):
            gain = costs[a] + costs[j] - _cost(merged, a, j, log, symbol_cost)
            if j < a:
                gains[a, j] = gain
            elif j > a:
                gains[j, a] = gain


@helper
def _log_of(value, log):  # type: ignore[no-untyped-def]
    shift = np.int64(64 - _LOG_BITS) - np.int64(leading_zeros(np.uint64(value)))
    if shift < 0:
        shift = np.int64(0)
    return log[value >> shift] + shift * LOG_UNIT


@helper
def _cost(merged, one, other, log, symbol_cost):  # type: ignore[no-untyped-def]
    """Entropy of the symbols of two tables together (or of one) and their table's packed size, in 1/1024 bit."""
    total, cost = np.int64(0), np.int64(0)
    for s in range(256):
        n = merged[one, s] + (merged[other, s] if other != one else np.int64(0))
        if n > 0:
            total += n
            cost += symbol_cost - n * _log_of(n, log)
    return cost + total * _log_of(total, log)


@helper
def _assign(histograms, order, merged, count, total, log, prices, numbers, groups):  # type: ignore[no-untyped-def]
    """Assign every context to the table that codes it best, and rebuild the tables; returns how many are left."""
    everything = np.int64(1)
    for s in range(256):
        everything += total[s]
    for k in range(count):
        whole = np.int64(0)
        for s in range(256):
            prices[k, s] = 64 * merged[k, s] + 1 + 128 * total[s] // everything
            whole += prices[k, s]
            merged[k, s] = 0
        for s in range(256):
            prices[k, s] = _log_of(whole, log) - _log_of(prices[k, s], log)
        numbers[k] = 0
    used = np.zeros(256, np.int64)
    for i in range(len(order)):
        c, n = order[i], 0
        for s in range(256):
            if histograms[c, s] > 0:
                used[n] = s
                n += 1
        best, choice = np.int64(0), -1
        for k in range(count):
            cost = np.int64(0)
            for u in range(n):
                cost += histograms[c, used[u]] * prices[k, used[u]]
            if choice < 0 or cost < best:
                best, choice = cost, k
        groups[c] = choice
        numbers[choice] = 1
        for u in range(n):
            merged[choice, used[u]] += histograms[c, used[u]]
    left = np.int64(0)
    for k in range(count):  # close the gaps of unused tables
        if numbers[k] > 0:
            numbers[k] = left
            for s in range(256):
                merged[left, s] = merged[k, s]
            left += 1
    for i in range(len(order)):
        groups[order[i]] = numbers[groups[order[i]]]
    return left
