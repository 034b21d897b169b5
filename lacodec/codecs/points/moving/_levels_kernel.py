"""Intensities of points without a return: usually those of the one before on their ring."""

import numpy as np

from lacodec.codecs.points.spinning.bits import Bits, code_flag
from lacodec.kernels.jit import flat_kernel

U = np.uint64
_RINGS = 32
_HISTORIES = 4  # whether the last two of a ring were like those before
_VALUES = _RINGS * _HISTORIES
COUNTERS = _VALUES + _RINGS * 256


@flat_kernel
def code_quiet(b: Bits, rings: np.ndarray, levels: np.ndarray) -> None:
    """levels, i64[n], below 256: of points on `rings`, i64[n], below 32, ring by ring."""
    ring, last, history = U(_RINGS), U(0), U(0)
    for i in range(U(len(rings))):
        if U(rings[i]) != ring:
            ring, last, history = U(rings[i]) & U(_RINGS - 1), U(0), U(0)
        level = U(levels[i])
        other = code_flag(b, ring * U(_HISTORIES) + history, U(level != last))
        history = (history * U(2) + other) & U(_HISTORIES - 1)
        if other:
            node = U(1)
            for k in range(U(8)):
                bit = code_flag(b, U(_VALUES) + ring * U(256) + node, (level >> (U(7) - k)) & U(1))
                node = node * U(2) + bit
            last = node & U(255)
        levels[i] = np.int64(last)
