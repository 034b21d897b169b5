"""Codebooks of vectors: signs apart and magnitudes clustered (SSVQ, 2025), and whole rows clustered (VQ-Logits, 2025)."""

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix, half

_PASSES = 12
_SEEN = 1 << 22  # distances at once


def ssvq(weight: Matrix, size: int, count: int) -> Coded:
    """A bit for each sign; `count` vectors of `size` magnitudes, 16 bits each."""
    book, numbers = k_means(np.abs(weight).reshape(-1, size), count)
    restored = np.where(weight < 0, -1, 1) * book[numbers].reshape(weight.shape)
    side = weight.size + 16.0 * book.size
    return Coded(restored.astype(np.float32), numbers.reshape(len(weight), -1), len(book), side)


def signed(weight: Matrix, size: int, count: int) -> Coded:
    """The same without that: vectors with their signs clustered."""
    book, numbers = k_means(weight.reshape(-1, size), count)
    restored = book[numbers].reshape(weight.shape)
    return Coded(restored.astype(np.float32), numbers.reshape(len(weight), -1), len(book), 16.0 * book.size)


def clustered_rows(weight: Matrix, count: int) -> Coded:
    """Each row is one of `count` rows, as those of a vocabulary."""
    return signed(weight, weight.shape[1], count)


def k_means(vectors: Matrix, count: int) -> tuple[Matrix, NDArray[np.int64]]:
    """(book [count, size] as 16-bit floats, number of the nearest for each vector), from vectors that a seed draws."""
    vectors = vectors.astype(np.float32)
    unlike = np.unique(vectors, axis=0) if len(vectors) <= 4 * count else vectors
    drawn = np.random.default_rng(len(vectors)).choice(len(unlike), min(count, len(unlike)), replace=False)
    book = unlike[drawn].astype(np.float64)
    for _ in range(_PASSES):
        numbers = _nearest(vectors, book)
        masses = np.bincount(numbers, minlength=len(book))
        sums = np.stack([np.bincount(numbers, column, len(book)) for column in vectors.T], 1)
        book = np.where(masses[:, None] > 0, sums / np.maximum(1, masses)[:, None], book)
    rounded = half(book)
    return rounded, _nearest(vectors, rounded)


def _nearest(vectors: Matrix, book: Matrix) -> NDArray[np.int64]:
    book = book.astype(np.float32)
    squares = np.square(book).sum(1) / 2
    step = max(1, _SEEN // len(book))
    found = [(squares - vectors[at : at + step] @ book.T).argmin(1) for at in range(0, len(vectors), step)]
    return np.concatenate(found)
