"""`select`: the documents of a pool that are most like a target, up to a budget.

pool --units--> records (score, hashes, overlap with the target) --choice--> selected documents, report
"""

from lacodec.datasets.selection.budget import Budget
from lacodec.datasets.selection.choice import Filters
from lacodec.datasets.selection.report import Summary
from lacodec.datasets.selection.scores import Score
from lacodec.datasets.selection.selecting import select

__all__ = ["Budget", "Filters", "Score", "Summary", "select"]
