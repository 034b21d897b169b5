"""How the sensor moved, roughly: smooth places, then rotations, block by block. Encoder alone."""

import numpy as np

from lacodec.codecs.points.moving._frame import Frame, columns_of, crosses, measured, phase_of, polar, rotations

_COUNT = 0.002  # metres


def first_motion(frame: Frame) -> tuple[np.ndarray, np.ndarray, int]:
    """(places f64[columns, 3], rotation vectors f64[columns, 3], place of the first column in its packet), roughly."""
    places, vectors = _track(frame)
    seen = np.einsum("cji,crj->cri", rotations(vectors), frame.points - places[:, None])
    away = np.linalg.norm(seen, axis=2)
    azimuth = np.round(np.degrees(np.arctan2(seen[:, :, 0], seen[:, :, 1])) * 100).astype(np.int64)
    return places, vectors, phase_of(*columns_of(azimuth, away > 1, away))


def _track(frame: Frame, block: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """(places, rotation vectors) of all columns: block by block from the last one, which is not rotated."""
    count = len(frame.points)
    places = _smooth_places(frame)
    current, rate = np.zeros(3), np.zeros(3)
    middles: list[float] = []
    found: list[np.ndarray] = []
    weight = 1 / np.maximum(frame.units / 3.5, 2e-6)
    for stop in range(count, 0, -block):
        here = np.arange(max(0, stop - block), stop)
        middle = (here[0] + here[-1]) / 2
        vector = current + rate * block
        apart = frame.points[here] - places[here][:, None]
        for turn in range(8):
            turned = rotations(vector + rate * (middle - here)[:, None])
            seen = np.einsum("cji,crj->cri", turned, apart)
            away, azimuth = polar(seen)
            modelled = np.einsum("cij,crj->cri", turned, measured(np.round(away / _COUNT), np.round(azimuth)))
            off = apart - modelled
            good = (away > 1.0) & (np.linalg.norm(off, axis=2) < (4e-4 if turn < 3 else 1.5e-4))
            matrix = np.stack([((q @ frame.turn.T) * weight).ravel() for q in crosses(modelled[good])], axis=1)
            vector = vector + np.linalg.lstsq(matrix, ((off[good] @ frame.turn.T) * weight).ravel(), rcond=None)[0]
        if found:
            rate = 0.5 * rate + 0.5 * (vector - current) / block if len(found) > 1 else (vector - current) / block
        current = vector
        middles.append(middle)
        found.append(vector)
    vectors = np.stack([np.interp(np.arange(count), middles[::-1], np.array(found)[::-1, axis]) for axis in range(3)], axis=1)
    return places, vectors


def _smooth_places(frame: Frame, width: int = 27) -> np.ndarray:
    """Places of the sensor in all columns: lines between knots through those of points without a return."""
    count = len(frame.points)
    knots = np.concatenate([[0, 3, 6, 10, 15], np.arange(width, count + width, width)])
    hats = np.stack([np.interp(np.arange(count), knots, row) for row in np.eye(len(knots))], axis=1)
    bent = np.diff(np.eye(len(knots)), 2, axis=0) * 1e-3
    wanted = np.concatenate([frame.places.astype(float)[frame.there], np.zeros((len(bent), 3))])
    return hats @ np.linalg.lstsq(np.concatenate([hats[frame.there], bent]), wanted, rcond=None)[0]
