"""Two grids in turn, chosen by the parities of the numbers before: trellis-coded (in video and NNCodec, dependent) quantisation.

Numbers k of one grid stand for 2 k steps, of the other for 2 k - sign(k); 0 is in both. A state runs down each column; so the
states of a whole row are known when its numbers are decoded, and errors can be made good in later columns. Contexts are those of
codec `weights`, times the two grids; the bits are those of a stream. This one beats the grid.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised._weighing import exponents_of, in_steps, triangle
from lacodec.codecs.weights.quantised.quantise import BOUNDS, Grid, base_of, grid_classes
from lacodec.entropy.information import code_lengths, quick_normalise
from lacodec.entropy.rans import RansEncoder
from lacodec.entropy.tables import Tables

from .coded import Matrix

_CODES = {4: (0o5, 0o2), 8: (0o13, 0o4), 16: (0o23, 0o4), 32: (0o45, 0o10), 64: (0o103, 0o24), 256: (0o515, 0o362)}
"""States -> parity checks h0, h1 of Ungerboeck's codes (1982)."""
_PASSES = 3
WIDTH = 2 * kernels.MOST + 1
CLASSES = 2 * kernels.CLASSES
_PRICE = 0.3


def trellis(
    weight: Matrix, step: float, price: float = _PRICE, states: int = 8, hessian: Matrix | None = None
) -> tuple[float, Matrix]:
    """(bits, restored). price: of a bit, in squared steps; cells of one grid are two steps wide.

    hessian: mean of x x^T, for steps by column and errors made good in later columns.
    """
    steps, square = np.full(weight.shape[1], step), None
    side = 8.0 * (4 + 4 + len(weight) // 2 + 4)  # step, moves, half a byte for the class of a row, sizes
    if hessian is not None:
        factors = triangle(hessian)
        exponents, _ = exponents_of(-np.log2(factors.diagonal))
        steps, square = step * np.exp2(exponents / 8), in_steps(factors, exponents).astype(np.float64)
        side += 8 * len(steps)
    values = weight.astype(np.float64) / steps
    numbers, second = np.zeros(weight.shape, np.int64), np.zeros(weight.shape, np.int64)
    moves: Matrix = np.zeros(5)
    bits = np.zeros((CLASSES, WIDTH), np.float32)
    for _ in range(_PASSES + 1):
        index = _contexts(numbers)
        if square is None:
            numbers, second = path(values, index, bits, price, states)
            wanted = values
        else:
            numbers, second, wanted = _fed(values, square, index, bits, price, states, moves)
        moves = _moves(wanted, numbers, second)
        index = _contexts(numbers) + kernels.CLASSES * second
        counts = np.bincount((index * WIDTH + numbers + kernels.MOST).ravel(), minlength=CLASSES * WIDTH)
        counts = counts.reshape(CLASSES, WIDTH).astype(np.int64)
        code_lengths(counts, bits)
    restored = (places(numbers, moves, states) * steps).astype(np.float32)
    return side + _stream(numbers, index, counts), restored


def places(numbers: NDArray[np.int64], moves: Matrix, states: int) -> Matrix:
    """What a decoder makes of the numbers, in steps. moves f64[5]: of 0, of sizes 1 and more in one grid, and in the other."""
    table = following(states)
    state, out = np.zeros(numbers.shape[1], np.int64), np.empty(numbers.shape)
    for i, row in enumerate(numbers):
        out[i] = _place(row, state & 1, moves)
        state = table[state, row & 1]
    return out


def _place(numbers: NDArray[np.int64], second: NDArray[np.int64], moves: Matrix) -> Matrix:
    return 2 * numbers + np.sign(numbers) * (moves[_kinds(numbers, second)] - second)


def _kinds(numbers: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(numbers == 0, 0, 1 + 2 * second + (np.abs(numbers) > 1))


def _moves(values: Matrix, numbers: NDArray[np.int64], second: NDArray[np.int64]) -> Matrix:
    """How far values lie outside of their places on average, in 128ths of a step."""
    kinds, apart = _kinds(numbers, second).ravel(), np.sign(numbers) * (values - _place(numbers, second, np.zeros(5)))
    moves = np.bincount(kinds, apart.ravel(), 5) / np.maximum(1, np.bincount(kinds, minlength=5))
    return np.clip(np.rint(128 * moves), -127, 127) / 128


def following(states: int) -> NDArray[np.int64]:
    """[state, parity] -> state. Odd states have the second grid."""
    zero, one = (check >> 1 for check in _CODES[states])
    every = np.arange(states)
    start = (every >> 1) ^ ((every & 1) * zero)
    return np.stack([start, start ^ one], 1)


def _contexts(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The classes that codec `weights` gives these numbers."""
    grid = Grid(numbers.astype(np.int16), np.zeros(len(numbers), np.uint8))
    kernels.row_classes(grid.numbers, BOUNDS, grid.rows)
    return np.concatenate([*grid_classes(grid, base_of([grid.rows]))]).reshape(numbers.shape).astype(np.int64)


def _fed(
    values: Matrix, square: Matrix, index: NDArray[np.int64], bits: NDArray[np.float32], price: float, states: int, moves: Matrix
) -> tuple[NDArray[np.int64], NDArray[np.int64], Matrix]:
    """(numbers, grids, values that they stand for): column by column, errors taken from the later ones."""
    wanted = values.copy()
    numbers, second = np.empty(values.shape, np.int64), np.empty(values.shape, np.int64)
    for j in range(values.shape[1]):
        one = slice(j, j + 1)
        numbers[:, one], second[:, one] = path(wanted[:, one], index[:, one], bits, price, states)
        error = wanted[:, j] - _place(numbers[:, j], second[:, j], moves)
        wanted[:, j + 1 :] += np.outer(-error, square[j, j + 1 :])
    return numbers, second, wanted


def path(
    values: Matrix, classes: NDArray[np.int64], bits: NDArray[np.float32], price: float, states: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(numbers, grid 0 or 1 of each) of the least squared error + price x bits."""
    costs, choices = _candidates(values, classes, bits, price)
    table = following(states)
    before = np.array([np.argwhere(table == state) for state in range(states)])
    froms, parities = before[:, :, 0], before[:, :, 1]
    kinds = 2 * (froms & 1) + parities
    rows, columns = values.shape
    total = np.full((states, columns), 1e300)
    total[0] = 0
    taken = np.empty((rows, states, columns), bool)
    for i in range(rows):
        ways = total[froms] + costs[i][kinds]
        taken[i] = ways[:, 1] < ways[:, 0]
        total = ways.min(1)
    at, every = total.argmin(0), np.arange(columns)
    numbers, second = np.empty(values.shape, np.int64), np.empty(values.shape, np.int64)
    for i in range(rows - 1, -1, -1):
        which = taken[i, at, every].astype(np.int64)
        numbers[i], at = choices[i, kinds[at, which], every], froms[at, which]
        second[i] = at & 1
    return numbers, second


def _candidates(
    values: Matrix, classes: NDArray[np.int64], bits: NDArray[np.float32], price: float
) -> tuple[Matrix, NDArray[np.int64]]:
    """[row, 2 grid + parity, column]: cost of the best number of each kind, and the number."""
    sizes, signs = np.abs(values), np.where(values < 0, -1, 1)
    costs = np.empty((len(values), 4, values.shape[1]))
    choices = np.empty(costs.shape, np.int64)
    for second in (0, 1):
        below = np.floor((sizes + second) / 2).astype(np.int64)
        for parity in (0, 1):
            upper = below + (below + parity) % 2
            tries = []
            for number in (upper, np.maximum(upper - 2, parity), np.full_like(upper, parity)):
                number = np.minimum(number, kernels.MOST - parity)
                error = sizes - (2 * number - second * (number > 0))
                length = bits[classes + kernels.CLASSES * second, kernels.MOST + signs * number]
                tries.append((error * error + price * length, number))
            cost, number = tries[0]
            for other, its in tries[1:]:
                number = np.where(other < cost, its, number)
                cost = np.minimum(other, cost)
            costs[:, 2 * second + parity], choices[:, 2 * second + parity] = cost, signs * number
    return costs, choices


def _stream(numbers: NDArray[np.int64], index: NDArray[np.int64], counts: NDArray[np.int64], bits: int = 14) -> float:
    """Bits of tables and a stream, as the codec writes them."""
    used = np.flatnonzero(counts.any(0))
    low, high = int(used[0]), int(used[-1]) + 1
    freqs = np.zeros((len(counts), high - low), np.uint32)
    for number, line in enumerate(counts[:, low:high]):
        if line.any():
            quick_normalise(line, 1 << bits, freqs[number])
        else:
            freqs[number, 0] = 1 << bits
    starts = np.arange(len(counts) + 1, dtype=np.uint32) * np.uint32(high - low)
    first = np.full(len(counts), low - kernels.MOST, np.int32)
    tables = Tables(freqs.ravel(), starts, bits, False, first)
    encoder = RansEncoder(32)
    encoder.push(numbers.astype(np.int16).ravel(), tables, index.ravel().astype(np.uint8))
    return 8.0 * (len(tables.pack()) + len(encoder.finish()))
