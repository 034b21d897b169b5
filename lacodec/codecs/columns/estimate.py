"""What samples of unsigned integers would take as bins and places: bits in all, the same on every machine."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns._bins_kernel import PRECISION
from lacodec.codecs.columns.bins import MOST, logarithms

_GROUP = 12  # values between two quantiles
_UNIT = 1 << 16
_BIN = 14.0  # bits of a bin in the header besides the gap to the one before


def bits_of_rows(samples: NDArray[np.unsignedinteger], n: int) -> NDArray[np.float64]:
    """For each row of samples[rows, m], m > 0, out of n values: the bits of all n, with their bins."""
    values = np.sort(samples, 1)
    changes = values[:, 1:] != values[:, :-1]
    distinct = changes.sum(1) + 1
    share, gaps = n / values.shape[1], _bin_bits(values, distinct)
    spread, bins = _spread(values)
    best = spread * share + np.minimum(bins, MOST) * gaps
    few = distinct <= MOST
    if few.any():
        best[few] = np.minimum(best[few], _counted(changes[few]) * share + (distinct * gaps)[few])
    return best


def _bin_bits(values: NDArray[np.unsignedinteger], distinct: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits of a bin in the header: they depend on how far apart bins are."""
    spans = (values[:, -1] - values[:, 0]).astype(np.uint64) // np.minimum(distinct, MOST).astype(np.uint64) + np.uint64(1)
    return np.asarray(_BIN + log2_of(spans) * (8 / 7 / _UNIT), np.float64)


def _counted(changes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Bits of the rows if each different value has a bin."""
    rows, m = len(changes), changes.shape[1] + 1
    ends = np.flatnonzero(np.concatenate([changes, np.ones((rows, 1), bool)], 1))
    counts = np.diff(ends, prepend=-1)
    bits = counts * (_log2(m) - log2_of(counts.astype(np.uint64)))
    return np.asarray(np.bincount(ends // m, bits, rows) / _UNIT, np.float64)


def _spread(values: NDArray[np.unsignedinteger]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(bits, bins) if values are spread evenly between two quantiles; where quantiles are equal, they are one run."""
    rows, m = values.shape
    edges = np.concatenate([values[:, ::_GROUP], values[:, -1:]], 1).astype(np.uint64)
    spans = np.diff(edges, axis=1)
    apart = spans > 0
    each = apart * (_log2(m) - _log2(_GROUP)) + log2_of(np.maximum(spans, 1))
    bits = each.sum(1) * float(_GROUP)
    equal = np.zeros((rows, spans.shape[1] + 2), np.int8)
    equal[:, 1:-1] = ~apart
    steps = np.diff(equal.reshape(-1))
    starts, ends = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    runs = (ends - starts) * _GROUP
    owners = starts // equal.shape[1]
    bits += np.bincount(owners, runs * np.maximum(_log2(m) - log2_of(runs.astype(np.uint64)), 0), rows)
    return bits / _UNIT, apart.sum(1) + np.bincount(owners, minlength=rows)


def log2_of(numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """log2 of numbers from 1 on, in units of 2**-16."""
    mantissa, exponent = np.frexp(numbers.astype(np.float64))  # exact, but for rounding above 2**53
    places = ((mantissa * 2 - 1) * PRECISION).astype(np.int64)
    return ((exponent.astype(np.int64) - 1) << 16) + _scaled()[places]


@cache
def _scaled() -> NDArray[Any]:
    return (logarithms() * _UNIT).astype(np.int64)


@cache
def _log2(number: int) -> int:
    return int(log2_of(np.array([number], np.uint64))[0])
