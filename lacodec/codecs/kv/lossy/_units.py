"""Steps of channels where no basis gives them: whole numbers of quarter octaves, so that every reader has the same steps."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv.lossy.basis import Floats, Transform

LOWEST, HIGHEST = -400, 400  # quarter octaves
_QUARTERS = np.array([1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429], np.float32)  # 2^(k/4)
_OF_HEADS = (0.2, 0.28)  # steps of keys and values at quality 50, in the root mean square of their head
_MOST = 30_000  # numbers of steps
_PLACES = 4.0  # of a channel's offset within a step
Exponents = NDArray[np.int16]


def exponents_of(rows: Floats, heads: int, which: int, step: float, known: Transform | None) -> Exponents:
    """i16[channels] for values f32[rows, channels]; which: 0 for keys, 1 for values; known: what calibration says."""
    channels = rows.shape[1]
    if known is not None:
        units = known.units.astype(np.float64)
    else:
        squares = np.square(rows, dtype=np.float64).reshape(len(rows), max(heads, 1), -1).mean(axis=(0, 2))
        units = np.repeat(np.sqrt(squares) * _OF_HEADS[which], channels // max(heads, 1))
    largest = np.abs(rows).max(axis=0, initial=0).astype(np.float64)
    units = np.maximum(units, largest / (_MOST * step))
    return np.clip(np.rint(4 * np.log2(np.maximum(units, 1e-60))), LOWEST, HIGHEST).astype(np.int16)


def units_of(exponents: Exponents, step: float) -> Floats:
    """f32[channels]: the step of the file times 2^(exponent / 4)."""
    whole = exponents.astype(np.int32)
    with np.errstate(all="ignore"):
        return np.ldexp(_QUARTERS[whole & 3], whole >> 2).astype(np.float32) * np.float32(step)


def offsets_of(rows: Floats, units: Floats) -> NDArray[np.int16]:
    """i16[channels]: the mean of each channel, in quarters of its step."""
    means = rows.mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(rows.shape[1])
    return np.clip(np.rint(means / units * _PLACES), -_MOST, _MOST).astype(np.int16)


def places_of(offsets: NDArray[np.int16]) -> Floats:
    """f32[channels]: these offsets in steps."""
    return offsets.astype(np.float32) / np.float32(_PLACES)
