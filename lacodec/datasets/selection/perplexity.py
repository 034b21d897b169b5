"""Score `perplexity`: how well a small language model of English foresees a text."""

from dataclasses import dataclass

import numpy as np

from lacodec.datasets.selection.batch import Batch


@dataclass(frozen=True)
class Perplexity:
    """By the model of codec `text.lm`; it does not look at the target."""

    def scores(self, batch: Batch) -> np.ndarray:
        """f64[documents]: bits per byte, negative, so that the best foreseen texts come first."""
        from lacodec.codecs.text import shipped
        from lacodec.models.text import alone

        words = shipped.by_path(shipped.SHIPPED).language
        return np.array([-alone.information(words, text) / max(1, len(text)) for text in batch.texts], np.float64)
