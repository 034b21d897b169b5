"""`Arrays`: a file of arrays of numpy, and the place of each."""

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source

if TYPE_CHECKING:
    import numpy as np

MAX_ARRAYS = 1 << 16
MAX_DIMENSIONS = 64
MAX_ELEMENTS = 1 << 56  # empty dimensions not counted: numpy refuses more even then
ONLY = "array"
"""Name of the array in a file that holds one without a name (.npy)."""


@dataclass(frozen=True, slots=True)
class ArrayEntry:
    """One array: `size` bytes from `offset` in the file, in C order unless `order` is "F".

    descr: its dtype as headers of .npy files have it, a Python literal: "'<f4'", "[('a', '<i4'), ('b', '|S5')]".
    """

    name: str
    descr: str
    shape: tuple[int, ...]
    offset: int
    size: int
    order: str = "C"

    @property
    def stop(self) -> int:
        """The offset after its last byte."""
        return self.offset + self.size


@dataclass(frozen=True)
class Arrays:
    """The bytes of a file and its arrays, by offset; they do not overlap, and names are unique.

    format: "npy" or "npz". scalar: whether the one array stands for a scalar of numpy. missing: the first array in the file
    that is not among the entries (compressed, or of Python objects), if any.
    """

    source: Source
    format: str
    entries: tuple[ArrayEntry, ...] = field(repr=False)
    scalar: bool = False
    missing: str | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray":
        """The array of a file that has only one; TypeError for others."""
        import numpy as np

        from lacodec.media.arrays.dtypes import as_array

        if len(self.entries) != 1:
            raise TypeError(f"{self.source.name}: holds {len(self.entries)} arrays, not one")
        entry = self.entries[0]
        data = self.source.read(entry.offset, entry.size)
        return np.array(as_array(entry.descr, entry.shape, data, entry.order), dtype)


def elements(shape: Any, what: str) -> int:
    """How many elements an array of this shape has; raises UnsupportedFile, which names `what`, for invalid shapes."""
    if len(shape) > MAX_DIMENSIONS:
        raise UnsupportedFile(f"{what} has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are supported")
    if any(type(n) is not int or n < 0 for n in shape) or prod(n or 1 for n in shape) >= MAX_ELEMENTS:
        raise UnsupportedFile(f"{what} has an invalid shape: dimensions must be whole numbers with a product below 2^56")
    return prod(shape)
