"""Sweeps as the sensor would measure a made-up street, for tests, examples and compiling ahead; the same on every machine."""

import random

import numpy as np

from lacodec.codecs.points.spinning.calibration import RINGS, TICKS, UNITS, kitti
from lacodec.codecs.points.spinning.fit import predicted

_GROUND, _TOP, _FARTHEST = -1.73, 3.0, 80.0  # metres: the road below the sensor, the tops of walls; beyond, nothing returns
_WALLS = ((0.0, 1.0, 8.0), (0.1, -0.995, 7.0), (1.0, 0.07, 40.0), (-0.6, 0.8, 15.0))  # direction (x, y), metres to the wall
_MARGIN = 30  # ticks that every ring leaves out at the place where it begins


def kitti_sweep(seed: int = 1, step: int = 2, rings: int = RINGS) -> np.ndarray:
    """f32[n, 4]: x, y, z, intensity in the order of a KITTI file. step: ticks between firings."""
    rng = random.Random(seed)
    noise = np.frombuffer(rng.randbytes(1 << 20), np.uint8).reshape(-1, 4).astype(np.int64)
    calibration = kitti()
    firings = np.arange(0, TICKS, step)
    found, used = [], 0
    for ring in range(rings):
        c, s, height, _, turned, sideways, _ = calibration.rings[ring]
        x = calibration.ticks[firings, 0] * turned - calibration.ticks[firings, 1] * sideways
        y = calibration.ticks[firings, 1] * turned + calibration.ticks[firings, 0] * sideways
        first = int(np.argmax((y >= 0) & (np.roll(y, 1) < 0)))  # where azimuth begins
        order = np.roll(np.arange(len(firings)), -first)[_MARGIN // step + 1 : -_MARGIN // step - 1]
        distance = _distances(x[order], y[order], c, s, height)
        some = noise[(np.arange(len(order)) + used) % len(noise)]
        used += len(order)
        counts = np.floor(distance * 500 + 0.5).astype(np.int64) + (some[:, 0] + some[:, 1] - 255) // 24
        there = (distance < _FARTHEST) & (counts > 500) & (some[:, 2] > 12)
        bright = np.clip(20 + counts // 64 % 50 + some[:, 3] // 24, 0, 99)[there]
        ticks = firings[order][there]
        whole, _, _ = predicted(np.full(len(ticks), ring, np.uint8), ticks, counts[there], calibration)
        found.append(np.column_stack([whole / UNITS, bright / 100]).astype(np.float32))
    return np.concatenate(found)


def _distances(x: np.ndarray, y: np.ndarray, cosine: float, sine: float, height: float) -> np.ndarray:
    """To the road or the nearest wall, in metres, along directions f64[n]."""
    distance = np.full(len(x), _FARTHEST)
    if sine < 0:
        distance = np.minimum(distance, (_GROUND - height) / sine)
    for a, b, away in _WALLS:
        facing = np.maximum((a * x + b * y) * cosine, 1e-3)
        hit = away / facing
        distance = np.where(hit * sine + height < _TOP, np.minimum(distance, hit), distance)
    return distance
