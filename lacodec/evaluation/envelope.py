"""BD-rate against the best of several curves: at each rate the best of them is the reference.

The envelope gives, for a quality, the lowest rate at which any of the curves is at least as good: on a curve's own pchip, and
at its first point for all qualities below that.
"""

import math
from collections.abc import Sequence

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.bd_rate import MIN_POINTS, BdRate, Line, Pchip

_STEPS = 2048  # of the integral over quality
_HALVINGS = 60


class Envelope:
    """The best of `lines`, of which those with fewer than two points are left out.

    Raises BadInput when the others have fewer than four points together.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = [line for line in lines if len(line.rates) > 1]
        self.name = "the best of " + ", ".join(line.name for line in lines) if len(lines) > 1 else lines[0].name
        if sum(len(line.rates) for line in self._lines) < MIN_POINTS:
            raise BadInput(f"{self.name} has too few usable points; a BD-rate needs at least {MIN_POINTS}")
        self._log_rates = [Pchip(line.qualities, np.log(line.rates)) for line in self._lines]
        self.low = min(float(line.qualities[0]) for line in self._lines)
        self.high = max(float(line.qualities[-1]) for line in self._lines)

    def log_rate(self, quality: float) -> float:
        """The logarithm of the lowest rate with this quality, which is at most `high`."""
        return min(
            curve(max(quality, float(line.qualities[0])))
            for line, curve in zip(self._lines, self._log_rates, strict=True)
            if quality <= line.qualities[-1]
        )

    def quality(self, rate: float) -> float:
        """The best quality at a rate; `low` or `high` for a rate outside."""
        low, high, wanted = self.low, self.high, math.log(rate)
        if self.log_rate(low) > wanted:
            return low
        if self.log_rate(high) <= wanted:
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.log_rate(middle) <= wanted else (low, middle)
        return low


def bd_rate_of_best(
    references: Sequence[Line],
    line: Line,
    rates: tuple[float, float] | None = None,
    between: tuple[float, float] | None = None,
) -> BdRate:
    """BD-rate of `line` against the best of `references` over the qualities that both reach.

    `rates` limits them to those that the best has between two rates, `between` to those between two qualities. Raises BadInput
    for too few points and for curves without a common range.
    """
    best = Envelope(references)
    if len(line.rates) < MIN_POINTS:
        raise BadInput(f"{line.name} has {len(line.rates)} usable points; a BD-rate needs at least {MIN_POINTS}")
    low, high = max(best.low, float(line.qualities[0])), min(best.high, float(line.qualities[-1]))
    if rates is not None:
        low, high = max(low, best.quality(rates[0])), min(high, best.quality(rates[1]))
    if between is not None:
        low, high = max(low, between[0]), min(high, between[1])
    if not low < high:
        mine, theirs = f"{line.qualities[0]:.2f} to {line.qualities[-1]:.2f}", f"{best.low:.2f} to {best.high:.2f}"
        raise BadInput(f"{line.name} ({mine}) and {best.name} ({theirs}) have no common range of quality within the limits")
    places = low + (np.arange(_STEPS) + 0.5) * (high - low) / _STEPS
    reference = float(np.mean([best.log_rate(float(quality)) for quality in places]))
    own = Pchip(line.qualities, np.log(line.rates)).integral(low, high) / (high - low)
    return BdRate(100 * math.expm1(own - reference), low, high)
