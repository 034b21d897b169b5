"""What scoring needs to know beforehand: the targets, and the pool or a sample of it."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.pool import Unit, rows
from lacodec.datasets.selection.scores import Score, prime
from lacodec.datasets.selection.scoring import How, batches
from lacodec.datasets.selection.shingles import shingle_set, shingles_of
from lacodec.errors import BadInput

_BACKGROUND = 1 << 25  # bytes of text
_LEAST_UNITS = 32


def prepared(units: Sequence[Unit], targets: Sequence[Sequence[Unit]], field: str, score: Score, seed: int) -> How:
    """A scorer for each target, or one if there is none. The background is all of a small pool, or units drawn by chance."""

    def texts(some: Sequence[Unit], most: int | None = None) -> Iterator[Batch]:
        """most: batches of each unit."""
        for unit in some:
            for part in islice(batches(rows(unit, field)), most):
                yield Batch([row.text for row in part if not row.problem])

    def background() -> Iterator[Batch]:
        total = 0
        for seen, i in enumerate(np.random.default_rng(seed).permutation(len(units))):
            if total >= _BACKGROUND and seen >= _LEAST_UNITS:
                return
            for batch in texts([units[i]], 1 if len(units) >= _LEAST_UNITS else None):
                total += batch.data.size
                yield batch

    hashes = [np.zeros(0, np.uint64)]
    for target in targets:
        found = [shingles_of(batch) for batch in texts(target)]
        if not sum(part.size for part in found):
            raise BadInput("the target has no text; check the files and --field")
        hashes += found
    scorers = tuple(prime(score, texts(target), background(), lambda: texts(units), seed) for target in targets or [()])
    return How(scorers, shingle_set(np.unique(np.concatenate(hashes))), field)
