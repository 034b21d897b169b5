"""Bytes of interleaved samples <-> float64[channels, n] in units of a 16-bit step."""

import numpy as np

from lacodec.errors import BadInput, CorruptFile
from lacodec.media.audio.samples import from_bytes, to_bytes, to_float

_FULL = 32768.0
_LOUDEST = 32 * _FULL  # of float samples


def samples_of(data: bytes, layout: str, channels: int, name: str) -> np.ndarray:
    """The samples; raises BadInput for floats that are no numbers, or too large."""
    numbers = from_bytes(data, layout, channels)
    if layout.startswith("f"):
        values = to_float(numbers).astype(np.float64) * _FULL
        if not np.all(np.abs(values) <= _LOUDEST):
            raise BadInput(f"{name}: has samples that are no numbers, or beyond 32 times full scale; use audio.lossless")
        return values
    return np.asarray(numbers * (_FULL / _scale(layout)))


def bytes_of(values: np.ndarray, layout: str) -> bytes:
    """The samples as bytes, rounded and cut off at full scale where they are integers."""
    if layout.startswith("f"):
        return to_bytes((values / _FULL).astype(np.float32).view(np.int32).astype(np.int64), layout)
    scale = _scale(layout)
    rounded = np.rint(values * (scale / _FULL))
    return to_bytes(np.clip(rounded, -scale, scale - 1).astype(np.int64), layout)


def exact_samples(data: bytes, layout: str, channels: int) -> np.ndarray:
    """What `bytes_of` made bytes of; raises CorruptFile for what it never makes."""
    try:
        return samples_of(data, layout, channels, "stored samples")
    except BadInput as error:
        raise CorruptFile("its samples are no numbers, or too large") from error


def _scale(layout: str) -> float:
    return float(2 ** (int(layout[1:].rstrip("lbe")) - 1))
