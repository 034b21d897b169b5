"""Kernels of codec `weights`: values to codes and planes and back, and counts of what is there.

values, out: u8 arrays with the little-endian bytes of the values, whatever their alignment; codes: u8, one per value; planes: see
`_vectors`. They work on whole blocks of 64 values, in tiles that stay in the first-level cache; `_floats` gives them padded
copies of what is left over.
"""

import numpy as np

from laconic.codecs.weights import _vectors as v
from laconic.entropy._jit import kernel

BLOCK = np.uint64(64)
TILE = np.uint64(32)  # blocks
ONE, EIGHT = np.uint64(1), np.uint64(8)


@kernel
def merge(out, blocks, codes, planes, ops, base, shift, kind):  # type: ignore[no-untyped-def]
    """Put blocks of 64 values together from codes and planes.

    planes: u64[...], the address of each plane; ops[p] = (width, low, mask, high, sign) says what its fields are.
    """
    at = np.uint64(0)
    while at < blocks:
        stop = min(at + TILE, blocks)
        for n in range(at, stop):
            v.put_codes(out, n * BLOCK, codes, n * BLOCK, base, shift, kind)
        for p in range(np.uint64(len(planes))):
            width, low, mask, high, sign = ops[p, 0], ops[p, 1], ops[p, 2], ops[p, 3], ops[p, 4]
            begin, step = planes[p], EIGHT * width
            if width == 8:
                for n in range(at, stop):
                    v.or_bytes(out, n * BLOCK, begin + n * step, low, mask, high, sign, kind)
            elif width == 4:
                for n in range(at, stop):
                    v.or_nibbles(out, n * BLOCK, begin + n * step, low, mask, high, sign, kind)
            elif width == 2:
                for n in range(at, stop):
                    v.or_pairs(out, n * BLOCK, begin + n * step, low, mask, high, sign, kind)
            else:
                for n in range(at, stop):
                    v.or_bits(out, n * BLOCK, begin + n * step, low, mask, high, sign, kind)
        at = stop


@kernel
def split(values, blocks, codes, planes, ops, base, shift, mask, kind):  # type: ignore[no-untyped-def]
    """The inverse of `merge`. mask: of the bits that codes stand for, after the shift."""
    at = np.uint64(0)
    while at < blocks:
        stop = min(at + TILE, blocks)
        for n in range(at, stop):
            v.take_codes(values, n * BLOCK, codes, n * BLOCK, base, shift, mask, kind)
        for p in range(np.uint64(len(planes))):
            width, low, keep, high, sign = ops[p, 0], ops[p, 1], ops[p, 2], ops[p, 3], ops[p, 4]
            begin, step = planes[p], EIGHT * width
            if width == 8:
                for n in range(at, stop):
                    v.take_bytes(values, n * BLOCK, begin + n * step, low, keep, high, sign, kind)
            elif width == 4:
                for n in range(at, stop):
                    v.take_nibbles(values, n * BLOCK, begin + n * step, low, keep, high, sign, kind)
            elif width == 2:
                for n in range(at, stop):
                    v.take_pairs(values, n * BLOCK, begin + n * step, low, keep, high, sign, kind)
            else:
                for n in range(at, stop):
                    v.take_bits(values, n * BLOCK, begin + n * step, low, keep, high, sign, kind)
        at = stop


@kernel
def zero_places(codes, places):  # type: ignore[no-untyped-def]
    """Positions of the first len(places) zeros in codes; returns how many zeros there are."""
    found, room = np.uint64(0), np.uint64(len(places))
    for i in range(np.uint64(len(codes))):
        if codes[i] == 0:
            if found < room:
                places[found] = i
            found += ONE
    return found


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
    inside = np.zeros(max(1, len(counts) - width), np.int64)
    for i in range(1, min(len(counts), width + 1)):
        inside[0] += counts[i]
    for base in range(1, len(inside)):
        inside[base] = inside[base - 1] + counts[base + width] - counts[base]
    return np.argmax(inside)


@kernel
def choose(counts, extra, bits, n, codes):  # type: ignore[no-untyped-def]
    """(extra bits, base, values to list) with which n values take the fewest bits; codes, i64[256]: the counts of their codes.

    counts: i64[...], how often each exponent with `extra` bits behind it occurs; bits: below the exponent.
    """
    cost, best, base, listed = np.inf, extra, 0, 0
    tried = np.empty(256, np.int64)
    while True:
        if bits >= extra:
            low = best_window(counts, 255)
            tried[:] = 0
            for i in range(len(counts)):
                tried[i - low if low < i < low + 256 else 0] += counts[i]
            used = 0
            for i in range(256):
                used += tried[i] > 0
            apart = tried[0] if tried[0] > counts[0] else 0
            here = information(tried) + 16 * apart + (bits - extra) * n + 6 * used
            if here < cost:
                cost, best, base, listed = here, extra, low, apart
                codes[:] = tried
        if extra == 0:
            return best, base, listed
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
def extents(runs, choices, begins, sizes, whole):  # type: ignore[no-untyped-def]
    """Of each group, i64[groups]: where its first piece begins, its bytes, and whether all its pieces lie side by side.

    runs: i64[runs, 2], (size, size of its pieces); choices: u8, the group of each piece.
    """
    begins[:] = 0
    sizes[:] = 0
    whole[:] = 1
    at = k = 0
    for run in range(len(runs)):
        end, piece = at + runs[run, 0], runs[run, 1]
        while at < end:
            group, size = choices[k], min(piece, end - at)
            if sizes[group] == 0:
                begins[group] = at
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
                for i in range(size):
                    content[place + i] = data[at + i]
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
                for i in range(size):
                    data[at + i] = content[place + i]
                place += size
            at += size
            k += 1
