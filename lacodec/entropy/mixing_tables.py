"""Constant tables of the mixing engine: squash and stretch (logistic function and its inverse) and 1/n.

All machines hold the same integers: no value here is nearer than 9e-5 to where rounding would change, and no double is wrong by
more than 1e-9. (`reference/mixing_tables.py` has them from `decimal`, which takes longer than a small file.)
"""

from functools import cache

import numpy as np

from lacodec.entropy._history import next_state_table

UNITS = 256  # stretch units per nat
HALF_RANGE = 3072  # squash covers -12 .. 12 nats


@cache
def mixing_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(next_state uint8[512], stretch int16[4096], squash uint16[6144], reciprocal int32[1024])."""
    half = np.floor(65536 / (1 + np.exp(np.arange(HALF_RANGE) / -UNITS)) + 0.5)
    p = np.arange(2048, 4096)
    upper = np.floor(np.log((2 * p + 1) / (8191 - 2 * p)) * UNITS + 0.5)
    squash = np.empty(2 * HALF_RANGE, np.uint16)
    squash[HALF_RANGE:] = np.minimum(half, 65535)
    squash[1:HALF_RANGE] = 65536 - squash[:HALF_RANGE:-1].astype(np.int64)
    squash[0] = 1
    stretch = np.empty(4096, np.int16)
    stretch[2048:] = upper
    stretch[:2048] = -stretch[:2047:-1]
    reciprocal = np.array([65536 * 2 // (2 * n + 3) for n in range(1023)] + [0], np.int32)
    tables = next_state_table(), stretch, np.maximum(squash, 1), reciprocal
    for table in tables:
        table.flags.writeable = False
    return tables
