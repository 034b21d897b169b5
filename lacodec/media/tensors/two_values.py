"""Tensors that hold two values only, such as the signs of binarised networks: found, and taken apart.

values --split--> a bit for each, and the two values of the tensor, or the magnitude of each row
"""

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors

LEAST = 64
"""Values of a tensor from which on it is worth a look."""
FLOATS = frozenset(("F64", "F32", "F16", "BF16"))
"""Types whose highest bit is a sign."""
MOST_PLACES = 64
"""Values of a kernel, at most; larger ones are pictures or masks."""

_TYPES = frozenset(name for name, bits in DTYPES.items() if bits in (8, 16, 32, 64) and not name.startswith("C"))
_HEAD = 64  # values that most tensors are told by
_LOOKED_AT = 4 << 20  # bytes of a tensor that are looked at


class Row(NamedTuple):
    """What one index on the axis that changes slowest has, such as a filter: channels of kernels."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Split:
    """bits: u8[values], 0 or 1. values: those of bit 0 and of bit 1, as unsigned numbers; or None.

    magnitudes: where `values` is None, what a value is without its sign, one for each row (unsigned); bit 1 is positive.
    """

    bits: NDArray[np.uint8]
    values: tuple[int, int] | None
    magnitudes: NDArray[Any] | None = None


def row_of(entry: TensorEntry) -> Row | None:
    """What a row of a tensor has, None for tensors without rows or of types with parts of bytes, or several numbers."""
    if len(entry.shape) < 2 or entry.dtype not in _TYPES or not entry.size:
        return None
    inner = (entry.shape[::-1] if entry.order == "F" else entry.shape)[1:]
    if len(inner) == 1:
        return Row(1, 1, inner[0])
    height, width = (1, inner[1]) if len(inner) == 2 else inner[-2:]
    channels = prod(inner) // (height * width)
    return Row(channels, height, width) if height * width > 1 else Row(1, 1, channels)


def split(data: NDArray[np.uint8], dtype: str, rows: int) -> Split | None:
    """The bytes of so many rows; None where they have not exactly two values, or of each row one magnitude and both signs."""
    width = DTYPES[dtype] // 8
    if len(data) < width * LEAST or not _promising(data, width, dtype):
        return None
    values = data.view(f"<u{width}")
    top = values.dtype.type(1 << (8 * width - 1))
    others = values != values[0]
    if not others.any():
        return None
    pair = sorted((int(values[0]), int(values[np.argmax(others)])), key=lambda value: (value < top, value))
    bits: NDArray[np.uint8] = (values == values.dtype.type(pair[1])).view(np.uint8)
    if int(np.count_nonzero(values == values.dtype.type(pair[0]))) + int(np.count_nonzero(bits)) == len(values):
        return Split(bits, (pair[0], pair[1]))
    if dtype not in FLOATS or rows < 1 or len(values) % rows:
        return None
    magnitudes = (values & ~top).reshape(rows, -1)
    if (magnitudes != magnitudes[:, :1]).any():
        return None
    return Split((values < top).view(np.uint8), None, magnitudes[:, 0].copy())


def holds_any(value: Tensors) -> bool:
    """Whether a tensor of the file, or the beginning of one, can be split."""
    return any(_is_split(value, entry, row_of(entry)) for entry in value.entries)


def mostly_filters(value: Tensors) -> bool:
    """Whether more than half of the bytes of all tensors are in filters with kernels that can be split."""
    kernels = [(entry, row) for entry in value.entries if (row := row_of(entry)) and 1 < row.height * row.width <= MOST_PLACES]
    filters = sum(entry.size for entry, row in kernels if _is_split(value, entry, row))
    return 2 * filters > sum(entry.size for entry in value.entries)


def _is_split(value: Tensors, entry: TensorEntry, row: Row | None) -> bool:
    if row is None:
        return False
    width = DTYPES[entry.dtype] // 8
    head = np.frombuffer(value.source.view(entry.offset, min(entry.size, _HEAD * width)), np.uint8)
    if not _promising(head, width, entry.dtype):
        return False
    each, size = width * prod(row), entry.size
    if size > _LOOKED_AT:
        size = _LOOKED_AT // each * each if each <= _LOOKED_AT // 8 else 0
    data = np.frombuffer(value.source.view(entry.offset, size), np.uint8)
    return split(data, entry.dtype, len(data) // each) is not None


def _promising(data: NDArray[np.uint8], width: int, dtype: str) -> bool:
    """Whether the first values do not rule it out: two different ones at most, or floats of several rows."""
    head = data[: _HEAD * width].tobytes()
    found = {head[at : at + width] for at in range(0, len(head), width)}
    return len(found) <= (_HEAD // 2 if dtype in FLOATS else 2)
