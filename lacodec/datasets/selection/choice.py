"""Records of all documents, budget -> what becomes of each: selected, or why not."""

from dataclasses import dataclass

import numpy as np

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


def choose(records: np.ndarray, budget: Budget, filters: Filters) -> np.ndarray:
    """u8[documents]: the place of each one's outcome in OUTCOMES.

    In order of the scores, the first in the pool first where they are equal, up to the first that the budget does not hold.
    """
    outcomes = np.full(records.size, LEFT, np.uint8)
    if filters.overlap is not None:
        outcomes[(records["overlap"] >= filters.overlap) & (records["words"] > 0)] = LEAK
    if filters.duplicates:
        _mark(outcomes, exact_duplicates(records["digest"]), DUPLICATE)
    if filters.similarity is not None:
        usable = (outcomes == LEFT) & (records["words"] > 0)
        _mark(outcomes, near_duplicates(records["signature"], usable, filters.similarity), NEAR_DUPLICATE)
    ranked = ranking(records, outcomes)
    costs = (
        np.ones(ranked.size, np.uint64) if budget.unit == DOCS else records["tokens" if budget.unit == TOKENS else "size"][ranked]
    )
    fitting = int(np.searchsorted(np.cumsum(costs), budget.amount, side="right"))
    outcomes[ranked[:fitting]] = SELECTED
    return outcomes


def ranking(records: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """The documents that were not filtered, best first."""
    eligible = np.flatnonzero(outcomes <= SELECTED)
    return eligible[np.argsort(-records["score"][eligible], kind="stable")]


def _mark(outcomes: np.ndarray, which: np.ndarray, outcome: int) -> None:
    outcomes[which & (outcomes == LEFT)] = outcome
