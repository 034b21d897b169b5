"""Counts of bits in 64-bit words for kernels: one instruction each."""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import cgutils, ir, types

_I1, _I64 = ir.IntType(1), ir.IntType(64)


def _call(name: str, known: bool) -> Any:
    """Code that calls an intrinsic of LLVM; `known`: it wants to know that the word may be 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        more = [_I1] if known else []
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_I64, [_I64, *more]), f"llvm.{name}.i64")
        return builder.call(function, [arguments[0], *(kind(0) for kind in more)])

    return types.uint64(types.uint64), generate


@intrinsic
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """How many bits below the lowest 1 of a uint64; 64 for 0."""
    return _call("cttz", True)


@intrinsic
def leading_zeros(typing_context: Any, word: Any) -> Any:
    """How many bits above the highest 1 of a uint64; 64 for 0."""
    return _call("ctlz", True)


@intrinsic
def ones(typing_context: Any, word: Any) -> Any:
    """How many bits of a uint64 are 1."""
    return _call("ctpop", False)
