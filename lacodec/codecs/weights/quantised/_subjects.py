"""What a file of tensors becomes: the tensors of the safetensors file that decoding gives, and where their values come from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.tensors import gguf
from lacodec.media.tensors.gguf_blocks import BLOCK_TYPES
from lacodec.media.tensors.gguf_write import metadata_of
from lacodec.media.tensors.safetensors import build_header
from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors

_BLOCK_DTYPE = "BF16"  # of tensors that were blocks of quantised values

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Subject:
    """One tensor: `entry` in the file that decoding gives, `place` in the original; blocks: its GGUF type there if not 0."""

    entry: TensorEntry
    place: int
    blocks: int = 0

    def read(self, source: Source, first: int, count: int) -> Values:
        """f32[count]: values from number `first` on, in the order of the file."""
        if not self.blocks:
            size = self.entry.size // max(1, int(np.prod(self.entry.shape, dtype=np.int64)))
            data = source.read(self.place + first * size, count * size)
            return widened(data, self.entry.dtype)
        kind = BLOCK_TYPES[self.blocks]
        begin, end = first // kind.values, -(-(first + count) // kind.values)
        data = source.read(self.place + begin * kind.size, (end - begin) * kind.size)
        values = kind.dequantise(np.frombuffer(data, np.uint8).reshape(-1, kind.size)).ravel()
        return values[first - begin * kind.values :][:count]

    def raw(self, source: Source, first: int, size: int) -> bytes:
        """The bytes `first` to first + size of the tensor in the file that decoding gives, before anything is lost but BF16."""
        if not self.blocks:
            return bytes(source.read(self.place + first, size))
        out = np.empty(size, np.uint8)
        narrow(self.read(source, first // 2, size // 2), _BLOCK_DTYPE, out)
        return out.tobytes()


@dataclass(frozen=True)
class Subjects:
    """All tensors of a file: `items` in the order of the file that decoding gives, which begins with `head`.

    plain: whether the head follows from the tensors.
    """

    source: Source
    head: bytes
    items: tuple[Subject, ...]
    plain: bool

    @property
    def entries(self) -> tuple[TensorEntry, ...]:
        """Of the file that decoding gives."""
        return tuple(item.entry for item in self.items)

    @property
    def size(self) -> int:
        """Bytes of that file."""
        return self.items[-1].entry.stop if self.items else len(self.head)

    @property
    def weights(self) -> int:
        """Values in all tensors."""
        return sum(int(np.prod(item.entry.shape, dtype=np.int64)) for item in self.items)


def subjects_of(value: Tensors) -> Subjects:
    """The tensors of a file; raises BadInput where that cannot be told."""
    if value.source.size is None:
        raise BadInput(f"{value.source.name}: its size must be known before it is quantised; save it to a file first")
    try:
        items = _from_gguf(value) if value.format == "gguf" else [Subject(entry, entry.offset) for entry in value.entries]
    except UnsupportedFile as error:
        raise BadInput(str(error)) from error
    for item in items:
        if item.entry.order == "F":
            raise BadInput(f"{value.source.name}: tensor {item.entry.name!r} is in Fortran order; save it in C order")
    listed = [(item.entry.name, item.entry.dtype, item.entry.shape, item.entry.size) for item in items]
    metadata = metadata_of(gguf.packed_properties(value.source)) if value.format == "gguf" else None
    head = build_header(listed, metadata)
    at, placed = len(head), []
    for item in items:
        placed.append(replace(item, entry=replace(item.entry, offset=at)))
        at += item.entry.size
    return Subjects(value.source, head, tuple(placed), metadata is None)


def _from_gguf(value: Tensors) -> list[Subject]:
    found = []
    for name, shape, kind, place in gguf.tensors(value.source):
        if kind in BLOCK_TYPES:
            dtype, blocks = _BLOCK_DTYPE, kind
        elif kind in gguf.PLAIN:
            dtype, blocks = gguf.PLAIN[kind], 0
        else:
            raise BadInput(f"{value.source.name}: tensor {name!r} is of GGUF type {kind}, which cannot be dequantised here")
        size = int(np.prod(shape, dtype=np.int64)) * (2 if blocks else _bytes_of(dtype))
        found.append(Subject(TensorEntry(name, dtype, shape, 0, size), place, blocks))
    return found


def _bytes_of(dtype: str) -> int:
    return DTYPES[dtype] // 8


def widened(data: bytes | memoryview, dtype: str) -> Values:
    """f32 of the bytes of F32, F16 or BF16 values: exact."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.frombuffer(data, "<f4" if dtype == "F32" else "<f2").astype(np.float32)


def narrow(values: Values, dtype: str, out: NDArray[np.uint8]) -> None:
    """Fill `out` with the bytes of F32, F16 or BF16 values: rounded to the nearest, ties to even."""
    if dtype != "BF16":
        with np.errstate(over="ignore"):
            out.view("<f4" if dtype == "F32" else "<f2")[...] = values
        return
    target = out.view("<u2")
    words = target if target.dtype.isnative and target.flags.aligned else np.empty(len(target), np.uint16)
    kernels.narrow(np.ascontiguousarray(values).view(np.uint32), words)
    if words is not target:
        target[...] = words
