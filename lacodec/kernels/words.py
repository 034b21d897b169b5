"""Eight bytes at any place of an array of bytes, little-endian, as one number. Not bounds-checked: keep 8 bytes of room."""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import ir, types

_I64 = ir.IntType(64)


@intrinsic
def load_word(typing_context: Any, data: Any, at: Any) -> Any:
    """u64 of data[at : at + 8] (uint8[...])."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(_pointer(context, builder, signature, arguments))
        value.align = 1
        return value

    return types.uint64(data, types.uint64), generate


@intrinsic
def store_word(typing_context: Any, data: Any, at: Any, word: Any) -> Any:
    """data[at : at + 8] = word (u64)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _pointer(context, builder, signature, arguments)).align = 1
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _I64.as_pointer())
