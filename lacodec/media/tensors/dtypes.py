"""Types of numpy as text: what tells an array of records, text, times or big-endian numbers apart from its bytes."""

import ast
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile


def described(dtype: np.dtype[Any]) -> str | None:
    """The text for a type; None where there is none that gives it back."""
    try:
        description = repr(np.lib.format.dtype_to_descr(dtype))
        return description if parsed(description) == dtype else None
    except (ValueError, CorruptFile):
        return None


def parsed(description: Any) -> np.dtype[Any]:
    """The type that a text describes; raises CorruptFile."""
    try:
        found = np.lib.format.descr_to_dtype(ast.literal_eval(description) if description[:1] in "['(" else description)
        if not found.hasobject and found.itemsize:
            return found
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, IndexError):
        pass
    raise CorruptFile(f"the header names the type {str(description)[:80]!r}, which numpy does not have")
