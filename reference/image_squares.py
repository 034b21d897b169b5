"""Least squares in doubles: sums of products, elimination, and the local predictors of a plane.

Every decoded pixel adds its products (of taps, and of taps and target) to normal equations whose weight fades with the distance
in columns and rows. Sums are kept for blocks of columns and swept along each row:

    sums of rows above --from the right--> ahead[block]
    sums with this row --from the left---> behind            behind + ahead[block] --solve--> coefficients

A matrix has a row for each tap, and the target as column n; only its upper triangle means anything.
"""

import numpy as np

from reference.image_setup import Setup, Tap
from reference.vectors import LANES, dot

LEAST_PIVOT = 1e-9
WILD = 1e6


def row_size(n: int) -> int:
    """Numbers in a row for n taps and the target, in whole vectors."""
    return (n // LANES + 1) * LANES


def products(samples: np.ndarray, weights: list[float], n: int) -> np.ndarray:
    """The sum over samples (rows of taps, then the target), the first one first, of weight x tap x (tap or target)."""
    total = np.zeros((n, samples.shape[1]))
    for sample, weight in zip(samples, weights, strict=True):
        total += (sample * weight)[:n, None] * sample
    return total


class Solver:
    """L D L' of a matrix, without pivoting. Its first steps serve the problems with the first taps alone, too."""

    def __init__(self, matrix: np.ndarray, n: int) -> None:
        """`matrix` is used up."""
        self.matrix, self.n = matrix, n
        self.lower = np.zeros((n, row_size(n)))
        self.inverses = np.zeros(n)
        for c in range(n):
            pivot = matrix[c, c]
            inverse = self.inverses[c] = 1.0 / (LEAST_PIVOT if pivot < LEAST_PIVOT else pivot)
            factors = self.lower[c + 1 :, c] = matrix[c, c + 1 : n] * inverse
            matrix[c + 1 : n] += matrix[c] * -factors[:, None]

    def coefficients(self, order: int) -> np.ndarray:
        """Those of the first `order` taps; zeros behind them."""
        found = np.zeros(row_size(self.n))
        found[:order] = self.matrix[:order, self.n] * self.inverses[:order]
        for j in range(order - 1, 0, -1):
            found[:j] += self.lower[j, :j] * -found[j]
        return found


class Squares:
    """The predictors of one plane: for each window, one for each number of taps."""

    def __init__(self, setup: Setup, plane: int, width: int) -> None:
        self.setup, self.plane, self.width = setup, plane, width
        self.taps, self.counts = setup.taps(plane)
        self.n = len(self.taps)
        blocks, size = -(-width // setup.block), row_size(self.n)
        self.columns = [np.zeros((blocks, self.n, size)) for _ in setup.windows]
        self.ahead = [np.zeros((blocks, self.n, size)) for _ in setup.windows]
        self.behind = [np.zeros((self.n, size)) for _ in setup.windows]
        self.samples = np.zeros((setup.block, size))
        self.weights = [0.0] * setup.block
        self.coefficients: list[np.ndarray] = []

    def start_row(self) -> None:
        """Before a row: fade the sums, add them up from the right."""
        for o, window in enumerate(self.setup.windows):
            fade = _power(window.column_fade, self.setup.block)
            self.columns[o] *= window.row_fade
            self.behind[o][:] = 0.0
            self.ahead[o][-1] = self.columns[o][-1]
            for b in range(len(self.columns[o]) - 2, -1, -1):
                self.ahead[o][b] = self.columns[o][b] + fade * self.ahead[o][b + 1]

    def predict(self, sample: np.ndarray, x: int) -> list[float]:
        """What each predictor says, relative to the pixel's centre; `sample` has the taps, then zeros."""
        block, inside = divmod(x, self.setup.block)
        if inside == 0:
            self.coefficients = []
            for o, window in enumerate(self.setup.windows):
                matrix = self.behind[o] + self.ahead[o][block]
                for i in range(self.n):
                    matrix[i, i] += window.ridge
                solver = Solver(matrix, self.n)
                self.coefficients += [solver.coefficients(order) for order in self.counts]
        self.samples[inside] = sample
        return [tame(dot(coefficients, sample)) for coefficients in self.coefficients]

    def learn(self, x: int, target: float, weight: float) -> None:
        """Take in the pixel; `target` is relative to its centre."""
        block, inside = divmod(x, self.setup.block)
        self.samples[inside, self.n], self.weights[inside] = target, weight
        if inside + 1 < self.setup.block and x + 1 < self.width:
            return
        added = products(self.samples[: inside + 1], self.weights[: inside + 1], self.n)
        for o, window in enumerate(self.setup.windows):
            self.columns[o][block] += added
            self.behind[o] = _power(window.column_fade, self.setup.block) * (self.behind[o] + self.columns[o][block])


def gather(pixels: np.ndarray, plane: int, taps: list[Tap], row: int, column: int) -> np.ndarray:
    """Each tap of the pixel at [row, column] (margins included), less the mean of left and upper neighbour in the tap's plane."""
    centres = [(float(each[row, column - 1]) + float(each[row - 1, column])) * 0.5 for each in pixels[: plane + 1]]
    sample = np.zeros(row_size(len(taps)))
    for i, (q, dy, dx) in enumerate(taps):
        sample[i] = float(pixels[q, row + dy, column + dx]) - centres[q]
    return sample


def tame(total: float) -> float:
    """0 in place of what is far out, or no number."""
    return total if -WILD < total < WILD else 0.0


def _power(factor: float, times: int) -> float:
    """By multiplication, from 1.0 on."""
    result = 1.0
    for _ in range(times):
        result *= factor
    return result
