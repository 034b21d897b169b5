"""Products of small matrices and long rows, float32, as LLVM IR: what a layer of a tiny network does to many places at once.

A few rows of results stay in registers while all rows of inputs pass by. Sums may be in any order and fused: nothing here is
exact. Arrays are not bounds-checked.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

STEP = 32
"""Lengths of rows are multiples of it."""
LANES = 8
"""Partial sums of `add_row_sums`."""
_TILE = 4  # rows of results at a time, at most
_FAST = ("fast",)
_I64 = ir.IntType(64)


@intrinsic
def add_products(
    typing_context: Any,
    out: Any,
    out_at: Any,
    out_stride: Any,
    rows: Any,
    weights: Any,
    weights_at: Any,
    by_input: Any,
    by_row: Any,
    inputs: Any,
    starts: Any,
    shift: Any,
    n: Any,
) -> Any:
    """Add a sum over k to each of out[out_at + r * out_stride + x], for r < rows <= 4, x < n; starts: int64.

    It is of weights[weights_at + k * by_input + r * by_row] * inputs[starts[k] + shift + x].
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for tile in range(1, _TILE + 1):
            with builder.if_then(builder.icmp_signed("==", arguments[3], _I64(tile))):
                _products(context, builder, signature.args, arguments, tile, 16 if tile > 2 else STEP)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(out, i64, i64, i64, weights, i64, i64, i64, inputs, starts, i64, i64), generate


def _products(context: Any, builder: Any, kinds: Any, arguments: Any, tile: int, lanes: int) -> None:
    out, out_at, out_stride, _, weights, weights_at, by_input, by_row, inputs, starts, shift, n = arguments
    vector = ir.VectorType(ir.FloatType(), lanes)
    weight_data = context.make_array(kinds[4])(context, builder, weights).data
    start_data = context.make_array(kinds[9])(context, builder, starts)
    with cgutils.for_range_slice(builder, _I64(0), n, _I64(lanes), _I64) as (x, _):
        ends = [
            place(context, builder, kinds[0], out, _sum(builder, out_at, builder.mul(out_stride, _I64(r)), x), vector)
            for r in range(tile)
        ]
        totals = [cgutils.alloca_once_value(builder, load(builder, end, 4)) for end in ends]
        for end, total in zip(ends, totals, strict=True):
            builder.store(load(builder, end, 4), total)
        count = builder.extract_value(start_data.shape, 0)
        with cgutils.for_range(builder, count, intp=_I64) as loop:
            begin = builder.load(builder.gep(start_data.data, [loop.index]))
            row = load(builder, place(context, builder, kinds[8], inputs, _sum(builder, begin, shift, x), vector), 4)
            for r, total in enumerate(totals):
                at = _sum(builder, weights_at, builder.mul(loop.index, by_input), builder.mul(by_row, _I64(r)))
                weight = splat(builder, builder.load(builder.gep(weight_data, [at])), vector)
                product = builder.fmul(weight, row, flags=_FAST)
                builder.store(builder.fadd(builder.load(total), product, flags=_FAST), total)
        for end, total in zip(ends, totals, strict=True):
            builder.store(builder.load(total), end).align = 4


@intrinsic
def add_row_sums(
    typing_context: Any,
    sums: Any,
    sums_at: Any,
    by_input: Any,
    inputs: Any,
    starts: Any,
    first: Any,
    count: Any,
    shift: Any,
    other: Any,
    other_at: Any,
    other_stride: Any,
    rows: Any,
    n: Any,
) -> Any:
    """Add products to sums[sums_at + k * by_input + r * LANES + x % LANES], for k < count <= 4, r < rows <= 2, all x < n.

    They are inputs[starts[first + k] + shift + x] * other[other_at + r * other_stride + x].
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for tile in range(1, _TILE + 1):
            for rows in (1, 2):
                counted = builder.icmp_signed("==", arguments[6], _I64(tile))
                wanted = builder.and_(counted, builder.icmp_signed("==", arguments[11], _I64(rows)))
                with builder.if_then(wanted):
                    _row_sums(context, builder, signature.args, arguments, tile, rows)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(sums, i64, i64, inputs, starts, i64, i64, i64, other, i64, i64, i64, i64), generate


def _row_sums(context: Any, builder: Any, kinds: Any, arguments: Any, tile: int, rows: int) -> None:
    sums, sums_at, by_input, inputs, starts, first, _, shift, other, other_at, other_stride, _, n = arguments
    vector = ir.VectorType(ir.FloatType(), LANES)
    start_data = context.make_array(kinds[4])(context, builder, starts).data
    begins = [builder.add(shift, builder.load(builder.gep(start_data, [builder.add(first, _I64(k))]))) for k in range(tile)]
    places = [builder.add(other_at, builder.mul(other_stride, _I64(r))) for r in range(rows)]
    ends = {
        (k, r): place(
            context, builder, kinds[0], sums, _sum(builder, sums_at, builder.mul(by_input, _I64(k)), _I64(r * LANES)), vector
        )
        for k in range(tile)
        for r in range(rows)
    }
    totals = {key: cgutils.alloca_once(builder, vector) for key in ends}
    for key, total in totals.items():
        builder.store(load(builder, ends[key], 4), total)
    with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (x, _):
        left = [load(builder, place(context, builder, kinds[3], inputs, builder.add(begin, x), vector), 4) for begin in begins]
        right = [load(builder, place(context, builder, kinds[8], other, builder.add(at, x), vector), 4) for at in places]
        for (k, r), total in totals.items():
            product = builder.fmul(left[k], right[r], flags=_FAST)
            builder.store(builder.fadd(builder.load(total), product, flags=_FAST), total)
    for key, total in totals.items():
        builder.store(builder.load(total), ends[key]).align = 4


def _sum(builder: Any, first: Any, *others: Any) -> Any:
    for other in others:
        first = builder.add(first, other)
    return first
