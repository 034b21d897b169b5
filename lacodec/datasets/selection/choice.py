"""Records of all documents, budget -> what becomes of each: selected, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.datasets.selection.balanced import NEVER
from lacodec.datasets.selection.budget import DOCS, TOKENS, Budget
from lacodec.datasets.selection.duplicates import exact_duplicates, near_duplicates

OUTCOMES = ("left", "selected", "duplicate", "near duplicate", "leak")
LEFT, SELECTED, DUPLICATE, NEAR_DUPLICATE, LEAK = range(len(OUTCOMES))


@dataclass(frozen=True)
class Filters:
    """Documents that share `similarity` of their shingles with an earlier one are near duplicates, and those of which `overlap`
    stands in the target are leaks; None: such documents may be selected."""

    duplicates: bool = True
    similarity: float | None = 0.7
    overlap: float | None = 0.3


def filtered(records: np.ndarray, filters: Filters) -> np.ndarray:
    """u8[documents]: the place of each one's outcome in OUTCOMES, before any is selected."""
    outcomes = np.full(records.size, LEFT, np.uint8)
    if filters.overlap is not None:
        outcomes[(records["overlap"] >= filters.overlap) & (records["words"] > 0)] = LEAK
    if filters.duplicates:
        _mark(outcomes, exact_duplicates(records["digest"]), DUPLICATE)
    if filters.similarity is not None:
        usable = (outcomes == LEFT) & (records["words"] > 0)
        _mark(outcomes, near_duplicates(records["signature"], usable, filters.similarity), NEAR_DUPLICATE)
    return outcomes


def choose(records: np.ndarray, outcomes: np.ndarray, budgets: Sequence[Budget]) -> None:
    """Mark what is selected for each target, with its part of the budget; a document counts for the first one that takes it.

    In order of the scores, the first in the pool first where they are equal, up to the first that the budget does not hold.
    """
    for target, budget in enumerate(budgets):
        ranked = ranking(records, outcomes, target)
        ranked = ranked[(outcomes[ranked] == LEFT) & (records["score"][ranked, target] > NEVER)]
        fitting = int(np.searchsorted(np.cumsum(costs(records[ranked], budget.unit)), budget.amount, side="right"))
        outcomes[ranked[:fitting]] = SELECTED


def rounds(records: np.ndarray, outcomes: np.ndarray, budget: Budget, count: int) -> list[np.ndarray]:
    """Documents for each epoch, i64[...]: the ranking goes round, so that none comes again before all were there."""
    ranked = ranking(records, outcomes)
    found: list[np.ndarray] = []
    at = 0
    for _ in range(count):
        turned = np.roll(ranked, -at)
        fitting = int(np.searchsorted(np.cumsum(costs(records[turned], budget.unit)), budget.amount, side="right"))
        found.append(np.sort(turned[:fitting]))
        at += fitting
    return found


def costs(records: np.ndarray, unit: str) -> np.ndarray:
    """What each document takes of a budget of this unit: i64[documents]."""
    return np.ones(records.size, np.int64) if unit == DOCS else records["tokens" if unit == TOKENS else "size"].astype(np.int64)


def ranking(records: np.ndarray, outcomes: np.ndarray, target: int = 0) -> np.ndarray:
    """The documents that were not filtered, best first."""
    eligible = np.flatnonzero(outcomes <= SELECTED)
    return eligible[np.argsort(-records["score"][eligible, target], kind="stable")]


def _mark(outcomes: np.ndarray, which: np.ndarray, outcome: int) -> None:
    outcomes[which & (outcomes == LEFT)] = outcome
