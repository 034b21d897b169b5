"""The language model of text: one step in integers. docs/text.md names the arrays of a model file.

Sums stay far below 2^53, so that numpy's int64 products are exact.
"""

import math
from dataclasses import dataclass

import numpy as np

TOP, STREAM_TOP, TAPS = 127, (1 << 23) - 1, 3


@dataclass
class Memory:
    """Of each block: the norms of the last TAPS - 1 steps, newest first, and h in 2^-16."""

    norms: list[list[np.ndarray]]
    h: list[np.ndarray]

    @classmethod
    def empty(cls, blocks: int, width: int, recurrence: int) -> "Memory":
        """Before the first piece."""
        return cls(
            [[np.zeros(width, np.int64)] * (TAPS - 1) for _ in range(blocks)],
            [np.zeros(recurrence, np.int64) for _ in range(blocks)],
        )


class Model:
    """The arrays of a model file."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = {name: array.astype(np.int64) for name, array in arrays.items()}
        self.blocks = len(self.arrays["taps"])
        self.pieces, self.width = self.arrays["embedding"].shape
        self.recurrence = self.arrays["0.mixer.outer"].shape[1]

    def empty(self) -> Memory:
        """A memory of nothing."""
        return Memory.empty(self.blocks, self.width, self.recurrence)

    def step(self, piece: int, before: Memory) -> tuple[np.ndarray, Memory]:
        """Read a piece: the masses of all pieces to come next, and the memory after it."""
        a = self.arrays
        x = held((a["embedding"][piece] * a["embedding_scale"][piece] + (1 << 23)) >> 24, STREAM_TOP)
        after = Memory([], [])
        for block in range(self.blocks):
            now, past = norm(x), before.norms[block]
            near = sum(a["taps"][block, k] * value for k, value in enumerate([now, *past]))
            near = held((near + (1 << 11)) >> 12, TOP)
            after.norms.append([now, *past[:-1]])
            value, gate, output = np.split(held(self._sums(f"{block}.mixer.inner", near), TOP), 3)
            h = (a["keep"][gate + TOP] * before.h[block] + a["take"][gate + TOP] * (value << 12) + (1 << 15)) >> 16
            after.h.append(held(h, 1 << 30))
            mixed = held((after.h[-1] * a["silu"][output + TOP] + (1 << 23)) >> 24, TOP)
            x = held(x + self._sums(f"{block}.mixer.outer", mixed), STREAM_TOP)
            value, gate = np.split(held(self._sums(f"{block}.inner", norm(x)), TOP), 2)
            gated = held((value * a["silu"][gate + TOP] + (1 << 11)) >> 12, TOP)
            x = held(x + self._sums(f"{block}.outer", gated), STREAM_TOP)
        return self._masses(norm(x)), after

    def _sums(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """A matrix's products with their scales and biases."""
        a = self.arrays
        total = (a[name] @ inputs) * a[f"{name}.scale"] + (a[f"{name}.bias"] << 16)
        return held((total + (1 << 23)) >> 24, 1 << 30)

    def _masses(self, inputs: np.ndarray) -> np.ndarray:
        a = self.arrays
        logits = held(((a["embedding"] @ inputs * a["head_scale"] + (1 << 23)) >> 24) + a["head_bias"], 1 << 28)
        below = logits.max() - logits
        return 1 + (a["power"][below & 1023] >> np.minimum(below // 1024, 31))


def norm(x: np.ndarray) -> np.ndarray:
    """Sixteenths of the stream over the root of its mean square."""
    mean = float(int((x * x).sum())) / float(len(x))
    factor = int(float(16 << 24) / math.sqrt(mean + 0.65536))
    return held((x * factor + (1 << 23)) >> 24, TOP)


def held(values: np.ndarray, top: int) -> np.ndarray:
    """Within +-top."""
    return np.clip(values, -top, top)
