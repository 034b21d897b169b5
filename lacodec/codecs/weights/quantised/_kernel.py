"""Kernels of integer grids: contexts from columns and rows, the choice of numbers, and the way back to values.

`scales` f32[columns] follows the mean of |q| in each column, relative to that of its row, which the row's class gives in quarter
octaves. Its bits, viewed as i32, are a logarithm: exponent and two bits of the mantissa count quarter octaves, too. Their sum
chooses one of CLASSES tables. Numbers of a band of rows have classes by the rows above the band only.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

CLASSES = 16
MOST = 1000  # the largest |q|; beyond, values are outliers
_ONE = 508  # the upper 11 bits of 1.0 in single precision: exponent 127 and two bits of the mantissa


@helper
def class_of(logarithm, row, base):  # type: ignore[no-untyped-def]
    """The table for a number whose column has these bits, in a row of class `row`; base: where the lowest class begins."""
    return max(0, min(CLASSES - 1, (np.int64(logarithm) >> 21) - _ONE + np.int64(row) - np.int64(base)))


@helper
def _classes(logarithms, rows, begin, end, base, out):  # type: ignore[no-untyped-def]
    columns = len(logarithms)
    for i in range(begin, end):
        at = (i - begin) * columns
        for j in range(columns):
            out[at + j] = class_of(logarithms[j], rows[i], base)


@helper
def _follow(scales, numbers, rows, begin, end, inverse, rate):  # type: ignore[no-untyped-def]
    for i in range(begin, end):
        unit = inverse[rows[i]]
        for j in range(len(scales)):
            size = np.float32(abs(np.int64(numbers[i, j]))) * unit
            scales[j] = scales[j] + (size - scales[j]) * rate


@kernel
def follow(scales, numbers, rows, begin, end, inverse, rate):  # type: ignore[no-untyped-def]
    """Let the state of the columns follow rows begin..end of `numbers` i16; inverse: f32, 1 / scale by row class."""
    _follow(scales, numbers, rows, begin, end, inverse, rate)


@kernel
def follow_classes(scales, numbers, rows, begin, end, inverse, rate, logarithms, stop, base, out):  # type: ignore[no-untyped-def]
    """`follow` for rows begin..end; then out u8[(stop - end) * columns], the classes of rows end..stop.

    logarithms: i32, the bits of `scales`, in the same memory.
    """
    _follow(scales, numbers, rows, begin, end, inverse, rate)
    _classes(logarithms, rows, end, stop, base, out)


@kernel
def choose(values, logarithms, rows, begin, end, base, bits, price, numbers, counts):  # type: ignore[no-untyped-def]
    """Numbers of rows begin..end for `values` f32[rows, columns] in steps: least (error)^2 + price * bits.

    bits: f32[CLASSES, 2 * MOST + 1] of each number in each class. counts: i64 like it, of the numbers chosen.
    """
    for i in range(begin, end):
        for j in range(len(logarithms)):
            value = np.float64(values[i, j])
            size = min(abs(value), np.float64(MOST))
            which = class_of(logarithms[j], rows[i], base)
            sign = -1 if value < 0 else 1
            upper = int(size + 0.5)
            best, least = 0, 1e300
            for number in range(max(0, upper - 2), upper + 1):
                error = size - number
                cost = error * error + price * np.float64(bits[which, MOST + sign * number])
                if cost < least:
                    best, least = number, cost
            numbers[i, j] = sign * best
            counts[which, MOST + sign * best] += 1


@kernel
def choose_fed(  # type: ignore[no-untyped-def]
    work, first, stop, feedback, logarithms, rows, begin, base, bits, price, shifts, numbers, errors, counts, sums
):
    """Like `choose` for columns first..stop of a band `work` f32[rows, columns], from row `begin` on; errors go to later columns.

    feedback: f32[columns, columns], what an error of one step in column j takes from column k > j. errors: f32[rows, stop -
    first], for the columns from `stop` on. sums f64[2, 2]: how far the values lie above numbers of size 1, and of more; how many.
    """
    for i in range(len(work)):
        row = np.int64(rows[begin + i])
        for j in range(first, stop):
            value = np.float64(work[i, j])
            size = min(abs(value), np.float64(MOST))
            which = class_of(logarithms[j], row, base)
            sign = -1 if value < 0 else 1
            upper = int(size + 0.5)
            best, least, left = 0, 1e300, 0.0
            for number in range(max(0, upper - 2), upper + 1):
                error = size - number
                if number > 0:
                    error -= shifts[0] if number == 1 else shifts[1]
                cost = error * error + price * np.float64(bits[which, MOST + sign * number])
                if cost < least:
                    best, least, left = number, cost, error
            if best > 0:
                group = 0 if best == 1 else 1
                sums[0, group] += size - best
                sums[1, group] += 1
            carried = np.float32(sign * left)
            errors[i, j - first] = carried
            for k in range(j + 1, stop):
                work[i, k] -= carried * feedback[j, k]
            numbers[begin + i, j] = sign * best
            counts[which, MOST + sign * best] += 1


@kernel
def row_classes(numbers, bounds, rows):  # type: ignore[no-untyped-def]
    """rows u8: how many of `bounds` f64 the mean |q| of each row of numbers reaches."""
    for i in range(len(numbers)):
        total = 0.0
        for j in range(numbers.shape[1]):
            total += np.float64(abs(np.int64(numbers[i, j])))
        mean = total / np.float64(max(1, numbers.shape[1]))
        reached = 0
        for bound in bounds:
            reached += mean >= bound
        rows[i] = reached


@kernel
def restore(numbers, steps, shifts, out):  # type: ignore[no-untyped-def]
    """out f32: numbers times the step of the column; those of |q| = 1 and of more are moved by `shifts` f32[2] steps."""
    for i in range(len(numbers)):
        for j in range(numbers.shape[1]):
            number = np.int64(numbers[i, j])
            place = np.float32(number)
            if number > 0:
                place += shifts[0] if number == 1 else shifts[1]
            elif number < 0:
                place -= shifts[0] if number == -1 else shifts[1]
            out[i, j] = place * steps[j]


@kernel
def narrow(values, out):  # type: ignore[no-untyped-def]
    """out u16: f32 values (their bits as u32) as BF16, rounded to the nearest, ties to even. Not for NaN."""
    for i in range(np.uint64(len(values))):
        bits = np.uint64(values[i])
        out[i] = (bits + np.uint64(0x7FFF) + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)


@kernel
def rotate(values, size):  # type: ignore[no-untyped-def]
    """The orthonormal Walsh-Hadamard transform of every `size` (a power of two) columns of values f32, in place."""
    rows, columns = values.shape
    for i in range(rows):
        for begin in range(0, columns, size):
            half = 1
            while half < size:
                for start in range(begin, begin + size, 2 * half):
                    for j in range(start, start + half):
                        a, b = values[i, j], values[i, j + half]
                        values[i, j] = a + b
                        values[i, j + half] = a - b
                half *= 2
        unit = np.float32(1.0)
        left = size
        while left >= 4:
            unit *= np.float32(0.5)
            left //= 4
        if left == 2:
            unit *= np.float32(0.70710677)
        for j in range(columns):
            values[i, j] *= unit
