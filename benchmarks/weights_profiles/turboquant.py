"""Rows of length 1 in random directions, by the Lloyd-Max levels of a normal distribution (TurboQuant, 2025)."""

from functools import cache
from statistics import NormalDist

import numpy as np

from .coded import Coded, Matrix, half


def turboquant(weight: Matrix, bits: int, residual: bool = False) -> Coded:
    """Rows store their length in 16 bits; the rotation comes from a seed.

    residual: one of the bits is the sign of a random projection of what is left, which makes inner products right on average
    but costs squared error; rows store the length of that, too.
    """
    columns = weight.shape[1]
    levels = lloyd_max(bits - residual)
    rng = np.random.default_rng(columns)
    rotation = np.linalg.qr(rng.normal(0, 1, (columns, columns)))[0].astype(np.float32)
    norms = half(np.linalg.norm(weight, axis=1, keepdims=True)).astype(np.float32) + 1e-12
    unit = weight @ rotation * (columns**0.5 / norms)
    numbers = np.searchsorted((levels[1:] + levels[:-1]) / 2, unit)
    found = levels[numbers].astype(np.float32)
    if residual:
        projection = rng.normal(0, 1, (columns, columns)).astype(np.float32)
        left = unit - found
        lengths = half(np.linalg.norm(left, axis=1, keepdims=True)).astype(np.float32)
        signs = left @ projection.T >= 0
        found += (2 * signs - 1) @ projection * (lengths * ((np.pi / 2) ** 0.5 / columns))
        numbers = 2 * numbers + signs
    restored = (found @ rotation.T * (norms / columns**0.5)).astype(np.float32)
    return Coded(restored, numbers, 1 << bits, 16.0 * len(weight) * (1 + residual))


@cache
def lloyd_max(bits: int) -> Matrix:
    """The levels with the least squared error for a normal distribution."""
    normal = NormalDist()
    levels = np.array([normal.inv_cdf((k + 0.5) / (1 << bits)) for k in range(1 << bits)])
    for _ in range(2000):
        edges = [-40.0, *(levels[1:] + levels[:-1]) / 2, 40.0]
        share = np.diff([normal.cdf(edge) for edge in edges])
        levels = -np.diff([normal.pdf(edge) for edge in edges]) / share
    return levels
