"""Score `balanced`: documents that match entries of a list, at most so many for each entry, about.

Each entry that is in a document draws it with probability cap / documents that have the entry (Xu et al. 2023, Demystifying CLIP
Data): entries of the tail keep all of theirs, and those of the head are cut down to the cap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.phrases import Phrases, compiled, matches

NEVER = -np.inf
"""The score of documents that are not to be selected, whatever the budget."""

_MORE, _MOST = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Balanced:
    """counts: documents of the pool with each entry, i64[entries]. seed: of what is drawn."""

    table: Phrases
    counts: np.ndarray
    cap: int
    seed: int

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]: how far below its probability the luckiest draw was, in nats; NEVER where no entry draws it."""
        documents, entries = matches(batch, self.table)
        texts = np.array([xxhash.xxh3_64_intdigest(text, self.seed) for text in batch.texts], np.uint64)
        drawn = (_mixed(texts[documents] + _mixed(entries.astype(np.uint64))) >> np.uint64(11)).astype(np.float64)
        margin = np.log(self.cap / np.maximum(self.counts[entries], 1)) - np.log((drawn + 0.5) / (1 << 53))
        found = np.full(len(batch.texts), NEVER)
        np.maximum.at(found, documents, np.where(margin >= 0, margin, NEVER))
        return found


def balanced(entries: Sequence[str], cap: int, pool: Iterable[Batch], seed: int) -> Balanced:
    """A scorer for a pool, all of which is read to count its entries."""
    table = compiled(entries)
    counts = np.zeros(table.count, np.int64)
    for batch in pool:
        counts += np.bincount(matches(batch, table)[1], minlength=table.count)
    return Balanced(table, counts, cap, seed)


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finisher of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * _MORE
    values = (values ^ (values >> np.uint64(27))) * _MOST
    found: np.ndarray = values ^ (values >> np.uint64(31))
    return found
