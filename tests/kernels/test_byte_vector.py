"""Products of 8-bit weights against numpy: sizes that fill no group, the largest values, results that must be held."""

import numpy as np
import pytest

from lacodec.kernels.byte_vector import COLUMNS, ROWS, SCALE_BITS, grouped, multiply_rows
from lacodec.kernels.jit import kernel

TOP = 1 << 25


@kernel
def _product(weights, inputs, columns, scales, biases, out):  # type: ignore[no-untyped-def]
    for group in range(np.uint64(out.size // ROWS)):
        at = np.int64(group) * ROWS
        multiply_rows(weights, at * columns, inputs, columns, scales, biases, at, out, at, TOP)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (33, 9), (64, 24), (70, 577)])
def test_products(rows, columns):
    rng = np.random.default_rng(rows)
    matrix = rng.integers(-128, 128, (rows, columns)).astype(np.int8)
    inputs = rng.integers(-128, 128, columns).astype(np.int16)
    matrix[0], inputs[:] = (-128, -128) if rows == 70 else (matrix[0], inputs)
    scales = rng.integers(-(1 << 31), 1 << 31, rows).astype(np.int32)
    biases = rng.integers(-(1 << 50), 1 << 50, rows)
    height, width = -(-rows // ROWS) * ROWS, -(-columns // COLUMNS) * COLUMNS
    out = np.zeros(height, np.int32)
    padded = np.pad(scales, (0, height - rows)), np.pad(biases, (0, height - rows))
    spoiled = np.pad(inputs, (0, width - columns), constant_values=77)  # missing columns have weights of zero
    _product(grouped(matrix).ravel(), spoiled, width, *padded, out)
    wanted = (matrix.astype(np.int64) @ inputs.astype(np.int64) * scales + biases) >> SCALE_BITS
    assert rows == 1 or abs(wanted).min() < TOP < abs(wanted).max()
    assert np.array_equal(out[:rows], np.clip(wanted, -TOP, TOP))
