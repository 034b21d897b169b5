"""How the car moved during a sweep: place and rotation of the sensor, straight lines in time between knots. Encoder alone.

By Gauss and Newton along the map's axes, where the lattice tells how far off a point may be.
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.points.moving._frame import Frame, crosses, measured, polar, rotations
from lacodec.codecs.points.moving.sensor import PACKET, times

FREE_US = (552.96, 46.0)
"""Microseconds between packets and columns before the clock's slips are known."""

_TIME = 1e-4  # of a microsecond: the unit of time in the fits is 10 ms
_COUNT = 0.002  # metres


@dataclass
class Fit:
    """Motion: place and speed, rotation and its speed, f64[2 * segments, 3] each, of segments that begin at columns `starts`.

    counts, azimuth: ranges and azimuths, f64[columns, 32], by these; away: range in metres; off: distance along the map's axes,
    in parts of what is expected; good: points that are far enough to be used.
    """

    starts: list[int]
    place: np.ndarray
    rotation: np.ndarray
    basis: np.ndarray
    azimuth: np.ndarray
    away: np.ndarray
    off: np.ndarray
    good: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """f64[columns, 3]."""
        return self.basis @ self.place

    @property
    def vectors(self) -> np.ndarray:
        """f64[columns, 3]: rotation vectors."""
        return self.basis @ self.rotation


@dataclass(frozen=True)
class _Guess:
    """A round of a fit: segment of each column; motion so far; what the sensor would have seen, how far off along the map's axes,
    and which points are used."""

    segment: np.ndarray
    basis: np.ndarray
    place: np.ndarray
    rotation: np.ndarray
    centre: np.ndarray
    modelled: np.ndarray
    off: np.ndarray
    used: np.ndarray


class Fitter:
    """Fits of motion for given knots. phase: place of the first column in its packet; slip: of the clock, None if unknown.

    centres: what the map's float32 coordinates are at the origin, NaN where the lattice is the same everywhere.
    """

    def __init__(self, frame: Frame, phase: int, slip: int | None = None, centres: np.ndarray | None = None) -> None:
        self.frame, self.phase, self.slip, self.centres = frame, phase, slip, centres
        columns = len(frame.points)
        at = np.arange(columns) + phase
        self.packet = at // PACKET
        free = FREE_US[0] * self.packet + FREE_US[1] * (at % PACKET)
        self.tau = (free - free[-1] if slip is None else times(columns, phase, slip).astype(float)) * _TIME
        self.mapped = frame.mapped
        self._expect()

    def _expect(self) -> None:
        """Steps of the lattice, the points on it, and how far off a right point may be, f64[columns, 32, 3] each."""
        f, mapped = self.frame, self.mapped
        rounded = np.spacing(np.abs(f.points).astype(np.float32)).astype(float) / 2
        self.steps = np.broadcast_to(f.units, mapped.shape).copy()
        self.expected = np.empty_like(mapped)
        self.target = mapped.copy()
        for axis in range(3):
            centre = np.nan if self.centres is None else self.centres[axis]
            written = ((rounded * np.abs(f.turn[axis])) ** 2).sum(axis=2)
            steps = self.steps[:, :, axis]
            if not np.isnan(centre):
                steps = np.spacing(np.abs(centre + mapped[:, :, axis]).astype(np.float32)).astype(float)
                self.expected[:, :, axis] = np.sqrt(written + (steps / 2) ** 2) + 2e-8
            else:
                grown = np.maximum(1, np.abs(mapped[:, :, axis]) / (2**23 * f.units[axis] * 1.5))
                self.expected[:, :, axis] = np.sqrt(written) + f.units[axis] / 2 * grown
                centre = 0.0
            if f.coarse[axis]:
                steps = np.maximum(steps, f.units[axis] / 2)
                self.steps[:, :, axis], self.expected[:, :, axis] = steps, steps / 2
                self.target[:, :, axis] = np.round((centre + mapped[:, :, axis]) / steps) * steps - centre

    def fit(self, places: np.ndarray, vectors: np.ndarray, starts: list[int], rounds: int = 7) -> Fit:
        """The motion with knots at `starts`, from rough places and vectors of all columns on."""
        f = self.frame
        columns = len(f.points)
        segment = np.searchsorted(starts, np.arange(columns), side="right") - 1
        delta = np.zeros(int(self.packet.max()) + 1)
        basis = self._basis(segment, len(starts), delta)
        place, rotation = (np.linalg.lstsq(basis, values, rcond=None)[0] for values in (places, vectors))
        good = np.linalg.norm(f.points - places[:, None], axis=2) > 1.0
        for turn in range(rounds):
            basis = self._basis(segment, len(starts), delta)
            turned, centre = rotations(basis @ rotation), basis @ place
            seen = np.einsum("cji,crj->cri", turned, f.points - centre[:, None])
            away, azimuth = polar(seen)
            azimuth = np.round(azimuth)
            modelled = np.einsum("cij,crj->cri", turned, measured(np.round(away / _COUNT), azimuth))
            off = self.target - ((modelled + centre[:, None]) @ f.turn.T - f.offset)
            found = Fit(list(starts), place, rotation, basis, azimuth, away, np.abs(off) / self.expected, good)
            if turn == rounds - 1:
                return found
            guess = _Guess(segment, basis, place, rotation, centre, modelled, off, good & self._near(off, turn))
            if self.slip is None and turn >= 2 and turn % 2 == 0:
                delta = delta + self._earlier(guess, delta)
            else:
                place, rotation = self._solve(guess)
        raise AssertionError("a fit has at least one round")

    def _basis(self, segment: np.ndarray, count: int, delta: np.ndarray) -> np.ndarray:
        columns = np.arange(len(segment))
        basis = np.zeros((len(segment), 2 * count))
        basis[columns, 2 * segment] = 1
        basis[columns, 2 * segment + 1] = self.tau + delta[self.packet] * _TIME
        return basis

    def _near(self, off: np.ndarray, turn: int) -> np.ndarray:
        if turn == 0:
            return np.linalg.norm(off, axis=2) < 4e-4
        near = np.ones(off.shape[:2], bool)
        for axis in range(3):
            most = self.steps if self.frame.coarse[axis] else (8 if turn < 6 else 5) * self.expected
            near &= np.abs(off[:, :, axis]) < most[:, :, axis]
        return near

    def _earlier(self, g: "_Guess", delta: np.ndarray) -> np.ndarray:
        """By how many microseconds each packet was measured later."""
        f = self.frame
        column, ring = np.nonzero(g.used)
        points, weight = g.modelled[column, ring], 1 / self.expected[column, ring]
        speed, turning = g.place[1::2][g.segment] * _TIME, g.rotation[1::2][g.segment] * _TIME
        moved = ((speed[column] + np.cross(turning[column], points)) @ f.turn.T) * weight
        above = _sums(self.packet[column], (moved * g.off[column, ring] * weight).sum(axis=1), len(delta))
        below = _sums(self.packet[column], (moved * moved).sum(axis=1), len(delta))
        there = np.flatnonzero(f.there)
        apart = f.placed[there] - (g.centre[there] @ f.turn.T - f.offset)
        moved = (speed[there] @ f.turn.T) * (2 / f.units)
        above += _sums(self.packet[there], (moved * apart * (2 / f.units)).sum(axis=1), len(delta))
        below += _sums(self.packet[there], (moved * moved).sum(axis=1), len(delta))
        return np.clip((above - delta * 4) / (below + 4), -2, 2)

    def _solve(self, g: "_Guess") -> tuple[np.ndarray, np.ndarray]:
        """A step of every g.segment's twelve numbers towards what its points and its places want."""
        f = self.frame
        place, rotation = g.place.copy(), g.rotation.copy()
        for i in range(place.shape[0] // 2):
            here = g.segment == i
            column, ring = np.nonzero(g.used & here[:, None])
            points, weight, wanted = g.modelled[column, ring], 1 / self.expected[column, ring], g.off[column, ring]
            when = g.basis[column, 2 * i + 1]
            there = np.flatnonzero(f.there & here)
            apart = f.placed[there] - (g.centre[there] @ f.turn.T - f.offset)
            rows, below = [], np.zeros((3 * len(there), 12))
            for axis in range(3):
                moved = np.broadcast_to(f.turn[:, axis], points.shape) * weight
                rows += [moved.ravel(), (moved * when[:, None]).ravel()]
                fixed = np.broadcast_to(f.turn[:, axis] * (2 / f.units), apart.shape)
                below[:, 2 * axis], below[:, 2 * axis + 1] = fixed.ravel(), (fixed * g.basis[there, 2 * i + 1][:, None]).ravel()
            for moved in crosses(points):
                turned = (moved @ f.turn.T) * weight
                rows += [turned.ravel(), (turned * when[:, None]).ravel()]
            matrix = np.stack(rows, axis=1)
            normal = matrix.T @ matrix + below.T @ below
            right = matrix.T @ (wanted * weight).ravel() + below.T @ (apart * (2 / f.units)).ravel()
            scale = np.sqrt(np.diag(normal)) + 1e-9
            step = np.linalg.solve(normal / np.outer(scale, scale) + 1e-9 * np.eye(12), right / scale) / scale
            place[2 * i : 2 * i + 2] += step[:6].reshape(3, 2).T
            rotation[2 * i : 2 * i + 2] += step[6:].reshape(3, 2).T
        return place, rotation


def _sums(packets: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Of the values of each packet; zeros where there are none."""
    return np.bincount(packets, values, count).astype(np.float64)
