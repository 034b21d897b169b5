"""Between the products of fixed-point transforms: whole numbers in, whole numbers out, the same in any order.

Products come as float32 sums of magnitude below 2^24, or float64 ones below 2^40. `factors` count 2^-24: a sum times a factor
stays below 2^52, so float64 holds it.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

TOP = 4095
"""Largest magnitude of an activation inside a block: with weights of 8 bits, products of 16 bits and their sums are exact."""
FAR = 1 << 18
"""Largest magnitude in the stream between blocks."""
_UNIT = 2.0**-24


@helper
def _scaled(total, factor):  # type: ignore[no-untyped-def]
    return np.floor(np.float64(total) * factor * _UNIT + 0.5)


@kernel
def entered(stream: np.ndarray, shift: int, out: np.ndarray) -> None:
    """out = stream / 2**shift, rounded, within TOP: int32[n] -> float32[n]."""
    half = np.int32((1 << shift) >> 1)
    for i in range(stream.size):
        out[i] = np.float32(min(max((stream[i] + half) >> shift, -TOP), TOP))


@kernel
def mixed(
    total: np.ndarray,
    factors: np.ndarray,
    offsets: np.ndarray,
    codes: np.ndarray,
    mix_factors: np.ndarray,
    mix_offsets: np.ndarray,
    gate_shift: int,
    rows: np.ndarray,
    out: np.ndarray,
) -> None:
    """A block's inner part: widened sums float32[2c, h, w] -> 3x3 per channel -> value times positive gate, float32[c, h, w].

    codes: int32[2c, 9]. rows: int32[h + 2, w + 2] and int32[2, h, w] for work, as one array [3, h + 2, w + 2].
    """
    half = np.int32((1 << gate_shift) >> 1)
    count, height, width = out.shape
    for c in range(count):
        for part in range(2):
            channel = c + part * count
            factor, offset = np.float64(factors[channel]), np.float64(offsets[channel])
            for y in range(height):
                for x in range(width):
                    value = _scaled(total[channel, y, x], factor) + offset
                    rows[2, y + 1, x + 1] = np.int32(min(max(value, -np.float64(TOP)), np.float64(TOP)))
            factor, offset = np.float64(mix_factors[channel]), np.float64(mix_offsets[channel])
            for y in range(height):
                for x in range(width):
                    found = np.int32(0)
                    for k in range(9):
                        found += codes[channel, k] * rows[2, y + k // 3, x + k % 3]
                    value = _scaled(found, factor) + offset
                    rows[part, y, x] = np.int32(min(max(value, -np.float64(TOP)), np.float64(TOP)))
        for y in range(height):
            for x in range(width):
                product = rows[0, y, x] * max(rows[1, y, x], np.int32(0))
                out[c, y, x] = np.float32(min(max((product + half) >> gate_shift, -TOP), TOP))


@kernel
def joined(total: np.ndarray, factors: np.ndarray, offsets: np.ndarray, stream: np.ndarray) -> None:
    """stream += scaled sums: [c, n] into int32[c, n], within FAR."""
    for c in range(stream.shape[0]):
        factor, offset = np.float64(factors[c]), np.float64(offsets[c])
        for i in range(stream.shape[1]):
            value = np.float64(stream[c, i]) + _scaled(total[c, i], factor) + offset
            stream[c, i] = np.int32(min(max(value, -np.float64(FAR)), np.float64(FAR)))
