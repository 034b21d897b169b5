"""The lattice of the float32 map on which all points of a sweep lie, in the frame of the sweep; for the encoder alone.

Points without a return are all at the sensor, whose place moves from column to column by whole steps of the lattice. Differences
of such steps that are powers of two long give its axes, coarsest first; the phases of near points refine them.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lacodec.codecs.points.moving._search_kernel import PHASES, concentration

_MICRO = 1e6
_NEAR = 0.8  # metres within which a point may be one without a return
_MIDDLES = (np.arange(PHASES) + 0.5) * (2 * np.pi / PHASES)
_WAVES = np.stack([np.cos(_MIDDLES), np.sin(_MIDDLES)], axis=1)
_REACHES = (1.6, 2, 2.4, 3.0, 3.5, 4.5, 6, 8, 10, 13, 17, 22, 30, 40, 60, 110)  # metres, one refinement each


@dataclass(frozen=True)
class Lattice:
    """Rows of `axes` are directions of the map's x and y in the sweep, the steps of which are 2**exponents metres.

    origin: a point of the lattice, of the last column.
    """

    exponents: tuple[int, int]
    axes: np.ndarray
    origin: np.ndarray


def no_returns(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f32[columns, 3], bool[columns]): what the points of each column are that have no return, and whether there are such.

    xyz: f32[columns, rings, 3].
    """
    places = np.full((len(xyz), 3), np.nan, np.float32)
    for column, points in enumerate(xyz):
        near = points[(points.astype(float) ** 2).sum(axis=1) < _NEAR**2]
        if len(near) > 1:
            found, counts = np.unique(near, axis=0, return_counts=True)
            if counts.max() > 1:
                places[column] = found[counts.argmax()]
    return places, ~np.isnan(places[:, 0])


def find_lattice(xyz: np.ndarray, places: np.ndarray, there: np.ndarray) -> Lattice | None:
    """The lattice of a sweep; None if it shows none. places, there: of `no_returns`."""
    if there.sum() < len(there) // 4:
        return None
    points = xyz.reshape(-1, 3).astype(float)
    away = np.linalg.norm(points, axis=1)
    origin = places[there][-1].astype(float)
    steps = (np.diff(places.astype(float), axis=0)[there[:-1] & there[1:]]) * _MICRO
    candidates, still = _candidates(steps)
    far = np.flatnonzero(away > 1)
    near = far[np.argsort(away[far])[:300]]
    if len(near) < 60:
        return None
    some = (points[near] - origin)[np.random.default_rng(0).permutation(len(near))]
    search = _Search(points - origin, away, some, float(away[near[-1]]))
    first = _first_axis(search, candidates, still)
    if first is None:
        return None
    second = _second_axis(search, candidates, first[1], steps)
    if second is None:
        return None
    exponents, axes = (first[0], second[0]), np.array([first[1], second[1]])
    if np.cross(axes[0], axes[1])[2] < 0:
        exponents, axes = exponents[::-1], axes[::-1]
    return Lattice(exponents, axes, origin)


@dataclass(frozen=True)
class _Search:
    """Points relative to the origin, how far away they are, and some near ones, none of them farther than `reach`."""

    points: np.ndarray
    away: np.ndarray
    some: np.ndarray
    reach: float


def _concentration(points: np.ndarray, directions: np.ndarray, unit: float) -> np.ndarray:
    """How much the phases of points agree along each direction, 0 to 1."""
    out = np.empty(len(directions))
    concentration(np.ascontiguousarray(points), np.ascontiguousarray(directions), unit, _WAVES, out)
    return out


def _candidates(steps: np.ndarray) -> tuple[list[tuple[int, np.ndarray]], bool]:
    """(exponents and directions that differences of usual steps have, best first; whether the car stands still)."""
    found = []
    still = bool(np.median(np.linalg.norm(steps, axis=1)) < 0.5)
    if still:
        for step in steps:
            size = float(np.linalg.norm(step))
            power = np.log2(max(size, 1e-3) / _MICRO)
            if size > 0.9 and abs(power - round(power)) < 4e-4:
                found.append((round(power), abs(power - round(power)), 1, step / size))
    else:
        keys, which, counts = np.unique(np.round(steps / 0.6).astype(int), axis=0, return_inverse=True, return_counts=True)
        usual = np.argsort(-counts)[:25]
        means = [(steps[which.ravel() == i].mean(axis=0), int(counts[i])) for i in usual if len(keys)]
        for (one, n), (other, m) in combinations(means, 2):
            apart = other - one
            size = float(np.linalg.norm(apart))
            power = np.log2(max(size, 1e-9) / _MICRO)
            if -20.5 < power < -11.5 and abs(power - round(power)) < 0.008:
                found.append((round(power), abs(power - round(power)), min(n, m), apart / size))
    level = [(k, off - 0.001 * np.log(n), e if e[0] > 0 else -e) for k, off, n, e in found if abs(e[2]) < 0.2]
    level.sort(key=lambda item: (-item[0], item[1]))
    return [(k, e) for k, _, e in level], still


def _first_axis(search: _Search, candidates: list[tuple[int, np.ndarray]], still: bool) -> tuple[int, np.ndarray] | None:
    tried: dict[int, list[np.ndarray]] = {}
    for k, direction in candidates:
        before = tried.setdefault(k, [])
        if len(before) >= 4 or any(abs(direction @ other) > 0.9999 for other in before):
            continue
        before.append(direction)
        unit = 2.0**k
        span = 1.2e-5 if still else 1.8e-3
        angles = np.arange(-span, span, max(0.3 * unit / search.reach, span / 350))
        a = np.cross(direction, [0, 0, 1.0])
        a /= np.linalg.norm(a)
        both = np.stack(np.meshgrid(angles, angles), axis=-1).reshape(-1, 2)
        around = direction + both[:, :1] * a + both[:, 1:] * np.cross(direction, a)
        score = _concentration(search.some[:150], around, unit)
        if score.max() > 0.3:
            best = around[score.argmax()]
            refined = _refine(search, best / np.linalg.norm(best), unit)
            if refined is not None:
                return k, refined
    return None


def _second_axis(
    search: _Search, candidates: list[tuple[int, np.ndarray]], first: np.ndarray, steps: np.ndarray
) -> tuple[int, np.ndarray] | None:
    """Orthogonal to the first: a scan over one angle around candidates, around the steps of height, and widely."""
    normal = first / np.linalg.norm(first)
    upright = steps[np.abs(np.linalg.norm(steps, axis=1) - 0.1192) < 0.004]  # one unit of a height below 2 metres
    up = np.array([0, 0, 1.0])
    if len(upright):
        up = np.median(upright * np.sign(upright[:, 2:]), axis=0)
        up /= np.linalg.norm(up)
    guesses = [(direction, 4e-3) for _, direction in candidates if abs(direction @ normal) < 0.02][:3]
    guesses += [(np.cross(up, normal), 3e-2), (np.cross([0, 0, 1.0], normal), 9e-2)]
    for direction, span in guesses:
        level = direction - normal * (direction @ normal)
        level /= np.linalg.norm(level)
        across = np.cross(normal, level)
        for k in range(-12, -21, -1):
            unit = 2.0**k
            step = 0.25 * unit / search.reach
            if span / step > 200_000:
                break
            angles = np.arange(-span, span, step)
            around = np.cos(angles)[:, None] * level + np.sin(angles)[:, None] * across
            score = _concentration(search.some[:200], around, unit)
            if score.max() > 0.45:
                refined = _refine(search, around[score.argmax()], unit)
                if refined is not None:
                    return k, refined
    return None


def _refine(search: _Search, direction: np.ndarray, unit: float) -> np.ndarray | None:
    """The direction by points ever farther away; None if they do not agree."""
    rng = np.random.default_rng(1)
    kept, last = direction, 0.0
    for reach in _REACHES:
        if reach > unit * 2**22 and reach > 3.5:
            break
        points = search.points[(search.away < reach) & (search.away > 1)]
        if len(points) < 60:
            continue
        points = points[rng.permutation(len(points))[:8000]]
        some = points[:400]
        best, scale = _concentration(some, direction[None], unit)[0], 0.5 * unit / reach
        if best < 0.8:
            for _ in range(10):
                tried = direction + rng.normal(size=(150, 3)) * scale
                score = _concentration(some, tried, unit)
                if score.max() > best:
                    best, direction = score.max(), tried[score.argmax()]
                else:
                    scale *= 0.7
        for _ in range(6):
            phases = points @ direction / unit
            phases -= np.angle(np.exp(2j * np.pi * phases).mean()) / 2 / np.pi
            off = phases - np.round(phases)
            good = np.abs(off) < 0.3
            matrix = np.column_stack([points[good] / unit, np.ones(good.sum())])
            direction = direction + np.linalg.lstsq(matrix, -off[good], rcond=None)[0][:3]
        score = _concentration(points, direction[None], unit)[0]
        if score > 0.5:
            kept, last = direction, score
    return kept if last > 0.45 else None
