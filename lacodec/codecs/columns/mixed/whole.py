"""Whole numbers in kernels: bit lengths, classes of sizes, wrapping."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import inlined, intrinsic
from lacodec.kernels.llvm import ir, types

U: Any = np.uint64
S64: Any = np.int64


@intrinsic
def bit_length(typing_context: Any, value: Any) -> Any:
    """Bits of an uint64 from its highest one on, as int64; 0 for 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

    return types.int64(types.uint64), generate


@inlined
def wrapped(value: int, bits: int) -> int:
    """The signed number of so many bits that is congruent to an int64."""
    spare = S64(64 - bits)
    return S64(value << spare) >> spare


@inlined
def size_of(value: int) -> int:
    """|value| as uint64."""
    return U(value) if value >= 0 else U(0) - U(value)


@inlined
def coarse(value: int) -> int:
    """Class of a number with its sign: one to an octave; -64 to 64."""
    c = bit_length(size_of(value))
    return c if value >= 0 else -c


@inlined
def fine(value: int) -> int:
    """Class of a number with its sign: exact to 4, then two to an octave; -130 to 130."""
    c = halves(size_of(value))
    return c if value >= 0 else -c


@inlined
def halves(size: int) -> int:
    """Class of an uint64: exact to 4, then two to an octave."""
    n = bit_length(size)
    return S64(size) if n < 3 else n * 2 - 3 + S64((size >> U(n - 2)) & U(1))


@inlined
def quarters(size: int) -> int:
    """Class of an uint64: exact to 7, then four to an octave."""
    n = bit_length(size)
    return S64(size) if n < 4 else n * 4 - 8 + S64((size >> U(n - 3)) & U(3))
