"""Sixteen 32-bit rANS lanes as one LLVM vector: the intrinsics that the AVX-512 kernels are written in.

numba does not vectorise an interleaved rANS loop by itself (the words of all lanes come from one place), so a step of 16
lanes is written as LLVM IR. `llvm.x86.avx512.*` names abort the process on other CPUs: import this only after a check.
"""

from functools import cache
from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, types

WIDTH = 16
_I1, _I8, _I16, _I32, _I64 = (ir.IntType(n) for n in (1, 8, 16, 32, 64))
_F32 = ir.FloatType()


@cache
def _lanes() -> Any:
    """numba's type of the 16 lanes."""
    from numba.extending import models, register_model

    class Lanes(types.Type):
        def __init__(self) -> None:
            super().__init__("u32x16")

    @register_model(Lanes)
    class Model(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _vector(_I32))

    return Lanes()


@intrinsic
def load_lanes(typing, array, at):  # type: ignore[no-untyped-def]
    """array[at : at + 16] (u32)."""

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        return _load(b, _element(context, b, signature.args[0], args[0], args[1]), _I32)

    return _lanes()(array, types.uint64), build


@intrinsic
def store_lanes(typing, array, at, lanes):  # type: ignore[no-untyped-def]
    """array[at : at + 16] = lanes (u32)."""

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        _store(b, args[2], _element(context, b, signature.args[0], args[0], args[1]))
        return context.get_dummy_value()

    return types.void(array, types.uint64, _lanes()), build


@intrinsic
def all_ones(typing):  # type: ignore[no-untyped-def]
    """Sixteen times 2**32 - 1."""
    return _lanes()(), lambda context, b, signature, args: _constant(_I32, 0xFFFFFFFF)


@intrinsic
def decode_direct(typing, x, words, at, lut, freq_bits, base, index, out, i):  # type: ignore[no-untyped-def]
    """One symbol of 16 lanes from the packed look-up (`Tables.direct`); returns (x, at)."""

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        x, words, at, lut, freq_bits, base, index, out, i = args
        kinds = signature.args
        bits = _splat(b, b.trunc(freq_bits, _I32), _I32)
        slot = _slot(b, x, bits)
        if not isinstance(kinds[6], types.NoneType):
            slot = b.or_(slot, b.shl(_load_wide(context, b, kinds[6], index, i), bits))
        entry = _gather(b, _element(context, b, kinds[3], lut, _I64(0)), slot, 4)
        freq = b.and_(b.lshr(entry, _constant(_I32, 8)), _constant(_I32, 4095))
        x = b.add(b.mul(freq, b.lshr(x, bits)), b.lshr(entry, _constant(_I32, 20)))
        code = b.and_(entry, _constant(_I32, 255))
        _store_values(context, b, kinds[7], out, i, b.add(code, _splat(b, b.trunc(base, _I32), _I32)))
        return _refill(context, b, signature, x, words, at, kinds[1])

    u64 = types.uint64
    return _state()(_lanes(), words, u64, lut, u64, types.int64, index, out, u64), build


@intrinsic
def decode_split(typing, x, words, at, codes, spans, code_bits, freq_bits, base, index, out, i):  # type: ignore[no-untyped-def]
    """One symbol of 16 lanes from codes and spans (`Tables.split`); returns (x, at)."""

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        x, words, at, codes, spans, code_bits, freq_bits, base, index, out, i = args
        kinds = signature.args
        bits = _splat(b, b.trunc(freq_bits, _I32), _I32)
        slot = where = _slot(b, x, bits)
        indexed = not isinstance(kinds[8], types.NoneType)
        if indexed:
            table = _load_wide(context, b, kinds[8], index, i)
            where = b.or_(slot, b.shl(table, bits))
        size = kinds[3].dtype.bitwidth // 8
        code = _gather(b, _element(context, b, kinds[3], codes, _I64(0)), where, size)
        code = row = b.and_(code, _constant(_I32, (1 << 8 * size) - 1))
        if indexed:
            row = b.or_(code, b.shl(table, _splat(b, b.trunc(code_bits, _I32), _I32)))
        span = _gather(b, _element(context, b, kinds[4], spans, _I64(0)), row, 4)
        within = b.sub(slot, b.and_(span, _constant(_I32, 0xFFFF)))
        x = b.add(b.mul(b.lshr(span, _constant(_I32, 16)), b.lshr(x, bits)), within)
        _store_values(context, b, kinds[9], out, i, b.add(code, _splat(b, b.trunc(base, _I32), _I32)))
        return _refill(context, b, signature, x, words, at, kinds[1])

    u64 = types.uint64
    return _state()(_lanes(), words, u64, codes, spans, u64, u64, types.int64, index, out, u64), build


@intrinsic
def encode_lanes(typing, x, least, rows, i, spans, freq_bits, words, at):  # type: ignore[no-untyped-def]
    """Code rows[i : i + 16]; returns (x, least frequency of each lane so far, at). spans: u32 frequency << 16 | start.

    The quotient x // frequency, below 2**21 with tables of 11 bits or more, comes from single precision: made too small by
    2**-22 against 3 roundings of 2**-24 each, it is right or one too small, which the remainder tells.
    """

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        x, least, rows, i, spans, freq_bits, words, at = args
        kinds = signature.args
        bits = b.trunc(freq_bits, _I32)
        span = _look_up(b, _element(context, b, kinds[4], spans, _I64(0)), _element(context, b, kinds[2], rows, i))
        freq = b.lshr(span, _constant(_I32, 16))
        least = b.select(b.icmp_unsigned("<", freq, least), freq, least)
        full = b.icmp_unsigned(">=", b.lshr(x, _splat(b, b.sub(_I32(32), bits), _I32)), freq)
        count = _popcount(b, full)
        at = b.sub(at, count)
        compress = _function(
            b, "llvm.x86.avx512.mask.compress.v16i32", _vector(_I32), [_vector(_I32), _vector(_I32), _vector(_I1)]
        )
        out = b.trunc(b.call(compress, [x, _constant(_I32, 0), full]), _vector(_I16))
        kept = b.bitcast(b.trunc(b.sub(b.shl(_I32(1), b.trunc(count, _I32)), _I32(1)), _I16), _vector(_I1))
        place = b.bitcast(_element(context, b, kinds[6], words, at), _vector(_I16).as_pointer())
        store = _function(b, "llvm.masked.store.v16i16.p0", ir.VoidType(), [_vector(_I16), place.type, _I32, _vector(_I1)])
        b.call(store, [out, place, _I32(2), kept])
        x = b.select(full, b.lshr(x, _constant(_I32, 16)), x)
        q = _quotient(b, x, freq)
        others = b.sub(_splat(b, b.shl(_I32(1), bits), _I32), freq)
        x = b.add(b.add(x, b.and_(span, _constant(_I32, 0xFFFF))), b.mul(q, others))
        return context.make_tuple(b, signature.return_type, [x, least, at])

    result = types.Tuple([_lanes(), _lanes(), types.uint64])
    u64 = types.uint64
    return result(_lanes(), _lanes(), rows, u64, spans, u64, words, u64), build


def _state() -> Any:
    return types.Tuple([_lanes(), types.uint64])


def _vector(kind: Any, width: int = WIDTH) -> Any:
    return ir.VectorType(kind, width)


def _constant(kind: Any, value: int) -> Any:
    return ir.Constant(_vector(kind), [value] * WIDTH)


def _splat(b: Any, value: Any, kind: Any) -> Any:
    undefined = ir.Constant(_vector(kind), ir.Undefined)
    return b.shuffle_vector(b.insert_element(undefined, value, _I32(0)), undefined, _constant(_I32, 0))


def _function(b: Any, name: str, result: Any, args: list[Any]) -> Any:
    return cgutils.get_or_insert_function(b.module, ir.FunctionType(result, args), name)


def _element(context: Any, b: Any, kind: Any, array: Any, at: Any) -> Any:
    return b.gep(context.make_array(kind)(context, b, array).data, [at])


def _load(b: Any, pointer: Any, kind: Any) -> Any:
    value = b.load(b.bitcast(pointer, _vector(kind).as_pointer()))
    value.align = 1
    return value


def _store(b: Any, value: Any, pointer: Any) -> None:
    b.store(value, b.bitcast(pointer, value.type.as_pointer())).align = 1


def _load_wide(context: Any, b: Any, kind: Any, array: Any, at: Any) -> Any:
    """16 unsigned numbers of any size up to 32 bits."""
    pointer = _element(context, b, kind, array, at)
    if kind.dtype.bitwidth == 32:
        return _load(b, pointer, _I32)
    return b.zext(_load(b, pointer, ir.IntType(kind.dtype.bitwidth)), _vector(_I32))


def _store_values(context: Any, b: Any, kind: Any, out: Any, at: Any, values: Any) -> None:
    if kind.dtype.bitwidth < 32:
        values = b.trunc(values, _vector(ir.IntType(kind.dtype.bitwidth)))
    _store(b, values, _element(context, b, kind, out, at))


def _slot(b: Any, x: Any, bits: Any) -> Any:
    return b.and_(x, b.sub(b.shl(_constant(_I32, 1), bits), _constant(_I32, 1)))


def _gather(b: Any, base: Any, index: Any, size: int) -> Any:
    """32 bits from each base + index * size bytes, lane by lane: as fast as the gather instruction or faster."""
    base = b.bitcast(base, _I8.as_pointer())
    result = ir.Constant(_vector(_I32), ir.Undefined)
    for k in range(WIDTH):
        offset = b.mul(b.zext(b.extract_element(index, _I32(k)), _I64), _I64(size))
        value = b.load(b.bitcast(b.gep(base, [offset]), _I32.as_pointer()))
        value.align = 1
        result = b.insert_element(result, value, _I32(k))
    return result


def _look_up(b: Any, table: Any, numbers: Any) -> Any:
    """table[n] (u32) for 16 unsigned numbers in memory: loaded one by one, which is faster than taking a vector of them apart."""
    result = ir.Constant(_vector(_I32), ir.Undefined)
    for k in range(WIDTH):
        number = b.zext(b.load(b.gep(numbers, [_I32(k)])), _I64)
        result = b.insert_element(result, b.load(b.gep(table, [number])), _I32(k))
    return result


def _quotient(b: Any, x: Any, divisor: Any) -> Any:
    """x // divisor as `encode_lanes` needs it; anything where the divisor is 0."""
    safe = b.select(b.icmp_unsigned("==", divisor, _constant(_I32, 0)), _constant(_I32, 1), divisor)
    near = b.fdiv(b.uitofp(x, _vector(_F32)), b.uitofp(safe, _vector(_F32)))
    q = b.fptoui(b.fmul(near, ir.Constant(_vector(_F32), [1 - 2.0**-22] * WIDTH)), _vector(_I32))
    short = b.icmp_unsigned(">=", b.sub(x, b.mul(q, safe)), safe)
    return b.add(q, b.zext(short, _vector(_I32)))


def _popcount(b: Any, mask: Any) -> Any:
    return b.zext(b.call(_function(b, "llvm.ctpop.i16", _I16, [_I16]), [b.bitcast(mask, _I16)]), _I64)


def _refill(context: Any, b: Any, signature: Any, x: Any, words: Any, at: Any, kind: Any) -> Any:
    """Lanes below 2**16 take the next words, in lane order."""
    low = b.icmp_unsigned("<", x, _constant(_I32, 1 << 16))
    fresh = b.zext(_load(b, _element(context, b, kind, words, at), _I16), _vector(_I32))
    expand = _function(b, "llvm.x86.avx512.mask.expand.v16i32", _vector(_I32), [_vector(_I32), _vector(_I32), _vector(_I1)])
    spread = b.call(expand, [fresh, _constant(_I32, 0), low])
    x = b.select(low, b.or_(b.shl(x, _constant(_I32, 16)), spread), x)
    return context.make_tuple(b, signature.return_type, [x, b.add(at, _popcount(b, low))])
