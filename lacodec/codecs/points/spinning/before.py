"""The frame before a sweep, moved to where the car is now: what range each laser should measure at each tick.

after = 12 doubles: rotation by rows, each with its place, that moves points of the frame before into this one
"""

from functools import cache
from math import pi

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.spinning._before_kernel import BINS, look_up, look_up_points, move_points
from lacodec.codecs.points.spinning.calibration import RANGE_UNIT, RINGS, TICKS, kitti, ring_azimuths
from lacodec.errors import CorruptFile

_DOUBLES, _LARGEST = 12, 1e4


class Before:
    """A frame, f32[n, 3], and the motion since then, f64[3, 4]."""

    def __init__(self, points: np.ndarray, motion: np.ndarray) -> None:
        self.motion = motion
        self._flats, self._heights = np.zeros((2, BINS, RINGS + 1))
        move_points(points, motion, kitti().rings, kitti().ticks, self._flats, self._heights)

    def image(self, ticks: np.ndarray) -> np.ndarray:
        """u16[RINGS, n]: range counts at these ticks; 0 where the frame tells nothing."""
        out = np.empty((RINGS, len(ticks)), np.uint16)
        look_up(self._flats, self._heights, kitti().rings, shifts(), RANGE_UNIT, ticks, out)
        return out

    def counts(self, rings: np.ndarray, ticks: np.ndarray) -> np.ndarray:
        """i64[n]: the same of points."""
        out = np.empty(len(ticks), np.int64)
        look_up_points(self._flats, self._heights, kitti().rings, shifts(), RANGE_UNIT, rings, ticks, out)
        return out


@cache
def shifts() -> np.ndarray:
    """f64[RINGS]: ticks between a tick and the azimuth of each ring's laser at it."""
    return ring_azimuths() * (TICKS / (2 * pi))


def write_motion(out: Writer, motion: np.ndarray) -> None:
    """The section."""
    out.write(np.ascontiguousarray(motion, "<f8").tobytes())


def read_motion(reader: Reader) -> np.ndarray:
    """f64[3, 4]; raises CorruptFile."""
    motion = np.frombuffer(bytes(reader.take(8 * _DOUBLES)), "<f8").reshape(3, 4)
    if not (np.abs(motion) <= _LARGEST).all():
        raise CorruptFile("a sweep has an impossible motion since the frame before")
    return motion
