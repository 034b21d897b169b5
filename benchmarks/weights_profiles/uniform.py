"""Round to nearest between the least and the greatest value of each group of columns (RTN)."""

import numpy as np

from .coded import Coded, Matrix, half


def uniform(weight: Matrix, bits: int, group: int) -> Coded:
    """Groups store their least value and their step, 16 bits each."""
    parts = weight.reshape(len(weight), -1, group)
    least, step = extent(parts, bits)
    numbers = nearest(parts, least, step, bits)
    restored = (numbers * step + least).reshape(weight.shape).astype(np.float32)
    return Coded(restored, numbers.reshape(weight.shape), 1 << bits, 32.0 * least.size)


def extent(parts: Matrix, bits: int) -> tuple[Matrix, Matrix]:
    """(least, step) of each group along the last axis, as 16-bit floats keep them."""
    least, most = parts.min(-1, keepdims=True), parts.max(-1, keepdims=True)
    step = half(np.maximum((most - least) / ((1 << bits) - 1), 1e-12))
    return half(least), np.maximum(step, 1e-7)


def nearest(parts: Matrix, least: Matrix, step: Matrix, bits: int) -> np.ndarray:
    """Numbers of the nearest levels."""
    return np.clip(np.rint((parts - least) / step), 0, (1 << bits) - 1).astype(np.int64)
