"""Which pieces of the tensors in a chunk share a table: rows of about the same scale, small tensors with the same statistics.

    run --cut--> pieces (rows) --by mean exponent--> atoms, each with its counts --join while it saves--> groups

A group costs its table, the start of its stream and some time, so atoms are joined as long as separate tables save less.
"""

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laconic.codecs.weights import _kernel
from laconic.codecs.weights._plan import Run

_SMALLEST, _LARGEST = 256, 1 << 14  # values in a piece, about
_WITHOUT_ROWS = 1024  # values in a piece of a tensor that has no rows
_ATOM = {2: 16384, 3: 16384, 4: 16384, 5: 16384, 6: 8192, 9: 2048}  # values of a tensor for each atom by effort; otherwise:
_USUAL_ATOM = 4096
_ATOMS = {1: 1, 2: 4, 3: 4, 4: 4, 5: 4, 6: 8, 7: 16, 8: 16, 9: 32}  # of a tensor, at most, by effort
_TABLE = 80 * 8  # bits that a group costs, and for each exponent that it has:
_PER_EXPONENT = 4
_TIME = {1: 1e-3, 2: 1e-3, 3: 1e-3, 4: 5e-4, 5: 4e-4, 6: 2e-4}  # share of the chunk that another group must save, by effort
EXTRA = 3
"""Bits of the mantissa that counts tell of, besides the exponent."""


@dataclass
class Floats:
    """One run of floating-point values: values (unsigned integers), `piece` values in a piece (the last may have fewer)."""

    values: NDArray[Any]
    mantissa: int
    piece: int = 0
    which: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))  # atom, then group, of each piece


def cut(run: Run, size: int, effort: int) -> int:
    """Values of `size` bytes in a piece of this run: whole rows, if it has any; 0 where it stays in one piece."""
    n = run.size // size
    row = run.row // size or _WITHOUT_ROWS
    if effort == 1 or row > _LARGEST or n < 16 * row or n < 4 * _USUAL_ATOM:
        return 0
    piece = row * max(1, _SMALLEST // row)
    return piece if n >= 16 * piece else 0


def count(runs: list[Floats], effort: int) -> list[NDArray[np.int64]]:
    """The counts of each atom, i64[exponents << extra bits]; `which` of the runs then tells the atom of each piece."""
    found: list[NDArray[np.int64]] = []
    for run in runs:
        n, piece = len(run.values), run.piece or len(run.values)
        pieces = -(-n // piece)
        top = 8 * run.values.dtype.itemsize - 1
        atoms = 1
        if run.piece:
            sums = np.empty(pieces, np.uint64)
            _kernel.sum_exponents(
                run.values, np.uint64(piece), np.uint64(run.mantissa), np.uint64((1 << (top - run.mantissa)) - 1), sums
            )
            atoms = min(_ATOMS[effort], n // _ATOM.get(effort, _USUAL_ATOM))
            # By rank of the mean exponent; the short last piece has its share.
            means = sums.astype(np.float64) / np.minimum(piece, n - piece * np.arange(pieces))
            order = np.argsort(means, kind="stable")
            rank = np.empty(pieces, np.int64)
            rank[order] = np.arange(pieces)
            run.which = rank * atoms // pieces + len(found)
        else:
            run.which = np.full(1, len(found), np.int64)
        shift = run.mantissa - min(EXTRA, run.mantissa)
        counts = np.zeros((atoms, 2, 1 << (top - shift)), np.uint32)
        _kernel.count_highs(
            run.values, np.uint64(piece), run.which - len(found), np.uint64(shift), np.uint64(counts.shape[2] - 1), counts
        )
        found += list(counts.sum(axis=1, dtype=np.int64))
    return found


def join(counts: list[NDArray[np.int64]], extra: int, size: int, effort: int, most: int) -> NDArray[np.int64]:
    """The group (0 .. at most `most` - 1) of each atom. size: bits of all values, `extra`: mantissa bits in the counts."""
    exponents = [part.reshape(-1, 1 << extra).sum(axis=1) for part in counts]
    means = [float((part * np.arange(len(part))).sum()) / max(1, int(part.sum())) for part in exponents]
    order = sorted(range(len(counts)), key=lambda atom: means[atom])
    groups = _Chain([exponents[atom] for atom in order])
    groups.join(_TABLE + _TIME.get(effort, 0.0) * size, most)
    result = np.empty(len(counts), np.int64)
    result[order] = groups.numbers()
    return result


class _Chain:
    """Groups in a row, of which neighbours may be joined."""

    def __init__(self, counts: list[NDArray[np.int64]]) -> None:
        used = np.flatnonzero(sum(counts))
        first, last = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        self._counts = [np.ascontiguousarray(part[first:last]) for part in counts]
        nothing = np.zeros(last - first, np.int64)
        self._costs = [_cost(part, nothing) for part in self._counts]
        self._next = [*range(1, len(counts)), -1]
        self._before = [-1, *range(len(counts) - 1)]
        self._alive = [True] * len(counts)
        self._heap: list[tuple[float, int, int, int]] = []
        self._version = [0] * len(counts)

    def join(self, price: float, most: int) -> None:
        """Join those neighbours that lose least, while that is less than `price` bits or there are more than `most` groups."""
        left = len(self._counts)
        for number in range(left - 1):
            self._offer(number)
        while self._heap and (self._heap[0][0] < price or left > most):
            _, number, version, other = heapq.heappop(self._heap)
            if not self._alive[number] or self._next[number] != other or self._version[number] + self._version[other] != version:
                continue
            self._costs[number] = _cost(self._counts[number], self._counts[other])
            self._counts[number] = self._counts[number] + self._counts[other]
            self._version[number] += self._version[other] + 1
            self._alive[other] = False
            self._next[number] = self._next[other]
            if self._next[other] >= 0:
                self._before[self._next[other]] = number
                self._offer(number)
            if self._before[number] >= 0:
                self._offer(self._before[number])
            left -= 1

    def numbers(self) -> list[int]:
        """The number of the group that each of the first groups is in now."""
        result, number = [], -1
        for alive in self._alive:
            number += alive
            result.append(number)
        return result

    def _offer(self, number: int) -> None:
        other = self._next[number]
        loss = _cost(self._counts[number], self._counts[other]) - self._costs[number] - self._costs[other]
        heapq.heappush(self._heap, (loss, number, self._version[number] + self._version[other], other))


def _cost(counts: NDArray[np.int64], more: NDArray[np.int64]) -> float:
    return float(_kernel.joint_cost(counts, more, float(_PER_EXPONENT)))
