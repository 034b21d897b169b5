"""The pieces of a chunk: parts of tensors, and of the bytes between them, as the table of the file gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.weights._chunks import FOREIGN
from lacodec.media.tensors.value import DTYPES, TensorEntry

MATRICES = ("F32", "F16", "BF16")
SMALLEST = 1024
"""Values of a tensor below which it is kept as it is."""


@dataclass(frozen=True)
class Piece:
    """Bytes of one type: `size` of them from `first` on in tensor number `tensor`, or in the file if that is -1.

    columns: 0 if never quantised.
    """

    dtype: str
    size: int
    tensor: int = -1
    first: int = 0
    columns: int = 0

    @property
    def count(self) -> int:
        """Values."""
        return self.size // max(1, DTYPES[self.dtype] // 8) if self.dtype != FOREIGN else self.size

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the values: one row where the piece does not consist of whole rows."""
        row = self.columns * DTYPES[self.dtype] // 8
        return (self.count // self.columns, self.columns) if self.first % row == self.size % row == 0 else (1, self.count)


def columns_of(entry: TensorEntry) -> int:
    """Values of one index on the first axis of a tensor that may be quantised, else 0."""
    values = int(np.prod(entry.shape, dtype=np.int64))
    if len(entry.shape) < 2 or values < SMALLEST or entry.dtype not in MATRICES or entry.order == "F":
        return 0
    return values // entry.shape[0]


def pieces_of(entries: Sequence[TensorEntry], start: int, stop: int) -> list[Piece]:
    """The pieces of the bytes start..stop of a file, in order."""
    found, at = [], start
    first = int(np.searchsorted([entry.stop for entry in entries], start, side="right"))
    for number in range(first, len(entries)):
        entry = entries[number]
        if entry.offset >= stop:
            break
        if not entry.size:
            continue
        if entry.offset > at:
            found.append(Piece(FOREIGN, entry.offset - at, first=at))
            at = entry.offset
        end = min(stop, entry.stop)
        width = DTYPES[entry.dtype] // 8
        whole = width and (at - entry.offset) % width == 0 == (end - at) % width
        found.append(Piece(entry.dtype, end - at, number, at - entry.offset, columns_of(entry) if whole else 0))
        at = end
    if at < stop:
        found.append(Piece(FOREIGN, stop - at, first=at))
    return found
