"""Coordinates in whole units -> ring, tick and range count of each point: the inverse of the geometry, for the encoder alone.

Whatever it finds is right: misses are coded. So libm may be used here.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lacodec.codecs.points.spinning._geometry_kernel import make_rise, predict
from lacodec.codecs.points.spinning.calibration import RANGE_UNIT, RINGS, TICKS, UNITS, Calibration

SCALE = np.array([RANGE_UNIT, UNITS])
MOST_COUNT = (1 << 16) - 1
_BACK = 180.0  # degrees that azimuth falls from the end of a ring to the next one
_SAMPLE = 64  # points of a run that tell its ring
_FAR = 0.02  # metres beside its ring from which on a run is of another sensor


@dataclass(frozen=True)
class Sweep:
    """Points by the sensor's numbers. Runs: points of one ring with ticks that rise, less than a turn in all.

    starts: i64[runs + 1]; rings: u8[runs]; ticks, counts: i64[n], ticks below TICKS.
    """

    starts: np.ndarray
    rings: np.ndarray
    ticks: np.ndarray
    counts: np.ndarray

    @property
    def ring_of(self) -> np.ndarray:
        """u8[n]: the ring of each point."""
        return np.repeat(self.rings, np.diff(self.starts))


def fit(units: np.ndarray, calibration: Calibration) -> Sweep | None:
    """The sweep in points i64[n, 3]; None if they are not from this sensor."""
    xyz = units / UNITS
    azimuth = np.degrees(np.arctan2(xyz[:, 1], xyz[:, 0])) % 360
    breaks = np.flatnonzero(np.diff(azimuth) < -_BACK) + 1
    if len(units) < RINGS or len(breaks) > len(units) // 16:
        return None
    starts = np.concatenate([[0], breaks, [len(units)]])
    found = [_ring(xyz[a:b], calibration) for a, b in pairwise(starts)]
    off = np.array([distance for _, distance in found])
    if np.sum(np.diff(starts)[off < _FAR]) < len(units) // 2:
        return None
    rings = np.array([ring for ring, _ in found], np.uint8)
    ring_of = np.repeat(rings, np.diff(starts))
    counts, ticks = _invert(xyz, ring_of, calibration)
    begins = np.zeros(len(units), np.uint8)
    begins[starts[:-1]] = 1
    make_rise(ticks, TICKS, begins)
    starts = np.concatenate([np.flatnonzero(begins), [len(units)]])
    counts = _nearest(units, ring_of, ticks, counts, calibration)
    return Sweep(starts, ring_of[starts[:-1]], ticks, counts)


def _ring(xyz: np.ndarray, calibration: Calibration) -> tuple[int, float]:
    """(the ring that a run's points are nearest to, the usual distance)."""
    some = xyz[:: max(1, len(xyz) // _SAMPLE)]
    flat = np.sqrt(np.maximum(some[:, 0] ** 2 + some[:, 1] ** 2 - calibration.rings[0, 6] ** 2, 0))
    cosine, sine, height = calibration.rings[:, :3].T
    off = np.abs(some[:, 2, None] * cosine - flat[:, None] * sine - height)
    usual = np.median(off, axis=0)
    best = int(usual.argmin())
    return best, float(usual[best])


def _invert(xyz: np.ndarray, ring_of: np.ndarray, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """(range count, tick from 0 up to TICKS) of each point, i64[n]."""
    cosine, sine, _, zero, c, s, side = calibration.rings[ring_of].T
    flat = np.sqrt(np.maximum(xyz[:, 0] ** 2 + xyz[:, 1] ** 2 - side**2, 0))
    counts = np.rint((flat * cosine + xyz[:, 2] * sine - zero) / RANGE_UNIT)
    angle = np.arctan2(xyz[:, 1], xyz[:, 0]) - np.arctan2(side, flat) - np.arctan2(s, c)
    ticks = np.rint(angle * (TICKS / 2 / np.pi)).astype(np.int64) % TICKS
    return np.clip(counts, 0, MOST_COUNT).astype(np.int64), ticks


def _nearest(
    units: np.ndarray, ring_of: np.ndarray, ticks: np.ndarray, counts: np.ndarray, calibration: Calibration
) -> np.ndarray:
    """Range counts, one more or less where that puts a point nearer to where it is."""
    best, least = counts.copy(), None
    for by in (0, -1, 1):
        tried = np.clip(counts + by, 0, MOST_COUNT)
        missed = np.abs(units - predicted(ring_of, ticks, tried, calibration)[0]).sum(axis=1)
        if least is None:
            least = missed
            continue
        better = missed < least
        best[better], least[better] = tried[better], missed[better]
    return best


def predicted(
    ring_of: np.ndarray, ticks: np.ndarray, counts: np.ndarray, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(coordinates i64[n, 3], classes of their fractions u8[n, 3], signs u8[n, 3]) that the sensor's numbers give."""
    whole = np.empty((len(ticks), 3), np.int64)
    edges, signs = np.empty((len(ticks), 3), np.uint8), np.empty((len(ticks), 3), np.uint8)
    predict(calibration.rings, calibration.ticks, ring_of, ticks, counts, SCALE, whole, edges, signs)
    return whole, edges, signs
