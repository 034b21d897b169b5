"""Products of 8-bit weights with inputs, as LLVM IR that every CPU can run.

Rows lie side by side in groups of ROWS, so that a vector holds one weight of each: no sums across lanes are needed. Sums are of
integers, so that the width that LLVM picks cannot change a result.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

ROWS = 16
_I64 = ir.IntType(64)
_BYTES = ir.VectorType(ir.IntType(8), ROWS)
_SUMS = ir.VectorType(ir.IntType(32), ROWS)
_SCALAR = ir.VectorType(ir.IntType(32), 1)


@intrinsic
def multiply_group(typing_context: Any, weights: Any, offset: Any, inputs: Any, count: Any, sums: Any, at: Any) -> Any:
    """sums[at + r] = sum of weights[offset + i * ROWS + r] * inputs[i] over i < count, for r < ROWS.

    weights int8, inputs and sums int32; the products of a row must add up to less than 2**31. Not bounds-checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w_array, start, x_array, n, s_array, to = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_SUMS, [0] * ROWS))
        with cgutils.for_range(builder, n, intp=_I64) as loop:
            at_weights = builder.add(start, builder.mul(loop.index, _I64(ROWS)))
            coded = load(builder, place(context, builder, signature.args[0], w_array, at_weights, _BYTES), 1)
            x = load(builder, place(context, builder, signature.args[2], x_array, loop.index, _SCALAR), 4)
            product = builder.mul(
                builder.sext(coded, _SUMS), splat(builder, builder.extract_element(x, ir.IntType(32)(0)), _SUMS)
            )
            builder.store(builder.add(builder.load(total), product), total)
        builder.store(builder.load(total), place(context, builder, signature.args[4], s_array, to, _SUMS)).align = 4
        return context.get_dummy_value()

    return types.void(weights, types.int64, inputs, types.int64, sums, types.int64), generate
