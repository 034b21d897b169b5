"""What the fit of a sweep works on: its points in the frame of the file and in that of the map; columns and their azimuths."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.points.moving._lattice import Lattice, find_lattice, no_returns
from lacodec.codecs.points.moving._search_kernel import columns_from
from lacodec.codecs.points.moving.sensor import CIRCLE, PACKET, RANGE_UNIT, RINGS, SLOTS, azimuths, elevations

FINE = 2.0**-23  # metres: the step of heights below two metres in the map
_FAR = 3.0  # metres from which on an azimuth is certain
_ANY = 2.0**-13  # metres: by how much points may be off where no lattice is known
_COARSE = -15  # exponent from which on a point's place on the lattice is certain


@dataclass(frozen=True)
class Frame:
    """points: f64[columns, 32, 3]; places, there: of points without a return. turn: rows are the map's axes in the file's frame.

    units: steps of the lattice; coarse: whether points show their step. mapped, placed: points and places along the map's axes.
    """

    points: np.ndarray
    places: np.ndarray
    there: np.ndarray
    turn: np.ndarray
    origin: np.ndarray
    units: np.ndarray
    coarse: np.ndarray

    @property
    def offset(self) -> np.ndarray:
        """Of the origin along the map's axes."""
        return self.turn @ self.origin

    @property
    def mapped(self) -> np.ndarray:
        """f64[columns, 32, 3]."""
        return self.points @ self.turn.T - self.offset

    @property
    def placed(self) -> np.ndarray:
        """f64[columns, 3], NaN where there is none."""
        return self.places.astype(float) @ self.turn.T - self.offset


def frame_of(xyz: np.ndarray) -> Frame | None:
    """The frame of f32[columns, 32, 3]; None if the points are on no lattice."""
    places, there = no_returns(xyz)
    lattice: Lattice | None = find_lattice(xyz, places, there)
    if lattice is None:
        return None
    rows = np.vstack([lattice.axes, np.cross(*lattice.axes)])
    u, _, v = np.linalg.svd(rows)
    units = np.array([2.0 ** lattice.exponents[0], 2.0 ** lattice.exponents[1], FINE])
    coarse = np.array([k >= _COARSE for k in lattice.exponents] + [False])
    return Frame(xyz.astype(float), places, there, u @ v, lattice.origin, units, coarse)


def free_frame(xyz: np.ndarray) -> Frame | None:
    """The frame of f32[columns, 32, 3] that may be on any lattice, or none; None if few columns have points without a return."""
    places, there = no_returns(xyz)
    if there.sum() < len(there) // 4:
        return None
    last = places[there][-1].astype(float)
    return Frame(xyz.astype(float), places, there, np.eye(3), last, np.full(3, _ANY), np.zeros(3, bool))


def rotations(vectors: np.ndarray) -> np.ndarray:
    """f64[n, 3, 3]: Rodrigues' formula."""
    angles = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    k = vectors / angles[:, None]
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 0] = -k[:, 2], k[:, 1], k[:, 2]
    cross[:, 1, 2], cross[:, 2, 0], cross[:, 2, 1] = -k[:, 0], -k[:, 1], k[:, 0]
    return np.eye(3) + np.sin(angles)[:, None, None] * cross + (1 - np.cos(angles))[:, None, None] * (cross @ cross)


def measured(counts: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """f64[columns, 32, 3]: where the sensor saw these points, in its own frame."""
    at = azimuth.astype(np.int64) % CIRCLE
    distance = counts.astype(np.float32) * RANGE_UNIT
    flat = distance * elevations()[:, 0]
    c, s = azimuths()[at, 0], azimuths()[at, 1]
    return np.stack([flat * s, flat * c, distance * elevations()[:, 1] + 0 * flat], axis=2).astype(float)


def polar(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(range in metres, azimuth in hundredths of degrees)."""
    return np.linalg.norm(seen, axis=2), np.degrees(np.arctan2(seen[:, :, 0], seen[:, :, 1])) * 100


def crosses(points: np.ndarray) -> list[np.ndarray]:
    """How points move when they are turned about each axis."""
    zero = np.zeros(len(points))
    x, y, z = points.T
    return [np.stack([zero, -z, y], axis=1), np.stack([z, zero, -x], axis=1), np.stack([-y, x, zero], axis=1)]


def columns_of(azimuth: np.ndarray, good: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first azimuth and duration i64[columns, 2], points that agree and points that were asked i64[columns, 2])."""
    found, scores = np.zeros((len(azimuth), 2), np.int64), np.zeros((len(azimuth), 2), np.int64)
    columns_from(azimuth, good, away > _FAR, SLOTS, CIRCLE, found, scores, np.zeros(RINGS))
    return found, scores


def phase_of(columns: np.ndarray, scores: np.ndarray) -> int:
    """Place of the first column in its packet: at a packet's last column the duration is that of the one before."""
    steps = np.diff(columns[:, 0])
    sure = (scores[:-1, 1] >= 6) & (scores[1:, 1] >= 6) & (scores[:-1, 0] == scores[:-1, 1])
    odd = np.flatnonzero((columns[:-1, 1] != steps) & sure)
    return int((PACKET - 1 - np.bincount(odd % PACKET, minlength=PACKET).argmax()) % PACKET)
