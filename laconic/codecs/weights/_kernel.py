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
def count_highs(values, shift, mask, counts):  # type: ignore[no-untyped-def]
    """counts[k, value >> shift & mask] += 1, with k = position % 4, so that equal neighbours do not wait for each other."""
    n = np.uint64(len(values))
    whole = n & ~np.uint64(3)
    for i in range(np.uint64(0), whole, np.uint64(4)):
        counts[0, (np.uint64(values[i]) >> shift) & mask] += np.uint32(1)
        counts[1, (np.uint64(values[i + np.uint64(1)]) >> shift) & mask] += np.uint32(1)
        counts[2, (np.uint64(values[i + np.uint64(2)]) >> shift) & mask] += np.uint32(1)
        counts[3, (np.uint64(values[i + np.uint64(3)]) >> shift) & mask] += np.uint32(1)
    for i in range(whole, n):
        counts[0, (np.uint64(values[i]) >> shift) & mask] += np.uint32(1)


@kernel
def zero_places(codes, places):  # type: ignore[no-untyped-def]
    """Positions of the first len(places) zeros in codes; returns how many zeros there are in all."""
    found, room = np.uint64(0), np.uint64(len(places))
    for i in range(np.uint64(len(codes))):
        if codes[i] == 0:
            if found < room:
                places[found] = i
            found += ONE
    return found
