"""LLVM IR for intrinsics: what their builders need of numba and llvmlite, imported when the first one is built, and vectors."""

import importlib
from typing import Any

from llvmlite import ir

__all__ = ["add_lanes", "cgutils", "ir", "load", "place", "splat", "types"]


class _Later:
    """A module that is imported when something in it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self._name), name)
        setattr(self, name, value)
        return value


types: Any = _Later("numba.types")
cgutils: Any = _Later("numba.core.cgutils")


_I32 = ir.IntType(32)


def splat(builder: Any, value: Any, vector: Any) -> Any:
    """`value` in all lanes of a vector of this type."""
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, value, _I32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count))


def place(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    """Pointer to a vector of this type at element `index` of a numba array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def load(builder: Any, pointer: Any, align: int) -> Any:
    """What a pointer points to; `align` in bytes."""
    value = builder.load(pointer)
    value.align = align
    return value


def add_lanes(builder: Any, vector: Any) -> Any:
    """Sum of the floats in all lanes, halves added to halves: a fixed order."""
    width = vector.type.count
    while width > 1:
        width //= 2
        index = ir.VectorType(_I32, width)
        low = builder.shuffle_vector(vector, vector, ir.Constant(index, list(range(width))))
        high = builder.shuffle_vector(vector, vector, ir.Constant(index, list(range(width, 2 * width))))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, _I32(0))
