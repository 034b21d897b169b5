"""Scores by the size that a compressor gives to texts: `zipfit` and `band`."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lacodec import api
from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.chance import chances
from lacodec.errors import BadInput

GZIP = "gzip"
_LEVEL = 6
_BAND = 0.05, 0.95  # quantiles of the target's ratios


def sizes_by(codec: str) -> Callable[[bytes], int]:
    """Bytes that a text takes: by zlib ("gzip"), or by a codec of bytes at effort 1, without what an empty file takes."""
    if codec == GZIP:
        return lambda text: len(zlib.compress(text, _LEVEL))
    coder = api.codec(codec, effort=1)
    empty = len(coder.encode(b"", threads=1))
    return lambda text: max(1, len(coder.encode(text, threads=1)) - empty)


@dataclass(frozen=True)
class Alignment:
    """1 less the normalised compression distance to the target's texts, on average: Obbad et al. 2024, ZIP-FIT.

    codec: see `sizes_by`. target: its texts, each with its size when compressed.
    """

    codec: str
    target: tuple[tuple[bytes, int], ...]

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]."""
        size = sizes_by(self.codec)
        return np.array([self._alignment(text, size) for text in batch.texts], np.float64)

    def _alignment(self, text: bytes, size: Callable[[bytes], int]) -> float:
        own = size(text)
        distances = [(size(text + other) - min(own, theirs)) / max(own, theirs) for other, theirs in self.target]
        return 1 - float(np.mean(distances))


def alignment(codec: str, target: Iterable[Batch]) -> Alignment:
    """A scorer that compares with each text of the target."""
    size = sizes_by(codec)
    return Alignment(codec, tuple((text, size(text)) for batch in target for text in batch.texts))


@dataclass(frozen=True)
class Band:
    """Texts that compress about as well as those of the target, in an order drawn by chance, and then the others, nearest first.

    least, most: compressed bytes per byte, between which 90 % of the target's texts are. seed: of what is drawn.
    """

    codec: str
    least: float
    most: float
    seed: int

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]: 0 to 1 within the band; outside, how far, below 0."""
        ratios = _ratios(self.codec, batch)
        outside = np.maximum(self.least - ratios, ratios - self.most)
        return np.where(outside <= 0, chances(batch, self.seed), -outside)


def band(codec: str, target: Iterable[Batch], seed: int) -> Band:
    """A scorer with the band of the target."""
    ratios = np.concatenate([np.zeros(0), *(_ratios(codec, batch) for batch in target)])
    if not ratios.size:
        raise BadInput("the target has no text; check the files and --field")
    least, most = np.quantile(ratios, _BAND).tolist()
    return Band(codec, least, most, seed)


def _ratios(codec: str, batch: Batch) -> np.ndarray:
    size = sizes_by(codec)
    return np.array([size(text) / max(1, len(text)) for text in batch.texts], np.float64)
