"""The Velodyne HDL-32E: elevations as its maker rounds them, the order of firing, its clock; tables of float32 sines.

Azimuth is counted in 0.01 degrees, range in 2 mm. A column is one firing of all lasers; a packet has twelve columns.
"""

from functools import cache

import numpy as np

from lacodec.codecs.points.spinning.calibration import sine_table, turned

RINGS = 32
CIRCLE = 36000
RANGE_UNIT = np.float32(0.002)
PACKET = 12
COLUMN_US, PACKET_US, SLIPS = 46, 553, 25
"""Microseconds between columns of a packet, and between packets; one is left out in every 25 packets."""
SLOTS = np.concatenate([np.arange(16) * 2, np.arange(16) * 2 + 1])
"""When each ring fires, in 40ths of a column."""
SLOTS_IN_COLUMN = 40

_HUNDREDTHS = (
    *(-3067, -2933, -2800, -2666, -2533, -2400, -2267, -2133, -2000, -1867, -1733, -1600, -1467, -1333, -1200, -1067),
    *(-933, -800, -666, -533, -400, -267, -133, 0, 133, 267, 400, 533, 667, 800, 933, 1067),
)


@cache
def elevations() -> np.ndarray:
    """f32[RINGS, 2]: cosine and sine of each ring's elevation."""
    return np.array([turned(angle, CIRCLE) for angle in _HUNDREDTHS]).astype(np.float32)


@cache
def azimuths() -> np.ndarray:
    """f32[CIRCLE, 2]: cosine and sine of each azimuth."""
    return sine_table(CIRCLE).astype(np.float32)


def azimuth_of(first: np.ndarray, step: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Azimuth, i64 below CIRCLE, of a ring in a column that begins at `first` and lasts `step`."""
    return (SLOTS_IN_COLUMN * first + SLOTS[ring] * step + SLOTS_IN_COLUMN // 2) // SLOTS_IN_COLUMN % CIRCLE


def times(columns: int, phase: int, slip: int) -> np.ndarray:
    """i64[columns]: microseconds from the last column, negative. phase: place of the first one in its packet; slip: of 25."""
    at = np.arange(columns) + phase
    packet = at // PACKET
    found = PACKET_US * packet - (packet + slip) // SLIPS + COLUMN_US * (at % PACKET)
    return found - found[-1]
