"""What users pass to media that hold one array: the array itself, or a file."""

import sys
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource, Source

if TYPE_CHECKING:
    import numpy as np


def source_of(value: Any) -> Source | None:
    """The file, if that is what the value is: its Source or its bytes."""
    if isinstance(value, bytes | bytearray | memoryview):
        return BytesSource(value)
    return value if isinstance(value, Source) else None


def plain_array(value: Any, axes: str) -> "np.ndarray":
    """An array in C order and little-endian; raises BadInput for anything else. axes: what it should have, for the message."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray):
        raise BadInput(f"a {type(value).__name__} is not an array of numpy; pass one with {axes}, or a path")
    found: np.ndarray = numpy.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return found
