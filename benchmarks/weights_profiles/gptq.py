"""Column by column, each one's error made good in the later ones by the inverse second moments (GPTQ, 2022); 1 % damping."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix
from .uniform import extent, nearest

Choose = Callable[[Matrix, int], tuple[NDArray[np.int64], Matrix]]
"""(values of a column, its number) -> (numbers, restored values)."""


def gptq(weight: Matrix, bits: int, group: int, hessian: Matrix | None) -> Coded:
    """Groups store their least value and their step, 16 bits each. hessian: mean of x x^T; without it, this is `uniform`."""
    groups = 0

    def begin(part: Matrix, _: int) -> Choose:
        nonlocal groups
        groups += len(part)
        least, step = extent(part, bits)

        def choose(column: Matrix, _: int) -> tuple[NDArray[np.int64], Matrix]:
            numbers = nearest(column, least[:, 0], step[:, 0], bits)
            return numbers, numbers * step[:, 0] + least[:, 0]

        return choose

    restored, numbers = fed(weight, hessian, group, begin)
    return Coded(restored, numbers, 1 << bits, 32.0 * groups)


def fed(
    weight: Matrix, hessian: Matrix | None, group: int, begin: Callable[[Matrix, int], Choose]
) -> tuple[Matrix, NDArray[np.int64]]:
    """(restored, numbers) of a matrix. begin: what chooses, for f64[rows, group] from this column on, as the errors left it."""
    work, columns = weight.astype(np.float64), weight.shape[1]
    numbers = np.empty(weight.shape, np.int64)
    upper = None if hessian is None else inverse_root(hessian)
    for first in range(0, columns, group):
        stop = min(columns, first + group)
        choose = begin(work[:, first:stop], first)
        errors = np.empty((len(work), stop - first))
        for j in range(first, stop):
            numbers[:, j], restored = choose(work[:, j], j)
            if upper is not None:
                errors[:, j - first] = (work[:, j] - restored) / upper[j, j]
                work[:, j + 1 : stop] -= np.outer(errors[:, j - first], upper[j, j + 1 : stop])
            work[:, j] = restored
        if upper is not None:
            work[:, stop:] -= errors @ upper[first:stop, stop:]
    return work.astype(np.float32), numbers


def inverse_root(hessian: Matrix) -> Matrix:
    """Upper triangular U with U^T U the inverse of the damped moments."""
    return np.linalg.cholesky(np.linalg.inv(damped(hessian))).T


def damped(hessian: Matrix) -> Matrix:
    """With 1 % of the mean diagonal added."""
    return hessian + 0.01 * np.trace(hessian) / len(hessian) * np.eye(len(hessian))
