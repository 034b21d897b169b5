"""Several documents in one array, as kernels take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Batch:
    """texts: UTF-8 of each document."""

    texts: Sequence[bytes]

    @cached_property
    def data(self) -> np.ndarray:
        """All texts, one after the other: u8[bytes]."""
        return np.frombuffer(b"".join(self.texts), np.uint8)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Bytes of each: i64[documents]."""
        return np.array([len(text) for text in self.texts], np.int64)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each begins in `data`, and where the last one ends: i64[documents + 1]."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes)])
