"""Kernels of bit planes. Level k halves cells: a value is |x| = number + [0, 1) in cells of width scale * 2^-(k+1).

The class of a value is the logarithm, in quarter octaves, of the deviation that its row and its column suggest: class 8 is one
cell. Class and number choose the table of the next bit, and where in its cell the value is expected.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

CLASSES, KINDS = 16, 4
FROM_CLASS = 2
"""The class from which on a sign is worth its bit before it is known whether the value is 0: 0.35 cells."""


@helper
def class_of(row, column, level):  # type: ignore[no-untyped-def]
    """The class of a value in cells of this level."""
    return max(0, min(CLASSES - 1, np.int64(row) + np.int64(column) + 4 * np.int64(level)))


@helper
def kind_of(number):  # type: ignore[no-untyped-def]
    """Numbers 0, 1, 2 to 3, more."""
    return 0 if number == 0 else 1 if number == 1 else 2 if number < 4 else 3


@kernel
def contexts(numbers, rows, columns, level, out):  # type: ignore[no-untyped-def]
    """out u8[rows, columns]: which table the next bits of numbers u16 have, at this level. rows, columns: i16 classes."""
    for i in range(np.uint64(numbers.shape[0])):
        for j in range(np.uint64(numbers.shape[1])):
            out[i, j] = KINDS * class_of(rows[i], columns[j], level) + kind_of(numbers[i, j])


@kernel
def bits_of(parts, factor, out):  # type: ignore[no-untyped-def]
    """out u8: the bit that tells the halves of a cell apart; parts f32 in [0, 1), factor: a power of two, the cells."""
    for i in range(np.uint64(parts.shape[0])):
        for j in range(np.uint64(parts.shape[1])):
            out[i, j] = np.int64(parts[i, j] * factor) & 1


@kernel
def refine(numbers, bits):  # type: ignore[no-untyped-def]
    """numbers u16 in half as wide cells."""
    for i in range(np.uint64(numbers.shape[0])):
        for j in range(np.uint64(numbers.shape[1])):
            numbers[i, j] = 2 * np.int64(numbers[i, j]) + np.int64(bits[i, j])


@kernel
def without_sign(numbers, signs, rows, columns, level, out):  # type: ignore[no-untyped-def]
    """out i64: places of values whose signs i8 are still 0 and follow now; returns how many."""
    found = 0
    width = np.int64(numbers.shape[1])
    for i in range(np.int64(numbers.shape[0])):
        for j in range(width):
            if signs[i, j] == 0 and (numbers[i, j] > 0 or class_of(rows[i], columns[j], level) >= FROM_CLASS):
                out[found] = i * width + j
                found += 1
    return found


@kernel
def restore(numbers, signs, rows, columns, level, places, cell, out):  # type: ignore[no-untyped-def]
    """out f32: values; places f32[CLASSES, KINDS]: where in a cell they are expected; cell: f32, its width."""
    for i in range(np.uint64(numbers.shape[0])):
        for j in range(np.uint64(numbers.shape[1])):
            number = numbers[i, j]
            place = np.float32(number) + places[class_of(rows[i], columns[j], level), kind_of(number)]
            out[i, j] = np.float32(signs[i, j]) * place * cell
