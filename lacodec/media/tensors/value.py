"""`Tensors`: a file of named arrays, and the place of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.arrays.value import elements

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C128": 128,
    "C64": 64,
    "F32": 32,
    "U32": 32,
    "I32": 32,
    "BF16": 16,
    "F16": 16,
    "U16": 16,
    "I16": 16,
    "F8_E5M2FNUZ": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E8M0": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "I8": 8,
    "U8": 8,
    "F6_E3M2": 6,
    "F6_E2M3": 6,
    "F4": 4,
    "U4": 4,
    "I4": 4,
    "BOOL": 8,
}
"""Bits per element, by the names of safetensors (C128, U4 and I4 are ours), in the order in which it sorts tensors."""
MAX_TENSORS = 1 << 20
MAX_NAME = 4096  # characters


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One array: `size` bytes from `offset` in the file, little-endian, in C order unless `order` is "F".

    dtype: a name in DTYPES. Elements of less than 8 bits are packed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int
    order: str = "C"

    @property
    def stop(self) -> int:
        """The offset after its last byte."""
        return self.offset + self.size


@dataclass(frozen=True)
class Tensors:
    """The bytes of a file and its arrays, by offset; they do not overlap, and names are unique.

    format: "safetensors", "npy", "npz", "gguf" or "torch". made_of: which Python object they were (`objects`), None for files.
    """

    source: Source
    format: str
    entries: tuple[TensorEntry, ...] = field(repr=False)
    made_of: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        name, end = self.source.name, self.source.size
        if len(self.entries) > MAX_TENSORS:
            raise UnsupportedFile(f"{name}: holds {len(self.entries)} tensors; at most {MAX_TENSORS} are supported")
        seen: set[str] = set()
        at = 0
        for entry in self.entries:
            what = place_of(name, entry.name)
            if len(entry.name) > MAX_NAME or not _is_text(entry.name):
                raise UnsupportedFile(f"{what} has a name that is too long, or not valid Unicode")
            if entry.name in seen:
                raise UnsupportedFile(f"{name}: duplicate tensor {entry.name[:200]!r}")
            if entry.size != size_of(entry.dtype, entry.shape, what):
                raise UnsupportedFile(
                    f"{what} of {entry.dtype} {list(entry.shape)} needs {size_of(entry.dtype, entry.shape, what)} bytes "
                    f"but has {entry.size} (at offset {entry.offset})"
                )
            if entry.offset < at:
                raise UnsupportedFile(f"{what} at offset {entry.offset} overlaps the tensor before it, which ends at {at}")
            at = entry.stop
            if end is not None and at > end:
                raise UnsupportedFile(
                    f"{what} should end at offset {at} but the file has {end} bytes; it is damaged or was cut off"
                )
            seen.add(entry.name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray":
        """The array of a file that has only one; TypeError for others."""
        import numpy as np

        if len(self.entries) != 1:
            raise TypeError(f"{self.source.name}: holds {len(self.entries)} tensors, not one array")
        entry = self.entries[0]
        data = self.source.read(entry.offset, entry.size)
        return np.array(as_array(entry.dtype, entry.shape, data, entry.order), dtype)


def size_of(dtype: str, shape: tuple[int, ...], what: str = "a tensor") -> int:
    """Bytes of an array; raises UnsupportedFile, which names `what`, for invalid types and shapes."""
    if dtype not in DTYPES:
        raise UnsupportedFile(f"{what} has the unknown type {dtype[:40]!r}; known types: {', '.join(DTYPES)}")
    return -(-elements(shape, what) * DTYPES[dtype] // 8)


def place_of(file: str, name: str) -> str:
    """The name of a tensor in messages."""
    return f"{file}: tensor {name[:200]!r}"


def as_array(dtype: str, shape: tuple[int, ...], data: Any, order: str = "C") -> "np.ndarray":
    """The array in the bytes `data` (not copied, read-only when `data` is).

    Types that numpy lacks keep their bits: BF16 as uint16, 8-bit floats as uint8. Types of less than 8 bits give uint8[bytes].
    """
    import numpy as np

    flat = np.frombuffer(data, np.uint8)
    if DTYPES[dtype] < 8:
        return flat
    return flat.view(numpy_dtype(dtype)).reshape(shape, order="F" if order == "F" else "C")


def numpy_dtype(dtype: str) -> str:
    """numpy's name for a type of at least 8 bits, or for unsigned integers of the same width if it has none."""
    kinds = {"U": "u", "I": "i", "F": "f", "C": "c", "B": "u"}
    if dtype == "BOOL":
        return "?"
    kind = kinds[dtype[0]] if dtype[1:].isdigit() else "u"
    return f"<{kind}{DTYPES[dtype] // 8}"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
