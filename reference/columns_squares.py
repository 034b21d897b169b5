"""Least squares of columns: each column has a fit of its own, relative to the value before."""

import math

import numpy as np

from reference.audio_squares import Squares
from reference.columns_features import signed
from reference.columns_profiles import Settings
from reference.vectors import padded

MOST_TAPS, MOST_FITS, SOLVE_EVERY = 14, 64, 16
REACH = 65536.0  # units
RIDGE = 1.0


class Fits:
    """The fits of all columns."""

    def __init__(self, s: Settings, values: list[int]) -> None:
        self.s, self.values = s, values
        self.unit = 2.0**-s.shift
        self.pairs = taps(s)
        self.n = len(self.pairs) + 1
        self.fits = [Squares(self.n, s.keep, RIDGE) for _ in range(min(s.columns, MOST_FITS))]
        self.window = np.zeros(padded(self.n))

    def predict(self, column: int, mean: int) -> tuple[int, int]:
        """(prediction, eighths that it lost by rounding, from a half below)."""
        s, v = self.s, self.values
        apart = [v[-a] - v[-b] for a, b in self.pairs] + [mean - v[-s.near]]
        self.window[: self.n] = [self._scaled(step) for step in apart]
        total = self.fits[column % len(self.fits)].predict(self.window)
        step = limited(total) / self.unit
        whole = math.floor(step + 0.5)
        return v[-s.near] + whole, int((step + 0.5 - whole) * 8.0)

    def learn(self, column: int) -> None:
        """The newest value was right."""
        v = self.values
        target = self._scaled(v[-1] - v[-1 - self.s.near])
        solve = (len(v) - 1) // self.s.columns % SOLVE_EVERY == 0
        self.fits[column % len(self.fits)].learn(self.window, target, solve)

    def _scaled(self, apart: int) -> float:
        return limited(float(signed(apart, self.s.bits)) * self.unit)


def limited(x: float) -> float:
    """Within reach; no number becomes the lower end."""
    return min(x, REACH) if x > -REACH else -REACH


def taps(s: Settings) -> list[tuple[int, int]]:
    """Pairs of values, by how far back they are, whose differences predict."""
    n, above = s.near, s.above
    pairs = [(2 * n, n), (3 * n, n)]
    if s.stated_above:
        pairs += [(above, n), (above + n, n), (above - n, n), (2 * above, n), (above - 2 * n, n), (above + 2 * n, n)]
    elif n > 1:
        pairs += [(4 * n, n), (5 * n, n)]
    else:
        pairs += [(k, 1) for k in range(4, 13)]
    for k in range(1, min(n, 4)):
        pairs += [(k, k + n), (k, k + above if s.stated_above else n)]
    return pairs[:MOST_TAPS]
