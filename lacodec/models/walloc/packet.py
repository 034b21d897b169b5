"""Wavelet packets by bior4.4, the filters of Cohen, Daubechies and Feauveau with 9 and 7 taps, in four lifting steps.

Every band is split again, so that after J levels all bands have one size: [C, n] -> [C * 2^J, n / 2^J], pictures [C, h, w] ->
[C * 4^J, h / 2^J, w / 2^J]. Borders are mirrored, so the end of a sound does not reach its beginning.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_STEPS = (-1.5861343420693648, -0.0529801185718856, 0.8829110755411875, 0.4435068520511142)
_SCALE = 1.1496043988602418


def analyse(values: Floats, levels: int) -> Floats:
    """The packet of f32[C, ...]; every axis but the first is a multiple of 2^levels."""
    for _ in range(levels):
        for axis in range(1, values.ndim):
            values = np.concatenate(_split(values, axis))
    return values


def synthesise(bands: Floats, levels: int) -> Floats:
    """The inverse, but for rounding."""
    for _ in range(levels):
        for axis in range(bands.ndim - 1, 0, -1):
            low, high = np.split(bands, 2)
            bands = _joined(low, high, axis)
    return bands


def _split(values: Floats, axis: int) -> tuple[Floats, Floats]:
    values = np.moveaxis(values, axis, -1)
    low, high = values[..., 0::2].copy(), values[..., 1::2].copy()
    for i in (0, 2):
        high += np.float32(_STEPS[i]) * (low + _after(low))
        low += np.float32(_STEPS[i + 1]) * (high + _before(high))
    low *= np.float32(_SCALE)
    high /= np.float32(_SCALE)
    return np.moveaxis(low, -1, axis), np.moveaxis(high, -1, axis)


def _joined(low: Floats, high: Floats, axis: int) -> Floats:
    low, high = np.moveaxis(low, axis, -1) / np.float32(_SCALE), np.moveaxis(high, axis, -1) * np.float32(_SCALE)
    for i in (2, 0):
        low -= np.float32(_STEPS[i + 1]) * (high + _before(high))
        high -= np.float32(_STEPS[i]) * (low + _after(low))
    both = np.stack([low, high], axis=-1)
    return np.moveaxis(both.reshape(*both.shape[:-2], -1), -1, axis)


def _after(low: Floats) -> Floats:
    return np.concatenate([low[..., 1:], low[..., -1:]], axis=-1)


def _before(high: Floats) -> Floats:
    return np.concatenate([high[..., :1], high[..., :-1]], axis=-1)
