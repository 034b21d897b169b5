"""How well documents fit a target: `bits`, `dsir`, `random`.

target, sample of the pool --counts of features--> weights of features --sum over a document--> score, higher is better
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xxhash

from lacodec.datasets.selection import features
from lacodec.datasets.selection.batch import Batch
from lacodec.errors import BadInput

BITS, DSIR, RANDOM = "bits", "dsir", "random"
NAMES = (BITS, DSIR, RANDOM)

_FEATURES = {BITS: (features.GRAMS, 22), DSIR: (features.TOKENS, 14)}
_PRIOR = 0.5  # counts of the target that every slot begins with
_RARITY_POWER = 3
_LEAST_PROBABILITY = 1e-8


@dataclass(frozen=True)
class Scorer:
    """name: one of NAMES. weights: f32[slots] of its features, empty for `random`. seed: of what is drawn by chance."""

    name: str
    weights: np.ndarray
    seed: int

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]; each depends on its document alone, not on the batch."""
        if self.name == RANDOM:
            return self._chances(batch)
        sums = features.weigh(batch, _FEATURES[self.name][0], self.weights)
        if self.name == BITS:
            return sums / np.maximum(batch.sizes, 1)
        return sums - np.log(-np.log(self._chances(batch)))

    def _chances(self, batch: Batch) -> np.ndarray:
        """Numbers between 0 and 1, drawn by the hash of the text, so that they are the same in any order."""
        drawn = [xxhash.xxh3_64_intdigest(text, self.seed) >> 11 for text in batch.texts]
        return (np.array(drawn, np.float64) + 0.5) / (1 << 53)


def prime(name: str, target: Iterable[Batch], background: Iterable[Batch], seed: int) -> Scorer:
    """A scorer for documents like the target and unlike the pool, of which `background` is a sample."""
    if name not in NAMES:
        raise BadInput(f"there is no score {name!r}; there are {', '.join(NAMES)}")
    if name == RANDOM:
        return Scorer(name, np.zeros(0, np.float32), seed)
    target_counts, background_counts = _counts(name, target), _counts(name, background)
    weigh = _bits_weights if name == BITS else _dsir_weights
    return Scorer(name, weigh(target_counts, background_counts).astype(np.float32), seed)


def _counts(name: str, batches: Iterable[Batch]) -> np.ndarray:
    kind, slot_bits = _FEATURES[name]
    counts = np.zeros(1 << slot_bits, np.int64)
    for batch in batches:
        features.add(batch, kind, counts)
    return counts


def _bits_weights(target: np.ndarray, background: np.ndarray) -> np.ndarray:
    """What a feature saves, log of its share in the target over that in the pool, times a power of how rare it is.

    The power of an inverse document frequency (Spärck Jones 1972), here of features: rare ones tell more about the target than
    the many common ones, which a plain sum of code lengths would drown them in.
    """
    ratio = target.sum() / max(1, background.sum())
    seen = target + background
    gain = np.log((target + _PRIOR * ratio) / (background * ratio + _PRIOR * ratio)) if ratio else np.zeros(seen.size)
    rarity = np.log1p(seen.sum() / (7 * (seen + 1.0)))  # 7 features a byte
    return gain * (rarity / rarity.max()) ** _RARITY_POWER


def _dsir_weights(target: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Log of importance weights, hashed n-grams of tokens: Xie et al. 2023, Data Selection for Language Models via Importance
    Resampling, section 4."""
    in_target, in_pool = target / max(1, target.sum()), background / max(1, background.sum())
    return np.log(in_target + _LEAST_PROBABILITY) - np.log(in_pool + _LEAST_PROBABILITY)
