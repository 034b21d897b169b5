"""Bjontegaard's BD-rate: two rate-quality curves -> how many percent more bits one needs for equal quality, on average.

Bjontegaard, VCEG-M33, 2001, with piecewise cubic Hermite interpolation (pchip) of log-rate over quality, as is usual today.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.errors import BadInput

MIN_POINTS = 4


@dataclass(frozen=True)
class Line:
    """A rate-quality curve: bits per pixel and quality in dB (float64[n]), both strictly increasing."""

    name: str
    rates: np.ndarray
    qualities: np.ndarray

    @staticmethod
    def front(name: str, points: Sequence[tuple[float, float]]) -> "Line":
        """The line through (rate, quality) points in any order, without those that another beats in both."""
        kept: list[tuple[float, float]] = []
        for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
            if math.isfinite(quality) and rate > 0 and (not kept or quality > kept[-1][1]):
                kept.append((rate, quality))
        rates, qualities = np.array(kept, np.float64).reshape(-1, 2).T
        return Line(name, rates, qualities)

    def quality_at(self, rate: float) -> float:
        """Quality in dB at a rate between the first and the last."""
        return Pchip(np.log(self.rates), self.qualities)(math.log(rate))


@dataclass(frozen=True)
class BdRate:
    """`percent` more bits than the reference (negative: fewer), averaged over qualities from `low` to `high` dB."""

    percent: float
    low: float
    high: float


def bd_rate(reference: Line, line: Line, rates: tuple[float, float] | None = None) -> BdRate:
    """BD-rate of `line` against `reference` over the qualities that both reach.

    `rates` limits them further, to those that the reference has between two rates in bits per pixel.
    Raises BadInput for fewer than four points and for curves without a common range.
    """
    for one in (reference, line):
        if len(one.rates) < MIN_POINTS:
            raise BadInput(f"{one.name} has {len(one.rates)} usable points; a BD-rate needs at least {MIN_POINTS}")
    low = max(reference.qualities[0], line.qualities[0])
    high = min(reference.qualities[-1], line.qualities[-1])
    if rates is not None:
        low = max(low, _quality_near(reference, rates[0]))
        high = min(high, _quality_near(reference, rates[1]))
    if not low < high:
        within = f" within {rates[0]:g} to {rates[1]:g} bpp of {reference.name}" if rates else ""
        raise BadInput(
            f"{line.name} ({_span(line)}) and {reference.name} ({_span(reference)}) have no common range of quality{within}"
        )
    difference = _log_rate(line).integral(low, high) - _log_rate(reference).integral(low, high)
    return BdRate(100 * math.expm1(difference / (high - low)), float(low), float(high))


class Pchip:
    """The monotone cubic through points (Fritsch and Butland, 1984); x strictly increasing, at least two points."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self._x, self._y = x, y
        self._slopes = _slopes(np.diff(x), np.diff(y) / np.diff(x))

    def __call__(self, x: float) -> float:
        """The value at `x`, which is between the first and the last point."""
        i = self._piece(x)
        t = x - self._x[i]
        return float(np.polyval(self._cubic(i), t))

    def integral(self, low: float, high: float) -> float:
        """The exact integral between two places within the points."""
        edges = [low, *(float(x) for x in self._x if low < x < high), high]
        total = 0.0
        for start, end in itertools.pairwise(edges):
            i = self._piece((start + end) / 2)
            antiderivative = np.polyint(self._cubic(i))
            total += float(np.polyval(antiderivative, end - self._x[i]) - np.polyval(antiderivative, start - self._x[i]))
        return total

    def _piece(self, x: float) -> int:
        return int(np.clip(np.searchsorted(self._x, x, side="right") - 1, 0, len(self._x) - 2))

    def _cubic(self, i: int) -> tuple[float, float, float, float]:
        """Coefficients of piece `i`, highest power first, in the distance from its left point."""
        width = self._x[i + 1] - self._x[i]
        secant = (self._y[i + 1] - self._y[i]) / width
        left, right = self._slopes[i], self._slopes[i + 1]
        return (left + right - 2 * secant) / width**2, (3 * secant - 2 * left - right) / width, left, self._y[i]


def _slopes(widths: np.ndarray, secants: np.ndarray) -> np.ndarray:
    if len(widths) == 1:
        return np.repeat(secants, 2)
    slopes = np.zeros(len(widths) + 1)
    for i in range(1, len(widths)):
        before, after = secants[i - 1], secants[i]
        if before * after > 0:  # else a local extreme, which stays one
            weight = 2 * widths[i] + widths[i - 1], widths[i] + 2 * widths[i - 1]
            slopes[i] = sum(weight) / (weight[0] / before + weight[1] / after)
    slopes[0] = _end_slope(widths[0], widths[1], secants[0], secants[1])
    slopes[-1] = _end_slope(widths[-1], widths[-2], secants[-1], secants[-2])
    return slopes


def _end_slope(width: float, next_width: float, secant: float, next_secant: float) -> float:
    """Three-point slope at an end, bent back where it would break monotony."""
    slope = ((2 * width + next_width) * secant - width * next_secant) / (width + next_width)
    if slope * secant <= 0:
        return 0.0
    if secant * next_secant <= 0 and abs(slope) > abs(3 * secant):
        return 3 * secant
    return slope


def _log_rate(line: Line) -> Pchip:
    return Pchip(line.qualities, np.log(line.rates))


def _quality_near(line: Line, rate: float) -> float:
    """Quality where the interpolated log-rate reaches `rate`; the first or last point's for a rate outside."""
    if rate <= line.rates[0] or rate >= line.rates[-1]:
        return float(line.qualities[0 if rate <= line.rates[0] else -1])
    curve, low, high = _log_rate(line), float(line.qualities[0]), float(line.qualities[-1])
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if curve(middle) < math.log(rate) else (low, middle)
    return low


def _span(line: Line) -> str:
    return f"{line.qualities[0]:.2f} to {line.qualities[-1]:.2f} dB"
