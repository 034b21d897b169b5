"""Vector loops over float64 arrays, as LLVM IR: strict IEEE + - x in a fixed order, so that every machine gets the same bits.

Eight lanes of partial sums, added pairwise at the end, whatever the width of the machine's own vectors; no fused operations.
Counts are multiples of 8; arrays are not bounds-checked.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import add_lanes, cgutils, ir, load, place, splat, types

LANES = 8
_I32, _I64, _F64 = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_VECTOR = ir.VectorType(_F64, LANES)


@intrinsic
def dot(typing_context: Any, x: Any, x_start: Any, w: Any, w_start: Any, count: Any) -> Any:
    """Sum of x[x_start + i] * w[w_start + i] over i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, x_at, w_array, w_at, n = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES))
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            a = load(builder, place(context, builder, signature.args[0], x_array, builder.add(x_at, i), _VECTOR), 8)
            b = load(builder, place(context, builder, signature.args[2], w_array, builder.add(w_at, i), _VECTOR), 8)
            builder.store(builder.fadd(builder.load(total), builder.fmul(a, b)), total)
        return add_lanes(builder, builder.load(total))

    return types.float64(x, types.int64, w, types.int64, types.int64), generate


@intrinsic
def squared_distance(typing_context: Any, x: Any, x_start: Any, w: Any, w_start: Any, count: Any) -> Any:
    """Sum of (x[x_start + i] - w[w_start + i]) ** 2 over i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_array, x_at, w_array, w_at, n = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES))
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            a = load(builder, place(context, builder, signature.args[0], x_array, builder.add(x_at, i), _VECTOR), 8)
            b = load(builder, place(context, builder, signature.args[2], w_array, builder.add(w_at, i), _VECTOR), 8)
            apart = builder.fsub(a, b)
            builder.store(builder.fadd(builder.load(total), builder.fmul(apart, apart)), total)
        return add_lanes(builder, builder.load(total))

    return types.float64(x, types.int64, w, types.int64, types.int64), generate


@intrinsic
def add_scaled(typing_context: Any, w: Any, w_start: Any, x: Any, x_start: Any, count: Any, scale: Any) -> Any:
    """w[w_start + i] += x[x_start + i] * scale for i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w_array, w_at, x_array, x_at, n, by = arguments
        scales = splat(builder, by, _VECTOR)
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            a = load(builder, place(context, builder, signature.args[2], x_array, builder.add(x_at, i), _VECTOR), 8)
            pointer = place(context, builder, signature.args[0], w_array, builder.add(w_at, i), _VECTOR)
            builder.store(builder.fadd(load(builder, pointer, 8), builder.fmul(a, scales)), pointer).align = 8
        return context.get_dummy_value()

    return types.void(w, types.int64, x, types.int64, types.int64, types.float64), generate


@intrinsic
def fade_and_add(typing_context: Any, w: Any, w_start: Any, x: Any, count: Any, keep: Any, scale: Any, floor: Any) -> Any:
    """w[w_start + i] = w[w_start + i] * keep + (x[i] * scale + floor) for i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w_array, w_at, x_array, n, *factors = arguments
        keeps, scales, floors = (splat(builder, factor, _VECTOR) for factor in factors)
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            a = load(builder, place(context, builder, signature.args[2], x_array, i, _VECTOR), 8)
            pointer = place(context, builder, signature.args[0], w_array, builder.add(w_at, i), _VECTOR)
            added = builder.fadd(builder.fmul(a, scales), floors)
            builder.store(builder.fadd(builder.fmul(load(builder, pointer, 8), keeps), added), pointer).align = 8
        return context.get_dummy_value()

    return types.void(w, types.int64, x, types.int64, types.float64, types.float64, types.float64), generate


@intrinsic
def add_outer(
    typing_context: Any, w: Any, w_start: Any, x: Any, x_start: Any, count: Any, v: Any, v_start: Any, stride: Any, rows: Any
) -> Any:
    """w[w_start + i] += v[v_start + r * stride] * x[x_start + r * stride + i] for i < count, for r = 0, 1, ... rows - 1."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w_array, w_at, x_array, x_at, n, v_array, v_at, step, m = arguments
        v_data = context.make_array(signature.args[5])(context, builder, v_array).data
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            pointer = place(context, builder, signature.args[0], w_array, builder.add(w_at, i), _VECTOR)
            total = cgutils.alloca_once_value(builder, load(builder, pointer, 8))
            with cgutils.for_range(builder, m, intp=_I64) as loop:
                skipped = builder.mul(loop.index, step)
                scale = builder.load(builder.gep(v_data, [builder.add(v_at, skipped)]))
                at = builder.add(builder.add(x_at, skipped), i)
                a = load(builder, place(context, builder, signature.args[2], x_array, at, _VECTOR), 8)
                builder.store(builder.fadd(builder.load(total), builder.fmul(a, splat(builder, scale, _VECTOR))), total)
            builder.store(builder.load(total), pointer).align = 8
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(w, i64, x, i64, i64, v, i64, i64, i64), generate
