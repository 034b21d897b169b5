"""Classes of tokens: how much finer or coarser than the file's the steps of a token are, in half octaves.

An error in a token costs the more, the more later tokens look at it. For steps in proportion to 1 / sqrt(weight) all tokens
cost the same, which is the least for so many bits.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv.lossy.basis import Floats

PLAIN = 16  # the class of the file's own step; a token of the next class has steps half an octave finer
CLASSES = 32
FACTORS = np.ldexp(np.array([1.0, 0.7071067690849304], np.float32)[np.arange(CLASSES) & 1], PLAIN // 2 - np.arange(CLASSES) // 2)
_OCTAVES = 3  # in which the tables below grow by so many
_TABLES = (23, 16)  # of each set: between a scale and 2^3 times as much
Classes = NDArray[np.uint8]


def of_ends(tokens: int) -> Classes:
    """u8[tokens] for the tokens that a sequence ends with. Measured on SmolLM2: weight falls as (age + 2)^-0.75."""
    return of_weights((np.arange(tokens, dtype=np.float64)[::-1] + 2) ** -0.75)


def of_weights(weights: NDArray[np.floating]) -> Classes:
    """u8[..., tokens] for what errors in each token cost, which may be in any unit; on average they are `PLAIN`."""
    if not weights.size:
        return np.zeros(weights.shape, np.uint8)
    octaves = np.log2(np.maximum(weights.astype(np.float64), 1e-30))
    return np.clip(np.rint(PLAIN + octaves - octaves.mean(axis=-1, keepdims=True)), 0, CLASSES - 1).astype(np.uint8)


def fitting(classes: Classes, largest: Floats, limit: int) -> Classes:
    """The same, coarser where the largest number of a token, f32[tokens] with the class `PLAIN`, would be above the limit."""
    room = np.floor(2 * np.log2(limit / np.maximum(largest, 1e-9))) + PLAIN
    return np.minimum(classes, np.clip(room, 0, CLASSES - 1)).astype(np.uint8)


def shifted(count: int, which: int) -> NDArray[np.uint8]:
    """u8[CLASSES, count]: the table that a class uses for each of `count` tables of a set, which is chosen for `PLAIN`."""
    steps = (np.arange(CLASSES) - PLAIN) * _TABLES[which]
    return np.clip(np.arange(count) + (steps[:, None] + _OCTAVES) // (2 * _OCTAVES), 0, count - 1).astype(np.uint8)
