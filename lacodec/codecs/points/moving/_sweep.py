"""A sweep by the sensor's numbers and the car's motion, in numbers that a stream can hold; from the fits, for the encoder."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.points.moving._frame import Frame, frame_of, free_frame
from lacodec.codecs.points.moving._knots import costs, first_knots, refine_knots
from lacodec.codecs.points.moving._motion import Fit, Fitter
from lacodec.codecs.points.moving._origin import Back, Returns, finer_turn, returns_of, way_back
from lacodec.codecs.points.moving._track import first_motion
from lacodec.codecs.points.moving.sensor import SLIPS

_THOROUGH = 9  # effort from which on the fit may take long
_FEW, _MANY = 1, 6  # rounds of splitting segments
_LEAST_WEIGHT = 0.4
_SEGMENT = 64  # columns of a segment where nothing tells where one ends


@dataclass(frozen=True)
class Found:
    """All that a fit found."""

    frame: Frame
    fit: Fit
    returns: Returns
    back: Back
    phase: int
    slip: int


def find(xyz: np.ndarray, effort: int, cost: Callable[[Found], float]) -> Found | None:
    """The sweep in f32[columns, 32, 3]; None if its points are on no lattice. cost: bytes that a fit takes."""
    frame = frame_of(xyz)
    if frame is None:
        return None
    try:
        places, vectors, phase = first_motion(frame)
        fitter = Fitter(frame, phase)
        fit = fitter.fit(places, vectors, first_knots(frame, phase))
        fit = refine_knots(fitter, fit, _MANY if effort >= _THOROUGH else _FEW)
        found = _finished(frame, fit, phase, 0)
        found = _with_slip(found, effort)
        return _thorough(found, cost) if effort >= _THOROUGH else found
    except np.linalg.LinAlgError:  # no motion fits: these are no points of the sensor
        return None


def find_free(xyz: np.ndarray) -> Found | None:
    """The same where no lattice is found: motion alone, so that most points are off by what the map rounded."""
    frame = free_frame(xyz)
    if frame is None:
        return None
    try:
        places, vectors, phase = first_motion(frame)
        starts = list(range(0, max(len(xyz) - _SEGMENT // 2, 1), _SEGMENT))
        fit = Fitter(frame, phase, 0).fit(places, vectors, starts)
    except np.linalg.LinAlgError:
        return None
    return Found(frame, fit, returns_of(frame, fit), Back(frame.offset, np.zeros(3), np.eye(3), frame.offset), phase, 0)


def _finished(frame: Frame, fit: Fit, phase: int, slip: int) -> Found:
    returns = returns_of(frame, fit)
    return Found(frame, fit, returns, way_back(frame, fit, returns), phase, slip)


def _fitter(found: Found, frame: Frame, slip: int) -> Fitter:
    return Fitter(frame, found.phase, slip, np.where(frame.coarse, np.nan, found.back.centres))


def _with_slip(found: Found, effort: int) -> Found:
    """With the clock's slip that fits best, of 25: every fourth one, then those beside the best."""

    def cost(slip: int) -> float:
        tried = _fitter(found, found.frame, slip).fit(found.fit.places, found.fit.vectors, found.fit.starts, 4)
        return float(costs(tried, found.frame.coarse).sum())

    tried = {slip: cost(slip) for slip in range(0, SLIPS, 1 if effort >= _THOROUGH else 6)}
    for step in (3, 1):
        best = min(tried, key=lambda slip: tried[slip])
        for slip in ((best - step) % SLIPS, (best + step) % SLIPS):
            if slip not in tried:
                tried[slip] = cost(slip)
    slip = min(tried, key=lambda slip: tried[slip])
    fit = _fitter(found, found.frame, slip).fit(found.fit.places, found.fit.vectors, found.fit.starts, 8)
    return _finished(found.frame, fit, found.phase, slip)


def _thorough(found: Found, cost: Callable[[Found], float]) -> Found:
    """Turn the lattice as the way back suggests, in steps of changing size, as long as that helps."""
    best, weight, turns = found, 1.0, 0
    least = cost(found)
    while weight > _LEAST_WEIGHT and turns < 14:
        frame = finer_turn(best.frame, best.back, weight)
        fitter = _fitter(best, frame, best.slip)
        fit = refine_knots(fitter, fitter.fit(best.fit.places, best.fit.vectors, best.fit.starts, 8), 2 if turns in (0, 4) else 0)
        tried = _finished(frame, fit, best.phase, best.slip)
        now = cost(tried)
        if now < least:
            best, least, weight = tried, now, weight * 2
        else:
            weight /= 3.5
        turns += 1
    return best
