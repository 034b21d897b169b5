"""Levels of each row by k-means that weighs each weight by what the loss says of it, and outliers apart (SqueezeLLM, 2023)."""

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix, apart, half, largest

_SENSITIVE = 1 / 9  # of the outliers: 0.05 of 0.45 %
_PASSES = 300


def squeezellm(weight: Matrix, bits: int, share: float = 0.0045, fisher: Matrix | None = None) -> Coded:
    """share: of the weights that are kept as 16-bit floats: the largest, and those with the largest `fisher`."""
    if fisher is None:
        fisher, outliers = np.ones(weight.shape), largest(np.abs(weight), share)
    else:
        outliers = largest(np.abs(weight), share * (1 - _SENSITIVE)) | largest(fisher, share * _SENSITIVE)
    levels, _ = lloyd(weight, np.where(outliers, 0, fisher), 1 << bits)
    levels = np.sort(half(levels), axis=1)
    numbers = _nearest(weight, levels)
    restored = np.where(outliers, half(weight), np.take_along_axis(levels, numbers, 1)).astype(np.float32)
    return Coded(restored, numbers, 1 << bits, 16.0 * levels.size + apart(outliers))


def lloyd(weight: Matrix, matters: Matrix, count: int) -> tuple[Matrix, NDArray[np.int64]]:
    """(levels f64[rows, count] in order, numbers) that neither a nearer level nor a better mean changes any more.

    Rows begin at their quantiles, and at equal steps; what ends with less error counts.
    """
    values = weight.astype(np.float64)
    least, most = values.min(1, keepdims=True), values.max(1, keepdims=True)
    starts = np.quantile(values, (np.arange(count) + 0.5) / count, axis=1).T, np.linspace(least[:, 0], most[:, 0], count, axis=1)
    ends = [_settled(values, matters, levels) for levels in starts]
    errors = [(matters * np.square(values - np.take_along_axis(*end, 1))).sum(1, keepdims=True) for end in ends]
    (levels, numbers), (other, its) = ends
    better = errors[1] < errors[0]
    return np.where(better, other, levels), np.where(better, its, numbers)


def _settled(values: Matrix, matters: Matrix, levels: Matrix) -> tuple[Matrix, NDArray[np.int64]]:
    rows, count = levels.shape
    first = np.arange(rows)[:, None] * count
    numbers = _nearest(values, levels)
    for _ in range(_PASSES):
        which = (first + numbers).ravel()
        sums, masses = (
            np.bincount(which, part.ravel(), rows * count).reshape(rows, count) for part in (matters * values, matters)
        )
        levels = np.sort(np.where(masses > 0, sums / np.where(masses > 0, masses, 1), levels), axis=1)
        before, numbers = numbers, _nearest(values, levels)
        if np.array_equal(before, numbers):
            break
    return levels, numbers


def _nearest(values: Matrix, levels: Matrix) -> NDArray[np.int64]:
    """Of levels in order."""
    edges = (levels[:, 1:] + levels[:, :-1]) / 2
    return (values[:, :, None] > edges[:, None, :]).sum(2)
