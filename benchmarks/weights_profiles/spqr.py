"""Small groups whose scales are quantised themselves, and sensitive weights apart (SpQR, 2023)."""

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix, apart, half, largest
from .gptq import Choose, fed, inverse_root
from .uniform import extent, nearest

_STATISTICS = 3  # bits of a group's least value, and of its step
_TOGETHER = 16  # rows whose statistics share a range: 4 x 16 bits


def spqr(weight: Matrix, bits: int, group: int, share: float, hessian: Matrix | None = None) -> Coded:
    """share: of the weights that are kept as 16-bit floats. Errors are made good in later columns, as in GPTQ."""
    outliers = sensitive(weight, bits, group, share, hessian)
    side = apart(outliers)

    def begin(part: Matrix, first: int) -> Choose:
        nonlocal side
        mask = outliers[:, first : first + part.shape[1]]
        (least, spent), (step, more) = (two_level(values) for values in extent(_without(part, mask), bits))
        side += spent + more
        step = np.maximum(step, 1e-7)

        def choose(column: Matrix, j: int) -> tuple[NDArray[np.int64], Matrix]:
            numbers = nearest(column, least, step, bits)
            return numbers, np.where(outliers[:, j], half(column), numbers * step + least)

        return choose

    restored, numbers = fed(weight, hessian, group, begin)
    return Coded(restored, numbers, 1 << bits, side)


def sensitive(weight: Matrix, bits: int, group: int, share: float, hessian: Matrix | None) -> NDArray[np.bool_]:
    """Those without which their groups have the least error, weighted by the inverse of the diagonal of H^-1."""
    rows, columns = weight.shape
    matters = np.ones(columns) if hessian is None else 1 / np.square(inverse_root(hessian)).sum(0)
    parts = weight.astype(np.float64).reshape(rows, -1, group)
    matters = matters.reshape(-1, group)
    gains = np.empty(parts.shape)
    before = _error(parts, bits, matters)
    for i in range(group):
        others = np.arange(group) != i
        gains[:, :, i] = before - _error(parts[:, :, others], bits, matters[:, others])
    return largest(gains.reshape(weight.shape), share)


def two_level(values: Matrix) -> tuple[Matrix, float]:
    """(restored, bits) of one value for each row."""
    flat = values.ravel()
    parts = np.pad(flat, (0, -len(flat) % _TOGETHER), mode="edge").reshape(-1, _TOGETHER)
    least, step = extent(parts, _STATISTICS)
    restored = nearest(parts, least, step, _STATISTICS) * step + least
    return restored.ravel()[: len(flat)], _STATISTICS * len(flat) + 32.0 * len(parts)


def _error(parts: Matrix, bits: int, matters: Matrix) -> Matrix:
    """Of each group."""
    least, step = extent(parts, bits)
    return (np.square(nearest(parts, least, step, bits) * step + least - parts) * matters).sum(-1)


def _without(part: Matrix, mask: NDArray[np.bool_]) -> Matrix:
    """The outliers replaced by the mean of the others, which no range notices."""
    kept = np.where(mask, 0.0, part).sum(1, keepdims=True) / np.maximum(1, (~mask).sum(1, keepdims=True))
    return np.where(mask, kept, part)
