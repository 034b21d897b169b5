"""Which pieces of the tensors in a chunk share a table: rows of about the same scale, small tensors with the same statistics.

    run --cut--> pieces (rows) --by mean exponent--> atoms, each with its counts --join while it saves--> groups

A group costs its table, the start of its stream and some time, so atoms are joined as long as separate tables save less.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights import _cluster_kernel as kernels
from lacodec.codecs.weights._chunks import Run
from lacodec.entropy.rans_dispatch import readonly
from lacodec.kernels.scratch import scratch

_SMALLEST, _LARGEST = 256, 1 << 14  # values in a piece, about
_WITHOUT_ROWS = 1024  # values in a piece of a tensor without rows
_ATOM = {
    1: 16384,
    2: 16384,
    3: 16384,
    4: 16384,
    5: 16384,
    6: 8192,
    9: 2048,
}  # values of a tensor for each atom by effort; otherwise:
_USUAL_ATOM = 4096
_ATOMS = {1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 8, 7: 16, 8: 16, 9: 32}  # of a tensor, at most, by effort
_SAMPLED_FROM = 1 << 14  # values of a run from which on effort 1 counts a part of them only
_QUICK_CUT = 1 << 19  # values of a tensor without rows up to which effort 1 cuts it: it may be several tensors in one
_TABLE = 80 * 8  # bits that a group costs, and for each exponent that it has:
_PER_EXPONENT = 4
_TIME = {1: 1e-3, 2: 1e-3, 3: 1e-3, 4: 5e-4, 5: 4e-4, 6: 2e-4}  # share of the chunk that another group must save, by effort
EXTRA = 3
"""Bits of the mantissa that counts tell of, besides the exponent."""
_ROOM = 24 << 20  # bytes for the counts of the atoms of a chunk and for derived data


@dataclass
class Floats:
    """One run of floating-point values: values (unsigned integers), `piece` values in a piece (the last may have fewer)."""

    values: NDArray[Any]
    mantissa: int
    piece: int = 0
    alone: bool = False  # shares its group, and so its atom, with no other run
    which: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))  # atom, then group, of each piece


def cut(run: Run, size: int, effort: int) -> int:
    """Values of `size` bytes in a piece of this run: whole rows, if it has any; 0 where it stays in one piece."""
    n = run.size // size
    row = run.row // size or _WITHOUT_ROWS
    if (effort == 1 and (run.row or n > _QUICK_CUT)) or row > _LARGEST or n < 16 * row or n < 4 * _USUAL_ATOM:
        return 0
    piece = row * max(1, _SMALLEST // row)
    return piece if n >= 16 * piece else 0


def most_atoms(size: int, mantissa: int) -> int:
    """Atoms that a chunk may have, for values of `size` bytes with that many bits of mantissa: bounds the memory for counts."""
    exponents = 1 << (8 * size - 1 - mantissa)
    return _ROOM // (exponents * (16 + (16 << min(EXTRA, mantissa))))


def count(runs: list[Floats], effort: int, place: tuple[NDArray[Any], NDArray[np.int64]]) -> NDArray[np.uint32]:
    """The counts of each atom, u32[atoms, 2, exponents << extra bits] (see `_cluster_kernel`).

    `which` of the runs, all of one type, then tells the atom of each piece. place: one array that has all values, and where in it
    each run begins.
    """
    values, begins = place
    top, mantissa = 8 * values.itemsize - 1, runs[0].mantissa
    shift, mask = mantissa - min(EXTRA, mantissa), (1 << (top - mantissa)) - 1
    atoms = [min(_ATOMS[effort], len(run.values) // _ATOM.get(effort, _USUAL_ATOM)) if run.piece else 1 for run in runs]
    firsts, total = _places(runs, atoms, most_atoms(values.itemsize, mantissa))
    table = np.empty((len(runs), 8), np.int64)
    lengths = np.array([len(run.values) for run in runs])
    table[:, kernels.FIRST], table[:, kernels.LENGTH] = begins, lengths
    table[:, kernels.PIECE] = [run.piece or len(run.values) for run in runs]
    table[:, kernels.ATOM], table[:, kernels.ATOMS] = firsts, atoms
    pieces = -(-lengths // table[:, kernels.PIECE])
    table[:, kernels.PIECES], table[:, kernels.PLACE] = pieces, np.cumsum(pieces) - pieces
    table[:, kernels.A_SAMPLE] = (effort == 1) & (lengths >= _SAMPLED_FROM) & (table[:, kernels.ATOMS] == 1)
    size = total * 2 << (top - shift)
    counts = scratch(4 * size).view(np.uint32).reshape(total, 2, -1)
    counts[:] = 0
    which = np.empty(int(pieces.sum()), np.int64)
    kernels.count_runs(readonly(values), table, which, np.uint64(shift), np.uint64(mantissa), np.uint64(mask), counts)
    for run, first, several in zip(runs, table[:, kernels.PLACE].tolist(), pieces.tolist(), strict=True):
        run.which = which[first : first + several]
    return counts


def _places(runs: list[Floats], atoms: list[int], most: int) -> tuple[list[int], int]:
    """(the first atom of each run, atoms in all) for runs with that many `atoms`, which are reduced if there are too many.

    If there are still too many runs, those of about the same mean exponent share an atom.
    """
    if sum(atoms) > most:
        atoms[:] = [1] * len(atoms)
    if sum(atoms) <= most:
        return (np.cumsum(atoms) - atoms).tolist(), sum(atoms)
    sharing = [number for number, run in enumerate(runs) if not run.alone]
    rest = most - (len(runs) - len(sharing))
    firsts = np.empty(len(runs), np.int64)
    firsts[[number for number, run in enumerate(runs) if run.alone]] = np.arange(rest, most)
    order = np.argsort([_mean_exponent(runs[number]) for number in sharing], kind="stable")
    firsts[np.array(sharing)[order]] = np.arange(len(sharing)) * rest // len(sharing)
    return firsts.tolist(), most


def _mean_exponent(run: Floats) -> float:
    n, top, sums = len(run.values), 8 * run.values.dtype.itemsize - 1, np.empty(1, np.uint64)
    mask = np.uint64((1 << (top - run.mantissa)) - 1)
    kernels.sum_exponents(readonly(run.values), np.uint64(n), np.uint64(run.mantissa), mask, sums)
    return float(sums[0]) / n


def exact(values: NDArray[Any], mantissa: int) -> NDArray[np.int64]:
    """How often each exponent with up to EXTRA bits of the mantissa occurs, i64[exponents << extra bits]."""
    shift, whole = mantissa - min(EXTRA, mantissa), np.zeros(1, np.int64)
    counts = np.zeros((1, 2, 1 << (8 * values.dtype.itemsize - 1 - shift)), np.uint32)
    kernels.count_highs(readonly(values), np.uint64(len(values)), whole, np.uint64(shift), np.uint64(counts.shape[2] - 1), counts)
    return counts[0].sum(axis=0, dtype=np.int64)


def join(
    counts: NDArray[np.uint32], atoms: NDArray[np.int64], extra: int, size: int, effort: int, most: int
) -> NDArray[np.int64]:
    """The group (0 .. at most `most` - 1) of each of these atoms. size: bits of all values; extra: mantissa bits in the counts.

    Ordered by mean exponent, neighbours are joined: first those that lose least.
    """
    exponents, means = np.empty((len(atoms), counts.shape[2] >> extra), np.int64), np.empty(len(atoms))
    first, last = kernels.exponents_of(counts, atoms, extra, exponents, means)
    order = np.argsort(means, kind="stable")
    numbers, result = np.empty(len(atoms), np.int64), np.empty(len(atoms), np.int64)
    price = _TABLE + _TIME.get(effort, 0.0) * size
    kernels.join_neighbours(np.ascontiguousarray(exponents[order, first:last]), price, most, float(_PER_EXPONENT), numbers)
    result[order] = numbers
    return result
