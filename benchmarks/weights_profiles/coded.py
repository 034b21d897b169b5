"""What a profile gives: the matrix that a decoder restores, and the bits that it needs for that."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
_lgamma: Callable[[Matrix], NDArray[np.object_]] = np.frompyfunc(math.lgamma, 1, 1)


@dataclass(frozen=True, eq=False)
class Coded:
    """A quantised matrix.

    numbers: i64[rows, ...], the codes of a row, each one of `kinds`. side: bits of all else: scales, codebooks, outliers.
    words: bits of the codes where they are not all of one length.
    """

    restored: Matrix
    numbers: NDArray[np.int64]
    kinds: int
    side: float
    words: float | None = None

    @property
    def bits(self) -> float:
        """With codes as the papers store them."""
        return self.side + (self.numbers.size * math.log2(self.kinds) if self.words is None else self.words)

    @property
    def adaptive_bits(self) -> float:
        """With codes by an adaptive coder, for all rows together or each for itself; as above where there are too many kinds."""
        if self.kinds * len(self.numbers) > self.numbers.size:
            return self.bits
        rows = len(self.numbers)
        which = np.arange(rows)[:, None] * self.kinds + self.numbers.reshape(rows, -1)
        counts = np.bincount(which.ravel(), minlength=rows * self.kinds).reshape(rows, self.kinds)
        return self.side + min(adaptive(counts), adaptive(counts.sum(0, keepdims=True)))


def adaptive(counts: NDArray[np.int64]) -> float:
    """Bits of an adaptive coder that begins each line with half a count of each kind, learning included."""
    kinds = counts.shape[1]
    begun = len(counts) * (math.lgamma(kinds / 2) - kinds * math.lgamma(0.5))
    ended = _lgamma(counts + 0.5).sum() - _lgamma(counts.sum(1) + kinds / 2).sum()
    return -float(begun + ended) / math.log(2)


def apart(mask: NDArray[np.bool_]) -> float:
    """Bits of values that are kept as 16-bit floats, with their places: the number of their set among all of that size."""
    size, chosen = mask.size, int(mask.sum())
    places = math.lgamma(size + 1) - math.lgamma(chosen + 1) - math.lgamma(size - chosen + 1)
    return 16.0 * chosen + places / math.log(2) + 32


def largest(values: Matrix, share: float) -> NDArray[np.bool_]:
    """Where the largest values are, this share of all."""
    chosen = np.zeros(values.size, bool)
    count = round(share * values.size)
    if count:
        chosen[np.argpartition(values.ravel(), -count)[-count:]] = True
    return chosen.reshape(values.shape)


def half(values: Matrix) -> Matrix:
    """As 16-bit floats keep them."""
    return values.astype(np.float16).astype(np.float64)
