"""Parts of what a file holds: ranges on one axis and windows on two, what covers them, and what stands for lost ones.

key, e.g. [100:200:3] --Selection.of--> [100:200] --Range.of--> Range --chunks--> positions in the index --> parts --cut--> [::3]
"""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lacodec.container.types import ChunkHead, Covers
from lacodec.errors import BadInput, LimitExceeded

_FILL = 1 << 16  # units at once
_MOST_ZEROS = 1 << 32  # bytes


@dataclass(frozen=True)
class Lost:
    """Stands in `assemble`'s parts for a chunk that could not be decoded; `covers` is None where even that is unknown."""

    covers: Covers | None

    def filled(self, unit: bytes = b"\0") -> Iterator[bytes]:
        """`unit` for each position of a lost range on one axis, piece by piece; nothing where the range is unknown."""
        if self.covers is None or len(self.covers) != 1:
            return
        left = self.covers[0][1] - self.covers[0][0]
        block = unit * min(left, _FILL)
        while left > 0:
            piece = block[: left * len(unit)]
            yield piece
            left -= len(piece) // len(unit)

    def zeros(self, dtype: Any) -> Any:
        """An array of numpy with a zero for each position of a lost range on one axis; empty where the range is unknown."""
        import numpy as np

        count = self.covers[0][1] - self.covers[0][0] if self.covers is not None and len(self.covers) == 1 else 0
        if count * np.dtype(dtype).itemsize > _MOST_ZEROS:
            raise LimitExceeded(f"a lost range of {count} is too large to be filled; the file is forged")
        return np.zeros(count, dtype)


@dataclass(frozen=True)
class Range:
    """Positions from `start` up to `stop` on one axis."""

    start: int
    stop: int

    @classmethod
    def of(cls, key: Any, total: int, what: str) -> Self:
        """The range that a slice with step 1 asks for among `total` positions; raises BadInput. what: for the message."""
        if not isinstance(key, slice):
            raise BadInput(f"{key!r} cannot select from {what}; use a slice such as [1000:2000]")
        try:
            start, stop, step = key.indices(total)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{key!r} cannot select from {what} ({error}); use whole numbers") from error
        if step != 1:
            raise BadInput(f"step {step} is not supported; take a slice with step 1 and apply the step to the result")
        return cls(start, max(start, stop))

    def chunks(self, index: Sequence[ChunkHead], axis: int = 0) -> list[int]:
        """Positions in `index` of the chunks that overlap this range on one of their axes."""
        return [
            i
            for i, head in enumerate(index)
            if len(head.covers) > axis and head.covers[axis][0] < self.stop and head.covers[axis][1] > self.start
        ]

    def within(self, start: int, stop: int) -> Self:
        """The part of this range that lies in another; empty ranges have equal ends."""
        low = max(self.start, start)
        return type(self)(low, max(low, min(self.stop, stop)))

    def pieces(self, index: Sequence[ChunkHead], parts: Sequence[Any]) -> list[Any]:
        """This range out of the parts (bytes or arrays) of the chunks that `chunks(index)` named, one piece of each."""
        found = []
        for position, part in zip(self.chunks(index), parts, strict=True):
            begin = index[position].covers[0][0]
            both = self.within(begin, begin + len(part))
            found.append(part[both.start - begin : both.stop - begin])
        return found

    def grown(self, by: int) -> Self:
        """With `by` more positions at both ends."""
        return type(self)(self.start - by, self.stop + by)

    @property
    def size(self) -> int:
        """How many positions."""
        return self.stop - self.start


@dataclass(frozen=True)
class Window:
    """Rows and columns of a picture."""

    rows: Range
    columns: Range

    @classmethod
    def of(cls, key: Any, shape: Sequence[int]) -> Self:
        """What one slice (rows) or two (rows, columns) ask for; raises BadInput."""
        keys = key if isinstance(key, tuple) else (key,)
        if not 1 <= len(keys) <= 2 or not all(isinstance(k, slice) for k in keys):
            raise BadInput(f"{key!r} cannot select from an image; use slices of rows and columns such as [100:200, 50:80]")
        rows, columns = (Range.of(k, n, "an image") for k, n in zip((*keys, slice(None))[:2], shape[:2], strict=True))
        return cls(rows, columns)

    def chunks(self, index: Sequence[ChunkHead], halo: int = 0) -> list[int]:
        """Positions in `index` of the tiles that overlap this window, widened by `halo` pixels."""
        rows, columns = set(self.rows.grown(halo).chunks(index, 0)), self.columns.grown(halo).chunks(index, 1)
        return [i for i in columns if i in rows]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.rows.size, self.columns.size


@dataclass(frozen=True)
class Layout:
    """What an open file is to a caller: one array-like of `shape` and `dtype` (as numpy or torch call it), or several by name.

    axes: how many of the first axes the codec takes a slice for; the others are cut afterwards. names: of several, each with
    its own layout; sole: the name of the one that is meant when a key has none.
    """

    shape: tuple[int, ...] = ()
    dtype: Any = None
    axes: int = 1
    names: Mapping[str, "Layout"] | None = field(default=None, repr=False)
    sole: str | None = None


@dataclass(frozen=True)
class Selection:
    """A key such as [5], [::2], [..., 0] or [-10:] in two steps: `slices` with step 1 for a codec, `rest` for what it gives."""

    slices: tuple[slice, ...]
    rest: tuple[slice | int, ...]

    @classmethod
    def of(cls, key: Any, layout: Layout) -> Self:
        """What a key asks of an array: whole numbers, slices and `...`, as in numpy; raises BadInput for others."""
        keys = list(key) if isinstance(key, tuple) else [key]
        dots = [i for i, item in enumerate(keys) if item is Ellipsis]
        if dots:
            keys[dots[0] : dots[0] + 1] = [slice(None)] * (len(layout.shape) - len(keys) + 1)
        if len(dots) > 1 or len(keys) > len(layout.shape):
            raise BadInput(f"{key!r} asks for more axes than {list(layout.shape)} has")
        slices, rest = [], []
        for axis, (item, n) in enumerate(zip(keys, layout.shape, strict=False)):
            part, left = _in_two_steps(item, n, axis)
            if axis < layout.axes:
                slices.append(part)
                rest.append(left)
            else:
                rest.append(item)
        while rest and rest[-1] == slice(None):
            rest.pop()
        return cls(tuple(slices), tuple(rest))


def _in_two_steps(item: Any, n: int, axis: int) -> tuple[slice, slice | int]:
    if isinstance(item, slice):
        try:
            wanted = range(*item.indices(n))
        except (TypeError, ValueError) as error:
            raise BadInput(f"{item!r} cannot select from axis {axis} ({error}); use whole numbers") from error
        if not wanted:
            return slice(0, 0), slice(None)
        low, high = sorted((wanted[0], wanted[-1]))
        return slice(low, high + 1), slice(None, None, wanted.step if wanted.step != 1 else None)
    try:
        at = operator.index(item) if not isinstance(item, bool) else None
    except TypeError:
        at = None
    if at is None:
        raise BadInput(f"{item!r} cannot select from axis {axis}; use whole numbers and slices such as [1000:2000]")
    if not -n <= at < n:
        raise BadInput(f"{at} is outside axis {axis}, which has {n}")
    return slice(at % n, at % n + 1), 0


def total(index: Sequence[ChunkHead], axis: int = 0) -> int:
    """Where the last chunk ends."""
    return max((head.covers[axis][1] for head in index if len(head.covers) > axis), default=0)
