"""Sums of rows of a matrix, as LLVM IR: strict IEEE single precision in a fixed order, so that every machine gets the same bits.

A few vectors of the sum stay in registers while rows are added to them, one after the other; no fused operations. Arrays are
not bounds-checked.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

LANES, WIDE = 16, 64
_I32, _I64 = ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _adding(vectors: int) -> Any:
    """Code for so many vectors of columns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out_array, out_at, matrix, column, begins, factors, first, stop = arguments
        kinds = signature.args
        begin_data = context.make_array(kinds[4])(context, builder, begins).data
        factor_data = context.make_array(kinds[5])(context, builder, factors).data
        ends = [
            place(context, builder, kinds[0], out_array, builder.add(out_at, _I64(LANES * part)), _VECTOR)
            for part in range(vectors)
        ]
        totals = [cgutils.alloca_once_value(builder, load(builder, end, 4)) for end in ends]
        with cgutils.for_range_slice(builder, first, stop, _I64(1), _I64) as (i, _):
            begin = builder.sext(builder.load(builder.gep(begin_data, [i])), _I64)
            at = builder.add(begin, column)
            factor = splat(builder, builder.load(builder.gep(factor_data, [i])), _VECTOR)
            for part, total in enumerate(totals):
                pointer = place(context, builder, kinds[2], matrix, builder.add(at, _I64(LANES * part)), _VECTOR)
                product = builder.fmul(factor, load(builder, pointer, 4))
                builder.store(builder.fadd(builder.load(total), product), total)
        for end, total in zip(ends, totals, strict=True):
            builder.store(builder.load(total), end).align = 4
        return context.get_dummy_value()

    return generate


@intrinsic
def add_rows(
    typing_context: Any, out: Any, at: Any, matrix: Any, column: Any, begins: Any, factors: Any, first: Any, stop: Any
) -> Any:
    """out[at + j] += factors[i] * matrix[begins[i] + column + j] for j < LANES, i = first ... stop - 1. begins: i32."""
    i64 = types.int64
    return types.void(out, i64, matrix, i64, begins, factors, i64, i64), _adding(1)


@intrinsic
def add_wide_rows(
    typing_context: Any, out: Any, at: Any, matrix: Any, column: Any, begins: Any, factors: Any, first: Any, stop: Any
) -> Any:
    """The same for j < WIDE."""
    i64 = types.int64
    return types.void(out, i64, matrix, i64, begins, factors, i64, i64), _adding(WIDE // LANES)
