"""Where the sweep was in the map, as far as its rounding tells, and the motion back: the writer's last steps. Encoder alone."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.points.moving._frame import Frame, columns_of, measured, rotations
from lacodec.codecs.points.moving._motion import Fit
from lacodec.codecs.points.moving._residual_kernel import SPACINGS
from lacodec.codecs.points.moving._search_kernel import right_points
from lacodec.codecs.points.moving.sensor import RINGS, azimuth_of

_HEIGHTS = np.arange(1.77, 1.89, 2.0**-9)  # metres of the sensor above the map's zero
_SAMPLE = 5000  # points that an origin is tried with
_OneAxis = tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, float]]]


@dataclass(frozen=True)
class Back:
    """How mapped points become those of the file: rounded to steps, turned, moved, rounded to float32.

    centres: coordinates of the origin in the map, f64[3]; steps: of the lattice where they are the same everywhere, else 0.
    turn, move: f64[3, 3], f64[3].
    """

    centres: np.ndarray
    steps: np.ndarray
    turn: np.ndarray
    move: np.ndarray


@dataclass(frozen=True)
class Returns:
    """Columns' azimuths i64[columns, 2]; whether points have a return, and their range counts, [columns, 32]."""

    columns: np.ndarray
    there: np.ndarray
    counts: np.ndarray


def returns_of(frame: Frame, fit: Fit) -> Returns:
    """What the sensor measured, by this motion."""
    azimuth = fit.azimuth.astype(np.int64)
    columns, _ = columns_of(azimuth, fit.good, fit.away)
    exact = azimuth_of(columns[:, :1], columns[:, 1:], np.arange(RINGS))
    seen = np.einsum("cji,crj->cri", rotations(fit.vectors), frame.points - fit.places[:, None])
    toward = measured(np.full(exact.shape, 500), exact)
    toward /= np.linalg.norm(toward, axis=2, keepdims=True)
    counts = np.clip(np.round((seen * toward).sum(axis=2) / 0.002), 0, (1 << 16) - 1).astype(np.int64)
    none = (frame.points == frame.places[:, None]).all(axis=2)
    return Returns(columns, ~none, counts)


def way_back(frame: Frame, fit: Fit, returns: Returns) -> Back:
    """The steps after the map, as well as they show."""
    return _Search(frame, fit, returns).run()


class _Search:
    def __init__(self, frame: Frame, fit: Fit, returns: Returns) -> None:
        self.frame = frame
        columns = returns.columns
        exact = azimuth_of(columns[:, :1], columns[:, 1:], np.arange(RINGS))
        points = np.einsum("cij,crj->cri", rotations(fit.vectors), measured(returns.counts, exact)) + fit.places[:, None]
        some = returns.there & (fit.away > 0.02)
        self.mapped = (points @ frame.turn.T - frame.offset)[some]
        self.wanted = frame.points[some]
        placed, there = frame.placed[frame.there], frame.places[frame.there].astype(float)
        self.phase = np.angle(np.exp(2j * np.pi * placed / frame.units).mean(axis=0)) / 2 / np.pi
        self.still = (np.round(placed / frame.units - self.phase) + self.phase) * frame.units
        self.still_wanted = there
        self.snapped = self.mapped.copy()
        self.centres, self.steps = -self.phase * frame.units, np.where(frame.coarse, frame.units, 0.0)
        observed = frame.mapped[some]
        for axis in np.flatnonzero(frame.coarse):
            steps = frame.units[axis]
            self.snapped[:, axis] = (np.round(observed[:, axis] / steps - self.phase[axis]) + self.phase[axis]) * steps

    def run(self) -> Back:
        turn, move = self._turned()
        fine = [axis for axis in range(3) if not self.frame.coarse[axis]]
        for axis in fine:
            self.centres[axis] = self._centre(axis, turn, move)
            self.snapped[:, axis] = self._snap(axis, self.centres[axis])
            turn, move = self._turned()
        return Back(self.centres, self.steps, turn, move)

    def _snap(self, axis: int, centre: float) -> np.ndarray:
        at = centre + self.mapped[:, axis]
        steps = np.spacing(np.abs(at).astype(np.float32)).astype(float)
        return np.asarray(np.round(at / steps) * steps - centre)

    def _turned(self) -> tuple[np.ndarray, np.ndarray]:
        """(turn, move) by robust least squares: rounding to float32 is what points may be off."""
        turn, move = np.empty((3, 3)), np.empty(3)
        matrix = np.column_stack([np.concatenate([self.snapped, self.still]), np.ones(len(self.snapped) + len(self.still))])
        first = len(self.snapped)
        scale = np.array([10, 10, 1, 1.0])
        for axis in range(3):
            wanted = np.concatenate([self.wanted[:, axis], self.still_wanted[:, axis]])
            weight = 1 / np.spacing(np.abs(wanted).astype(np.float32)).astype(float)
            current = np.append(self.frame.turn.T[axis], (self.frame.turn.T @ self.frame.offset)[axis])
            for turns in range(6):
                off = (wanted - matrix @ current) * weight
                good = np.abs(off) < (20 if turns == 0 else 1.2)
                if len(self.still):
                    usual = np.median(np.abs(off[first:]))
                    good[first:] = np.abs(off[first:]) < max(1.2, (4 if turns < 4 else 2) * usual)
                if good.sum() < 50:
                    good = np.abs(off) < 200
                weighted = (matrix / scale * weight[:, None])[good]
                current = current + np.linalg.lstsq(weighted, off[good], rcond=None)[0] / scale
            turn[axis], move[axis] = current[:3], current[3]
        return turn, move

    def _one_axis(self, axis: int, turn: np.ndarray, move: np.ndarray, told: np.ndarray, some: slice | np.ndarray) -> _OneAxis:
        """What some points tell of the origin along an axis, in the file's coordinates `told`."""
        fixed = self.snapped[some].copy()
        fixed[:, axis] = 0
        coordinates = [(self.wanted[some, q].astype(np.float32), fixed @ turn[q] + move[q], float(turn[q, axis])) for q in told]
        return np.ascontiguousarray(self.mapped[some, axis]), coordinates

    def _centre(self, axis: int, turn: np.ndarray, move: np.ndarray) -> float:
        """The coordinate of the origin with which most points come out right to the bit."""
        unit, phase = self.frame.units[axis], self.phase[axis]
        told = np.argsort(-np.abs(turn[:, axis]))[: 2 if axis < 2 else 1]
        sample = np.random.default_rng(0).permutation(len(self.mapped))[:_SAMPLE]
        everything = self._one_axis(axis, turn, move, told, slice(None))
        some_points = self._one_axis(axis, turn, move, told, sample)
        single = np.zeros(1, np.float32)

        def score(centre: float, points: _OneAxis) -> float:
            mapped, coordinates = points
            found = [
                right_points(mapped, wanted, others, share, centre, SPACINGS, single, single.view(np.int32)) * abs(share)
                for wanted, others, share in coordinates
            ]
            return float(sum(found))

        def best(tried: list[float], points: _OneAxis) -> float:
            return max((score(centre, points), centre) for centre in tried)[1]

        def aligned(at: float) -> float:
            return float((np.round(at / unit) - phase) * unit)

        places = _HEIGHTS
        if axis < 2:
            low = 2.0 ** (23 + round(np.log2(unit)))
            places = np.concatenate([np.arange(low, 2 * low, low / 100), -np.arange(low, 2 * low, low / 100)])
        found = best([aligned(at) + j * unit for at in places for j in range(8)], some_points)
        for turns in range(2):
            found = best([found + j * unit for j in range(-16, 17)], everything)
            step = (places[1] - places[0]) / (8 if turns == 0 else 128)
            found = best([found + aligned(s * step) + phase * unit for s in range(-12, 13)], everything)
        return found


def finer_turn(frame: Frame, back: Back, share: float) -> Frame:
    """The frame turned by a part of what the way back differs from it."""
    u, _, v = np.linalg.svd(back.turn)
    apart = (u @ v).T @ frame.turn.T
    vector = np.array([apart[2, 1] - apart[1, 2], apart[0, 2] - apart[2, 0], apart[1, 0] - apart[0, 1]]) / 2
    turn = rotations(share * vector[None])[0] @ frame.turn
    return Frame(frame.points, frame.places, frame.there, turn, frame.origin, frame.units, frame.coarse)
