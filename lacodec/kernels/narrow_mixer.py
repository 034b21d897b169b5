"""The mixer of six contexts, one expected symbol and three sets of weights: `entropy.mixing` in a few vector instructions.

Sums are of integers, so that the width that LLVM picks cannot change a result.
"""

from typing import Any

from lacodec.kernels.int_vector import DOT_SHIFT, LANES
from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import ir, load, place, splat, types

OUTPUT_SHIFT = 6
OUTPUT_LIMIT = 3071
FINAL_SHIFT = 20
FINAL_LIMIT = 1 << 20

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I32, LANES)
_FOUR = ir.VectorType(_I32, 4)
_WIDE = ir.VectorType(_I64, 4)


@intrinsic
def store_pairs(typing_context: Any, inputs: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Any:
    """inputs[0:16] = lower halves of a to f, upper halves of a to f, both halves of g, 256, 0; halves are signed 16-bit numbers.

    Six contexts and an expected symbol, in the order of `mixing.Engine.inputs`, as one vector that LLVM may keep in a register.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, *pairs = arguments
        packed: Any = ir.Constant(ir.VectorType(_I32, 8), [0] * 7 + [256])
        for lane, pair in enumerate(pairs):
            packed = builder.insert_element(packed, pair, _I32(lane))
        halves = builder.bitcast(packed, ir.VectorType(ir.IntType(16), LANES))
        order = [*range(0, 12, 2), *range(1, 12, 2), *range(12, 16)]
        halves = builder.shuffle_vector(halves, halves, ir.Constant(_VECTOR, order))
        pointer = place(context, builder, signature.args[0], array, _I64(0), _VECTOR)
        builder.store(builder.sext(halves, _VECTOR), pointer).align = 4
        return context.get_dummy_value()

    return types.void(inputs, *[types.int32] * 7), generate


@intrinsic
def mix_three(typing_context: Any, inputs: Any, weights: Any, a: Any, b: Any, c: Any, final: Any, at: Any, outputs: Any) -> Any:
    """Three dot products of the first LANES inputs with weights from a, b and c on; what the final weights make of them.

    outputs[0:3] = the products >> OUTPUT_SHIFT, held within OUTPUT_LIMIT; outputs[3] = 0. Returns the sum of
    outputs[i] * final[at + i]. inputs, weights, final, outputs: int32, not bounds-checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, w_array, *starts, f_array, f_at, o_array = arguments
        x_type, w_type, _, _, _, f_type, _, o_type = signature.args
        x = load(builder, place(context, builder, x_type, x_array, _I64(0), _VECTOR), 4)
        sums: list[Any] = [ir.Constant(_FOUR, [0] * 4)]
        for start in reversed(starts):
            w = load(builder, place(context, builder, w_type, w_array, start, _VECTOR), 4)
            terms = builder.ashr(builder.mul(x, w), ir.Constant(_VECTOR, [DOT_SHIFT] * LANES))
            sums.insert(0, _folded(builder, terms, 4))
        pairs = [_interleaved(builder, sums[i], sums[i + 1], (0, 4, 1, 5), (2, 6, 3, 7)) for i in (0, 2)]
        out = builder.ashr(_interleaved(builder, *pairs, (0, 1, 4, 5), (2, 3, 6, 7)), ir.Constant(_FOUR, [OUTPUT_SHIFT] * 4))
        out = _held(builder, out, OUTPUT_LIMIT)
        builder.store(out, place(context, builder, o_type, o_array, _I64(0), _FOUR)).align = 4
        total: Any = _I64(0)
        for i in range(3):
            factor = load(builder, place(context, builder, f_type, f_array, builder.add(f_at, _I64(i)), _I32), 4)
            product = builder.mul(builder.sext(builder.extract_element(out, _I32(i)), _I64), builder.sext(factor, _I64))
            total = builder.add(total, product)
        return total

    return types.int64(inputs, weights, *[types.int64] * 3, final, types.int64, outputs), generate


@intrinsic
def train_three(typing_context: Any, outputs: Any, final: Any, at: Any, error: Any) -> Any:
    """final[at + i] += (outputs[i] * error) >> FINAL_SHIFT, rounded, held within FINAL_LIMIT, for i < 4."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        o_array, f_array, f_at, err = arguments
        o_type, f_type, _, _ = signature.args
        out = builder.sext(load(builder, place(context, builder, o_type, o_array, _I64(0), _FOUR), 4), _WIDE)
        step = builder.add(builder.mul(out, splat(builder, err, _WIDE)), ir.Constant(_WIDE, [1 << (FINAL_SHIFT - 1)] * 4))
        step = builder.trunc(builder.ashr(step, ir.Constant(_WIDE, [FINAL_SHIFT] * 4)), _FOUR)
        pointer = place(context, builder, f_type, f_array, f_at, _FOUR)
        grown = _held(builder, builder.add(load(builder, pointer, 4), step), FINAL_LIMIT)
        builder.store(grown, pointer).align = 4
        return context.get_dummy_value()

    return types.void(outputs, final, types.int64, types.int64), generate


def _folded(builder: Any, vector: Any, count: int) -> Any:
    """Halves added until `count` lanes are left."""
    while vector.type.count > count:
        half = vector.type.count // 2
        low, high = (_picked(builder, vector, vector, range(first, first + half)) for first in (0, half))
        vector = builder.add(low, high)
    return vector


def _interleaved(builder: Any, one: Any, other: Any, *orders: tuple[int, ...]) -> Any:
    """The sum of two ways to pick lanes of both."""
    return builder.add(*(_picked(builder, one, other, order) for order in orders))


def _picked(builder: Any, one: Any, other: Any, order: Any) -> Any:
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_I32, len(order)), list(order)))


def _held(builder: Any, vector: Any, limit: int) -> Any:
    """Each lane held within -limit to limit."""
    for value, order in ((limit, "<"), (-limit, ">")):
        bound = ir.Constant(_FOUR, [value] * 4)
        vector = builder.select(builder.icmp_signed(order, vector, bound), vector, bound)
    return vector
