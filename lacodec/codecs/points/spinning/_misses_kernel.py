"""Where points are not quite where the sensor's numbers put them, and the signs of coordinates that are zero."""

import numpy as np

from lacodec.codecs.points.spinning._geometry_kernel import EDGES
from lacodec.codecs.points.spinning.bits import Bits, code_flag, code_size
from lacodec.kernels.jit import flat_kernel

U = np.uint64
MOST_BITS = 40
_AXES = 3
_BEFORE = 4
_NONE = _AXES * EDGES * _BEFORE
_SIGN = _NONE + _AXES * EDGES
_ZERO = _SIGN + 8
COUNTERS = _ZERO + 2 * MOST_BITS


@flat_kernel
def code_misses(b: Bits, edges: np.ndarray, signs: np.ndarray, misses: np.ndarray, whole: np.ndarray, minus: np.ndarray) -> None:
    """misses, i64[n, 3]: what is added to the coordinates whole, i64[n, 3], which are updated; below 2**MOST_BITS.

    minus, u8[n, 3]: whether a coordinate of zero is negative.
    """
    before = U(0)
    for i in range(U(len(edges))):
        missed = U(0)
        for axis in range(U(_AXES)):
            edge = axis * U(EDGES) + U(edges[i, axis] & np.uint8(EDGES - 1))
            miss = misses[i, axis]
            if code_flag(b, edge * U(_BEFORE) + min(before, U(_BEFORE - 1)), U(miss != 0)):
                negative = code_flag(b, U(_NONE) + edge, U(miss < 0))
                size = code_size(b, U(_ZERO), U(MOST_BITS), abs(miss) - 1) + 1
                miss = -size if negative else size
                missed += U(1) if size == 1 else U(2)
            else:
                miss = np.int64(0)
            misses[i, axis] = miss
            whole[i, axis] += miss
            if whole[i, axis] == 0:
                minus[i, axis] = np.uint8(code_flag(b, U(_SIGN) + U(signs[i, axis] & np.uint8(1)), U(minus[i, axis])))
        before = U(0) if missed == 0 else U(1) if missed == 1 else U(3) if missed > U(2) else U(2)
