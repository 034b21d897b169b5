"""Blocks of 64 floating-point values taken apart and put together, as LLVM IR that every CPU can run (wide where it is wide).

A block of 64 fields of `width` bits (8, 4, 2 or 1) takes 8 * width bytes:

    8    byte j = field j
    4    byte j = field j | field j + 32 << 4                                          j < 32
    2    byte j = field j | field j + 16 << 2 | field j + 32 << 4 | field j + 48 << 6    j < 16
    1    bit j % 8 of byte j // 8 = field j

Values are in arrays of bytes, of any alignment, and planes and codes (fields of 8 or 4 bits) at an address, a number.
The last argument, an unsigned scalar, only gives, by its type, the width of the values.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, types

BLOCK = 64
_I1, _I8, _I32, _I64 = (ir.IntType(n) for n in (1, 8, 32, 64))


def _code_writer(width: int) -> Any:
    @intrinsic
    def put_codes(typing, out, i, place, base, shift, kind):  # type: ignore[no-untyped-def]
        """out[i : i + 64] = code + base << shift of the codes that begin at address `place`, and 0 where the code is 0."""

        def build(context, b, signature, args):  # type: ignore[no-untyped-def]
            kinds, (out, i, place, base, shift, _) = signature.args, args
            wide = ir.IntType(kinds[5].bitwidth)
            code = _unpack(b, _pointer(b, place), width)
            value = _zext(b, code, wide)
            value = b.shl(b.add(value, _splat(b, base, wide)), _splat(b, shift, wide))
            empty = _constant(wide, 0)
            value = b.select(b.icmp_unsigned("==", code, _constant(_I8, 0)), empty, value)
            _store(b, value, _address(context, b, kinds[0], out, i, wide))
            return context.get_dummy_value()

        u64 = types.uint64
        return types.void(out, u64, u64, u64, u64, kind), build

    return put_codes


def _code_reader(width: int) -> Any:
    @intrinsic
    def take_codes(typing, values, i, place, base, shift, mask, kind):  # type: ignore[no-untyped-def]
        """Codes to address `place`: (value >> shift & mask) - base of values[i : i + 64], where that is 1..255 (15); else 0."""

        def build(context, b, signature, args):  # type: ignore[no-untyped-def]
            kinds, (values, i, place, base, shift, mask, _) = signature.args, args
            wide = ir.IntType(kinds[6].bitwidth)
            value = _load(b, _address(context, b, kinds[0], values, i, wide), wide)
            value = b.and_(b.lshr(value, _splat(b, shift, wide)), _splat(b, mask, wide))
            code = b.sub(value, _splat(b, base, wide))
            fits = b.icmp_unsigned("<=", code, _constant(wide, (1 << width) - 1))
            _pack(b, b.select(fits, _trunc(b, code), _constant(_I8, 0)), _pointer(b, place), width)
            return context.get_dummy_value()

        u64 = types.uint64
        return types.void(values, u64, u64, u64, u64, u64, kind), build

    return take_codes


def _zero_finder(width: int) -> Any:
    @intrinsic
    def zero_codes(typing, place):  # type: ignore[no-untyped-def]
        """u64: bit j says whether code j of those that begin at address `place` is 0."""

        def build(context, b, signature, args):  # type: ignore[no-untyped-def]
            return b.bitcast(b.icmp_unsigned("==", _unpack(b, _pointer(b, args[0]), width), _constant(_I8, 0)), _I64)

        return types.uint64(types.uint64), build

    return zero_codes


@intrinsic
def copy_bytes(typing, out, i, data, j, size):  # type: ignore[no-untyped-def]
    """out[i : i + size] = data[j : j + size], arrays of bytes that do not overlap."""

    def build(context, b, signature, args):  # type: ignore[no-untyped-def]
        kinds, (out, i, data, j, size) = signature.args, args
        target, source = _address(context, b, kinds[0], out, i), _address(context, b, kinds[2], data, j)
        cgutils.raw_memcpy(b, target, source, size, 1)
        return context.get_dummy_value()

    u64 = types.uint64
    return types.void(out, u64, data, u64, u64), build


def _plane_writer(width: int) -> Any:
    @intrinsic
    def or_plane(typing, out, i, place, low, mask, high, sign, kind):  # type: ignore[no-untyped-def]
        """out[i : i + 64] |= (field & mask) << low | (field & sign) << high, of the fields that begin at address `place`."""

        def build(context, b, signature, args):  # type: ignore[no-untyped-def]
            kinds, (out, i, place, low, mask, high, sign, _) = signature.args, args
            wide = ir.IntType(kinds[7].bitwidth)
            target = _address(context, b, kinds[0], out, i, wide)
            field = _zext(b, _unpack(b, _pointer(b, place), width), wide)
            low_part = b.shl(b.and_(field, _splat(b, mask, wide)), _splat(b, low, wide))
            high_part = b.shl(b.and_(field, _splat(b, sign, wide)), _splat(b, high, wide))
            _store(b, b.or_(_load(b, target, wide), b.or_(low_part, high_part)), target)
            return context.get_dummy_value()

        u64 = types.uint64
        return types.void(out, u64, u64, u64, u64, u64, u64, kind), build

    return or_plane


def _plane_reader(width: int) -> Any:
    @intrinsic
    def take_plane(typing, values, i, place, low, mask, high, sign, kind):  # type: ignore[no-untyped-def]
        """The inverse of `or_plane`: the fields value >> low & mask | value >> high & sign go to address `place`."""

        def build(context, b, signature, args):  # type: ignore[no-untyped-def]
            kinds, (values, i, place, low, mask, high, sign, _) = signature.args, args
            wide = ir.IntType(kinds[7].bitwidth)
            value = _load(b, _address(context, b, kinds[0], values, i, wide), wide)
            low_part = b.and_(b.lshr(value, _splat(b, low, wide)), _splat(b, mask, wide))
            high_part = b.and_(b.lshr(value, _splat(b, high, wide)), _splat(b, sign, wide))
            _pack(b, _trunc(b, b.or_(low_part, high_part)), _pointer(b, place), width)
            return context.get_dummy_value()

        u64 = types.uint64
        return types.void(values, u64, u64, u64, u64, u64, u64, kind), build

    return take_plane


or_bytes, or_nibbles, or_pairs, or_bits = (_plane_writer(width) for width in (8, 4, 2, 1))
put_codes, put_short_codes = _code_writer(8), _code_writer(4)
take_codes, take_short_codes = _code_reader(8), _code_reader(4)
zero_codes, zero_short_codes = _zero_finder(8), _zero_finder(4)
take_bytes, take_nibbles, take_pairs, take_bits = (_plane_reader(width) for width in (8, 4, 2, 1))


def _unpack(b: Any, place: Any, width: int) -> Any:
    """<64 x i8>: the fields of one block."""
    if width == 8:
        return _load(b, place, _I8)
    if width == 1:
        bits = b.load(b.bitcast(place, _I64.as_pointer()))
        bits.align = 1
        return b.zext(b.bitcast(bits, _vector(_I1)), _vector(_I8))
    packed = _load(b, place, _I8, 8 * width)
    parts = []
    for k in range(8 // width):
        shifted = b.lshr(packed, _constant(_I8, k * width, 8 * width))
        parts.append(b.and_(shifted, _constant(_I8, (1 << width) - 1, 8 * width)))
    while len(parts) > 1:
        parts = [_join(b, parts[k], parts[k + 1]) for k in range(0, len(parts), 2)]
    return parts[0]


def _pack(b: Any, fields: Any, place: Any, width: int) -> None:
    """Store the fields of one block, <64 x i8>."""
    if width == 8:
        _store(b, fields, place)
        return
    if width == 1:
        bits = b.bitcast(b.icmp_unsigned("!=", fields, _constant(_I8, 0)), _I64)
        b.store(bits, b.bitcast(place, _I64.as_pointer())).align = 1
        return
    size = 8 * width
    packed = _part(b, fields, 0, size)
    for k in range(1, 8 // width):
        packed = b.or_(packed, b.shl(_part(b, fields, k * size, size), _constant(_I8, k * width, size)))
    _store(b, packed, place)


def _vector(kind: Any, size: int = BLOCK) -> Any:
    return ir.VectorType(kind, size)


def _constant(kind: Any, value: int, size: int = BLOCK) -> Any:
    return ir.Constant(_vector(kind, size), [value] * size)


def _splat(b: Any, value: Any, kind: Any) -> Any:
    """A u64 in all lanes."""
    empty = ir.Constant(_vector(kind), ir.Undefined)
    first = b.insert_element(empty, value if kind.width == 64 else b.trunc(value, kind), _I32(0))
    return b.shuffle_vector(first, empty, _constant(_I32, 0))


def _zext(b: Any, fields: Any, kind: Any) -> Any:
    return b.zext(fields, _vector(kind))


def _trunc(b: Any, value: Any) -> Any:
    return b.trunc(value, _vector(_I8))


def _join(b: Any, first: Any, second: Any) -> Any:
    size = 2 * first.type.count
    return b.shuffle_vector(first, second, ir.Constant(_vector(_I32, size), list(range(size))))


def _part(b: Any, fields: Any, begin: int, size: int) -> Any:
    return b.shuffle_vector(fields, fields, ir.Constant(_vector(_I32, size), list(range(begin, begin + size))))


def _address(context: Any, b: Any, kind: Any, array: Any, at: Any, wide: Any = _I8) -> Any:
    """The place of element `at` in an array of bytes that holds elements of type `wide`."""
    data = b.bitcast(context.make_array(kind)(context, b, array).data, wide.as_pointer())
    return b.gep(data, [at])


def _pointer(b: Any, address: Any) -> Any:
    return b.inttoptr(address, _I8.as_pointer())


def _load(b: Any, pointer: Any, kind: Any, size: int = BLOCK) -> Any:
    value = b.load(b.bitcast(pointer, _vector(kind, size).as_pointer()))
    value.align = 1
    return value


def _store(b: Any, value: Any, pointer: Any) -> None:
    b.store(value, b.bitcast(pointer, value.type.as_pointer())).align = 1


__all__ = [
    "BLOCK", "copy_bytes", "or_bits", "or_bytes", "or_nibbles", "or_pairs", "put_codes", "put_short_codes",
    "take_bits", "take_bytes", "take_codes", "take_nibbles", "take_pairs", "take_short_codes", "zero_codes", "zero_short_codes",
]  # fmt: skip
