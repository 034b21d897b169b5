"""Rotary embeddings undone and done again, and elements <-> single precision."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv.lossy import _kernel as kernels
from lacodec.media.kv.value import Model

Floats = NDArray[np.float32]


def rows_of(array: NDArray[np.generic], dtype: str) -> Floats:
    """f32[batch * tokens, heads * width] of elements [batch, heads, tokens, width]."""
    turned = array.transpose(0, 2, 1, 3).reshape(array.shape[0] * array.shape[2], -1)
    if dtype == "BF16":
        return (turned.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return turned.astype(np.float32)


def elements_of(rows: Floats, sizes: tuple[int, int, int, int], dtype: str) -> NDArray[np.generic]:
    """The inverse of `rows_of`, rounded to the nearest; the largest finite element stands for larger values."""
    batch, heads, tokens, width = sizes
    rows = rows.reshape(batch, tokens, heads * width)
    if dtype == "BF16":
        out = np.empty(sizes, np.uint16)
        for one, found in zip(rows, out, strict=True):
            kernels.narrow(one.view(np.uint32), found)
        return out
    parts = np.ascontiguousarray(rows.reshape(batch, tokens, heads, width).transpose(0, 2, 1, 3))
    return np.clip(parts, -65504, 65504).astype("<f2") if dtype == "F16" else parts


class Turns:
    """The rotary embedding of a model at these positions i64[tokens], or `back`; its cosines and sines are made when needed."""

    def __init__(self, model: Model, positions: NDArray[np.int64], back: bool = False) -> None:
        self._model, self._positions, self._back = model, positions, back

    def __call__(self, rows: Floats, width: int) -> Floats:
        """Keys f32[batch * tokens, heads * width], turned in place; other layouts of pairs stay right, but gain less."""
        if 0 < 2 * len(self._model.inv_freq) <= width and self._model.scaling and rows.size:
            for one in rows.reshape(-1, len(self._positions), rows.shape[1]):
                kernels.turn(one, width, *self._numbers)
        return rows

    @cached_property
    def _numbers(self) -> tuple[Floats, Floats]:
        """cos, sin: f32[tokens, half]."""
        angles = self._positions[:, None].astype(np.float64) * np.array(self._model.inv_freq)
        factor = 1 / self._model.scaling if self._back else self._model.scaling
        return (np.cos(angles) * factor).astype(np.float32), (np.sin(angles) * (-factor if self._back else factor)).astype(
            np.float32
        )
