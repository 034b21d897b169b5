"""Kernels: the choice of whole numbers by rate and distortion, and the way back to vectors. Strict doubles in a fixed order."""

import numpy as np

from lacodec.kernels.jit import kernel


@kernel
def choose(values, steps, tables, bits, most, price, numbers, counts):  # type: ignore[no-untyped-def]
    """numbers i32[n, k] for values f64[n, k]: the least of (error in steps)^2 + price * bits.

    tables: u8[k], which of `bits` f32[T, 2 * most + 1] is that of a column. counts: i64 like it, of the numbers chosen.
    """
    for i in range(len(values)):
        for j in range(len(steps)):
            value = values[i, j] / steps[j]
            size = abs(value)
            sign = -1 if value < 0 else 1
            which = tables[j]
            upper = int(min(size, 1e9) + 0.5)
            best, least = upper, 1e300
            if upper <= most:
                for number in range(max(0, upper - 2), upper + 1):
                    error = size - number
                    cost = error * error + price * np.float64(bits[which, most + sign * number])
                    if cost < least:
                        best, least = number, cost
            numbers[i, j] = sign * best
            counts[which, most + sign * min(best, most)] += 1


@kernel
def restore(numbers, steps, tables, shifts, mean, basis, unit, out):  # type: ignore[no-untyped-def]
    """out f64[n, d]: mean f64[d], and for each of numbers i32[n, k] that is not 0 its multiple of a row of basis f64[k, d].

    The multiple is the number, moved towards 0 by shifts f64[T, 2] (for sizes of 1, and more), times its step. unit: all
    results have length 1.
    """
    rows, columns = out.shape
    for i in range(rows):
        for j in range(columns):
            out[i, j] = mean[j]
        for k in range(len(steps)):
            number = np.int64(numbers[i, k])
            if number == 0:
                continue
            size = np.float64(abs(number))
            size -= shifts[tables[k], 0 if abs(number) == 1 else 1]
            times = size * steps[k] if number > 0 else -size * steps[k]
            for j in range(columns):
                out[i, j] += times * basis[k, j]
        if unit:
            total = 0.0
            for j in range(columns):
                total += out[i, j] * out[i, j]
            length = np.sqrt(total)
            if length > 0.0:
                for j in range(columns):
                    out[i, j] /= length
