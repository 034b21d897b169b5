"""How likely each word of a book is, given six indices around: a small network of whole numbers, the same on every machine.

    six indices --embedding--> 6 x E numbers --first, second--> H activations 0..255 --last--> one logit for each word

Weights count 1/64, activations 1/16, logits 1/1024 of a power of two. No sum leaves the range of int32.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile

AROUND = ((0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0))
"""Places of the six: rows and columns from that of the predicted."""
SEEN = 8
"""How often a word has occurred is told apart up to this, less one."""
SHIFT = 6
"""Bits by which a sum of weights and activations is reduced."""
TOP = 255
"""The largest activation."""
_MOST_CHANNELS = 256
_MOST_BIAS = 1 << 24
_KINDS = {"embed": "i1", "first": "i1", "second": "i1", "last": "i1"}


@dataclass(frozen=True, eq=False)
class Predictor:
    """embed: i8[K + 1, E], the last row for places outside. first: i8[H, 6 E], second: i8[H, H], last: i8[K, H]; their biases are
    i32. seen: i32[SEEN], what is added to the logit of a word that has occurred so often. Raises CorruptFile."""

    embed: np.ndarray
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    last: np.ndarray
    last_bias: np.ndarray
    seen: np.ndarray

    def __post_init__(self) -> None:
        words, channels = self.last.shape if self.last.ndim == 2 else (0, 0)
        width = self.embed.shape[1] if self.embed.ndim == 2 else 0
        shapes = {
            "embed": (words + 1, width),
            "first": (channels, len(AROUND) * width),
            "first_bias": (channels,),
            "second": (channels, channels),
            "second_bias": (channels,),
            "last": (words, channels),
            "last_bias": (words,),
            "seen": (SEEN,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.dtype(_KINDS.get(name, "<i4")):
                raise CorruptFile(f"the model has {name} of its predictor in another form")
            if array.dtype.itemsize == 4 and np.abs(array.astype(np.int64)).max(initial=0) > _MOST_BIAS:
                raise CorruptFile(f"the model has impossible numbers in {name} of its predictor")
        if not (2 <= words <= 1 << 14 and 1 <= channels <= _MOST_CHANNELS and 1 <= width <= _MOST_CHANNELS):
            raise CorruptFile("the model has a predictor of impossible size")

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], prefix: str) -> "Predictor":
        """Of a model file."""
        fields = [field.name for field in dataclasses.fields(cls)]
        missing = [name for name in fields if f"{prefix}.{name}" not in arrays]
        if missing:
            raise CorruptFile(f"the model lacks {prefix}.{missing[0]}")
        return cls(*(np.array(arrays[f"{prefix}.{name}"]) for name in fields))

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """For a model file."""
        return {f"{prefix}.{field.name}": getattr(self, field.name) for field in dataclasses.fields(self)}

    @cached_property
    def entries(self) -> np.ndarray:
        """i32[6, K + 1, H]: what an index at each of the places adds to the sums of the first layer."""
        width = self.embed.shape[1]
        parts = [self.first[:, k * width : (k + 1) * width].astype(np.int32) for k in range(len(AROUND))]
        embed = self.embed.astype(np.int32)
        return np.stack([embed @ part.T for part in parts])
