"""The axes of the vectors in a file, as its header has them."""

from dataclasses import dataclass
from math import prod
from typing import Any

from lacodec.container.types import Header
from lacodec.errors import CorruptFile, LimitExceeded
from lacodec.media.vectors.value import DTYPES, MOST_COLUMNS

_MOST_ROWS = 1 << 40
_MOST_ZEROS = 1 << 32  # bytes that stand for lost chunks


@dataclass(frozen=True)
class Shape:
    """rows, columns; dtype: one of `DTYPES`; ordered: whether the vectors come in their original order."""

    rows: int
    columns: int
    dtype: str
    ordered: bool

    def plain(self) -> dict[str, Any]:
        """For the header."""
        return {"rows": self.rows, "columns": self.columns, "dtype": self.dtype, "ordered": self.ordered}

    @property
    def row(self) -> int:
        """Bytes of a vector."""
        return prod((self.columns, int(self.dtype[2:])))

    def require(self, size: int) -> None:
        """Raise LimitExceeded if so many bytes are not to be filled with zeros."""
        if size > _MOST_ZEROS:
            raise LimitExceeded(f"a lost range of {size} bytes is too large to be filled; the file is forged")


def shape_of(header: Header) -> Shape:
    """Of the vectors in a file; raises CorruptFile."""
    found = header.metadata
    rows, columns, dtype = (found.get(name) for name in ("rows", "columns", "dtype"))
    if type(rows) is not int or not 0 <= rows <= _MOST_ROWS or type(columns) is not int or not 1 <= columns <= MOST_COLUMNS:
        raise CorruptFile("the header does not give the axes of the vectors")
    if dtype not in DTYPES:
        raise CorruptFile("the header does not give the type of the vectors")
    if type(found.get("ordered")) is not bool:
        raise CorruptFile("the header does not tell whether the vectors are in order")
    return Shape(rows, columns, dtype, found["ordered"])
