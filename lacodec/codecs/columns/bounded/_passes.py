"""The order in which the points of an array are coded: passes, each a class of points at one level, in boxes.

A level has a stride s; points whose indices are all multiples of 2s are known. A class is the set of axes along which a point
lies between two of those: an odd multiple of s. Classes of fewer axes come first. Arrays have four axes here.

The points of a box have the same neighbours, as far as they matter. Along each axis a class falls into pieces, from points
with few neighbours before them to points with few behind; boxes are all combinations, in order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._taps import AXES, Offset, step, taps

_LEVELS = 4  # that have chances of their own; the coarser ones share
SETS = _LEVELS * 3
_SPLIT = (0, 256, 256, 512, 512)  # points of a class from which on it has boxes, by axes along which it has several
_LEAST = 8  # points along an axis without which it is one piece


@dataclass(frozen=True)
class Pass:
    """One class (bit k set: the k-th axis from the last) at one level (0 is the finest)."""

    shape: tuple[int, ...]
    level: int
    members: int

    @property
    def stride(self) -> int:
        """Between the points of this level."""
        return 1 << self.level

    @property
    def axes(self) -> list[int]:
        """Axes of the class."""
        return [axis for axis in range(AXES) if self.members >> (AXES - 1 - axis) & 1]

    @cached_property
    def wide(self) -> list[int]:
        """Axes along which the class has more than one point."""
        return [axis for axis in range(AXES) if len(self.along(axis)) > 1]

    @property
    def chances(self) -> int:
        """Number of its set of chances."""
        return min(self.level, _LEVELS - 1) * 3 + max(0, min(len(self.axes), 3) - 1)

    def along(self, axis: int) -> range:
        """The indices of its points."""
        return range(self.stride if axis in self.axes else 0, self.shape[axis], 2 * self.stride)

    @cached_property
    def count(self) -> int:
        """Points."""
        return prod(len(self.along(axis)) for axis in range(AXES))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """How far away in memory the next point of the level is, along each axis."""
        return tuple(self.stride * prod(self.shape[axis + 1 :]) for axis in range(AXES))

    def flat(self, offsets: Iterable[Offset]) -> NDArray[np.int64]:
        """How far away in memory the points at these offsets are."""
        return np.array([sum(map(mul, offset, self.steps)) for offset in offsets], np.int64)

    @cached_property
    def boxes(self) -> tuple["Box", ...]:
        """Its boxes, in order."""
        pieces = [self._pieces(axis) for axis in range(AXES)]
        return tuple(Box(self, tuple(some)) for some in product(*pieces))

    @cached_property
    def main(self) -> "Box":
        """The largest of its boxes (the first of them)."""
        return max(self.boxes, key=lambda box: box.count)

    def _pieces(self, axis: int) -> list["Piece"]:
        found: list[Piece] = []
        places, whole = self.along(axis), self.count < _SPLIT[len(self.wide)] or len(self.along(axis)) < _LEAST
        for index in places:
            piece = Piece(index, index + 1, *self._neighbours(axis, index))
            if found and (whole or found[-1][2:] == piece[2:]):
                last = found.pop()
                piece = Piece(last[0], index + 1, min(last[2], piece[2]), min(last[3], piece[3]))
            found.append(piece)
        return found

    def _neighbours(self, axis: int, index: int) -> tuple[int, int]:
        """How many strides the furthest point that matters lies before, and behind."""
        flat = len(self.wide) < 3
        down, up = index // self.stride, (self.shape[axis] - 1 - index) // self.stride
        if axis in self.axes:
            most = 5 if flat else 3
            return min(down, most), min(up - 1 | 1, most) if up else 0
        return min(down, 4 if flat else 2), min(up, 2) // 2 * 2


class Piece(tuple[int, int, int, int]):
    """Points along an axis, first index and end, and how many strides there are before and behind each of them."""

    __slots__ = ()

    def __new__(cls, first: int, end: int, down: int, up: int) -> "Piece":
        """From its numbers."""
        return super().__new__(cls, (first, end, down, up))


@dataclass(frozen=True)
class Box:
    """Points of a class with the same neighbours."""

    of: Pass
    pieces: tuple[Piece, ...]

    @cached_property
    def count(self) -> int:
        """Points."""
        return prod(len(self.along(axis)) for axis in range(AXES))

    def along(self, axis: int) -> range:
        """The indices of its points."""
        return range(self.pieces[axis][0], self.pieces[axis][1], 2 * self.of.stride)

    def has(self, offset: Offset) -> bool:
        """Whether all its points have a point at that offset."""
        return all(-down <= distance <= up for distance, (_, _, down, up) in zip(offset, self.pieces, strict=True))

    @cached_property
    def own(self) -> tuple[Offset, ...]:
        """Points before in the class whose residuals tell what to expect: one for each axis, the one in the row last."""
        return tuple(offset for axis in range(AXES) if self.has(offset := step(axis, -2)))

    @cached_property
    def sides(self) -> tuple[tuple[Offset, Offset], ...]:
        """The same, along the axes of the class: one on either side, or twice the one before."""
        return tuple((step(axis, -1), step(axis, 1 if self.has(step(axis, 1)) else -1)) for axis in self.of.axes)

    @cached_property
    def plains(self) -> dict[int, Any]:
        """The plain stencils that were asked for (see `_stencil`)."""
        return {}

    def taps(self, rich: bool) -> "Taps":
        """The known points that a fitted stencil takes."""
        return self.rich_taps if rich else self.few_taps

    @cached_property
    def few_taps(self) -> "Taps":
        """Without `rich`."""
        return Taps.of(self, False)

    @cached_property
    def rich_taps(self) -> "Taps":
        """With `rich`."""
        return Taps.of(self, True)


class Taps(NamedTuple):
    """Offsets, and the same in memory; the last `behind` lie before in the row of the class."""

    offsets: tuple[Offset, ...]
    flat: NDArray[np.int64]
    behind: int

    @classmethod
    def of(cls, box: Box, rich: bool) -> "Taps":
        """Those of a box."""
        found = tuple(filter(box.has, taps(box.of.axes, box.of.wide, rich)))
        return cls(found, box.of.flat(found), sum(not any(tap[:-1]) and tap[-1] in (-2, -4) for tap in found))


def four_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with four axes: those of length 1 are dropped, the first ones of too many become one."""
    wide = [n for n in shape if n != 1]
    if len(wide) > AXES:
        wide = [prod(wide[: len(wide) - AXES + 1]), *wide[len(wide) - AXES + 1 :]]
    return (*[1] * (AXES - len(wide)), *wide)


def passes(shape: tuple[int, ...]) -> list[Pass]:
    """All passes over an array with four axes that has points, in order."""
    top = (max(shape) - 1).bit_length()
    found = [Pass(shape, top, 0)]
    for level in range(top - 1, -1, -1):
        for members in sorted(range(1, 1 << AXES), key=lambda m: (m.bit_count(), m)):
            one = Pass(shape, level, members)
            if one.count:
                found.append(one)
    return found
