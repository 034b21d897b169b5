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
def sum_exponents(values, piece, shift, mask, sums):  # type: ignore[no-untyped-def]
    """sums[k] = sum of value >> shift & mask over piece k of values (unsigned, aligned); all pieces but the last have `piece`."""
    n = np.uint64(len(values))
    for k in range(np.uint64(len(sums))):
        begin = k * piece
        total = np.uint64(0)
        for i in range(begin, min(begin + piece, n)):
            total += (np.uint64(values[i]) >> shift) & mask
        sums[k] = total


@kernel
def count_highs(values, piece, atoms, shift, mask, counts):  # type: ignore[no-untyped-def]
    """counts[a, ., value >> shift & mask] += 1 over piece k of values, a = atoms[k].

    counts: u32[atoms, 2, mask + 1]; neighbours count in different halves, so that equal ones do not wait for each other.
    """
    n = np.uint64(len(values))
    for k in range(np.uint64(len(atoms))):
        begin = k * piece
        end = min(begin + piece, n)
        even, odd = counts[atoms[k], 0], counts[atoms[k], 1]
        whole = begin + ((end - begin) & ~ONE)
        for i in range(begin, whole, np.uint64(2)):
            even[(np.uint64(values[i]) >> shift) & mask] += np.uint32(1)
            odd[(np.uint64(values[i + ONE]) >> shift) & mask] += np.uint32(1)
        for i in range(whole, end):
            even[(np.uint64(values[i]) >> shift) & mask] += np.uint32(1)


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
def joint_cost(first, second, price):  # type: ignore[no-untyped-def]
    """`information` of the sums of two arrays of counts, and `price` for each sum that is not 0."""
    sums = first + second
    cost = information(sums)
    for i in range(len(sums)):
        if sums[i] > 0:
            cost += price
    return cost


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
def gather_rows(rows, chosen, content):  # type: ignore[no-untyped-def]
    """content, u8: the chosen ones (bool) of rows u8[n, size], one after the other; returns their bytes."""
    at = np.uint64(0)
    size = np.uint64(rows.shape[1])
    for k in range(np.uint64(len(chosen))):
        if chosen[k]:
            for i in range(size):
                content[at + i] = rows[k, i]
            at += size
    return at


@kernel
def scatter_rows(content, chosen, rows):  # type: ignore[no-untyped-def]
    """The inverse of `gather_rows`."""
    at = np.uint64(0)
    size = np.uint64(rows.shape[1])
    for k in range(np.uint64(len(chosen))):
        if chosen[k]:
            for i in range(size):
                rows[k, i] = content[at + i]
            at += size
    return at
