"""Which bytes of a file go into which chunk: runs of one type each, in order; whole tensors where they fit."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lacodec.media.tensors.gguf_blocks import BY_SIZE
from lacodec.media.tensors.two_values import Row, row_of
from lacodec.media.tensors.value import TensorEntry

CHUNK = 4 << 20
"""Bytes in a chunk, at most; a larger tensor is cut between rows."""
FOREIGN = ""
"""The type of bytes that belong to no tensor."""
MOST_RUNS = 1 << 14
"""Runs in a chunk: bounds the work for files of countless tiny tensors."""


@dataclass(frozen=True, slots=True)
class Run:
    """`size` bytes of one type from one tensor, or of FOREIGN. row: bytes of a row, 0 without rows.

    blocks: whether a row is a block of quantised values (GGUF).
    varied: floats of which no sequences are expected to come again, so that these are not looked for.
    filter: what a row has, for whole rows that may have two values only.
    """

    dtype: str
    size: int
    row: int = 0
    twin: int = -1  # of a tensor that is there several times: where the first one begins
    blocks: bool = False
    varied: bool = False
    filter: Row | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A chunk to be: the file's bytes from `start` on, run by run.

    twin: -1, or where the same bytes are in the file for the first time; such a chunk has one run.
    """

    start: int
    runs: tuple[Run, ...]
    twin: int = -1

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(run.size for run in self.runs)


def plans(
    entries: Iterable[TensorEntry],
    size: int,
    twins: Mapping[int, int] | None = None,
    blocks: bool = False,
    filters: bool = False,
) -> Iterator[Plan]:
    """Plans that cover a file of `size` bytes with these tensors, in order; one empty plan for an empty file.

    twins: for repeated tensors, by their offset, the offset of the first one; each gets its own chunks.
    blocks: whether bytes in rows are blocks of quantised values; filters: whether tensors may have two values only.
    """
    start, used = 0, 0
    runs: list[Run] = []
    for run in _all_runs(entries, size, twins or {}, blocks, filters):
        if runs and (used + run.size > CHUNK or len(runs) == MOST_RUNS or run.twin >= 0):
            yield Plan(start, tuple(runs))
            start, used, runs = start + used, 0, []
        left, most, twin = run.size, _most(run), run.twin
        while left > CHUNK or (run.twin >= 0 and left):
            part = min(most, left)
            yield Plan(start, (_cut(run, part),), twin)
            start, left, twin = start + part, left - part, twin + part if twin >= 0 else -1
        if left:
            runs.append(_cut(run, left))
            used += left
    if runs or not start:
        yield Plan(start, tuple(runs))


def _cut(run: Run, size: int) -> Run:
    """A part of a run, which has filters if its rows are whole."""
    whole = run.filter is not None and (size == run.size or _most(run) % run.row == 0)
    return Run(run.dtype, size, run.row, blocks=run.blocks, filter=run.filter if whole else None)


def _most(run: Run) -> int:
    """Bytes of a run that go into a chunk: whole rows, unless they are large."""
    return CHUNK // run.row * run.row if 0 < run.row <= CHUNK // 8 else CHUNK


def _all_runs(entries: Iterable[TensorEntry], size: int, twins: Mapping[int, int], blocks: bool, filters: bool) -> Iterator[Run]:
    at = 0
    for entry in entries:
        if entry.offset > at:
            yield Run(FOREIGN, entry.offset - at)
        if entry.size:
            row = _row(entry)
            yield Run(
                entry.dtype,
                entry.size,
                row,
                twins.get(entry.offset, -1),
                blocks and entry.dtype == "U8" and row in BY_SIZE,
                filter=row_of(entry) if filters else None,
            )
        at = entry.stop
    if size > at:
        yield Run(FOREIGN, size - at)


def _row(entry: TensorEntry) -> int:
    """Bytes of one index on the axis that changes slowest."""
    rows = entry.shape[-1 if entry.order == "F" else 0] if len(entry.shape) > 1 else 0
    return entry.size // rows if rows and entry.size % rows == 0 else 0
