"""Vector building blocks for kernels, as LLVM IR that every CPU can run (wide where the CPU is wide).

numba does not vectorise integer dot products reliably (it widens int32 products to int64), so the two inner loops of the mixer
are written out here. Integer addition is associative: the width that LLVM picks cannot change a result.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

LANES = 16
_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I32, LANES)

DOT_SHIFT = 10
TRAIN_SHIFT = 16
WEIGHT_LIMIT = (1 << 19) - 1


def _constant(value: int) -> Any:
    return ir.Constant(_VECTOR, [value] * LANES)


@intrinsic
def dot_product(typing_context: Any, inputs: Any, weights: Any, offset: Any, count: Any) -> Any:
    """Sum of (inputs[i] * weights[offset + i]) >> DOT_SHIFT over i < count (a multiple of 16), as int64.

    Arrays are int32 and not bounds-checked. |inputs[i] * weights[offset + i]| < 2**31.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, w_array, start, n = arguments
        total = cgutils.alloca_once_value(builder, _constant(0))
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            x = load(builder, place(context, builder, signature.args[0], x_array, i, _VECTOR), 4)
            w = load(builder, place(context, builder, signature.args[1], w_array, builder.add(start, i), _VECTOR), 4)
            term = builder.ashr(builder.mul(x, w), _constant(DOT_SHIFT))
            builder.store(builder.add(builder.load(total), term), total)
        reduce = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_I32, [_VECTOR]), f"llvm.vector.reduce.add.v{LANES}i32"
        )
        return builder.sext(builder.call(reduce, [builder.load(total)]), _I64)

    return types.int64(inputs, weights, types.int64, types.int64), generate


@intrinsic
def train_weights(typing_context: Any, inputs: Any, weights: Any, offset: Any, count: Any, error: Any) -> Any:
    """weights[offset + i] += (inputs[i] * error) >> TRAIN_SHIFT, rounded, held within WEIGHT_LIMIT. |inputs * error| < 2**31."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, w_array, start, n, err = arguments
        scale = splat(builder, builder.trunc(err, _I32), _VECTOR)
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            x = load(builder, place(context, builder, signature.args[0], x_array, i, _VECTOR), 4)
            pointer = place(context, builder, signature.args[1], w_array, builder.add(start, i), _VECTOR)
            step = builder.add(builder.mul(x, scale), _constant(1 << (TRAIN_SHIFT - 1)))
            grown = builder.add(load(builder, pointer, 4), builder.ashr(step, _constant(TRAIN_SHIFT)))
            for limit, order in ((WEIGHT_LIMIT, "<"), (-WEIGHT_LIMIT, ">")):
                bound = _constant(limit)
                grown = builder.select(builder.icmp_signed(order, grown, bound), grown, bound)
            builder.store(grown, pointer).align = 4
        return context.get_dummy_value()

    return types.void(inputs, weights, types.int64, types.int64, types.int64), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index] before it is needed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32]), "llvm.prefetch.p0"
        )
        builder.call(function, [pointer, _I32(1), _I32(3), _I32(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def kept_branch(typing_context: Any) -> Any:
    """Nothing, but LLVM keeps the branch that it stands in, instead of computing both ways and choosing.

    What follows a bit that is nearly sure can then begin before the bit is known: the processor guesses it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)
        return context.get_dummy_value()

    return types.void(), generate
