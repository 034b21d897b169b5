"""Kernels from whole numbers back to keys and values: single precision, one order of additions, no fused operations."""

import numpy as np

from lacodec.kernels.jit import kernel


@kernel
def synthesis(numbers, steps, matrix, mean, places, sizes, out):  # type: ignore[no-untyped-def]
    """out f32[rows, groups * n]: mean + number * step of the row @ matrix f32[groups, n, n], group by group; numbers: i16.

    Zeros are left out, the others are added in their order, four at a time. places i64[n + 3], sizes f32[n + 3]: scratch.
    """
    groups, n, _ = matrix.shape
    for row in range(len(numbers)):
        step = steps[row]
        for group in range(groups):
            begin = group * n
            count = 0
            for k in range(n):
                number = numbers[row, begin + k]
                places[count] = k
                sizes[count] = np.float32(number) * step
                count += number != 0
            for i in range(count, count + 3):
                places[i] = 0
                sizes[i] = np.float32(0.0)
            for j in range(n):
                out[row, begin + j] = mean[begin + j]
            for i in range(0, count, 4):
                a, b, c, d = sizes[i], sizes[i + 1], sizes[i + 2], sizes[i + 3]
                first, second, third, fourth = places[i], places[i + 1], places[i + 2], places[i + 3]
                for j in range(n):
                    total = out[row, begin + j] + a * matrix[group, first, j]
                    total += b * matrix[group, second, j]
                    total += c * matrix[group, third, j]
                    out[row, begin + j] = total + d * matrix[group, fourth, j]


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
