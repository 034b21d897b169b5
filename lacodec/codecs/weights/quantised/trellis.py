"""Two grids in turn, chosen by the parities of the numbers before: trellis-coded (in video and NNCodec, dependent) quantisation.

    values f32[rows, columns], in steps --quantise_trellis--> numbers i16[rows, columns] --second_of--> which grid each is of

A number k of the first grid stands for 2 k steps, one of the second for 2 k - sign(k); both have 0. A state runs down each
column, so those of a row are known when it is decoded.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised import _trellis_kernel as paths
from lacodec.codecs.weights.quantised.quantise import BOUNDS, TOGETHER, Columns, Grid, bands, base_of, classes_of, counted
from lacodec.entropy.information import code_lengths
from lacodec.entropy.rans import RansDecoder
from lacodec.entropy.rans_dispatch import readonly
from lacodec.entropy.tables import Tables
from lacodec.errors import CorruptFile

PRICE = 0.12
"""Squared steps that a bit may cost; cells of one grid are two steps wide, so this is the price of `quantise`."""
CLASSES = 2 * kernels.CLASSES
MOVES = 4
"""Kinds of numbers whose values are moved outwards: of size 1 and of more in the first grid, and in the second."""
UNITS = 128.0
"""Of a step, in which they are moved."""
_PASSES = 2
_WORDS, _BLOCK = 32, 8  # bits of a rANS state, lanes that are decoded together
_NO_CODES, _NO_SPANS = readonly(np.zeros(0, np.uint8)), readonly(np.zeros(0, np.uint32))
_WIDTH = 2 * kernels.MOST + 1


def quantise_trellis(
    values: list[NDArray[np.float32]], squares: Sequence[NDArray[np.float32] | None] = (), price: float = PRICE
) -> tuple[list[Grid], int, list[NDArray[np.int8]]]:
    """Grids for matrices in units of their steps, which share tables; the base of the classes; i8[MOVES] of each.

    squares: of each matrix, what an error of one step in column j takes from column k > j, f32[columns, columns], or None.
    """
    fed = [*squares] or [None] * len(values)
    grids = [Grid(_rounded(matrix), np.zeros(len(matrix), np.uint8), True) for matrix in values]
    for grid in grids:
        kernels.row_classes(grid.numbers, BOUNDS, grid.rows)
    base = base_of([grid.rows for grid in grids])
    counts = np.zeros((CLASSES, _WIDTH), np.int64)
    for grid in grids:
        counts += counted(grid, classes_of(grid, base), CLASSES)
    counts[kernels.CLASSES :] = counts[: kernels.CLASSES]  # for want of better ones
    bits, moves = np.zeros(counts.shape, np.float32), [np.zeros(MOVES, np.int8)] * len(values)
    for _ in range(_PASSES):
        code_lengths(counts, bits)
        counts[...] = 0
        for number, (matrix, grid, square) in enumerate(zip(values, grids, fed, strict=True)):
            classes = classes_of(grid, base).reshape(grid.numbers.shape)
            wanted = matrix
            if square is None:
                paths.choose_paths(matrix, classes, 0, matrix.shape[1], bits, price, grid.numbers)
            else:
                wanted = _choose_fed(matrix, classes, square, bits, price, grid, moves[number])
            moves[number] = _moves(wanted, grid)
            counts += counted(grid, all_classes(grid, base), CLASSES)
    return grids, base, moves


def all_classes(grid: Grid, base: int) -> NDArray[np.uint8]:
    """u8[numbers]: the table of each, below CLASSES."""
    second = np.empty(grid.numbers.shape, np.uint8)
    paths.second_of(grid.numbers, second)
    return classes_of(grid, base) + np.uint8(kernels.CLASSES) * second.ravel()


def pull(decoder: RansDecoder, grid: Grid, tables: Tables, base: int) -> None:
    """Fill the numbers of a grid from a stream with a table for each of CLASSES; raises CorruptFile, BadInput."""
    numbers, columns = grid.numbers.reshape(-1), grid.numbers.shape[1]
    if decoder.width != _WORDS:
        raise CorruptFile("the numbers of a trellis have states of another width")
    state, known, states = Columns(columns), (0, 0), np.zeros(columns, np.uint8)
    for begin, end in bands(len(grid.numbers)):
        classes = state.follow_classes(grid, *known, end, base)
        row = begin
        while row < end:
            rows = decoder.whole(end - row, columns)
            part, mine = numbers[row * columns :], classes[(row - begin) * columns :]
            if rows:
                size = rows * columns
                decoder.run(size, tables, partial(_decode_rows, part[:size], mine[:size], states, tables))
            else:  # one that is partly told by the last words
                rows = 1
                paths.add_grids(states, mine[:columns])
                decoder.pull(columns, tables, mine[:columns], out=part[:columns])
                paths.advance(states, part[:columns])
            row += rows
        known = begin, end


def _decode_rows(
    numbers: NDArray[np.int16],
    classes: NDArray[np.uint8],
    states: NDArray[np.uint8],
    tables: Tables,
    first: int,
    lanes: NDArray[Any],
    words: NDArray[Any],
    at: int,
    stop: int,
) -> int:
    search, split = tables.search, tables.split
    codes, spans, code_bits = (_NO_CODES, _NO_SPANS, 0) if split is None or len(lanes) < _BLOCK else split
    return int(
        paths.decode_rows(
            numbers, classes, states, np.uint64(first), lanes, words, np.uint64(at), np.uint64(stop), codes, spans,
            np.uint64(code_bits), np.uint64(tables.freq_bits), np.int64(tables.lowest), search.rows, search.modes,
            np.uint64(search.stride), np.uint64(search.shift), tables.spans, tables.values,
        )
    )  # fmt: skip


def restored(grid: Grid, steps: NDArray[np.float32], moves: NDArray[np.float32]) -> NDArray[np.float32]:
    """f32[rows, columns]: the values of numbers; moves: f32[MOVES], in steps."""
    out = np.empty(grid.numbers.shape, np.float32)
    paths.restore(grid.numbers, steps, np.array([0, *moves[:2], 1, *moves[2:]], np.float32), out)
    return out


def _rounded(matrix: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(matrix * np.float32(0.5)), -kernels.MOST, kernels.MOST).astype(np.int16)


def _choose_fed(
    matrix: NDArray[np.float32],
    classes: NDArray[np.uint8],
    square: NDArray[np.float32],
    bits: NDArray[np.float32],
    price: float,
    grid: Grid,
    moves: NDArray[np.int8],
) -> NDArray[np.float32]:
    """Numbers column by column; errors are made good in later columns. Returns the values that they stand for."""
    work, moved = matrix.copy(), moves.astype(np.float32) / np.float32(UNITS)
    for first in range(0, work.shape[1], TOGETHER):
        stop = min(work.shape[1], first + TOGETHER)
        errors = np.empty((len(work), stop - first), np.float32)
        paths.choose_paths_fed(work, classes, first, stop, square, bits, price, moved, grid.numbers, errors)
        if stop < work.shape[1]:
            work[:, stop:] -= errors @ square[first:stop, stop:]
    return work


def _moves(values: NDArray[np.float32], grid: Grid) -> NDArray[np.int8]:
    """i8[MOVES]: how far values lie outside of their places on average."""
    sums = np.zeros((2, MOVES))
    paths.outside(values, grid.numbers, sums)
    return np.clip(np.rint(UNITS * sums[0] / np.maximum(1, sums[1])), -100, 100).astype(np.int8)
