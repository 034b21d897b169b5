"""Score `diversity`: documents that have the most, for their size, that is not in those selected before them.

What a document has is a sample of its 8-byte strings, which is what a compressor of all selected ones finds again: the greedy
choice is the set that compresses the least together (Yin et al. 2024, Entropy Law; here by strings in place of a compressor). The
gain of a document only falls while others are selected, so that it is computed again only where it comes first (Minoux 1978).
"""

from collections.abc import Iterable

import numpy as np

from lacodec.datasets.selection.batch import Batch
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel

_ONE = np.uint64(1)
_STRING = 8  # bytes
_SAMPLED = 5  # of 2**5 strings, those are kept whose hash ends so
_TABLE = 26  # bits of the hash that are kept


def sketch(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """(strings u32[...], how many of each document i64[documents]): a sample of the strings, by hash."""
    found, counts = np.zeros(batch.data.size, np.uint32), np.zeros(batch.starts.size - 1, np.int64)
    total = int(_sketch(batch.data, batch.starts, found, counts))
    return found[:total].copy(), counts


def gains(sketches: Iterable[tuple[np.ndarray, np.ndarray]], sizes: np.ndarray, costs: np.ndarray, amount: int) -> np.ndarray:
    """f64[documents]: new strings per byte, when a document was selected, or at the end of all that were.

    sizes: bytes of the documents, i64. costs: what each takes of `amount`, the budget, i64; the greedy choice ends there.
    """
    parts = list(sketches)
    strings = np.concatenate([np.zeros(0, np.uint32), *(found for found, _ in parts)])
    counts = np.concatenate([np.zeros(0, np.int64), *(count for _, count in parts)])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    bounds = counts / np.maximum(sizes, 1)
    order = np.argsort(-bounds, kind="stable")
    found = np.zeros(sizes.size)
    _choose(bounds[order], order, starts, strings, np.maximum(sizes, 1), costs, amount, np.zeros(1 << _TABLE, np.uint8), found)
    return found


@flat_kernel
def _sketch(data: np.ndarray, starts: np.ndarray, found: np.ndarray, counts: np.ndarray) -> np.uint64:
    total = np.uint64(0)
    for i in range(np.uint64(starts.size - 1)):
        before, string = total, np.uint64(0)
        for at in range(np.uint64(starts[i]), np.uint64(starts[i + _ONE])):
            string = (string << np.uint64(8)) | np.uint64(data[at])
            mixed = (string ^ (string >> np.uint64(29))) * GOLDEN
            if (
                at >= np.uint64(starts[i]) + np.uint64(_STRING - 1)
                and (mixed >> np.uint64(32)) & np.uint64((1 << _SAMPLED) - 1) == 0
            ):
                found[total] = np.uint32(mixed >> np.uint64(64 - _TABLE))
                total += _ONE
        counts[i] = np.int64(total - before)
    return total


@flat_kernel
def _choose(
    keys: np.ndarray,
    heap: np.ndarray,
    starts: np.ndarray,
    strings: np.ndarray,
    sizes: np.ndarray,
    costs: np.ndarray,
    amount: int,
    known: np.ndarray,
    found: np.ndarray,
) -> None:
    """keys: upper bounds of gains; heap: documents, the largest bound first. known: 1 for strings that are selected."""
    left, used, least, open_ = np.uint64(keys.size), np.int64(0), np.inf, True
    while left > 0:
        document = np.uint64(heap[0])
        new = 0
        for k in range(np.uint64(starts[document]), np.uint64(starts[document + _ONE])):
            if known[strings[k]] == 0:
                known[strings[k]] = 2
                new += 1
        gain = np.float64(new) / np.float64(sizes[document])
        later = max(keys[1] if left > 1 else -1.0, keys[2] if left > 2 else -1.0)
        first = gain >= later
        open_ = open_ and (not first or used + costs[document] <= amount)
        chosen = first and open_
        for k in range(np.uint64(starts[document]), np.uint64(starts[document + _ONE])):
            if known[strings[k]] == 2:
                known[strings[k]] = 1 if chosen else 0
        if chosen:
            used += costs[document]
            least = gain
        if first or not open_:
            found[document] = gain if chosen else min(gain, np.nextafter(least, -1.0))
            left -= _ONE
            keys[0], heap[0] = keys[left], heap[left]
        else:
            keys[0] = gain
        at = np.uint64(0)
        while True:
            child = np.uint64(2) * at + _ONE
            if child >= left:
                break
            if child + _ONE < left and keys[child + _ONE] > keys[child]:
                child += _ONE
            if keys[child] <= keys[at]:
                break
            key, place = keys[at], heap[at]
            keys[at], heap[at] = keys[child], heap[child]
            keys[child], heap[child] = key, place
            at = child
