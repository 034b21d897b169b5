"""Types of numpy as the Python literals that headers of .npy files have, and arrays of these types."""

import ast
from functools import lru_cache
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile

WRONG = (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, IndexError)
"""Errors of literals that are not what they should be."""


def described(dtype: np.dtype[Any]) -> str | None:
    """The Python literal for a type in the header of an npy file; None if it has none that gives it back."""
    try:
        description = repr(np.lib.format.dtype_to_descr(dtype))
        return description if named(description) == dtype else None
    except (ValueError, CorruptFile):
        return None


def named(description: Any) -> np.dtype[Any]:
    """The type that `described` named, or of a plain name such as "<f4"; raises CorruptFile."""
    found = _named(description) if isinstance(description, str) else None
    if found is None:
        raise CorruptFile(f"the header names the type {str(description)[:80]!r}, which numpy does not support")
    return found


@lru_cache(maxsize=256)
def _named(description: str) -> np.dtype[Any] | None:
    try:
        literal: Any = ast.literal_eval(description) if description[:1] in ("[", "'", "(", '"') else description
        found = np.lib.format.descr_to_dtype(literal)
    except WRONG:
        return None
    return None if found.hasobject or not found.itemsize else found


def as_array(descr: str, shape: tuple[int, ...], data: Any, order: str = "C") -> np.ndarray:
    """The array (not copied) of the type that `descr` names in these bytes; raises CorruptFile."""
    dtype = named(descr)
    try:
        return np.frombuffer(data, dtype).reshape(shape, order="F" if order == "F" else "C")
    except ValueError as error:
        raise CorruptFile(f"{len(data)} bytes do not make an array of {dtype} {list(shape)}") from error
