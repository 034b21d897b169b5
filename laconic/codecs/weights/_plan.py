"""Which bytes of a file go into which chunk: runs of one type each, in order; whole tensors where they fit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laconic.media.tensors import TensorEntry

CHUNK = 4 << 20
"""Bytes in a chunk, at most; a larger tensor is cut between rows."""
FOREIGN = ""
"""The type of what belongs to no tensor."""
MOST_RUNS = 1 << 14
"""Runs in a chunk: bounds the work for files of countless tiny tensors."""


@dataclass(frozen=True, slots=True)
class Run:
    """`size` bytes of one type from one tensor, or of FOREIGN. row: bytes of a row, 0 where there are none."""

    dtype: str
    size: int
    row: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A chunk to be: the file's bytes from `start` on, run by run."""

    start: int
    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(run.size for run in self.runs)


def plans(entries: Iterable[TensorEntry], size: int) -> Iterator[Plan]:
    """Plans that cover a file of `size` bytes with these tensors, in order; one empty plan for an empty file."""
    start, used = 0, 0
    runs: list[Run] = []
    for run in _all_runs(entries, size):
        if runs and (used + run.size > CHUNK or len(runs) == MOST_RUNS):
            yield Plan(start, tuple(runs))
            start, used, runs = start + used, 0, []
        left, most = run.size, _most(run)
        while left > CHUNK:
            yield Plan(start, (Run(run.dtype, most, run.row),))
            start, left = start + most, left - most
        runs.append(Run(run.dtype, left, run.row))
        used += left
    if runs or not start:
        yield Plan(start, tuple(runs))


def _most(run: Run) -> int:
    """Bytes of a run that go into a chunk: whole rows, unless they are large."""
    return CHUNK // run.row * run.row if 0 < run.row <= CHUNK // 8 else CHUNK


def _all_runs(entries: Iterable[TensorEntry], size: int) -> Iterator[Run]:
    at = 0
    for entry in entries:
        if entry.offset > at:
            yield Run(FOREIGN, entry.offset - at)
        if entry.size:
            yield Run(entry.dtype, entry.size, _row(entry))
        at = entry.stop
    if size > at:
        yield Run(FOREIGN, size - at)


def _row(entry: TensorEntry) -> int:
    """Bytes of what has one index on the axis that changes slowest."""
    rows = entry.shape[-1 if entry.order == "F" else 0] if len(entry.shape) > 1 else 0
    return entry.size // rows if rows and entry.size % rows == 0 else 0
