"""Counts become frequencies: the table that codes data with these counts in the fewest bits."""

import heapq
import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lacodec.errors import BadInput

MAX_FREQ_BITS = 24


def normalise(counts: ArrayLike, freq_bits: int) -> NDArray[np.uint32]:
    """Frequencies u32[n] that sum to 2**freq_bits and code data with these counts (integers[n]) in the fewest bits.

    Every symbol with a count gets at least 1, the others 0; a single symbol gets everything. The optimum is exact: one unit at
    a time goes where it saves most, until no move of a unit saves anything (the cost is separable and convex).
    Only + - x / on doubles, so that the same counts give the same table on every machine.
    Raises BadInput for negative or all-zero counts and for more symbols than 2**freq_bits.
    """
    if not 1 <= freq_bits <= MAX_FREQ_BITS:
        raise BadInput(f"normalise: freq_bits is {freq_bits}; use 1..{MAX_FREQ_BITS}")
    exact = integers(counts, 0, 1 << 62, np.int64, "counts")
    used = np.flatnonzero(exact)
    if not len(used):
        raise BadInput("normalise: all counts are zero; a table needs at least one symbol")
    total = 1 << freq_bits
    if len(used) > total:
        raise BadInput(f"normalise: {len(used)} symbols do not fit a table of 2**{freq_bits}; use more freq_bits")
    count = exact[used].astype(np.float64)
    freq = np.maximum(1, np.floor(count * (total / float(sum(exact[used].tolist()))))).astype(np.int64)
    _settle(count, freq, total)
    freqs = np.zeros(len(exact), np.uint32)
    freqs[used] = freq
    return freqs


def _settle(count: NDArray[np.float64], freq: NDArray[np.int64], total: int) -> None:
    """Bring sum(freq) to `total` in place, at the least cost, then exchange units while that still saves."""
    missing = total - int(freq.sum())
    take = _Prices(count, freq, up=True)
    give = _Prices(count, freq, up=False)
    for _ in range(abs(missing)):
        i = (take if missing > 0 else give).cheapest()[1]
        freq[i] += 1 if missing > 0 else -1
        take.renew(i)
        give.renew(i)
    while True:
        (saving, i), (loss, j) = take.cheapest(), give.cheapest()
        if not -saving > loss * (1 + 1e-12):
            return
        for k, step in ((i, 1), (j, -1)):
            freq[k] += step
            take.renew(k)
            give.renew(k)


class _Prices:
    """A heap of what one unit more (`up`) or less would cost each symbol. Outdated entries are dropped when they surface."""

    def __init__(self, count: NDArray[np.float64], freq: NDArray[np.int64], up: bool) -> None:
        self._count, self._freq, self._up = count.tolist(), freq, up
        prices = -count * _log_step(freq) if up else np.where(freq > 1, count * _log_step(np.maximum(freq - 1, 1)), np.inf)
        self._heap = list(zip(prices.tolist(), range(len(count)), strict=True))
        heapq.heapify(self._heap)

    def cheapest(self) -> tuple[float, int]:
        while True:
            price, i = self._heap[0]
            if price == self._price(i):
                return price, i
            heapq.heappop(self._heap)  # `renew` has pushed the current price

    def renew(self, i: int) -> None:
        heapq.heappush(self._heap, (self._price(i), i))

    def _price(self, i: int) -> float:
        freq = int(self._freq[i])
        if self._up:
            return -self._count[i] * _log_steps(freq)
        return self._count[i] * _log_steps(freq - 1) if freq > 1 else math.inf


def _log_steps(freq: int) -> float:
    """`_log_step` of one number, from a list where it is small."""
    return _small_steps()[freq] if freq <= 4096 else float(_log_step(freq))


@cache
def _small_steps() -> list[float]:
    return _log_step(np.arange(4097)).tolist()


def _log_step(freq):  # type: ignore[no-untyped-def]
    """ln((f + 1) / f) for numbers or arrays, by the atanh series in IEEE operations only (libm differs between machines)."""
    z = 1.0 / (2.0 * freq + 1.0)
    z2 = z * z
    tail = z2 * 0.0
    for k in range(33, 1, -2):
        tail = (tail + 1.0 / k) * z2
    return 2.0 * z * (1.0 + tail)


def integers(values: ArrayLike, low: int, high: int, dtype: DTypeLike, name: str) -> NDArray:
    """A one-dimensional array of our own with that dtype, or BadInput."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and len(array)):
        raise BadInput(f"tables: {name} must be a one-dimensional array of integers, not {array.dtype}{list(array.shape)}")
    if len(array) and (int(array.min()) < low or int(array.max()) > high):
        raise BadInput(f"tables: {name} must lie within {low}..{high}, got {array.min()}..{array.max()}")
    return array.astype(dtype)  # always a copy: later changes by the caller must not reach the table
