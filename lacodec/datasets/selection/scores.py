"""How well documents fit: `prime` makes the scorer of a name, and `Score` says which one, with its options.

target, sample of the pool --counts of features--> weights of features --sum over a document--> score, higher is better
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xxhash

from lacodec.datasets.selection import features
from lacodec.datasets.selection.balanced import balanced
from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.chance import Chance, chances
from lacodec.datasets.selection.compressed import GZIP, alignment, band
from lacodec.datasets.selection.perplexity import Perplexity
from lacodec.errors import BadInput

BITS, DSIR, ZIPFIT, BAND = "bits", "dsir", "zipfit", "band"
PERPLEXITY, DIVERSITY, BALANCED, RANDOM = "perplexity", "diversity", "balanced", "random"
AIMED = (BITS, DSIR, ZIPFIT, BAND)
"""Those that compare with the target."""
NAMES = (*AIMED, PERPLEXITY, DIVERSITY, BALANCED, RANDOM)

_FEATURES = {BITS: (features.GRAMS, 22), DSIR: (features.TOKENS, 14)}
_PRIOR = 0.5  # counts of the target that every slot begins with
_RARITY_POWER = 3
_LEAST_PROBABILITY = 1e-8


@dataclass(frozen=True)
class Score:
    """name: one of NAMES. codec: what `zipfit` and `band` compress with, "gzip" or a codec of bytes. entries, cap: of
    `balanced`, phrases and how many documents each may bring, about. Raises BadInput for what cannot be."""

    name: str = BITS
    codec: str = GZIP
    entries: tuple[str, ...] = ()
    cap: int | None = None

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise BadInput(f"there is no score {self.name!r}; there are {', '.join(NAMES)}")
        if self.codec != GZIP and self.name not in (ZIPFIT, BAND):
            raise BadInput(f"the score {self.name!r} does not compress; leave out the codec")
        if (self.name == BALANCED) != (bool(self.entries) and self.cap is not None):
            raise BadInput("the score 'balanced', and no other one, needs entries and a cap")
        if self.cap is not None and self.cap < 1:
            raise BadInput(f"an entry must bring 1 document at least, not {self.cap}")

    def facts(self) -> dict[str, Any]:
        """The score and its options, for a report; of the entries their number and a hash."""
        facts: dict[str, Any] = {"name": self.name}
        if self.name in (ZIPFIT, BAND):
            facts["codec"] = self.codec
        if self.name == BALANCED:
            digest = xxhash.xxh3_128_hexdigest("\n".join(self.entries).encode())
            facts |= {"cap": self.cap, "entries": len(self.entries), "digest": digest}
        return facts


class Scorer(Protocol):
    """Something that scores documents. It can be pickled."""

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents], higher is better; each depends on its document alone, not on the batch."""


@dataclass(frozen=True)
class Ratios:
    """`bits` and `dsir`: weights of hashed features, f32[slots]. seed: of what is drawn by chance."""

    name: str
    weights: np.ndarray
    seed: int

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]."""
        sums = features.weigh(batch, _FEATURES[self.name][0], self.weights)
        if self.name == BITS:
            return sums / np.maximum(batch.sizes, 1)
        return sums - np.log(-np.log(chances(batch, self.seed)))


def prime(
    score: Score, target: Iterable[Batch], background: Iterable[Batch], pool: Callable[[], Iterable[Batch]], seed: int
) -> Scorer:
    """A scorer for documents like the target and unlike the pool, of which `background` is a sample; some read all of it."""
    match score.name:
        case "zipfit":
            return alignment(score.codec, target)
        case "band":
            return band(score.codec, target, seed)
        case "perplexity":
            return Perplexity()
        case "balanced":
            return balanced(score.entries, score.cap or 1, pool(), seed)
        case "random" | "diversity":  # diversity depends on the others that are selected, and comes after the filters
            return Chance(seed)
    target_counts, background_counts = _counts(score.name, target), _counts(score.name, background)
    weigh = _bits_weights if score.name == BITS else _dsir_weights
    return Ratios(score.name, weigh(target_counts, background_counts).astype(np.float32), seed)


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
