"""`PointCloud`: a file of point records, and where its columns are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

MOST_COLUMNS = 1 << 10
MOST_POINTS = 1 << 48
ALL = "points"
"""Name of all columns together."""
RINGS = ("ring", "laser_number", "laser_id", "laser", "channel")
"""Names of columns that tell which laser measured a point."""

_LAS_SCALE = 131  # place of three scales and three offsets in a las header
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
    `cloud["x"]` is a column, `cloud.records` all of them, a structured array. frames: how many points each frame of a sequence
    has; () if it is none.
    """

    source: Source
    format: str
    columns: Columns
    offset: int
    count: int
    form: Form = PLAIN
    frames: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.frames and (min(self.frames) < 0 or sum(self.frames) != self.count):
            raise CorruptFile("the frames of the points do not have all of them")

    @classmethod
    def from_columns(cls, columns: "Mapping[str, np.ndarray]") -> "PointCloud":
        """A cloud of columns [n] of numbers by name, as the .npy file of their records.

        Raises BadInput where they are none, or differ in length.
        """
        import numpy as np

        from lacodec.media.arrays.memory import arrays_of

        found = {name: np.asarray(column) for name, column in columns.items()}
        if len({column.shape for column in found.values()}) != 1 or any(column.ndim != 1 for column in found.values()):
            raise BadInput("a point cloud needs columns of one length, each an array with one axis")
        try:
            kinds = Columns(tuple(found), tuple(column.dtype.str for column in found.values()))
        except CorruptFile as error:
            raise BadInput(f"a point cloud needs columns of integers or floats with names ({error})") from error
        records = np.empty(len(next(iter(found.values()))), kinds.dtype)
        for name, column in found.items():
            records[name] = column
        arrays = arrays_of(records)
        return cls(arrays.source, "npy", kinds, arrays.entries[0].offset, len(records))

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

    @property
    def xyz(self) -> "np.ndarray":
        """f64[n, 3]: coordinates; of las and laz files in the unit of the file, scaled and moved as its header says."""
        import numpy as np

        found = np.stack([self[name].astype(np.float64) for name in "xyz"], axis=1)
        if self.format in ("las", "laz"):
            scale, offset = np.frombuffer(self.source.read(_LAS_SCALE, 48), "<f8").reshape(2, 3)
            found = found * scale + offset
        return found

    def frame(self, number: int) -> "np.ndarray":
        """The records of a frame of a sequence, counted from 0; BadInput if there is none."""
        if not 0 <= number < len(self.frames):
            raise BadInput(f"no frame {number!r} among {len(self.frames)}")
        start = sum(self.frames[:number])
        return self.records[start : start + self.frames[number]]

    def ring(self, number: int) -> "np.ndarray":
        """The records that laser `number` measured; BadInput where no column tells."""
        import numpy as np

        name = next((name for name in RINGS if name in self.columns.names), None)
        if name is None:
            raise BadInput(f"no column among {', '.join(self.columns.names)} tells rings; it would be one of {', '.join(RINGS)}")
        records = self.records
        return np.ascontiguousarray(records[records[name] == number])

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
