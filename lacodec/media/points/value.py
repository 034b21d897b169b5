"""`PointCloud`: a file of point records, and where its columns are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source

if TYPE_CHECKING:
    import numpy as np

MOST_COLUMNS = 1 << 10
MOST_POINTS = 1 << 48
ALL = "points"
"""Name of all columns together."""
TYPES = frozenset(
    ["|u1", "|i1", *(f"{order}{kind}{width}" for order in "<>" for kind in "ui" for width in (2, 4, 8))]
    + [f"{order}f{width}" for order in "<>" for width in (2, 4, 8)]
)
"""Types that a column may have, as numpy names them."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names and types of the numbers of a point, in the order in which they lie in its record, without gaps."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    def __post_init__(self) -> None:
        good = 0 < len(self.names) == len(self.types) <= MOST_COLUMNS and len(set(self.names)) == len(self.names)
        if not good or not all(isinstance(name, str) and name for name in self.names) or not TYPES.issuperset(self.types):
            raise CorruptFile("the columns of the points have names or types that are impossible")

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return sum(int(kind[2]) for kind in self.types)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each column begins in a record."""
        ends = [sum(int(kind[2]) for kind in self.types[:i]) for i in range(len(self.types))]
        return tuple(ends)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of a record."""
        import numpy as np

        return np.dtype(list(zip(self.names, self.types, strict=True)))


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written from the bytes of a cloud; `forms` has them by name. recipe: what that needs to know besides.

    name: "" if the bytes are those of the file; else "pcd compressed", "laz", "text" or "arrow".
    """

    name: str = ""
    recipe: bytes = b""


PLAIN = Form()


@dataclass(frozen=True)
class PointCloud:
    """Bytes with `count` records from `offset` on; what is before and behind them is kept, too.

    source: the bytes of a file; where its points are packed or text, those of a file with records in their stead, and `form`
    says how to write the original. format: "bin", "pcd", "ply", "las", "laz", "npy", "arrow", "xyz" or "obj".
    `cloud["x"]` is a column, `cloud.records` all of them, a structured array.
    """

    source: Source
    format: str
    columns: Columns
    offset: int
    count: int
    form: Form = PLAIN

    @property
    def stop(self) -> int:
        """Where the records end in the file."""
        return self.offset + self.count * self.columns.size

    @property
    def records(self) -> "np.ndarray":
        """The points as an array of `columns.dtype`, in the order of the file."""
        import numpy as np

        data = self.source.read(self.offset, self.stop - self.offset)
        if len(data) != self.stop - self.offset:
            raise CorruptFile(f"{self.source.name}: ends before its points do")
        return np.frombuffer(data, self.columns.dtype)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> "np.ndarray":
        """A column, as an array of its own, or ALL; BadInput if there is none of that name."""
        if name == ALL:
            return self.records
        if name not in self.columns.names:
            raise BadInput(f"no column {name!r} among {', '.join(self.columns.names)}")
        import numpy as np

        return np.ascontiguousarray(self.records[name])
