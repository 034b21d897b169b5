"""Running regressions of a plane: its sums of products fade from block to block of eight pixels."""

import numpy as np

from reference.image_squares import Solver, products, row_size
from reference.vectors import dot

BLOCK = 8
RIDGE = 4.0


class Fit:
    """Says what follows from features. keep: fading per block; prior: the coefficients at the start, and what ridge draws to."""

    def __init__(self, n: int, keep: float, prior: list[float], period: int, width: int) -> None:
        self.n, self.keep, self.period, self.width = n, keep, period, width
        self.prior = prior + [0.0] * (row_size(n) - len(prior))
        self.coefficients = np.array(self.prior)
        self.sums = np.zeros((n, row_size(n)))
        self.samples = np.zeros((BLOCK, row_size(n)))
        self.weights = [0.0] * BLOCK

    def predict(self, x: int, features: list[float]) -> float:
        """What it says of the pixel at column x."""
        sample = self.samples[x % BLOCK]
        sample[: self.n], sample[self.n :] = features, 0.0
        return dot(self.coefficients, sample)

    def learn(self, x: int, target: float, weight: float) -> None:
        """Take in what was right; fit anew in every `period`-th block."""
        block, inside = divmod(x, BLOCK)
        self.samples[inside, self.n], self.weights[inside] = target, weight
        if inside + 1 < BLOCK and x + 1 < self.width:
            return
        added = products(self.samples[: inside + 1], self.weights[: inside + 1], self.n)
        self.sums = self.sums * self.keep + added
        if block % self.period:
            return
        matrix = self.sums.copy()
        for i in range(self.n):
            matrix[i, i] += RIDGE
            matrix[i, self.n] += RIDGE * self.prior[i]
        self.coefficients = Solver(matrix, self.n).coefficients(self.n)
