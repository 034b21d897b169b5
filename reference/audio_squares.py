"""Recursive least squares by the covariance method, in doubles, solved by Cholesky's method."""

import numpy as np

from reference.vectors import LANES, add_lanes, dot, padded, running

TINY = 1e-30  # keeps fading sums out of the denormal numbers
LEAST = 1e-9


class Squares:
    """n numbers predict one; zeros fill them up to whole vectors. The sums of products fade by `keep` with every sample."""

    def __init__(self, n: int, keep: float, ridge: float, weights: list[float] | None = None) -> None:
        self.n, self.keep, self.ridge = n, keep, ridge
        self.matrix, self.moments = np.zeros((n, n)), np.zeros(n)
        self.weights = np.array(weights) if weights else np.zeros(padded(n))

    def predict(self, window: np.ndarray) -> float:
        """What follows from the numbers."""
        return dot(window, self.weights)

    def learn(self, window: np.ndarray, x: float, solve: bool) -> None:
        """Take in what was right."""
        window = window[: self.n]
        self.matrix = self.matrix * self.keep + (window * window[:, None] + TINY)
        self.moments = self.moments * self.keep + (window * x + TINY)
        if solve:
            self._solve()

    def _solve(self) -> None:
        """weights = (matrix + ridge)^-1 moments; they stay as they are when the matrix is not positive definite.

        The lower factor holds the reciprocals of the square roots on its diagonal. Columns are made one after the other.
        """
        n = self.n
        factor, reciprocals = np.zeros((n, padded(n))), np.zeros(n)
        for j in range(n):
            k = padded(j)
            values = self.matrix[j:, j].copy()
            if k:
                values -= add_lanes(running((factor[j:, :k] * factor[j, :k]).reshape(n - j, -1, LANES).transpose(1, 2, 0)) + 0.0)
            pivot = values[0] + self.ridge
            if not pivot > LEAST:
                return
            reciprocals[j] = 1.0 / np.sqrt(pivot)
            factor[j + 1 :, j] = values[1:] * reciprocals[j]
        weights = np.zeros(padded(n))
        for i in range(n):
            weights[i] = _less(self.moments[i], factor[i, :i] * weights[:i]) * reciprocals[i]
        for i in range(n - 1, -1, -1):
            weights[i] = _less(weights[i], factor[i + 1 :, i] * weights[i + 1 : n]) * reciprocals[i]
        self.weights = weights


def _less(total: float, terms: np.ndarray) -> float:
    """((total - terms[0]) - terms[1]) - ..."""
    return np.subtract.accumulate(np.concatenate([[total], terms]))[-1]
