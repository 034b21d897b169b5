"""Sums of products of eight 16-bit numbers, and a mask of 64, as LLVM IR. Integers add alike in any order and width."""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

LANES = 8
FINER = 8  # fractional bits that weights have for learning, not for use
LIMIT = (1 << 23) - 1
_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_BLOCK = ir.VectorType(_I16, 64)
_HALF, _FULL = ir.VectorType(_I16, LANES), ir.VectorType(_I32, LANES)


@intrinsic
def dot_groups(typing_context: Any, values: Any, starts: Any, weights: Any, offset: Any, first: Any, last: Any) -> Any:
    """Sum over groups g in first..last-1 and i < 8 of values[starts[g] + i] * (weights[offset + 8 * g + i] >> FINER), in 32 bits.

    values: int16; starts: int64; weights: int32. Not bounds-checked; a sum beyond 32 bits wraps.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, s_array, w_array, at, begin, end = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_FULL, [0] * LANES))
        with cgutils.for_range_slice(builder, begin, end, _I64(1), _I64) as (g, _):
            start_data = context.make_array(signature.args[1])(context, builder, s_array).data
            start = builder.load(builder.gep(start_data, [g]))
            x = load(builder, place(context, builder, signature.args[0], x_array, start, _HALF), 2)
            w_at = builder.add(at, builder.mul(g, _I64(LANES)))
            w = load(builder, place(context, builder, signature.args[2], w_array, w_at, _FULL), 4)
            coarse = builder.ashr(w, ir.Constant(_FULL, [FINER] * LANES))
            product = builder.mul(builder.sext(x, _FULL), coarse)
            builder.store(builder.add(builder.load(total), product), total)
        reduce = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_I32, [_FULL]), f"llvm.vector.reduce.add.v{LANES}i32"
        )
        return builder.sext(builder.call(reduce, [builder.load(total)]), _I64)

    return types.int64(values, starts, weights, types.int64, types.int64, types.int64), generate


@intrinsic
def adapt_groups(
    typing_context: Any, values: Any, starts: Any, weights: Any, offset: Any, first: Any, last: Any, step: Any
) -> Any:
    """weights[offset + 8 * g + i] += (values[starts[g] + i] * step) >> 8, held within LIMIT."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, s_array, w_array, at, begin, end, factor = arguments
        scale = splat(builder, builder.trunc(factor, _I32), _FULL)
        floor, top = ir.Constant(_FULL, [-LIMIT] * LANES), ir.Constant(_FULL, [LIMIT] * LANES)
        shift = ir.Constant(_FULL, [8] * LANES)
        with cgutils.for_range_slice(builder, begin, end, _I64(1), _I64) as (g, _):
            start_data = context.make_array(signature.args[1])(context, builder, s_array).data
            start = builder.load(builder.gep(start_data, [g]))
            x = load(builder, place(context, builder, signature.args[0], x_array, start, _HALF), 2)
            pointer = place(context, builder, signature.args[2], w_array, builder.add(at, builder.mul(g, _I64(LANES))), _FULL)
            move = builder.ashr(builder.mul(builder.sext(x, _FULL), scale), shift)
            grown = builder.add(load(builder, pointer, 4), move)
            grown = builder.select(builder.icmp_signed("<", grown, top), grown, top)
            grown = builder.select(builder.icmp_signed(">", grown, floor), grown, floor)
            builder.store(grown, pointer).align = 4
        return context.get_dummy_value()

    integer = types.int64
    return types.void(values, starts, weights, integer, integer, integer, integer), generate


@intrinsic
def nonzero(typing_context: Any, values: Any, start: Any) -> Any:
    """Which of values[start:start + 64] aren't 0, the first as the lowest bit. values: int16. Not bounds-checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        block = load(builder, place(context, builder, signature.args[0], array, at, _BLOCK), 2)
        return builder.bitcast(builder.icmp_signed("!=", block, ir.Constant(_BLOCK, [0] * 64)), _I64)

    return types.uint64(values, types.uint64), generate
