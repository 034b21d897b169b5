"""Kernels of codec `weights`: what symbols cost, and which tables and codes suit them."""

import numpy as np

from lacodec.entropy.information import information
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import kernel

ONE = np.uint64(1)


@kernel
def best_window(counts, width):  # type: ignore[no-untyped-def]
    """The lowest base for which most is counted in base + 1 .. base + width."""
    n, low, high = len(counts), 1, len(counts) - 1
    while high > 0 and counts[high] == 0:
        high -= 1
    while low < high and counts[low] == 0:
        low += 1
    base = max(0, high - width)
    if base < low:
        return base  # it holds everything
    inside = np.int64(0)
    for i in range(1, min(n, width + 1)):
        inside += counts[i]
    most, best = inside, 0
    for base in range(1, max(1, n - width)):
        inside += counts[base + width] - counts[base]
        if inside > most:
            most, best = inside, base
    return best


@kernel
def choose(counts, extra, bits, n, most, codes):  # type: ignore[no-untyped-def]
    """(extra bits, base, bits of all) with which n values take the fewest bits with codes 1 .. most.

    codes, i64[most + 1]: the counts of their codes. counts: i64[...], how often each exponent with `extra` bits behind it occurs;
    bits: below the exponent.
    """
    cost, best, base = np.inf, extra, 0
    # Loops, not expressions of arrays: numba would compile forty functions for those, most of them for messages.
    tried, total, size = np.empty(most + 1, np.int64), np.int64(0), len(counts)
    halved = np.empty(size, counts.dtype)
    for i in range(size):
        halved[i] = counts[i]
        total += counts[i]
    while True:
        if bits >= extra:
            low = best_window(halved[:size], most)
            end = min(size, low + most + 1)
            inside = used = np.int64(0)
            for i in range(most + 1):
                tried[i] = 0
            for i in range(low + 1, end):
                tried[i - low] = halved[i]
                inside += halved[i]
                used += halved[i] > 0
            tried[0] = total - inside
            used += tried[0] > 0
            apart = tried[0] if tried[0] > halved[0] else 0
            here = information(tried) + 16 * apart + (bits - extra) * n + 6 * used
            if here < cost:
                cost, best, base = here, extra, low
                for i in range(most + 1):
                    codes[i] = tried[i]
        if extra == 0:
            return best, base, cost
        size //= 2
        for i in range(size):
            halved[i] = halved[2 * i] + halved[2 * i + 1]
        extra -= 1


@kernel
def count_bytes(plane, counts):  # type: ignore[no-untyped-def]
    """counts, u32[256]: how often each byte occurs in plane, u8[...]."""
    parts = np.zeros((4, 256), np.uint32)
    first, second, third, fourth = parts[0], parts[1], parts[2], parts[3]
    n = np.uint64(len(plane))
    whole = n & ~np.uint64(3)
    for i in range(np.uint64(0), whole, np.uint64(4)):
        first[plane[i]] += np.uint32(1)
        second[plane[i + ONE]] += np.uint32(1)
        third[plane[i + np.uint64(2)]] += np.uint32(1)
        fourth[plane[i + np.uint64(3)]] += np.uint32(1)
    for i in range(whole, n):
        first[plane[i]] += np.uint32(1)
    for k in range(256):
        counts[k] = first[k] + second[k] + third[k] + fourth[k]


@kernel
def sampled_entropy(plane, samples, size):  # type: ignore[no-untyped-def]
    """Bits of a byte at the entropy of `samples` pieces of `size` bytes, evenly spread over plane (u8, longer than they are)."""
    counts = np.zeros(256, np.uint32)
    room = np.uint64(len(plane)) - size
    for k in range(samples):
        begin = k * room // (samples - ONE)
        for i in range(begin, begin + size):
            counts[plane[i]] += np.uint32(1)
    return information(counts) / np.float64(samples * size)


@kernel
def different(values):  # type: ignore[no-untyped-def]
    """How many different values (unsigned, at most 1024) there are."""
    slots, used, count = np.empty(4096, np.uint64), np.zeros(4096, np.uint8), 0
    for i in range(np.uint64(len(values))):
        value = np.uint64(values[i])
        slot = (value * GOLDEN) >> np.uint64(52)
        while used[slot] and slots[slot] != value:
            slot = (slot + ONE) & np.uint64(4095)
        count += not used[slot]
        used[slot], slots[slot] = np.uint8(1), value
    return count


@kernel
def estimate_bytes(plane, counts):  # type: ignore[no-untyped-def]
    """counts, u32[256], from a quarter of plane (u8): about how often each byte occurs, at least once."""
    parts = np.zeros((2, 256), np.uint32)
    first, second = parts[0], parts[1]
    n = np.uint64(len(plane))
    for begin in range(np.uint64(0), n, np.uint64(1024)):
        for i in range(begin, min(begin + np.uint64(256), n - ONE), np.uint64(2)):
            first[plane[i]] += np.uint32(1)
            second[plane[i + ONE]] += np.uint32(1)
    for k in range(256):
        counts[k] = max(np.uint32(1), (first[k] + second[k]) * np.uint32(4))
