"""Which bytes of a file go into which chunk: blocks along the axis that changes slowest, and the bytes between arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from lacodec.container.types import MAX_DECODED
from lacodec.media.arrays.value import ArrayEntry, Arrays

TINY = 64
"""Bytes of an array below which it is stored among the bytes between arrays: a description of its own would cost more."""
JOINED = 1 << 16
"""Bytes by which a chunk may be larger, so that a header needs none of its own."""
SMALLEST = 1 << 12
"""Bytes of a block, at least: less is decoded in no time, and each chunk costs some 200."""
LARGEST = MAX_DECODED - 2 * JOINED
"""Bytes of a block, at most."""
MAX_RUNS = 1 << 12
"""Arrays in a chunk: bounds the work for files of countless tiny ones."""
MAX_DIMENSIONS = 8
"""Dimensions of a block that are told apart; more are joined."""


@dataclass(frozen=True, slots=True)
class Run:
    """`size` bytes: a block of an array, its shape as it lies in the file (the first axis changes slowest), or other bytes."""

    size: int
    entry: ArrayEntry | None = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A chunk to be: the file's bytes from `start` on, run by run."""

    start: int
    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(run.size for run in self.runs)


def plans(value: Arrays, chunk: int, rows: int | None = None) -> Iterator[Plan]:
    """Plans that cover the file in order, of about `chunk` bytes; rows: of arrays with more of them, as many in a chunk."""
    start, used = 0, 0
    runs: list[Run] = []
    for run, alone in _runs(value, chunk, rows):
        full = used > JOINED and (alone or used + run.size > chunk + JOINED)
        if full or len(runs) == MAX_RUNS:
            yield Plan(start, tuple(runs))
            start, used, runs = start + used, 0, []
        runs.append(run)
        used += run.size
        if alone:
            yield Plan(start, tuple(runs))
            start, used, runs = start + used, 0, []
    if runs or not start:
        yield Plan(start, tuple(runs))


def _runs(value: Arrays, chunk: int, rows: int | None) -> Iterator[tuple[Run, bool]]:
    """All runs in order, and whether each is a full block, which ends its chunk."""
    at = 0
    for entry in value.entries:
        if entry.size < TINY:
            continue
        yield from _others(entry.offset - at, chunk)
        yield from _blocks(entry, chunk, rows)
        at = entry.stop
    yield from _others((value.source.size or 0) - at, chunk)


def _others(size: int, chunk: int) -> Iterator[tuple[Run, bool]]:
    """Bytes that belong to no array; many of them fill chunks of their own."""
    while size > 0:
        part = min(size, chunk)
        yield Run(part), part == chunk
        size -= part


def _blocks(entry: ArrayEntry, chunk: int, rows: int | None) -> Iterator[tuple[Run, bool]]:
    """An array, whole if it fits into a chunk."""
    shape = entry.shape[::-1] if entry.order == "F" else entry.shape
    item = entry.size // prod(shape)
    if not shape:
        shape = (1,)
    if item > chunk:  # an element larger than a chunk, which no column helps
        yield from _others(entry.size, chunk)
        return
    axis = next(k for k in range(len(shape)) if item * prod(shape[k + 1 :]) <= chunk)
    row = item * prod(shape[axis + 1 :])
    count = max(1, chunk // row)
    if rows is not None and item * prod(shape[1:]) <= LARGEST:
        axis, row = 0, item * prod(shape[1:])
        count = min(max(rows, -(-SMALLEST // row)), LARGEST // row)
    if axis == 0 and shape[0] <= count:
        yield Run(entry.size, entry, _few(shape)), False
        return
    for _ in range(prod(shape[:axis])):
        for first in range(0, shape[axis], count):
            part = min(count, shape[axis] - first)
            yield Run(part * row, entry, _few((part, *shape[axis + 1 :]))), part == count


def _few(shape: tuple[int, ...]) -> tuple[int, ...]:
    """At most MAX_DIMENSIONS: the first ones are joined."""
    more = len(shape) - MAX_DIMENSIONS
    return (prod(shape[: more + 1]), *shape[more + 1 :]) if more > 0 else shape
