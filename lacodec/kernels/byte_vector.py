"""Products of 8-bit weights with inputs, as LLVM IR that every CPU can run.

Rows lie side by side in groups of ROWS, two columns of each together, so that a vector holds two weights of each row: LLVM
makes one instruction of their two products and the sum, and no sums across lanes are needed. Sums are of integers, so that
the width that LLVM picks cannot change a result.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

ROWS = 32
COLUMNS = 8
"""Columns that are multiplied at a time, for as many sums that need not wait for each other."""
SCALE_BITS = 24
"""Fractional bits of scales."""

_LANES = 16
_I32, _I64 = ir.IntType(32), ir.IntType(64)
_PAIR = ir.VectorType(ir.IntType(16), 2)
_BYTES = ir.VectorType(ir.IntType(8), 2 * _LANES)
_PAIRS = ir.VectorType(ir.IntType(16), 2 * _LANES)
_PRODUCTS = ir.VectorType(_I32, 2 * _LANES)
_SUMS = ir.VectorType(_I32, _LANES)
_WIDE = ir.VectorType(_I64, _LANES)


def grouped(matrix: NDArray[np.int8]) -> NDArray[np.int8]:
    """[rows, columns] -> [groups, pairs of columns, ROWS, 2], as `multiply_rows` reads it; what is missing is zeros."""
    rows, columns = (-(-size // unit) * unit for size, unit in zip(matrix.shape, (ROWS, COLUMNS), strict=True))
    whole = np.zeros((rows, columns), np.int8)
    whole[: matrix.shape[0], : matrix.shape[1]] = matrix
    return np.ascontiguousarray(whole.reshape(rows // ROWS, ROWS, columns // 2, 2).transpose(0, 2, 1, 3))


@intrinsic
def multiply_rows(
    typing_context: Any, weights: Any, offset: Any, inputs: Any, columns: Any, scales: Any, biases: Any, row: Any, out: Any,
    at: Any, top: Any,
) -> Any:  # fmt: skip
    """out[at + r] = (scales[row + r] * sum + biases[row + r]) >> SCALE_BITS, held within -top to top, for r < ROWS.

    sum: of weights[offset:] in the order of `grouped`, one group, times inputs, over `columns`, a multiple of COLUMNS. weights
    int8, inputs int16, scales and out int32, biases int64; a sum must stay below 2**31. Not bounds-checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w_array, start, x_array, n, s_array, b_array, first, to_array, to, limit = arguments
        w_type, _, x_type, _, s_type, b_type, _, to_type, _, _ = signature.args
        zero = ir.Constant(_SUMS, [0] * _LANES)
        totals = [[cgutils.alloca_once_value(builder, zero) for _ in range(2)] for _ in range(COLUMNS // 2)]
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(COLUMNS), _I64) as (column, _):
            for pair, sums in enumerate(totals):
                at_x = builder.add(column, _I64(2 * pair))
                x = _both(builder, load(builder, place(context, builder, x_type, x_array, at_x, _PAIR), 2))
                for half, total in enumerate(sums):
                    at_w = builder.add(builder.mul(at_x, _I64(ROWS)), _I64(half * 2 * _LANES))
                    w = load(builder, place(context, builder, w_type, w_array, builder.add(start, at_w), _BYTES), 1)
                    builder.store(builder.add(builder.load(total), _products(builder, w, x)), total)
        for half in range(2):
            total = zero
            for sums in totals:
                total = builder.add(total, builder.load(sums[half]))
            lane = _I64(half * _LANES)
            scale = load(builder, place(context, builder, s_type, s_array, builder.add(first, lane), _SUMS), 4)
            bias = load(builder, place(context, builder, b_type, b_array, builder.add(first, lane), _WIDE), 8)
            scaled = builder.add(builder.mul(builder.sext(total, _WIDE), builder.sext(scale, _WIDE)), bias)
            scaled = builder.ashr(scaled, ir.Constant(_WIDE, [SCALE_BITS] * _LANES))
            for bound, order in ((limit, "<"), (builder.neg(limit), ">")):
                bounds = splat(builder, bound, _WIDE)
                scaled = builder.select(builder.icmp_signed(order, scaled, bounds), scaled, bounds)
            pointer = place(context, builder, to_type, to_array, builder.add(to, lane), _SUMS)
            builder.store(builder.trunc(scaled, _SUMS), pointer).align = 4
        return context.get_dummy_value()

    given = (weights, types.int64, inputs, types.int64, scales, biases, types.int64, out, types.int64, types.int64)
    return types.void(*given), generate


def _both(builder: Any, pair: Any) -> Any:
    """Two inputs for each lane."""
    order = ir.Constant(ir.VectorType(_I32, 2 * _LANES), [0, 1] * _LANES)
    return builder.sext(builder.shuffle_vector(pair, pair, order), _PRODUCTS)


def _products(builder: Any, weights: Any, inputs: Any) -> Any:
    """Of each lane's two weights and inputs, the sum of the products."""
    products = builder.mul(builder.sext(builder.sext(weights, _PAIRS), _PRODUCTS), inputs)
    even, odd = (
        builder.shuffle_vector(products, products, ir.Constant(_SUMS, list(range(first, 2 * _LANES, 2)))) for first in (0, 1)
    )
    return builder.add(even, odd)
