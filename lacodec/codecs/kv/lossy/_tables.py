"""Which of the shipped tables a channel gets: 64 scales of one distribution, chosen by what its numbers cost with each."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv.lossy.basis import Floats
from lacodec.entropy.distributions import load
from lacodec.entropy.tables import Tables

SETS = ("mixture-12", "sparse-14")
_REACH = 255  # numbers beyond cost as this one, and some bits more


def chosen(units: Floats, which: int) -> tuple[NDArray[np.uint8], float]:
    """(u8[channels]: the table of each channel of f32[rows, channels] if they are rounded as they are, bits in all)."""
    channels = units.shape[1]
    clipped = np.rint(np.minimum(np.abs(units), _REACH)).astype(np.int32)
    places = (clipped + np.arange(channels, dtype=np.int32) * (_REACH + 1)).ravel()
    counts = np.bincount(places, minlength=channels * (_REACH + 1)).reshape(channels, -1)
    bits = counts.astype(np.float64) @ _costs(which).T
    best = bits.argmin(axis=1)
    return best.astype(np.uint8), float(np.take_along_axis(bits, best[:, None], 1).sum())


def tables_of(which: int) -> Tables:
    """All of a set."""
    return load(SETS[which])


@cache
def _costs(which: int) -> NDArray[np.float64]:
    """f64[64, _REACH + 1]: bits of a number of this magnitude, sign included, with each table."""
    tables = tables_of(which)
    out = np.empty((len(tables), _REACH + 1))
    for t in range(len(tables)):
        begin, end, first = int(tables.offsets[t]), int(tables.offsets[t + 1]) - 1, int(tables.origins[t])
        own = tables.bits[begin:end]
        escape = float(tables.bits[end])
        for size in range(_REACH + 1):
            row = size - first
            inside = row < len(own) and np.isfinite(own[row])
            out[t, size] = own[row] if inside else escape + 2 * np.log2(1 + abs(size)) + 1
    return out
