"""Arithmetic of calibration: triangles of second moments, exponents of steps, and whether feedback helps on other text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised.quantise import PRICE, Feedback, count_classes, quantise
from lacodec.entropy.information import information

_DAMPING = 0.01  # of the mean diagonal, as in GPTQ
_SAMPLED = 192  # rows that tell whether feedback pays
_STEP = 0.9  # of the root mean square, for these: about two and a half bits
_TREND = 257  # words around one that tell what it is expected to weigh
_TRUST = 1.0  # occurrences that this expectation counts for


@dataclass(frozen=True, eq=False)
class Triangle:
    """Of second moments H = R R^T with R upper triangular: f64[columns] the diagonal of R, and R^-1 with a diagonal of ones.

    A squared error of column j costs R_jj^2 if its error is made good in the columns after it: taken from column k > j times the
    (j, k) element of `inverse`. So this is GPTQ's order, and steps of 1 / R_jj share errors equally (WaterSIC, 2026).
    """

    diagonal: NDArray[np.float64]
    inverse: NDArray[np.float64]


def triangle(moments: NDArray[np.floating]) -> Triangle:
    """Of second moments, damped."""
    h = moments.astype(np.float64)
    h = h + (_DAMPING * h.trace() / len(h) + 1e-30) * np.eye(len(h))
    upper = np.linalg.cholesky(h[::-1, ::-1])[::-1, ::-1]
    diagonal = np.diag(upper).copy()
    return Triangle(diagonal, np.triu(np.linalg.inv(upper) * diagonal[:, None]))


def in_steps(factors: Triangle, columns: NDArray[np.int8]) -> NDArray[np.float32]:
    """`Feedback.square` for these exponents of the columns' steps."""
    ratios = np.exp2(columns / 8.0)
    return (factors.inverse * (ratios[:, None] / ratios)).astype(np.float32)


def exponents_of(octaves: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """(i8 eighths of an octave around the mean, the mean)."""
    mean = float(octaves.mean())
    return np.clip(np.rint(8 * (octaves - mean)), -127, 127).astype(np.int8), mean


def frequencies(rows: NDArray[np.float64], tokens: int) -> NDArray[np.float64]:
    """Mean squared gradients of words, which many texts hardly tell: drawn to those of words of about the same rank."""
    trend = np.exp(_smooth(np.log(_smooth(rows) + 1e-12)))
    return trend * (tokens * rows + _TRUST) / (tokens * trend + _TRUST)


def lowers_error(
    values: NDArray[np.float32],
    weights: NDArray[np.float64],
    columns: NDArray[np.int8],
    square: NDArray[np.float32],
    judge: NDArray[np.floating],
) -> bool:
    """Whether steps by column and feedback give less of the weighted output error on held-out inputs, at equal bits.

    weights: f64[rows]; judge: moments of these inputs.
    """
    chosen = np.linspace(0, len(values) - 1, min(len(values), _SAMPLED)).astype(np.int64)
    sample, weights = values[chosen].astype(np.float64), weights[chosen]
    sample = sample * np.sqrt(weights / weights.mean())[:, None]
    even = np.ones(len(columns))
    plain, fed = (
        _cost(sample, steps, feedback, judge) for steps, feedback in ((even, None), (np.exp2(columns / 8.0), Feedback(square)))
    )
    return fed < plain


def _cost(
    sample: NDArray[np.float64], steps: NDArray[np.float64], feedback: Feedback | None, judge: NDArray[np.floating]
) -> float:
    """Output error times what the bits would have saved of it: 6 dB each."""
    scale = _STEP * float(np.sqrt(np.square(sample / steps).mean())) or 1.0
    units = (sample / (scale * steps)).astype(np.float32)
    grids, base = quantise([units], PRICE, [feedback])
    counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
    count_classes(grids, base, counts)
    bits = sum(float(information(line)) for line in counts) / sample.size
    numbers = grids[0].numbers.astype(np.float64)
    if feedback is not None:
        moved = feedback.shifts[(np.abs(numbers) > 1).astype(np.int64)]
        numbers += np.sign(numbers) * moved
    errors = numbers * (scale * steps) - sample
    return float(np.einsum("ij,ij->", errors @ judge, errors)) * 4.0**bits


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each value and its neighbours."""
    half = min(_TREND, len(values)) // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(0, at - half), np.minimum(len(values), at + half + 1)
    return (sums[high] - sums[low]) / (high - low)
