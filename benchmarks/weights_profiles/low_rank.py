"""Factors of a matrix, or of what quantisation left of it, whose error is weighed: EoRA and SLiM (2024), FWSVD (2022)."""

import numpy as np

from .coded import Matrix
from .gptq import damped

Factors = tuple[Matrix, Matrix]
"""[rows, rank], [rank, columns]."""


def plain(error: Matrix, rank: int) -> Factors:
    """Of the least squared error."""
    left, values, right = np.linalg.svd(error.astype(np.float64), full_matrices=False)
    root = np.sqrt(values[:rank])
    return left[:, :rank] * root, root[:, None] * right[:rank]


def by_inputs(error: Matrix, rank: int, hessian: Matrix) -> Factors:
    """Of the least output error tr(E H E^T), H the damped mean of x x^T: the SVD of E H^(1/2) (EoRA, SLiM)."""
    values, vectors = np.linalg.eigh(damped(hessian))
    root = np.sqrt(values)
    left, right = plain(error @ (vectors * root), rank)
    return left, (right / root) @ vectors.T


def by_fisher(error: Matrix, rank: int, fisher: Matrix) -> Factors:
    """fisher f64[rows, columns], summed for each row: the least error with rows weighed by that (FWSVD)."""
    root = np.sqrt(fisher.sum(1, keepdims=True) + 1e-12)
    left, right = plain(root * error, rank)
    return left / root, right
