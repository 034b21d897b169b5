"""Sums of rows: each step rounded to single precision, in order."""

import numpy as np

from lacodec.kernels.jit import kernel
from lacodec.kernels.row_sums import LANES, WIDE, add_rows, add_wide_rows


@kernel
def both(out, matrix, begins, factors):  # type: ignore[no-untyped-def]
    add_rows(out, 3, matrix, 2, begins, factors, 1, len(begins))
    add_wide_rows(out, 3 + LANES, matrix, 2 + LANES, begins, factors, 1, len(begins))


def test_rows_are_added_in_order_and_rounded_each_time():
    rng = np.random.default_rng(1)
    matrix = (rng.normal(size=(40, 90)) * 10.0 ** rng.integers(-4, 5, (40, 90))).astype("f4")
    rows = rng.integers(0, 40, 30)
    factors, out = rng.normal(size=30).astype("f4"), rng.normal(size=100).astype("f4")
    wanted = out.copy()
    for row, factor in zip(rows[1:], factors[1:], strict=True):
        wanted[3 : 3 + LANES + WIDE] += factor * matrix[row, 2 : 2 + LANES + WIDE]
    both(out, matrix.ravel(), (rows * 90).astype("i4"), factors)
    assert (out == wanted).all()
