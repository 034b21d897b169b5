"""Rotary embeddings undone and done again, and elements <-> single precision."""

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


def turned(rows: Floats, model: Model, positions: NDArray[np.int64], width: int, back: bool = False) -> Floats:
    """Keys f32[rows, heads * width], turned in place by the model's rotary embedding, or `back`. positions: of each row."""
    half = len(model.inv_freq)
    if not 0 < 2 * half <= width or not model.scaling:
        return rows
    angles = positions[:, None].astype(np.float64) * np.array(model.inv_freq)
    factor = 1 / model.scaling if back else model.scaling
    cos, sin = (np.cos(angles) * factor).astype(np.float32), (np.sin(angles) * (-factor if back else factor)).astype(np.float32)
    kernels.turn(rows, width, cos, sin)
    return rows
