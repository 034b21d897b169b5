"""The model for vectors: principal components, steps by reverse water-filling, and the scale that gives a size.

A direction of variance v gets numbers of step s * v^(-ALPHA / 2). ALPHA 0 gives the least squared error; 1 the least error of
inner products with vectors distributed like these, as errors of directions that queries are long in weigh more. Directions whose
numbers would mostly be 0 are left out: those where the bits, of the direction itself too, cost more than the error they save.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.vectors import _kernel as kernels
from lacodec.codecs.vectors._model import MOST_TABLES, Floats, Model, powers, tables_of
from lacodec.entropy.information import code_lengths

ALPHA = 0.5
PRICE = 0.1
"""Squared steps that a bit may cost."""
SAMPLE = 1 << 16
"""Vectors that the model is fitted on, at most."""
MOST = 2000  # the largest number in a table
_SEARCHED = 1 << 12  # vectors that the first search looks at
_WORTH = 0.25  # standard deviations in steps below which a direction is surely left out
_BASIS = 2.0  # fineness of directions, relative to where a bit is worth as much as in a number
_PASSES = 2
_LOWEST, _HIGHEST = -10.0, 6.0  # log2 of the scale, relative to the largest deviation
_CLOSE = 0.002  # octaves at which the search ends: about a thousandth of the size


@dataclass(frozen=True)
class Components:
    """mean f64[d]; variances f64[d], the largest first; basis f64[d, d], a direction in each row; exponent of the scale."""

    mean: Floats
    variances: Floats
    basis: Floats
    exponent: int
    unit: bool


@dataclass(frozen=True)
class Trial:
    """What numbers of K directions are at a scale: bits of all, and squared error in the end."""

    count: int
    bits: float
    spread: NDArray[np.int64]
    which: NDArray[np.uint8]
    counts: NDArray[np.int64]
    lengths: NDArray[np.float32]
    numbers: NDArray[np.int32]


def components(rows: np.ndarray) -> Components:
    """Of a sample of vectors [n, d]."""
    largest = float(np.abs(rows).max(initial=0))
    exponent = math.frexp(largest)[1] if largest else 0
    scaled = np.ldexp(rows.astype(np.float64), -exponent)
    mean = scaled.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    apart = scaled - mean
    variances, vectors = np.linalg.eigh(apart.T @ apart / max(1, len(rows)))
    with np.errstate(over="ignore"):
        lengths = np.ldexp(np.sqrt(np.square(scaled).sum(axis=1)), exponent)
    unit = rows.dtype.kind == "f" and len(rows) > 0 and bool((np.abs(lengths - 1) < 1e-3).all())
    # A direction's sign is left to chance by the library: the largest entry is positive.
    basis = vectors.T[::-1].copy()
    basis *= np.where(basis[np.arange(len(basis)), np.abs(basis).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    return Components(mean, np.maximum(variances[::-1], 0), basis, exponent, unit)


class Fit:
    """Models of all scales for one sample. total: vectors in the file."""

    def __init__(self, rows: np.ndarray, total: int) -> None:
        self.parts, self.total, self.missed = components(rows), total, 0.0
        scaled = np.ldexp(rows.astype(np.float64), -self.parts.exponent)
        self._values = (scaled - self.parts.mean) @ self.parts.basis.T
        self._scaled = scaled
        top = max(float(self.parts.variances[0]), 1e-300)
        self._ratios = np.maximum(self.parts.variances / top, 1e-12)
        self._top = math.sqrt(top)

    def bits(self, octaves: float, few: bool = False) -> float:
        """Bits of all numbers and of the model at a scale of 2^octaves; few: by a part of the sample."""
        values = self._values[: _SEARCHED if few else None]
        trial = self._trial(octaves, values)
        share = self.total / max(1, len(values))
        return share * trial.bits + self.model_bits(octaves, trial.count) + self.missed

    def model(self, octaves: float) -> tuple[Model, NDArray[np.float32]]:
        """The model at a scale, and the code lengths [T, 2 * most + 1] by which numbers are chosen."""
        parts = self.parts
        count = self._trial(octaves, self._values).count
        scale = self._top * 2.0**octaves
        spread = self._spread()[:count]
        fineness = np.concatenate([[self._mean_fineness(scale)], self._fineness(scale, spread, count)]).astype(np.int64)
        rows = np.concatenate([parts.mean[None], parts.basis[:count]])
        matrix = np.clip(np.rint(rows / powers(fineness)[:, None]), -32767, 32767).astype(np.int16)
        empty = Model(
            parts.exponent, parts.unit, matrix, fineness, scale, spread, None, np.zeros(0, np.uint8), np.zeros((0, 2), np.int8)
        )
        if not count:
            return empty, np.zeros((0, 1), np.float32)
        values = coordinates(self._scaled, empty)
        trial = self._trial(octaves, values)
        tables = tables_of(trial.counts)
        shifts = _shifts(values / empty.steps, trial)
        return Model(parts.exponent, parts.unit, matrix, fineness, scale, spread, tables, trial.which, shifts), trial.lengths

    def _spread(self) -> NDArray[np.int64]:
        return np.rint(-4 * ALPHA * np.log2(self._ratios)).astype(np.int64)

    def _trial(self, octaves: float, values: Floats) -> Trial:
        """Numbers of all directions that may be worth it, chosen, and how many of them are."""
        spread = self._spread()
        steps = self._top * 2.0**octaves * powers(spread)
        sizes = np.sqrt(self.parts.variances) / steps
        count = min(int(np.argmin(np.append(sizes, 0) > _WORTH)), values.shape[1])
        classes = np.rint(4 * np.log2(np.maximum(sizes[:count], 1e-9))).astype(np.int64)
        classes = np.minimum(classes.max(initial=0) - classes, MOST_TABLES - 1)
        which = np.unique(classes, return_inverse=True)[1].astype(np.uint8)
        tables = int(which.max(initial=0)) + 1
        part = np.ascontiguousarray(values[:, :count])
        most = min(MOST, int(np.abs(part / steps[:count]).max(initial=0)) + 1)
        counts, lengths = np.zeros((tables, 2 * most + 1), np.int64), np.zeros((tables, 2 * most + 1), np.float32)
        numbers = np.zeros(part.shape, np.int32)
        for number in range(_PASSES + 1):
            counts[...] = 0
            kernels.choose(part, steps[:count], which, lengths, most, PRICE if number else 0.0, numbers, counts)
            code_lengths(counts, lengths)
        found = lengths[which[None, :], most + np.clip(numbers, -most, most)].astype(np.float64)
        bits = found.sum(axis=0)
        size = part / steps[:count]
        saved = (np.square(size) - np.square(size - numbers)).sum(axis=0)
        share = self.total / max(1, len(part))
        worth = share * (saved - PRICE * bits) - PRICE * self._basis_bits(self._top * 2.0**octaves, spread, count)
        kept = int(np.flatnonzero(worth > 0)[-1]) + 1 if (worth > 0).any() else 0
        return Trial(kept, float(bits[:kept].sum()), spread, which, counts, lengths, numbers)

    def _fineness(self, scale: float, spread: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """log2 of the steps of directions, in eighths: where an error in all vectors costs as much as in their numbers."""
        middle = scale * float(powers(spread[:count][count // 2 : count // 2 + 1]).max(initial=1e-300))
        steps = _BASIS * middle / np.sqrt(self.total * np.maximum(self.parts.variances[:count], 1e-300))
        return np.rint(8 * np.log2(np.clip(steps, 2.0**-14, 0.5))).astype(np.int64)

    def _mean_fineness(self, scale: float) -> int:
        return round(8 * math.log2(min(max(scale / (4 * math.sqrt(max(1, self.total))), 2.0**-14), 0.5)))

    def _basis_bits(self, scale: float, spread: NDArray[np.int64], count: int) -> Floats:
        """Estimated bits of each direction."""
        columns = len(self.parts.mean)
        sigma = 1 / math.sqrt(columns) / powers(self._fineness(scale, spread, count))
        return columns * np.log2(1 + 4.13 * sigma) + 24

    def model_bits(self, octaves: float, count: int) -> float:
        """Estimated bits of the model; `missed` is what the estimate is known to lack."""
        scale = self._top * 2.0**octaves
        mean = np.abs(self.parts.mean).mean() / 2.0 ** (self._mean_fineness(scale) / 8)
        return float(
            self._basis_bits(scale, self._spread(), count).sum() + len(self.parts.mean) * math.log2(1 + 5 * mean) + 2000
        )  # and tables


def coordinates(scaled: Floats, model: Model) -> Floats:
    """f64[n, K]: what vectors (times 2^-exponent) are in the stored directions, which are not quite orthogonal; least squares."""
    rows = model.rows
    basis = rows[1:]
    return np.linalg.solve(basis @ basis.T, basis @ (scaled - rows[0]).T).T.copy()


def scale_for(wanted: float, size_at: Callable[[float, bool], float], near: float | None = None) -> float:
    """log2 of the largest scale for which size_at(scale, whether roughly) is at most `wanted`, about; or the highest there is.

    near: where it lies, about; without, it is searched for by rough sizes first.
    """
    low, high = _LOWEST, _HIGHEST
    for _ in range(0 if near is not None else 11):
        middle = (low + high) / 2
        low, high = (middle, high) if size_at(middle, True) > wanted else (low, middle)
    low = high = (low + high) / 2 if near is None else near
    step = 0.02
    if size_at(high, False) > wanted:
        while high < _HIGHEST and size_at(high, False) > wanted:
            low, high, step = high, high + step, 2 * step
    else:
        while low > _LOWEST and size_at(low, False) <= wanted:
            low, high, step = low - step, low, 2 * step
    while high - low > _CLOSE:
        middle = (low + high) / 2
        low, high = (middle, high) if size_at(middle, False) > wanted else (low, middle)
    return high


def _shifts(size: Floats, trial: Trial) -> NDArray[np.int8]:
    """How far the mean of what became a number lies nearer to 0 than it, in 256ths of a step, for sizes of 1 and more."""
    found = np.zeros((len(trial.counts), 2), np.int8)
    apart = np.abs(trial.numbers) - np.where(trial.numbers < 0, -size, size)
    for table in range(len(found)):
        columns = trial.which == table
        numbers, error = np.abs(trial.numbers[:, columns]), apart[:, columns]
        for which, chosen in enumerate((numbers == 1, numbers > 1)):
            if chosen.any():
                found[table, which] = np.clip(np.rint(256 * error[chosen].mean()), -127, 127)
    return found
