"""How the car moved since the frame before: by Gauss and Newton on ranges that single points have in both. Encoder alone."""

import numpy as np

from lacodec.codecs.points.spinning.before import Before
from lacodec.codecs.points.spinning.calibration import RANGE_UNIT
from lacodec.codecs.points.spinning.fit import Sweep

_SAMPLE = 12_000  # points that are looked at
_FORWARD = np.arange(-1.0, 4.0, 0.5)  # metres since the frame before that are tried first
_STEPS = np.array([0.05, 0.05, 0.03, 0.002, 0.002, 0.002])  # metres and radians, for derivatives
_ROUNDS = 7
_SHARES = (0.4, 1.0, 2.0)  # of a step that are tried
_FAR, _NEAR = 0.5, 0.2  # metres that a point may be off at first, and later
_WORST = 0.3  # metres that points may be off on average, at _FAR at most, if the frame is to be of use
_LEAST = 100  # points


def find_motion(points: np.ndarray, sweep: Sweep) -> Before | None:
    """The frame before, f32[n, 3], moved to where a sweep sees most of it again; None if it does not."""
    return _Search(points, sweep).run()


class _Search:
    def __init__(self, points: np.ndarray, sweep: Sweep) -> None:
        self._points = points
        some = slice(None, None, max(1, len(sweep.counts) // _SAMPLE))
        self._rings, self._ticks = np.ascontiguousarray(sweep.ring_of[some]), np.ascontiguousarray(sweep.ticks[some])
        self._counts = sweep.counts[some]

    def run(self) -> Before | None:
        forward = min(_FORWARD, key=lambda x: _usual(self._off(_start(x))))
        motion, steps = _start(forward), _STEPS
        off = self._off(motion)
        for turn in range(_ROUNDS):
            slopes = np.stack([self._slope(motion, step) for step in np.diag(steps)], axis=1)
            most = _FAR if turn < _ROUNDS // 2 else _NEAR
            good = (np.abs(off) < most) & (np.abs(slopes * steps) < most).all(axis=1)  # false for what is no number
            if good.sum() < _LEAST:
                return None
            step = np.linalg.lstsq(slopes[good], -off[good], rcond=None)[0]
            tried = [(motion + share * step, self._off(motion + share * step)) for share in _SHARES]
            better = min(tried, key=lambda pair: _usual(pair[1]))
            if _usual(better[1]) < _usual(off):
                motion, off = better
            else:
                steps = steps / 2
        return Before(self._points, _matrix(motion)) if _usual(off) < _WORST else None

    def _slope(self, motion: np.ndarray, step: np.ndarray) -> np.ndarray:
        """How fast points move off along one of the six axes."""
        return (self._off(motion + step) - self._off(motion - step)) / (2 * step.sum())

    def _off(self, motion: np.ndarray) -> np.ndarray:
        """Metres that ranges by the frame before are longer than those measured; NaN where it tells nothing."""
        expected = Before(self._points, _matrix(motion)).counts(self._rings, self._ticks)
        return np.where(expected > 0, (expected - self._counts) * RANGE_UNIT, np.nan)


def _usual(off: np.ndarray) -> float:
    """Metres that points are off on average, each at most _FAR."""
    return float(np.fmin(np.abs(off), _FAR).mean())


def _start(forward: float) -> np.ndarray:
    return np.array([-forward, 0, 0, 0, 0, 0])


def _matrix(motion: np.ndarray) -> np.ndarray:
    """f64[3, 4] of a place and a rotation vector: Rodrigues' formula."""
    angle = max(float(np.linalg.norm(motion[3:])), 1e-12)
    x, y, z = motion[3:] / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return np.column_stack([turn, motion[:3]])
