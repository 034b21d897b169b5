"""Numbers drawn by the hash of a text and a seed, so that they do not depend on the order of documents. Score `random`."""

from dataclasses import dataclass

import numpy as np
import xxhash

from lacodec.datasets.selection.batch import Batch


@dataclass(frozen=True)
class Chance:
    """seed: of what is drawn."""

    seed: int

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents], between 0 and 1."""
        return chances(batch, self.seed)


def chances(batch: Batch, seed: int) -> np.ndarray:
    """f64[documents], between 0 and 1."""
    drawn = [xxhash.xxh3_64_intdigest(text, seed) >> 11 for text in batch.texts]
    return (np.array(drawn, np.float64) + 0.5) / (1 << 53)
