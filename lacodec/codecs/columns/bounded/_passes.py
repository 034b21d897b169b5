"""The order in which the points of an array are coded: passes, each a class of points at one level.

A level has a stride s; points whose indices are all multiples of 2s are known. A class is the set of axes along which a point
lies between two of those: an odd multiple of s. Classes of fewer axes come first. Arrays have four axes here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

AXES = 4
_LEVELS = 4  # that have chances of their own; the coarser ones share
SETS = _LEVELS * 3
Offset = tuple[int, int, int, int]
"""Of a point, in strides along each axis."""


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

    @property
    def wide(self) -> list[int]:
        """Axes along which the class has more than one point."""
        return [axis for axis in range(AXES) if self.begin(axis) + 2 * self.stride < self.shape[axis]]

    @property
    def chances(self) -> int:
        """Number of its set of chances."""
        return min(self.level, _LEVELS - 1) * 3 + max(0, min(len(self.axes), 3) - 1)

    def begin(self, axis: int) -> int:
        """First index along an axis."""
        return self.stride if axis in self.axes else 0

    def count(self) -> int:
        """Points."""
        return prod(len(range(self.begin(axis), n, 2 * self.stride)) for axis, n in enumerate(self.shape))

    def reach(self, offsets: list[Offset]) -> tuple[list[int], list[int]]:
        """How far offsets go down and up along each axis, in points."""
        down = [max([0, *(-offset[axis] for offset in offsets)]) * self.stride for axis in range(AXES)]
        up = [max([0, *(offset[axis] for offset in offsets)]) * self.stride for axis in range(AXES)]
        return down, up

    def flat(self, offset: Offset) -> int:
        """How far away in memory the point at an offset is."""
        distance = 0
        for axis, n in enumerate(self.shape):
            distance = distance * n + offset[axis] * self.stride
        return distance

    @property
    def behind(self) -> bool:
        """Whether points have one before them in the row."""
        return self.begin(AXES - 1) + 4 * self.stride < self.shape[AXES - 1]

    def own(self) -> list[Offset]:
        """Points before in the class whose residuals tell what to expect, but for the one before in the row."""
        return [step(axis, -2) for axis in self.wide if axis != AXES - 1 or not self.behind]

    def sides(self) -> list[Offset]:
        """The same, along the axes of the class: there is one on either side."""
        return [step(axis, 1) for axis in self.axes]


def step(axis: int, distance: int) -> Offset:
    """An offset along one axis."""
    return tuple(distance if k == axis else 0 for k in range(AXES))  # type: ignore[return-value]


def opposite(offset: Offset) -> Offset:
    """The offset the other way."""
    return tuple(-a for a in offset)  # type: ignore[return-value]


def add(one: Offset, two: Offset) -> Offset:
    """Their sum."""
    return tuple(a + b for a, b in zip(one, two, strict=True))  # type: ignore[return-value]


def four_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with four axes: those of length 1 are dropped, the first ones of too many become one."""
    wide = [n for n in shape if n != 1]
    if len(wide) > AXES:
        wide = [prod(wide[: len(wide) - AXES + 1]), *wide[len(wide) - AXES + 1 :]]
    return (*[1] * (AXES - len(wide)), *wide)


def passes(shape: tuple[int, ...]) -> Iterator[Pass]:
    """All passes over an array with four axes that has points, in order."""
    top = (max(shape) - 1).bit_length()
    yield Pass(shape, top, 0)
    for level in range(top - 1, -1, -1):
        for members in sorted(range(1, 1 << AXES), key=lambda m: (m.bit_count(), m)):
            found = Pass(shape, level, members)
            if found.count():
                yield found
