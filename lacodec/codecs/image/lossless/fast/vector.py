"""Vector parts of the fast pixel model, as LLVM IR: strict IEEE single + - x / in a fixed order, so that every machine gets
the same bits. No fused operations; arrays are not bounds-checked.

A vector holds one number per predictor.
"""

from collections.abc import Sequence
from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import add_lanes, cgutils, ir, splat, types

PREDICTORS = 16
TOKENS = 48
TABLE = 64  # u16 from one context's table to the next

# Neighbours (dy, dx): in the own plane, in the plane before, in the one before that. The last of the own are known last.
OWN = ((-1, 0), (-1, -1), (-1, 1), (-2, 0), (-2, 1), (-1, 2), (-1, -2), (-2, -1), (0, -2), (0, -1))
BEFORE = ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
FIRST = ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0))
TAPS = len(OWN) + len(BEFORE) + len(FIRST)
NEAR = 5  # places whose errors count: NW, N, NE of the row above, WW, W

_I16, _I32, _I64, _F32 = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_F32, PREDICTORS)


def taps(plane: int) -> list[tuple[int, int, int]]:
    """(planes back, dy, dx) of each tap of `plane`, in the order of its coefficients."""
    before = [(1, *place) for place in BEFORE] if plane else []
    first = [(2, *place) for place in FIRST] if plane == 2 else []
    return before + first + [(0, *place) for place in OWN]


def _data(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    return context.make_array(array_type)(context, builder, array).data


def _load_vector(builder: Any, data: Any, index: Any) -> Any:
    value = builder.load(builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer()))
    value.align = 4
    return value


def _store_vector(builder: Any, vector: Any, data: Any, index: Any) -> None:
    builder.store(vector, builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())).align = 4


def _add_tree(builder: Any, terms: Sequence[Any]) -> Any:
    """Neighbouring pairs first."""
    while len(terms) > 1:
        pairs = [builder.fadd(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + list(terms[len(pairs) * 2 :])
    return terms[0]


def _predictor(plane: int) -> Any:
    """The intrinsic that predicts a pixel of `plane`: all predictors, then their mean, weighted by the errors around it."""

    @intrinsic
    def blend(
        typing_context: Any,
        pixels: Any,
        at: Any,
        stride: Any,
        plane_size: Any,
        coefficients: Any,
        errors: Any,
        here: Any,
        above: Any,
        near: Any,
        guesses: Any,
    ) -> Any:
        """Mean of the guesses for pixels[at], float32; stores them in guesses[plane].

        coefficients: f32[planes, TAPS, PREDICTORS]; errors: f32[..., PREDICTORS], of this row from `here` on (numbers of
        the pixel's own entries), of the row above from `above` on; near: f32[planes, NEAR + 2, PREDICTORS] are the factors of
        errors, what is added to them, and the gains.
        """

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = [_data(context, builder, signature.args[k], arguments[k]) for k in (0, 4, 5, 8, 9)]
            pixel_data, coefficient_data, error_data, near_data, guess_data = data
            place, row, size, own, upper = (arguments[k] for k in (1, 2, 3, 6, 7))
            terms = []
            for number, (back, dy, dx) in enumerate(taps(plane)):
                index = builder.add(place, builder.mul(row, _I64(dy & (2**64 - 1))))
                index = builder.sub(builder.add(index, _I64(dx & (2**64 - 1))), builder.mul(size, _I64(back)))
                value = splat(builder, builder.load(builder.gep(pixel_data, [index])), _VECTOR)
                factor = _load_vector(builder, coefficient_data, _I64((plane * TAPS + number) * PREDICTORS))
                terms.append(builder.fmul(value, factor))
            guess = builder.fadd(_add_tree(builder, terms[:-1]), terms[-1])
            _store_vector(builder, guess, guess_data, _I64(plane * PREDICTORS))
            factors = [_load_vector(builder, near_data, _I64((plane * (NEAR + 2) + k) * PREDICTORS)) for k in range(NEAR + 2)]
            parts = []
            for k, (base, step) in enumerate(((upper, -1), (upper, 0), (upper, 1), (own, -2), (own, -1))):
                index = builder.add(base, _I64((step * PREDICTORS) & (2**64 - 1)))
                parts.append(builder.fmul(_load_vector(builder, error_data, index), factors[k]))
            local = builder.fadd(builder.fadd(_add_tree(builder, parts[:-1]), factors[NEAR]), parts[-1])
            ratio = builder.fdiv(factors[NEAR + 1], local)
            weight = builder.fmul(ratio, ratio)
            total = add_lanes(builder, builder.fmul(weight, guess))
            return builder.fdiv(total, add_lanes(builder, weight))

        u64 = types.uint64
        return types.float32(pixels, u64, u64, u64, coefficients, errors, u64, u64, near, guesses), generate

    return blend


blend_first, blend_second, blend_third = (_predictor(plane) for plane in range(3))


@intrinsic
def note_errors(typing_context: Any, errors: Any, here: Any, guesses: Any, start: Any, value: Any) -> Any:
    """errors[here + i] = |value - guesses[start + i]| for every predictor i."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        error_data = _data(context, builder, signature.args[0], arguments[0])
        guess_data = _data(context, builder, signature.args[2], arguments[2])
        apart = builder.fsub(splat(builder, arguments[4], _VECTOR), _load_vector(builder, guess_data, arguments[3]))
        name, kind = f"llvm.fabs.v{PREDICTORS}f32", ir.FunctionType(_VECTOR, [_VECTOR])
        absolute = cgutils.get_or_insert_function(builder.module, kind, name)
        _store_vector(builder, builder.call(absolute, [apart]), error_data, arguments[1])
        return context.get_dummy_value()

    return types.void(errors, types.uint64, guesses, types.uint64, types.float32), generate


@intrinsic
def find_token(typing_context: Any, tables: Any, start: Any, slot: Any) -> Any:
    """How many of the TOKENS starts of a table, u16 from tables[start] on, the first left out, are at most `slot`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = _data(context, builder, signature.args[0], arguments[0])
        vector = ir.VectorType(_I16, 16)
        empty = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(empty, builder.trunc(arguments[2], _I16), _I32(0))
        slots = builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, 16), [0] * 16))
        mask = _I64(0)
        for part in range(TOKENS // 16):
            pointer = builder.gep(data, [builder.add(arguments[1], _I64(16 * part))])
            starts = builder.load(builder.bitcast(pointer, vector.as_pointer()))
            starts.align = 2
            less = builder.icmp_signed("<=", starts, slots)
            bits = builder.zext(builder.bitcast(less, ir.IntType(16)), _I64)
            mask = builder.or_(mask, builder.shl(bits, _I64(16 * part)))
        count = builder.module.declare_intrinsic("llvm.ctpop", [_I64])
        return builder.sub(builder.call(count, [mask]), _I64(1))

    return types.uint64(tables, types.uint64, types.uint64), generate


@intrinsic
def float_bits(typing_context: Any, value: Any) -> Any:
    """The 32 bits of a float32, as uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bitcast(arguments[0], _I32), _I64)

    return types.uint64(types.float32), generate


@intrinsic
def correct(typing_context: Any, guesses: Any, start: Any, mean: Any, trust: Any, at: Any, apart: Any) -> Any:
    """(Sum of trust[at + i] * d[i], sum of d[i] squared) for d[i] = guesses[start + i] - mean, which goes to apart[start + i]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        guess_data, trust_data, apart_data = (_data(context, builder, signature.args[k], arguments[k]) for k in (0, 3, 5))
        d = builder.fsub(_load_vector(builder, guess_data, arguments[1]), splat(builder, arguments[2], _VECTOR))
        _store_vector(builder, d, apart_data, arguments[1])
        by = _load_vector(builder, trust_data, arguments[4])
        sums = [add_lanes(builder, builder.fmul(d, by)), add_lanes(builder, builder.fmul(d, d))]
        return context.make_tuple(builder, signature.return_type, sums)

    u64 = types.uint64
    return types.UniTuple(types.float32, 2)(guesses, u64, types.float32, trust, u64, apart), generate


@intrinsic
def adapt(typing_context: Any, trust: Any, at: Any, apart: Any, start: Any, step: Any) -> Any:
    """trust[at + i] += apart[start + i] * step for every predictor i."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        trust_data, apart_data = (_data(context, builder, signature.args[k], arguments[k]) for k in (0, 2))
        change = builder.fmul(_load_vector(builder, apart_data, arguments[3]), splat(builder, arguments[4], _VECTOR))
        _store_vector(builder, builder.fadd(_load_vector(builder, trust_data, arguments[1]), change), trust_data, arguments[1])
        return context.get_dummy_value()

    u64 = types.uint64
    return types.void(trust, u64, apart, u64, types.float32), generate
