"""The order of points in error-bounded fields, and what each is predicted from.

A level has a stride s; points whose indices are all multiples of 2s are known. A class is a set of axes, along which the index is
an odd multiple of s. Levels go down to s = 1; in a level, classes of fewer axes come first, then by number (bit k: the k-th axis
from the last). Along each axis a class falls into pieces of points with the same neighbours; boxes are the combinations of
pieces, in lexicographic order, points in a box, too.

    stencils of a pass = u8 kind, [u8 precision of each other box with 100 points or more], for each fitted box: u8 size, weights

kind: bits 0-3 edge axes, 4-6 precision p of the main box (the largest, the first of those), bit 7 other precisions follow.
Weights: all but the first, signed, in 2**(5 + 3p)ths, as `size` planes of bytes, the lowest first; all add up to 1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from reference.stream import Stream, need

SPLIT = (0, 256, 256, 512, 512)
LEAST, FITTING, WIDEST = 8, 100, 4
CUBIC = ((-3, -0.0625), (-1, 0.5625), (1, 0.5625), (3, -0.0625))
Offset = tuple[int, ...]


@dataclass(frozen=True)
class Pass:
    """A class at a level."""

    shape: tuple[int, ...]
    level: int
    members: int

    def axes(self) -> list[int]:
        """Those of the class."""
        return [axis for axis in range(4) if self.members >> 3 - axis & 1]

    def along(self, axis: int) -> range:
        """Indices of its points."""
        return range((1 << self.level) if axis in self.axes() else 0, self.shape[axis], 2 << self.level)

    def wide(self) -> list[int]:
        """Axes along which there are several."""
        return [axis for axis in range(4) if len(self.along(axis)) > 1]

    def count(self) -> int:
        """Points."""
        return math.prod(len(self.along(axis)) for axis in range(4))

    def chances(self) -> int:
        """Number of its set of chances."""
        return min(self.level, 3) * 3 + max(0, min(len(self.axes()), 3) - 1)

    def place(self, index: tuple[int, ...]) -> int:
        """Of a point, or a distance, in memory."""
        at = 0
        for i, n in zip(index, self.shape, strict=True):
            at = at * n + i
        return at

    def distance(self, offset: Offset) -> int:
        """In memory, of an offset in strides."""
        return self.place(tuple(k << self.level for k in offset))

    def boxes(self) -> list["Box"]:
        """All, in order."""
        return [Box(self, pieces) for pieces in product(*(self._pieces(axis) for axis in range(4)))]

    def _pieces(self, axis: int) -> list[tuple[int, int, int, int]]:
        """(first index, end, strides before, strides behind) that matter, of neighbouring points."""
        whole = self.count() < SPLIT[len(self.wide())] or len(self.along(axis)) < LEAST
        found: list[tuple[int, int, int, int]] = []
        for i in self.along(axis):
            down, up = i >> self.level, self.shape[axis] - 1 - i >> self.level
            flat = len(self.wide()) < 3
            if axis in self.axes():  # points on that side are known at odd distances
                down, up = min(down, 5 if flat else 3), min(up - 1 | 1, 5 if flat else 3) if up else 0
            else:
                down, up = min(down, 4 if flat else 2), min(up, 2) // 2 * 2
            if found and (whole or found[-1][2:] == (down, up)):
                first, _, *before = found.pop()
                found.append((first, i + 1, min(before[0], down), min(before[1], up)))
            else:
                found.append((i, i + 1, down, up))
        return found


@dataclass(frozen=True)
class Box:
    """Points with the same neighbours."""

    of: Pass
    pieces: tuple[tuple[int, int, int, int], ...]

    def count(self) -> int:
        """Points."""
        return math.prod(len(range(first, end, 2 << self.of.level)) for first, end, _, _ in self.pieces)

    def points(self) -> Iterator[tuple[int, ...]]:
        """Their indices, in order."""
        return product(*(range(first, end, 2 << self.of.level) for first, end, _, _ in self.pieces))

    def has(self, offset: Offset) -> bool:
        """Whether all have a point there."""
        return all(-down <= k <= up for k, (_, _, down, up) in zip(offset, self.pieces, strict=True))

    def own(self) -> list[int]:
        """Distances of the points before in the class."""
        return [self.of.distance(one) for axis in range(4) if self.has(one := step(axis, -2))]

    def sides(self) -> list[tuple[int, int]]:
        """Distances of the points on both sides along the axes of the class."""
        out = []
        for axis in self.of.axes():
            before = self.of.distance(step(axis, -1))
            out.append((before, -before if self.has(step(axis, 1)) else before))
        return out


def passes(shape: tuple[int, ...]) -> list[Pass]:
    """All, in order."""
    top = (max(shape) - 1).bit_length()
    found = [Pass(shape, top, 0)]
    for level in reversed(range(top)):
        found += [Pass(shape, level, members) for members in sorted(range(1, 16), key=lambda m: (m.bit_count(), m))]
    return [of for of in found if of.count()]


def read(data: Stream, of: Pass, rich: bool) -> tuple[int, list[list[tuple[int, float]]]]:
    """(edge axes; for each box distances and weights of its stencil, none where there is none)."""
    kind, boxes = data.byte(), of.boxes()
    edge = kind & 15
    need(not edge & ~of.members and bool(edge) == bool(of.members), "stencils that do not fit the shape")
    main = max(boxes, key=lambda box: box.count())
    precisions = [kind >> 4 & 7 if box is main else data.byte() if kind & 128 and box.count() >= FITTING else 0 for box in boxes]
    return edge, [_fitted(data, box, p, rich) if p else _plain(box, edge) for box, p in zip(boxes, precisions, strict=True)]


def _plain(box: Box, edge: int) -> list[tuple[int, float]]:
    axes = [axis for axis in box.of.axes() if edge >> 3 - axis & 1]
    taps = [(step(axis, distance), weight / len(axes)) for axis in axes for distance, weight in CUBIC]
    if not all(box.has(offset) for offset, _ in taps):
        return []
    return [(box.of.distance(offset), weight) for offset, weight in taps]


def _fitted(data: Stream, box: Box, precision: int, rich: bool) -> list[tuple[int, float]]:
    places = [offset for offset in taps(box.of.axes(), box.of.wide(), rich) if box.has(offset)]
    size = data.byte()
    need(precision < 8 and places and 1 <= size <= WIDEST, "stencils that do not fit the shape")
    count, unit = len(places) - 1, 1 << 5 + 3 * precision
    planes = data.take(size * count)
    others = [int.from_bytes(planes[k::count], "little", signed=True) for k in range(count)]
    weights = [(unit - sum(others)) / unit, *(weight / unit for weight in others)]
    found = [(box.of.distance(offset), weight) for offset, weight in zip(places, weights, strict=True)]
    if places[-2:] == [step(3, -2), step(3, -4)]:  # the point just before is added last
        found[-2:] = found[:-3:-1]
    return found


def taps(axes: list[int], wide: list[int], rich: bool) -> list[Offset]:
    """The offsets of which a fitted stencil takes those that its box has."""
    found = [step(axis, sign * distance) for axis in axes for distance in (1, 3, 5) for sign in (-1, 1)]
    for k, axis in enumerate(axes):
        for other in axes[k + 1 :]:
            for a, b in ((1, 1), (1, 3), (3, 1)) if rich else ((1, 1),):
                found += _signs(axis, a, other, b)
        if len(axes) == 1:
            for other in wide:
                if other != axis:
                    for a in (1, 3) if rich else (1,):
                        found += _signs(axis, a, other, 2)
    found += [step(axis, distance) for axis in wide if axis != 3 for distance in ((-2, -4) if rich else (-2,))]
    return [*found, step(3, -2), step(3, -4)]


def step(axis: int, distance: int) -> Offset:
    """An offset along one axis."""
    return tuple(distance if k == axis else 0 for k in range(4))


def _signs(axis: int, a: int, other: int, b: int) -> list[Offset]:
    return [tuple(s * a if k == axis else t * b if k == other else 0 for k in range(4)) for s in (-1, 1) for t in (-1, 1)]


def edge_guess(field: list[float], of: Pass, edge: int, index: tuple[int, ...]) -> float:
    """The mean of the predictions along the edge axes, from the last on, that lie between two sides, else of all."""
    found = [_line(field, of, axis, index) for axis in reversed(range(4)) if edge >> 3 - axis & 1]
    best = [value for between, value in found if between == max(kind for kind, _ in found)]
    total = 0.0
    for value in best:
        total += value
    return total / len(best) if best else 0.0


def _line(field: list[float], of: Pass, axis: int, index: tuple[int, ...]) -> tuple[bool, float]:
    """(is it between two sides, prediction) along an axis."""
    at, s, far = of.place(index), 1 << of.level, of.distance(step(axis, 1))
    down, up = index[axis] // s, (of.shape[axis] - 1 - index[axis]) // s
    left = field[at - far]
    if not up:
        return False, 1.5 * left - 0.5 * field[at - 3 * far] if down >= 3 else left
    right = field[at + far]
    if down >= 3 and up >= 3:
        return True, 0.5625 * (left + right) - 0.0625 * (field[at - 3 * far] + field[at + 3 * far])
    if down >= 3:
        return True, 0.75 * left + 0.375 * right - 0.125 * field[at - 3 * far]
    if up >= 3:
        return True, 0.375 * left + 0.75 * right - 0.125 * field[at + 3 * far]
    return True, 0.5 * (left + right)
