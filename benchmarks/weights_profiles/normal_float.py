"""Quantiles of a normal distribution, scaled to the greatest magnitude of each group of columns (NormalFloat; QLoRA, 2023)."""

from functools import cache
from statistics import NormalDist

import numpy as np

from .coded import Coded, Matrix


def normal_float(weight: Matrix, bits: int, group: int) -> Coded:
    """Groups store their scale in 16 bits."""
    levels = _levels(bits)
    parts = weight.reshape(len(weight), -1, group)
    scale = np.abs(parts).max(-1, keepdims=True) + 1e-12
    edges = (levels[1:] + levels[:-1]) / 2
    numbers = np.searchsorted(edges, parts / scale)
    restored = (levels[numbers] * scale).reshape(weight.shape).astype(np.float32)
    return Coded(restored, numbers.reshape(weight.shape), len(levels), 16.0 * scale.size)


@cache
def _levels(bits: int) -> Matrix:
    """Half of the levels on each side, zero among them."""
    quantile, half = NormalDist().inv_cdf, 1 << bits - 1
    offset = 0.5 * (1 / 32 + 1 / 30) if bits == 4 else 0.5 / (1 << bits)
    above = [quantile(0.5 + (0.5 - offset) * k / half) for k in range(1, half + 1)]
    below = [-quantile(0.5 + (0.5 - offset) * k / (half - 1)) for k in range(1, half)]
    levels = np.array(sorted([*below, 0.0, *above]))
    return levels / levels.max()
