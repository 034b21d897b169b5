"""Quantisers that are not ours, on matrices in groups along rows: what their formats restore."""

from functools import cache

import numpy as np

Weights = dict[str, np.ndarray]


def uniform(state: Weights, bits: int, group: int) -> Weights:
    """Round to nearest between the least and the greatest value of each group (RTN)."""

    def nearest(part: np.ndarray) -> np.ndarray:
        least, step = _range(part, bits)
        return np.clip(np.rint((part - least) / step), 0, (1 << bits) - 1) * step + least

    return {name: _each(array, group, nearest) for name, array in state.items()}


def normal_float(state: Weights, bits: int, group: int) -> Weights:
    """Quantiles of a normal distribution, scaled to the greatest magnitude of each group (NormalFloat; QLoRA, 2023)."""
    levels = _levels(bits)

    def nearest(part: np.ndarray) -> np.ndarray:
        scale = np.abs(part).max(-1, keepdims=True) + 1e-12
        return levels[np.abs(part[..., None] / scale[..., None] - levels).argmin(-1)] * scale

    return {name: _each(array, group, nearest) for name, array in state.items()}


def turboquant(state: Weights, bits: int, residual: bool = False) -> Weights:
    """Rows of length 1 in random directions, by the Lloyd-Max levels of a normal distribution (TurboQuant, 2025).

    residual: one of the bits is the sign of a random projection of what is left, which makes inner products right on average
    but costs squared error.
    """
    levels = _lloyd_max(bits - residual)
    edges = (levels[1:] + levels[:-1]) / 2
    out = dict(state)
    for name, array in state.items():
        if array.ndim != 2:
            continue
        columns = array.shape[1]
        rng = np.random.default_rng(columns)
        rotation = np.linalg.qr(rng.normal(0, 1, (columns, columns)))[0].astype(np.float32)
        norms = np.linalg.norm(array, axis=1, keepdims=True).astype(np.float16).astype(np.float32) + 1e-12
        unit = array @ rotation * (columns**0.5 / norms)
        found = levels[np.searchsorted(edges, unit)].astype(np.float32)
        if residual:
            projection = rng.normal(0, 1, (columns, columns)).astype(np.float32)
            left = unit - found
            lengths = np.linalg.norm(left, axis=1, keepdims=True).astype(np.float16).astype(np.float32)
            found += np.sign(left @ projection.T) @ projection * (lengths * ((np.pi / 2) ** 0.5 / columns))
        out[name] = (found @ rotation.T * (norms / columns**0.5)).astype(np.float32)
    return out


def gptq(state: Weights, bits: int, group: int, moments: Weights) -> Weights:
    """Column by column, each one's error made good in the later ones by the inverse second moments (GPTQ, 2022); 1 % damping."""
    out = dict(state)
    for name, hessian in moments.items():
        weight, size = state[name].astype(np.float64).copy(), len(hessian)
        damped = hessian + 0.01 * np.trace(hessian) / size * np.eye(size)
        upper = np.linalg.cholesky(np.linalg.inv(damped)).T
        for begin in range(0, size, group):
            stop = min(size, begin + group)
            least, step = _range(weight[:, begin:stop], bits)
            errors = np.empty((len(weight), stop - begin))
            for j in range(begin, stop):
                code = np.clip(np.rint((weight[:, j] - least[:, 0]) / step[:, 0]), 0, (1 << bits) - 1)
                restored = code * step[:, 0] + least[:, 0]
                errors[:, j - begin] = (weight[:, j] - restored) / upper[j, j]
                weight[:, j + 1 : stop] -= np.outer(errors[:, j - begin], upper[j, j + 1 : stop])
                weight[:, j] = restored
            weight[:, stop:] -= errors @ upper[begin:stop, stop:]
        out[name] = weight.astype(np.float32)
    return out


def _each(array: np.ndarray, group: int, restore: object) -> np.ndarray:
    if array.ndim != 2:
        return array.astype(np.float16).astype(np.float32)
    parts = np.concatenate([restore(rows.reshape(len(rows), -1, group)) for rows in np.array_split(array, min(16, len(array)))])  # type: ignore[operator]
    return parts.reshape(array.shape).astype(np.float32)


def _range(part: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    least, most = part.min(-1, keepdims=True), part.max(-1, keepdims=True)
    step = np.maximum((most - least) / ((1 << bits) - 1), 1e-12).astype(np.float16).astype(np.float64)
    return least.astype(np.float16).astype(np.float64), np.maximum(step, 1e-7)


@cache
def _lloyd_max(bits: int) -> np.ndarray:
    """The levels with the least squared error for a normal distribution."""
    from statistics import NormalDist

    normal = NormalDist()
    levels = np.array([normal.inv_cdf((k + 0.5) / (1 << bits)) for k in range(1 << bits)])
    for _ in range(2000):
        edges = [-40.0, *(levels[1:] + levels[:-1]) / 2, 40.0]
        share = np.diff([normal.cdf(edge) for edge in edges])
        levels = -np.diff([normal.pdf(edge) for edge in edges]) / share
    return levels


@cache
def _levels(bits: int) -> np.ndarray:
    """Of NormalFloat: half of the levels on each side, zero among them."""
    from statistics import NormalDist

    quantile, half = NormalDist().inv_cdf, 1 << bits - 1
    offset = 0.5 * (1 / 32 + 1 / 30) if bits == 4 else 0.5 / (1 << bits)
    above = [quantile(0.5 + (0.5 - offset) * k / half) for k in range(1, half + 1)]
    below = [-quantile(0.5 + (0.5 - offset) * k / (half - 1)) for k in range(1, half)]
    levels = np.array(sorted([*below, 0.0, *above]))
    return levels / levels.max()
