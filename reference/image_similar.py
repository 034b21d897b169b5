"""Least squares over the pixels close by, each weighted by how much its neighbours look like those of the present pixel."""

import numpy as np

from reference.image_squares import Solver, Squares, row_size, tame
from reference.vectors import running, squared_distances

COMPARED = 8  # taps
PRIOR, RIDGE = 0.003, 0.03
NEARNESS = 0.025


class Similar:
    """One more predictor of a plane, with the taps of its second group: what `squares` has summed counts a little."""

    def __init__(self, squares: Squares, height: int, unit: float) -> None:
        self.squares, self.unit = squares, unit
        self.reach, self.m = squares.setup.reach, squares.counts[1]
        self.past = np.zeros((height, squares.width, row_size(self.m)))  # taps and target of every pixel
        self.weights = np.zeros((height, squares.width))
        apart = np.arange(-self.reach, self.reach + 1) ** 2
        self.nearness = 1.0 / (1.0 + (apart[None, :] + apart[self.reach :, None]) * NEARNESS)

    def predict(self, sample: np.ndarray, y: int, x: int, energy: float) -> float:
        """What it says, relative to the pixel's centre. energy: mean size of the errors around."""
        m, width = self.m, self.squares.width
        matrix = self._start(x)
        unlike = 16.0 * energy * energy + 4.0 / (self.unit * self.unit)
        left = max(x - self.reach, 0)
        for dy in range(min(y, self.reach) + 1):
            right = min(x + self.reach + 1, width) if dy > 0 else x
            if right == left:
                continue
            past = self.past[y - dy, left:right]
            near = self.nearness[dy, left - x + self.reach : right - x + self.reach]
            distance = squared_distances(past[:, :COMPARED], sample[:COMPARED])
            weight = self.weights[y - dy, left:right] * near * unlike / (distance + unlike)
            weighed = past * weight[:, None]
            matrix = running(np.concatenate([matrix[None], weighed[:, :m, None] * past[:, None, :]]))
        coefficients = Solver(matrix, m).coefficients(m)
        total = 0.0
        for i in range(m):
            total += float(coefficients[i] * sample[i])
        return tame(total)

    def remember(self, sample: np.ndarray, y: int, x: int, target: float, weight: float) -> None:
        """Keep the pixel's taps and target."""
        self.past[y, x, : self.m] = sample[: self.m]
        self.past[y, x, self.m] = target
        self.weights[y, x] = weight

    def _start(self, x: int) -> np.ndarray:
        """What the first window of `squares` says of the first m taps and the target."""
        squares, m, n = self.squares, self.m, self.squares.n
        known = (squares.behind[0] + squares.ahead[0][x // squares.setup.block]) * PRIOR
        matrix = np.zeros((m, row_size(m)))
        matrix[:, :m], matrix[:, m] = known[:m, :m], known[:m, n]
        for i in range(m):
            matrix[i, i] += RIDGE
        return matrix
