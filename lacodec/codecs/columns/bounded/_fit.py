"""Stencils fitted to the data, on samples: least squares, with the error that the known points will have."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._fit_kernel import cost, gather, solve
from lacodec.codecs.columns.bounded._passes import Box, Pass, Taps
from lacodec.codecs.columns.bounded._stencil import FITTING, Stencil, Stencils, plain, rounded, unit, width_of
from lacodec.codecs.columns.bounded._taps import AXES

Floats = NDArray[np.float64]
_SAMPLES = 2048  # of the main box
_FEW = 20  # samples a tap, of others
_PER_TAP = 8  # samples without which nothing is fitted
_LARGEST = 1000.0  # weight: others are of no use
_PRECISIONS = (1, 3, 5)  # of weights, to try
_WORTH, _WORTH_RICH = 0.4, 0.05  # bits a point that the main fit saves, without which outer boxes have none
_UNKNOWN = 0.1  # of the variance of errors, once they are known
_CHEAP = 0.5  # bits a point in an outer box, below which its fit would not save enough


def fit(field: Floats, decoded: Floats | None, of: Pass, step: float, fitting: bool, rich: bool) -> Stencils:
    """The stencils that promise the fewest bits; field, f64[n]: all points; decoded: as a decoder found them, with others."""
    edge, best, saved = of.members, None, 0.0
    if of.main.count >= FITTING and of.members:
        main = _Sample(field, decoded, of.main, of.main.taps(rich and fitting), _SAMPLES, step)
        edges = [of.members] + [1 << (AXES - 1 - axis) for axis in of.axes if len(of.axes) > 1]
        costs = [main.cost(stencil) if (stencil := plain(of.main, one)) else np.inf for one in edges]
        edge = edges[int(np.argmin(costs))]
        if fitting:
            best, after = main.fit(min(costs))
            saved = min(costs) - after
    found = []
    for box in of.boxes:
        stencil = best if box is of.main else None
        if box is not of.main and box.count >= FITTING and saved > (_WORTH_RICH if rich else _WORTH):
            stencil = _outer(field, decoded, box, rich, step)
        found.append(stencil or plain(box, edge))
    return Stencils(edge, tuple(found))


def _outer(field: Floats, decoded: Floats | None, box: Box, rich: bool, step: float) -> Stencil | None:
    """A fit for a box that is not the main one."""
    places = box.taps(rich)
    sample = _Sample(field, decoded, box, places, _FEW * len(places.offsets), step)
    simple = plain(box, box.of.members)
    before = min(sample.near(1), sample.cost(simple) if simple else sample.near(len(box.of.axes) * 2))
    return sample.fit(before)[0] if before > _CHEAP else None


class _Sample:
    """Points of a box and what is around them."""

    def __init__(self, field: Floats, decoded: Floats | None, box: Box, places: Taps, most: int, step: float) -> None:
        self.box, self.places, self.step = box, places, step
        # Errors of the known points: even within a step, or those that they had, and a little, since they will not be the same.
        self.noise = step * step / 12 * (1.0 if decoded is None else _UNKNOWN)
        points = _points(box, most)
        self.around, self.values = np.empty((len(points), len(places.flat))), np.empty(len(points))
        gather(field, field if decoded is None else decoded, points, places.flat, self.around, self.values)

    def cost(self, stencil: Stencil) -> float:
        """About how many bits a residual takes."""
        if stencil.taps is self.places:
            return self._cost(stencil.weights)
        weights = np.zeros(len(self.places.offsets))
        weights[[self.places.offsets.index(tap) for tap in stencil.taps.offsets]] = stencil.weights
        return self._cost(weights)

    def near(self, count: int) -> float:
        """The same for the mean of the first of the nearest points."""
        near = [k for k, offset in enumerate(self.places.offsets) if sum(map(abs, offset)) == 1][:count]
        weights = np.zeros(len(self.places.offsets))
        weights[near] = 1 / len(near)
        return self._cost(weights)

    def _cost(self, weights: Floats) -> float:
        return float(cost(self.around, self.values, weights, self.noise, self.step))

    def fit(self, before: float) -> tuple[Stencil | None, float]:
        """The stencil of least squares, with weights of the best precision, if it saves more than it takes; bits a point."""
        count = len(self.places.offsets)
        weights = np.zeros(count)
        if len(self.values) < _PER_TAP * count or count < 2:
            return None, before
        solved = solve(self.around, self.values, self.noise, np.zeros((count - 1, count)), weights)
        if not solved or not np.abs(weights).max() < _LARGEST:
            return None, before
        best, least, bits = None, before * self.box.count, before
        for precision in _PRECISIONS:
            others = np.rint(weights[1:] * unit(precision)).astype(np.int64)
            stencil = rounded(self.places, others, precision)
            each = self._cost(stencil.weights)
            total = each * self.box.count + 8 * width_of(others) * count + 8
            if total < least:
                best, least, bits = stencil, total, each
        return best, bits


def _points(box: Box, most: int) -> NDArray[np.int64]:
    """Places of some points of the box, evenly spread but for a hash, so that no rhythm of the data is met."""
    total = box.count
    chosen = np.arange(min(total, most))
    if total > most:
        chosen = chosen * total // most + (chosen * 40503 % 65536 * (total // most) >> 16)
    flat, scale = np.zeros(len(chosen), np.int64), 1
    for axis in range(AXES - 1, -1, -1):
        places = box.along(axis)
        chosen, index = np.divmod(chosen, len(places))
        flat += (places.start + index * places.step) * scale
        scale *= box.of.shape[axis]
    return flat
