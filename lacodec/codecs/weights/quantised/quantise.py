"""The choice of whole numbers for a matrix: rate against distortion, with the code lengths that the numbers themselves give.

values f32[rows, columns], steps f32[columns] --quantise--> numbers i16[rows, columns], class of each row, lowest table
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.entropy.information import code_lengths

PRICE = 0.03
"""Squared steps that a bit may cost. The least squared error has 0.1, but a language model suffers less with 0.03."""
ROW_CLASSES = 48
_UNITY = 16  # the class of rows whose mean |q| is 1
SHIFT = 256.0
"""Units of a step in which values are moved outwards."""
TOGETHER = 64
"""Columns whose errors reach the later ones at once."""
_PASSES = 2  # after the first one, which only rounds
BAND = 64
"""Rows that are decoded at once; they see the state of the columns before them."""
_QUARTERS = (1.0, 0.8408964152537145, 0.7071067811865476, 0.5946035575013605)  # 2^(-k/4)
_SLOWEST = 64.0  # rows that the state of a column averages, at least after as many


def _scale_of(row_class: int) -> float:
    """2^((_UNITY - class) / 4): exact but for the rounding of the constants above."""
    octaves, quarter = divmod(row_class - _UNITY, 4)
    return _QUARTERS[quarter] * 2.0**-octaves


INVERSE: NDArray[np.float32] = np.array([_scale_of(k) for k in range(ROW_CLASSES)], np.float32)
BOUNDS = np.array([2.0 ** ((k - 0.5 - _UNITY) / 4) for k in range(1, ROW_CLASSES)])


@dataclass(frozen=True)
class Grid:
    """numbers: i16[rows, columns]; rows: u8, class of each row's mean |q| in quarter octaves; trellis: whether of two grids."""

    numbers: NDArray[np.int16]
    rows: NDArray[np.uint8]
    trellis: bool = False


class Feedback:
    """Errors of a column made good in the later ones, in the order of GPTQ (2022), while the numbers are chosen.

    square: f32[columns, columns], what an error of one step in column j takes from column k > j, in steps of k.
    shifts: f64[2], how far values lie above numbers of size 1, and of more; those of one pass hold in the next.
    """

    def __init__(self, square: NDArray[np.float32]) -> None:
        self._square = square
        self.shifts = np.zeros(2)
        self._sums = np.zeros((2, 2))

    def begin(self) -> None:
        """A pass over all rows."""
        sums, counts = self._sums
        self.shifts = np.clip(np.rint(SHIFT * sums / np.maximum(1, counts)), -100, 100) / SHIFT
        self._sums[...] = 0

    def choose(
        self,
        values: NDArray[np.float32],
        logarithms: NDArray[np.int32],
        grid: Grid,
        begin: int,
        end: int,
        base: int,
        bits: NDArray[np.float32],
        price: float,
        counts: NDArray[np.int64],
    ) -> None:
        """Numbers of rows begin..end."""
        work = values[begin:end].copy()
        columns = work.shape[1]
        for first in range(0, columns, TOGETHER):
            stop = min(columns, first + TOGETHER)
            errors = np.empty((len(work), stop - first), np.float32)
            kernels.choose_fed(
                work, first, stop, self._square, logarithms, grid.rows, begin, base, bits, price, self.shifts, grid.numbers,
                errors, counts, self._sums,
            )  # fmt: skip
            if stop < columns:
                work[:, stop:] -= errors @ self._square[first:stop, stop:]


def quantise(
    values: list[NDArray[np.float32]], price: float = PRICE, feedbacks: Sequence[Feedback | None] = ()
) -> tuple[list[Grid], int]:
    """Grids for matrices in units of their steps, which share tables, and the base of the classes.

    The first pass rounds; each further one chooses again by the code lengths of the numbers chosen before. feedbacks: of each
    matrix, if any.
    """
    fed = [*feedbacks] or [None] * len(values)
    grids = [Grid(np.empty(matrix.shape, np.int16), np.zeros(len(matrix), np.uint8)) for matrix in values]
    counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
    bits = np.zeros(counts.shape, np.float32)
    base = 0
    for number in range(_PASSES + 1):
        counts[...] = 0
        for matrix, grid in zip(values, grids, strict=True):
            if number == 0:
                np.clip(np.rint(matrix), -kernels.MOST, kernels.MOST, out=grid.numbers, casting="unsafe")
                kernels.row_classes(grid.numbers, BOUNDS, grid.rows)
        if number <= 1:
            base = base_of([grid.rows for grid in grids])
        if number == 0:
            count_classes(grids, base, counts)
        else:
            for matrix, grid, feedback in zip(values, grids, fed, strict=True):
                state = Columns(matrix.shape[1])
                if feedback:
                    feedback.begin()
                for begin, end in bands(len(matrix)):
                    if feedback:
                        feedback.choose(matrix, state.logarithms, grid, begin, end, base, bits, price, counts)
                        state.follow(grid, begin, end)
                        continue
                    kernels.choose(matrix, state.logarithms, grid.rows, begin, end, base, bits, price, grid.numbers, counts)
                    state.follow(grid, begin, end)
        code_lengths(counts, bits)
    return grids, base


def count_classes(grids: list[Grid], base: int, counts: NDArray[np.int64]) -> None:
    """Add how often each number occurs in each class."""
    for grid in grids:
        counts += counted(grid, classes_of(grid, base), len(counts))


def counted(grid: Grid, classes: NDArray[np.uint8], kinds: int) -> NDArray[np.int64]:
    """i64[kinds, numbers from -MOST on]: how often each occurs in each class."""
    width = 2 * kernels.MOST + 1
    index = classes.astype(np.int64) * width + (grid.numbers.ravel().astype(np.int64) + kernels.MOST)
    return np.bincount(index, minlength=kinds * width).reshape(kinds, width)


def classes_of(grid: Grid, base: int) -> NDArray[np.uint8]:
    """The classes of its numbers, which are known."""
    return np.concatenate([*grid_classes(grid, base), np.zeros(0, np.uint8)])


def grid_classes(grid: Grid, base: int) -> Iterator[NDArray[np.uint8]]:
    """The classes of its numbers, band by band; each must be known when the classes of the next band are asked for."""
    state, known = Columns(grid.numbers.shape[1]), (0, 0)
    for begin, end in bands(len(grid.numbers)):
        yield state.follow_classes(grid, *known, end, base)
        known = begin, end


class Columns:
    """What the numbers so far tell of the columns."""

    def __init__(self, columns: int) -> None:
        self._scales = np.ones(columns, np.float32)
        self.logarithms: NDArray[Any] = self._scales.view(np.int32)

    def follow_classes(self, grid: Grid, begin: int, end: int, stop: int, base: int) -> NDArray[np.uint8]:
        """See the numbers of rows begin..end; then u8[numbers of rows end..stop]."""
        out = np.empty((stop - end) * len(self._scales), np.uint8)
        kernels.follow_classes(
            self._scales, grid.numbers, grid.rows, begin, end, INVERSE, _rate(begin), self.logarithms, stop, base, out
        )
        return out

    def follow(self, grid: Grid, begin: int, end: int) -> None:
        """See the numbers of these rows."""
        kernels.follow(self._scales, grid.numbers, grid.rows, begin, end, INVERSE, _rate(begin))


def _rate(row: int) -> np.float32:
    return np.float32(1.0 / min(_SLOWEST, row + 2.0))


def bands(rows: int) -> Iterator[tuple[int, int]]:
    """(begin, end): of 1, 2, 4 ... rows, then of BAND."""
    begin, size = 0, 1
    while begin < rows:
        end = min(rows, begin + size)
        yield begin, end
        begin, size = end, min(BAND, 2 * size)


def base_of(rows: list[NDArray[np.uint8]]) -> int:
    """The base that centres the classes."""
    counts = np.bincount(np.concatenate([*rows, np.zeros(0, np.uint8)]), minlength=ROW_CLASSES)
    middle = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) if counts.sum() else 0
    return max(0, middle - kernels.CLASSES // 2)
