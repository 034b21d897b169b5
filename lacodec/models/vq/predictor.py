"""How likely each word of a book is, given six indices around: a small network of whole numbers, the same on every machine.

    six indices --embedding--> 6 x E numbers --first, second--> H activations 0..255 --last--> one logit for each word

A second layer's sees its own indices, and those of the first layer. Weights count 1/64, activations 1/16, logits 1/1024 of a
power of two. No sum leaves the range of int32.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile

AROUND = ((0, 0, -1), (0, -1, 0), (0, -1, 1), (0, -1, -1), (0, 0, -2), (0, -2, 0))
"""Places of the six: whether of the first layer, seen from the second; rows and columns from that of the predicted."""
AROUND_SECOND = ((1, 0, 0), (0, 0, -1), (0, -1, 0), (0, -1, 1), (1, 0, -1), (1, -1, 0))
"""Of a second layer's."""
SEEN = 8
"""How often a word has occurred is told apart up to this, less one."""
SHIFT = 6
"""Bits by which a sum of weights and activations is reduced."""
TOP = 255
"""The largest activation."""
_MOST_WORDS, _MOST_CHANNELS = 1 << 14, 256
_MOST_BIAS = 1 << 24
_KINDS = {"embed": "i1", "parents": "i1", "first": "i1", "second": "i1", "last": "i1"}


@dataclass(frozen=True, eq=False)
class Predictor:
    """embed: i8[K + 1, E], the last row for places outside. first: i8[H, 6 E], second: i8[H, H], last: i8[K, H]; their biases are
    i32. seen: i32[SEEN], what is added to the logit of a word that has occurred so often. parents: of a second layer's,
    i8[P + 1, E], the embedding of the first layer's words. Raises CorruptFile."""

    embed: np.ndarray
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    last: np.ndarray
    last_bias: np.ndarray
    seen: np.ndarray
    parents: np.ndarray | None = None

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
        if self.parents is not None:
            shapes["parents"] = (*self.parents.shape[:1], width)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.dtype(_KINDS.get(name, "<i4")):
                raise CorruptFile(f"the model has {name} of its predictor in another form")
            if array.dtype.itemsize == 4 and np.abs(array.astype(np.int64)).max(initial=0) > _MOST_BIAS:
                raise CorruptFile(f"the model has impossible numbers in {name} of its predictor")
        if self.parents is not None and self.parent_words < 2:
            raise CorruptFile("the model has a predictor of a second layer without a first")
        largest = max(words, self.parent_words)
        if not (words >= 2 and largest <= _MOST_WORDS and 1 <= channels <= _MOST_CHANNELS and 1 <= width <= _MOST_CHANNELS):
            raise CorruptFile("the model has a predictor of impossible size")

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], prefix: str) -> "Predictor":
        """Of a model file."""
        fields = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
        missing = [name for name in fields if f"{prefix}.{name}" not in arrays]
        if missing:
            raise CorruptFile(f"the model lacks {prefix}.{missing[0]}")
        fields += [name for name in ("parents",) if f"{prefix}.{name}" in arrays]
        return cls(**{name: np.array(arrays[f"{prefix}.{name}"]) for name in fields})

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """For a model file."""
        found = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {f"{prefix}.{name}": array for name, array in found if array is not None}

    @property
    def parent_words(self) -> int:
        """Of the first layer's book; 0 for the first layer's own."""
        return 0 if self.parents is None else len(self.parents) - 1

    @property
    def around(self) -> tuple[tuple[int, int, int], ...]:
        """Places of the six."""
        return AROUND if self.parents is None else AROUND_SECOND

    @cached_property
    def entries(self) -> np.ndarray:
        """i32[6, 1 + K or P, whichever is larger, H]: what an index at each of the places adds to the sums of the first layer."""
        width, channels = self.embed.shape[1], len(self.first)
        found = np.zeros((len(AROUND), 1 + max(len(self.last), self.parent_words), channels), np.int32)
        for k, (of_first, _, _) in enumerate(self.around):
            embed = self.parents if of_first else self.embed
            assert embed is not None  # a first layer's sees no other
            part = self.first[:, k * width : (k + 1) * width].astype(np.int32)
            found[k, : len(embed)] = embed.astype(np.int32) @ part.T
        return found
