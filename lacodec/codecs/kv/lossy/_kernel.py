"""Kernels from whole numbers back to keys and values: single precision, one order of additions, no fused operations."""

import numpy as np

from lacodec.kernels.jit import kernel
from lacodec.kernels.row_sums import LANES, WIDE, add_rows, add_wide_rows

BLOCK = 64


@kernel
def synthesis(numbers, steps, matrix, mean, begins, factors, counts, out):  # type: ignore[no-untyped-def]
    """out f32[rows, groups * n]: mean + number * step of the row @ matrix f32[groups, n, n], group by group; numbers: i16.

    Zeros are left out, the others are added in their order. Columns are done some at a time, for BLOCK rows: what is added then
    stays in the first-level cache. Scratch: begins i32[BLOCK * n], factors f32[BLOCK * n], counts i64[BLOCK].
    """
    groups, n, _ = matrix.shape
    flat, sums = matrix.reshape(-1), out.reshape(-1)
    for top in range(0, len(numbers), BLOCK):
        bottom = min(top + BLOCK, len(numbers))
        for group in range(groups):
            _chosen(numbers, steps, top, bottom, group, n, begins, factors, counts)
            for row in range(top, bottom):
                for j in range(group * n, group * n + n):
                    out[row, j] = mean[j]
            j = 0
            while j < n:
                wide = n - j >= WIDE
                for row in range(top, bottom):
                    first = (row - top) * n
                    stop = first + counts[row - top]
                    at = (row * groups + group) * n + j
                    if wide:
                        add_wide_rows(sums, at, flat, j, begins, factors, first, stop)
                    elif n - j >= LANES:
                        add_rows(sums, at, flat, j, begins, factors, first, stop)
                    else:
                        for i in range(first, stop):
                            for k in range(n - j):
                                sums[at + k] += factors[i] * flat[begins[i] + j + k]
                j += WIDE if wide else LANES


@kernel
def _chosen(numbers, steps, top, bottom, group, n, begins, factors, counts):  # type: ignore[no-untyped-def]
    """The numbers of some rows that are not 0, times their step, and where their rows of the matrix begin."""
    pitch = np.int32(n)
    for row in range(top, bottom):
        at = np.uint64((row - top) * n)
        place, step = np.uint64(row), steps[row]
        first, begin = np.uint64(group * n), np.int32(group * n * n)
        for k in range(np.uint64(n)):  # unsigned: no index can be from the end
            number = numbers[place, first + k]
            begins[at] = begin
            factors[at] = np.float32(number) * step
            at += np.uint64(number != 0)
            begin += pitch
        counts[row - top] = np.int64(at) - (row - top) * n


@kernel
def scale(numbers, steps, offsets, units, out):  # type: ignore[no-untyped-def]
    """out f32[rows, channels]: (number * step of the row + offset of the channel) * unit of the channel."""
    for row in range(len(numbers)):
        step = steps[row]
        for j in range(len(units)):
            out[row, j] = (np.float32(numbers[row, j]) * step + offsets[j]) * units[j]


@kernel
def turn(values, width, cos, sin):  # type: ignore[no-untyped-def]
    """Turn, in place, the pairs (i, i + half) of every `width` channels of values f32[rows, channels]; cos, sin: of each row."""
    half = cos.shape[1]
    for row in range(len(values)):
        for begin in range(0, values.shape[1], width):
            for i in range(half):
                a, b = values[row, begin + i], values[row, begin + half + i]
                values[row, begin + i] = a * cos[row, i] - b * sin[row, i]
                values[row, begin + half + i] = b * cos[row, i] + a * sin[row, i]


@kernel
def narrow(values, out):  # type: ignore[no-untyped-def]
    """out u16[heads, rows, width]: values f32[rows, heads * width], their bits as u32, as BF16: to the nearest, ties to even.

    Values that would become infinite take the largest finite one. Not for NaN.
    """
    heads, rows, width = out.shape
    for head in range(heads):
        for row in range(rows):
            for i in range(width):
                bits = values[row, head * width + i]
                short = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
                out[head, row, i] = short - np.uint32((short & np.uint32(0x7FFF)) == np.uint32(0x7F80))
