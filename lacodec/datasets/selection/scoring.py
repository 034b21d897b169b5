"""What is found about each document of a unit: `score_unit`, which every engine runs."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
import xxhash

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.pool import Row, Unit, rows
from lacodec.datasets.selection.records import Scored, record_type
from lacodec.datasets.selection.scores import Scorer
from lacodec.datasets.selection.shingles import words_of

_BATCH = 1 << 20  # bytes of text


@dataclass(frozen=True)
class How:
    """Everything that scoring needs besides the unit: a scorer for each target, and the shingles of all targets."""

    scorers: tuple[Scorer, ...]
    target: np.ndarray
    field: str


def score_unit(numbered: tuple[int, Unit], how: How) -> Scored:
    """Read a unit and look at each document in it."""
    number, unit = numbered
    problems: list[tuple[int, str]] = []
    parts = []
    entries = 0
    for some in batches(rows(unit, how.field)):
        problems += [(entries + i, row.problem) for i, row in enumerate(some) if row.problem]
        parts.append(_records(number, entries, some, how))
        entries += len(some)
    return Scored(number, entries, tuple(problems), np.concatenate([np.zeros(0, record_type(len(how.scorers))), *parts]))


def _records(unit: int, first: int, some: list[Row], how: How) -> np.ndarray:
    which = [i for i, row in enumerate(some) if not row.problem]
    batch = Batch([some[i].text for i in which])
    records = np.zeros(len(which), record_type(len(how.scorers)))
    words = words_of(batch, how.target)
    digests = b"".join(xxhash.xxh3_128_digest(text) for text in batch.texts)
    records["unit"], records["number"] = unit, first + np.array(which, np.int64)
    records["size"], records["tokens"], records["words"] = batch.sizes, words.tokens, words.words
    for place, scorer in enumerate(how.scorers):
        records["score"][:, place] = scorer.scores(batch)
    records["overlap"], records["signature"] = words.overlap, words.signatures
    records["digest"] = np.frombuffer(digests, "<u8").reshape(-1, 2)
    return records


def batches(found: Iterator[Row]) -> Iterator[list[Row]]:
    """Entries, about a megabyte at a time."""
    some: list[Row] = []
    size = 0
    for row in found:
        some.append(row)
        size += len(row.text)
        if size >= _BATCH:
            yield some
            some, size = [], 0
    if some:
        yield some


def numbered_batches(unit: Unit, numbers: Set[int], field: str) -> Iterator[Batch]:
    """The texts of these entries of a unit."""
    chosen = (row for number, row in enumerate(rows(unit, field)) if number in numbers)
    for some in batches(chosen):
        yield Batch([row.text for row in some])
