"""Student distributions, eight at a time, as LLVM IR: strict IEEE operations lane by lane, so every machine gets the same bits.

Even lanes have 4 degrees of freedom, odd lanes 8: their distribution functions need only a square root.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, load, place, splat, types

LANES = 8
_I32, _I64, _F64 = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_VECTOR = ir.VectorType(_F64, LANES)
_EVEN = (4.0, 0.75, 0.25, 0.0, 0.0)  # degrees of freedom; u (a - v (b - v (c - v d)))
_ODD = (8.0, 1.09375, 1.09375, 0.65625, 0.15625)
_LEAST = 1e-9  # share that no side of a threshold falls below


def _constant(even: float, odd: float) -> Any:
    return ir.Constant(_VECTOR, [even, odd] * (LANES // 2))


def _distribution(builder: Any, threshold: Any, means: Any, slopes: Any) -> Any:
    """Distribution function less one half."""
    x = builder.fmul(builder.fsub(splat(builder, threshold, _VECTOR), means), slopes)
    freedom, a, b, c, d = (_constant(even, odd) for even, odd in zip(_EVEN, _ODD, strict=True))
    root = builder.call(
        cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.sqrt.v{LANES}f64"),
        [builder.fadd(builder.fmul(x, x), freedom)],
    )
    u = builder.fdiv(x, root)
    v = builder.fmul(u, u)
    inner = builder.fsub(c, builder.fmul(v, d))
    inner = builder.fsub(b, builder.fmul(v, inner))
    return builder.fmul(u, builder.fsub(a, builder.fmul(v, inner)))


@intrinsic
def distributions(typing_context: Any, into: Any, threshold: Any, means: Any, slopes: Any, count: Any) -> Any:
    """into[i] = chance, less one half, that a value lies below `threshold`, for i < count (a multiple of 8)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, at, m_array, s_array, n = arguments
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            means_at = place(context, builder, signature.args[2], m_array, i, _VECTOR)
            slopes_at = place(context, builder, signature.args[3], s_array, i, _VECTOR)
            found = _distribution(builder, at, load(builder, means_at, 8), load(builder, slopes_at, 8))
            builder.store(found, place(context, builder, signature.args[0], out, i, _VECTOR)).align = 8
        return context.get_dummy_value()

    return types.void(into, types.float64, means, slopes, types.int64), generate


@intrinsic
def split(
    typing_context: Any, middle: Any, chances: Any, threshold: Any, means: Any, slopes: Any, below: Any, above: Any, count: Any
) -> Any:
    """middle[i] as by `distributions`; chances[i] = chance, times 65535, of a value above `threshold` between two bounds.

    below, above: the distributions at the bounds. Arrays are float64, chances int32; count is a multiple of 8.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, whole, at, *pools, n = arguments
        types_of = signature.args[3:7]
        integers = ir.VectorType(_I32, LANES)
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            places = [place(context, builder, t, pool, i, _VECTOR) for t, pool in zip(types_of, pools, strict=True)]
            means_of, slopes_of, under, over = (load(builder, pointer, 8) for pointer in places)
            found = _distribution(builder, at, means_of, slopes_of)
            builder.store(found, place(context, builder, signature.args[0], out, i, _VECTOR)).align = 8
            upper, lower = builder.fsub(over, found), builder.fsub(found, under)
            total = builder.fadd(builder.fadd(upper, lower), _constant(2 * _LEAST, 2 * _LEAST))
            chance = builder.fdiv(builder.fadd(upper, _constant(_LEAST, _LEAST)), total)
            scaled = builder.fptosi(builder.fmul(chance, _constant(65535.0, 65535.0)), integers)
            masked = builder.and_(scaled, ir.Constant(integers, [65535] * LANES))
            builder.store(masked, place(context, builder, signature.args[1], whole, i, integers)).align = 4
        return context.get_dummy_value()

    pools = (middle, chances, types.float64, means, slopes, below, above, types.int64)
    return types.void(*pools), generate


@intrinsic
def copy(typing_context: Any, into: Any, source: Any, count: Any) -> Any:
    """into[i] = source[i] for i < count (a multiple of 8)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, values, n = arguments
        with cgutils.for_range_slice(builder, _I64(0), n, _I64(LANES), _I64) as (i, _):
            found = load(builder, place(context, builder, signature.args[1], values, i, _VECTOR), 8)
            builder.store(found, place(context, builder, signature.args[0], out, i, _VECTOR)).align = 8
        return context.get_dummy_value()

    return types.void(into, source, types.int64), generate
