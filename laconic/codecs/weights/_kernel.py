"""Kernels of codec `weights`: what symbols cost, which tables and codes suit them, and where the pieces of a group lie."""

import numpy as np

from laconic.codecs.weights import _vectors as v
from laconic.entropy._jit import kernel

ONE = np.uint64(1)


@kernel
def information(counts):  # type: ignore[no-untyped-def]
    """Sum of -c * log2(c / total) over counts (integers from 0), in bits: + - x / on doubles in one order, no library."""
    total, bits = np.float64(0.0), np.float64(0.0)
    for i in range(np.uint64(len(counts))):
        c = np.float64(counts[i])
        if c > 0.0:
            total += c
            bits -= c * _log2(c)
    return bits + total * _log2(total) if total > 0.0 else 0.0


@kernel
def _log2(x):  # type: ignore[no-untyped-def]
    """log2 of a double from 1 on, to some 1e-14: powers of two are taken out, then the series of atanh."""
    power = 0.0
    while x >= 65536.0:
        x *= 1.52587890625e-05
        power += 16.0
    while x > 1.4142135623730951:
        x *= 0.5
        power += 1.0
    z = (x - 1.0) / (x + 1.0)
    z2 = z * z
    series = 0.0
    for k in range(19, 0, -2):
        series = series * z2 + 1.0 / k
    return power + 2.8853900817779268 * z * series


@kernel
def normalised(counts, total):  # type: ignore[no-untyped-def]
    """Frequencies u32[n] that sum to `total`, at least 1 where counts (integers) are not 0; close to the best, in one quick pass.

    Each unit goes where it saves most, or costs least, by the derivative of the cost at the middle of the step.
    """
    n = len(counts)
    freqs = np.zeros(n, np.uint32)
    everything, left = np.float64(0.0), np.int64(total)
    for i in range(n):
        everything += np.float64(counts[i])
    for i in range(n):
        if counts[i] > 0:
            freqs[i] = max(np.int64(1), np.int64(np.float64(counts[i]) * (np.float64(total) / everything)))
            left -= np.int64(freqs[i])
    while left != 0:
        best, chosen = 0.0, n
        for i in range(n):
            if counts[i] > 0 and (left > 0 or freqs[i] > 1):
                worth = np.float64(counts[i]) / (np.float64(freqs[i]) + (0.5 if left > 0 else -0.5))
                if chosen == n or (worth > best if left > 0 else worth < best):
                    best, chosen = worth, i
        step = np.int64(1) if left > 0 else np.int64(-1)
        freqs[chosen] = np.int64(freqs[chosen]) + step
        left -= step
    return freqs


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
    """(extra bits, base, values to list, bits of all) with which n values take the fewest bits with codes 1 .. most.

    codes, i64[most + 1]: the counts of their codes. counts: i64[...], how often each exponent with `extra` bits behind it occurs;
    bits: below the exponent.
    """
    cost, best, base, listed = np.inf, extra, 0, 0
    tried = np.empty(most + 1, np.int64)
    while True:
        if bits >= extra:
            low = best_window(counts, most)
            end = min(len(counts), low + most + 1)
            inside = used = np.int64(0)
            tried[:] = 0
            for i in range(low + 1, end):
                tried[i - low] = counts[i]
                inside += counts[i]
                used += counts[i] > 0
            tried[0] = n - inside
            used += tried[0] > 0
            apart = tried[0] if tried[0] > counts[0] else 0
            here = information(tried) + 16 * apart + (bits - extra) * n + 6 * used
            if here < cost:
                cost, best, base, listed = here, extra, low, apart
                codes[:] = tried
        if extra == 0:
            return best, base, listed, cost
        counts = counts[0::2] + counts[1::2]
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
def parse_runs(data, size, runs):  # type: ignore[no-untyped-def]
    """Read pairs of numbers (LEB128) from data, u8[...], to runs; returns (runs, their pieces), or (-1, 0) when they are wrong.

    They must add up to `size` bytes; a piece of 0 bytes stands for the whole run.
    """
    at = count = pieces = 0
    left = np.int64(size)
    pair = np.zeros(2, np.int64)
    while at < len(data):
        for part in range(2):
            number, shift, more = np.int64(0), 0, True
            while more:
                if at == len(data) or shift > 56:
                    return -1, 0
                number |= np.int64(data[at] & 127) << shift
                more = data[at] > 127
                shift += 7
                at += 1
            pair[part] = number
        run, piece = pair[0], pair[1]
        if run <= 0 or run > left or piece < 0 or piece >= run or count >= len(runs) - 1:
            return -1, 0
        piece = piece if piece else run
        runs[count, 0], runs[count, 1] = run, piece
        left -= run
        pieces += (run + piece - 1) // piece
        count += 1
    return (count, pieces) if left == 0 else (-1, 0)


@kernel
def extents(runs, choices, begins, sizes, whole, firsts):  # type: ignore[no-untyped-def]
    """Of each group, i64[groups]: where it begins, its bytes, whether all its pieces lie side by side, bytes of the first one.

    runs: i64[runs, 2], (size, size of its pieces); choices: u8, the group of each piece.
    """
    begins[:] = 0
    sizes[:] = 0
    whole[:] = 1
    firsts[:] = 0
    at = k = 0
    for run in range(len(runs)):
        end, piece = at + runs[run, 0], runs[run, 1]
        while at < end:
            group, size = choices[k], min(piece, end - at)
            if sizes[group] == 0:
                begins[group] = at
                firsts[group] = size
            elif begins[group] + sizes[group] != at:
                whole[group] = 0
            sizes[group] += size
            at += size
            k += 1


@kernel
def gather(data, runs, choices, group, content):  # type: ignore[no-untyped-def]
    """content, u8: the pieces of one group of data, one after the other (see `extents`)."""
    at, k, place = np.uint64(0), 0, np.uint64(0)
    for run in range(len(runs)):
        end, piece = at + np.uint64(runs[run, 0]), np.uint64(runs[run, 1])
        while at < end:
            size = min(piece, end - at)
            if choices[k] == group:
                v.copy_bytes(content, place, data, at, size)
                place += size
            at += size
            k += 1


@kernel
def scatter(content, runs, choices, group, data):  # type: ignore[no-untyped-def]
    """The inverse of `gather`."""
    at, k, place = np.uint64(0), 0, np.uint64(0)
    for run in range(len(runs)):
        end, piece = at + np.uint64(runs[run, 0]), np.uint64(runs[run, 1])
        while at < end:
            size = min(piece, end - at)
            if choices[k] == group:
                v.copy_bytes(data, at, content, place, size)
                place += size
            at += size
            k += 1
