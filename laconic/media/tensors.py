"""`Tensors`: a file of named arrays, and where in it each one lies.

A parser says what lies where and nothing more: every byte of the file that belongs to no tensor (headers, padding, pickles, zip
directories) stays in `source`, so that the file comes back byte for byte, whatever its format.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from laconic.errors import BadInput, UnsupportedFile
from laconic.source import BytesSource, IteratorSource, Source, seekable

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

SMALLEST = 256  # bytes of a file: below, nothing is gained
MAX_TENSORS = 1 << 20
MAX_DIMENSIONS = 64
MAX_ELEMENTS = 1 << 56  # empty dimensions not counted: numpy refuses more even then
MAX_NAME = 4096  # characters
ONLY = "array"
"""Name of the tensor of a file that holds one array without a name (.npy)."""

_BLOCK = 1 << 20
_HEAD = 256  # bytes of a file that tell its format
_MEMBERS = (b".npy", b"/data.pkl", b"/data/0")  # what a zip file with tensors begins with
_MAGICS = {
    b"\x93NUMPY": "npy",
    b"GGUF": "gguf",
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.": "legacy",
}


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
        """The offset behind its last byte."""
        return self.offset + self.size


@dataclass(frozen=True)
class Tensors:
    """The bytes of a file and its arrays, by offset; they do not overlap, and names are unique.

    format: "safetensors", "npy", "npz", "gguf" or "torch".
    """

    codec: ClassVar[str] = "weights"

    source: Source
    format: str
    entries: tuple[TensorEntry, ...] = field(repr=False)

    def __post_init__(self) -> None:
        name, end = self.source.name, self.source.size
        if len(self.entries) > MAX_TENSORS:
            raise UnsupportedFile(f"{name}: holds {len(self.entries)} tensors; at most {MAX_TENSORS} are supported")
        seen: set[str] = set()
        at = 0
        for entry in self.entries:
            what = place_of(name, entry.name)
            if len(entry.name) > MAX_NAME or not _is_text(entry.name):
                raise UnsupportedFile(f"{what} has a name that is too long, or no valid Unicode")
            if entry.name in seen:
                raise UnsupportedFile(f"{what} is there twice")
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


def size_of(dtype: str, shape: tuple[int, ...], what: str = "a tensor") -> int:
    """Bytes of an array; raises UnsupportedFile, naming `what`, for types and shapes that cannot be."""
    if dtype not in DTYPES:
        raise UnsupportedFile(f"{what} has the unknown type {dtype[:40]!r}; known are: {', '.join(DTYPES)}")
    if len(shape) > MAX_DIMENSIONS:
        raise UnsupportedFile(f"{what} has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are supported")
    if any(type(n) is not int or n < 0 for n in shape) or prod(n or 1 for n in shape) >= MAX_ELEMENTS:
        raise UnsupportedFile(f"{what} has a shape that cannot be; whole numbers with a product below 2^56 are possible")
    return -(-prod(shape) * DTYPES[dtype] // 8)


def place_of(file: str, name: str) -> str:
    """How messages call a tensor."""
    return f"{file}: tensor {name[:200]!r}"


def sniff(head: bytes) -> bool:
    """Whether a file that begins so may hold tensors in a format that we read."""
    return _format(head) is not None


def from_source(source: Source) -> Tensors:
    """The tensors in a file or pipe; raises UnsupportedFile, with what is wrong and where, for contradictory files."""
    source = seekable(source)
    kind = _format(source.peek(_HEAD))
    if kind is None:
        raise UnsupportedFile(
            f"{source.name}: holds no tensors in a format that is read here (safetensors, npy, npz, GGUF, PyTorch checkpoint)"
        )
    return _readers()[kind](source)


def _readers() -> dict[str, Callable[[Source], Tensors]]:
    from laconic.media import _checkpoint, _gguf, _npy, _npz, _safetensors

    return {
        "safetensors": _safetensors.read,
        "npy": _npy.read,
        "zip": lambda source: (_npz if b".npy" in source.peek(_HEAD) else _checkpoint).read(source),
        "gguf": _gguf.read,
        "legacy": _checkpoint.read_legacy,
    }


def from_object(value: Any) -> Tensors:
    """What a caller of the Python interface passes: Tensors; a dict of name -> numpy array or torch tensor (becomes a safetensors
    file that is made while it is read); one numpy array (becomes an .npy file); or the bytes of a file."""
    if isinstance(value, Tensors):
        return value
    if isinstance(value, Source):
        return from_source(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return from_source(BytesSource(value))
    if isinstance(value, dict):
        from laconic.media import _safetensors

        return _safetensors.virtual(value)
    import numpy as np

    if isinstance(value, np.ndarray):
        from laconic.media import _npy

        return _npy.virtual(value)
    raise BadInput(f"a {type(value).__name__} holds no tensors; pass a dict of names and arrays, a path, or the bytes of a file")


def to_object(value: Tensors) -> Any:
    """numpy arrays by name (`as_array` says of which dtypes); of an .npy file its one array. Reads `source` once, forwards."""
    from laconic.media import _npy, _npz

    if value.format == "npy":
        return _npy.array_of(value.source)
    if value.format == "npz":
        return _npz.arrays_of(seekable(value.source))
    return {
        entry.name: as_array(entry.dtype, entry.shape, value.source.read(entry.offset, entry.size), entry.order)
        for entry in value.entries
    }


def to_blocks(value: Tensors, suffix: str = "") -> Iterator[bytes]:
    """The bytes of the file."""
    return value.source.pieces() if isinstance(value.source, IteratorSource) else value.source.blocks(_BLOCK)


def as_array(dtype: str, shape: tuple[int, ...], data: Any, order: str = "C") -> "np.ndarray":
    """The array in the bytes `data` (not copied, read-only when `data` is).

    What numpy has no type for keeps its bits: BF16 as uint16, 8-bit floats as uint8. Types of less than 8 bits give uint8[bytes].
    """
    import numpy as np

    flat = np.frombuffer(data, np.uint8)
    if DTYPES[dtype] < 8:
        return flat
    return flat.view(numpy_dtype(dtype)).reshape(shape, order="F" if order == "F" else "C")


def numpy_dtype(dtype: str) -> str:
    """numpy's name for a type of at least 8 bits, or for unsigned integers of the same width where it has none."""
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


def _format(head: bytes) -> str | None:
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 27:
        return "safetensors"
    if head[:4] == b"PK\x03\x04" and any(name in head for name in _MEMBERS):
        return "zip"
    return next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)
