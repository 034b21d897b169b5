"""Sweeps as a moving sensor would measure a made-up street, for tests and compiling ahead; the same on every machine."""

import random

import numpy as np

from lacodec.codecs.points.moving._place_kernel import map_points, poses
from lacodec.codecs.points.moving.sensor import CIRCLE, RINGS, azimuth_of, azimuths, elevations, times
from lacodec.codecs.points.spinning.calibration import turned

_ORIGIN = np.array([411.25, 1180.875, 0.0])  # metres in the map
_HEIGHT, _FARTHEST = 1.84, 70.0
_WALLS = ((0.0, 1.0, 6.0), (0.1, -0.995, 5.0), (1.0, 0.07, 30.0), (-0.6, 0.8, 12.0))  # direction, metres to the wall
_SPEED, _TURNING = 0.08, 0.002  # metres and radians in 10 ms


def nuscenes_sweep(seed: int = 1, columns: int = 1086, share: float = 0.7) -> np.ndarray:
    """f32[32 * columns, 5]: x, y, z, intensity, ring as in a nuScenes file. share: of the points that return."""
    rng = random.Random(seed)
    noise = np.frombuffer(rng.randbytes(8 * columns * RINGS), np.uint8).reshape(columns * RINGS, 8).astype(np.int64)
    column, ring = np.repeat(np.arange(columns), RINGS), np.tile(np.arange(RINGS), columns)
    step = np.where(np.arange(columns) % 3 == 0, 34, 33)
    first = 9000 + np.concatenate([[0], np.cumsum(step)[:-1]])
    azimuth = azimuth_of(first[column], step[column], ring)
    distance = _distances(azimuth, ring)
    counts = np.floor(distance * 500 + 0.5).astype(np.int64) + (noise[:, 0] + noise[:, 1] - 255) // 32
    gone = (noise[:, 2] >= int(256 * share)) | (distance >= _FARTHEST)
    counts[gone | (counts < 500)] = 0
    c, s = turned(1234, CIRCLE)
    heading = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    pose = np.empty((columns, 12))
    line = np.array([[0.0, 0.0, 0.0, 0.0, _SPEED, 1e-4, 0.0, 0.0, 0.0, 1e-5, 2e-5, _TURNING]])
    poses(line, np.zeros(columns, np.int64), times(columns, seed % 12, seed % 25), pose)
    mapped = np.empty((columns * RINGS, 3))
    map_points(column, ring, counts, azimuth, azimuths(), elevations(), pose, heading, np.array([0.0, 0.0, -_HEIGHT]), mapped)
    stored = (mapped + _ORIGIN).astype(np.float32).astype(np.float64) - (_ORIGIN + np.array([0.0, 0.0, _HEIGHT]))
    out = np.zeros((columns * RINGS, 5), np.float32)
    for axis in range(3):
        out[:, axis] = heading[0, axis] * stored[:, 0] + heading[1, axis] * stored[:, 1] + heading[2, axis] * stored[:, 2]
    out[:, 3], out[:, 4] = np.where(counts > 0, noise[:, 3] // 16 + counts // 1000 % 20, 0), ring
    return out


def _distances(azimuth: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """To the road or the nearest wall, in metres."""
    cosine, sine = (elevations()[ring, k].astype(np.float64) for k in range(2))
    y, x = (azimuths()[azimuth, k].astype(np.float64) for k in range(2))
    distance = np.where(sine < -0.01, -_HEIGHT / np.minimum(sine, -0.01), _FARTHEST)
    for a, b, away in _WALLS:
        hit = away / np.maximum((a * x + b * y) * cosine, 1e-3)
        distance = np.where(hit * sine < 4.0, np.minimum(distance, hit), distance)
    return np.minimum(distance, _FARTHEST)
