"""What the frame before would show where this one has a point: its points moved into this frame, then found by ring and azimuth.

    points --moved--> cells by azimuth and the two rings between which they are --for each point: above and below--> range count

Double-precision + - x / and square roots in a fixed order.
"""

import numpy as np

from lacodec.codecs.points.spinning.calibration import TICKS
from lacodec.kernels.jit import helper, kernel

U = np.uint64
BINS = 2000
"""Cells of a turn: two ticks each."""
_HALF, _HALF_STEPS = BINS // 2, 10
_LEAST = 1.0  # metres: nearer points are the car
_NEAREST, _FARTHEST = 0.5, 1e4
_CELLS = BINS / 6.283185307179586  # in a radian
_REACH = 3  # cells above and below that are looked at
_EDGE = 1.25  # ratio of distances from which on two points are on different things
_WIDE = 0.012  # radians beside its ring up to which one point tells a range


@helper
def _bin(ticks, x, y):  # type: ignore[no-untyped-def]
    """The cell of a direction. ticks, f64[2 * BINS, 2]: cosines and sines."""
    turned = y < 0.0 or (y == 0.0 and x < 0.0)
    if turned:
        x, y = -x, -y
    low, high = U(0), U(_HALF)
    for _ in range(_HALF_STEPS):
        middle = (low + high) >> U(1)
        if ticks[U(2) * middle, U(0)] * y - ticks[U(2) * middle, U(1)] * x >= 0.0:
            low = middle
        else:
            high = middle
    return low + U(_HALF) if turned else low


@helper
def _above(rings, ring, flat, z):  # type: ignore[no-untyped-def]
    """Metres that a point is above the cone of a ring."""
    return z * rings[ring, U(0)] - flat * rings[ring, U(1)] - rings[ring, U(2)]


@kernel
def move_points(points, motion, rings, ticks, flats, heights):  # type: ignore[no-untyped-def]
    """flats, heights, f64[BINS, rings + 1], zeros: distance from the axis and height of the nearest point in each cell.

    points, f32[n, 3]; motion, f64[3, 4]: rotation by rows, each with its place. A cell is below as many rings as its number.
    """
    count = U(len(rings))
    for i in range(U(len(points))):
        px, py, pz = np.float64(points[i, U(0)]), np.float64(points[i, U(1)]), np.float64(points[i, U(2)])
        x = motion[U(0), U(0)] * px + motion[U(0), U(1)] * py + motion[U(0), U(2)] * pz + motion[U(0), U(3)]
        y = motion[U(1), U(0)] * px + motion[U(1), U(1)] * py + motion[U(1), U(2)] * pz + motion[U(1), U(3)]
        z = motion[U(2), U(0)] * px + motion[U(2), U(1)] * py + motion[U(2), U(2)] * pz + motion[U(2), U(3)]
        flat = np.sqrt(x * x + y * y)
        if not (flat >= _LEAST and flat < _FARTHEST and abs(z) < _FARTHEST):
            continue
        low, high = U(0), count
        while low < high:
            middle = (low + high) >> U(1)
            if _above(rings, middle, flat, z) < 0.0:
                low = middle + U(1)
            else:
                high = middle
        at = _bin(ticks, x, y)
        if flats[at, low] == 0.0 or flat < flats[at, low]:
            flats[at, low], heights[at, low] = flat, z


@helper
def _filled(flats, at, cell, after):  # type: ignore[no-untyped-def]
    """The azimuth of a cell that has a point: this one or one beside it, `after` first; itself if there is none."""
    if flats[at, cell] > 0.0:
        return at
    right = at + U(1) if at + U(1) < U(BINS) else U(0)
    left = at - U(1) if at else U(BINS - 1)
    one, other = (right, left) if after else (left, right)
    if flats[one, cell] > 0.0:
        return one
    return other if flats[other, cell] > 0.0 else at


@helper
def _flat_at(flats, heights, rings, ring, azimuth):  # type: ignore[no-untyped-def]
    """Distance from the axis at which a ring meets what is there, azimuth in cells; 0 if nothing tells."""
    cells = U(flats.shape[1])
    whole = np.floor(azimuth)
    at, after = U(np.int64(whole) % BINS), azimuth - whole > 0.5
    upper, lower = 0.0, 0.0  # distances from the axis
    upper_off, lower_off = 0.0, 0.0  # radians from the ring
    for k in range(U(_REACH)):
        if k <= ring:
            place = _filled(flats, at, ring - k, after)
            upper = flats[place, ring - k]
            if upper > 0.0:
                upper_off = _above(rings, ring, upper, heights[place, ring - k]) / upper
                break
    for k in range(U(_REACH)):
        cell = ring + U(1) + k
        if cell < cells:
            place = _filled(flats, at, cell, after)
            lower = flats[place, cell]
            if lower > 0.0:
                lower_off = -_above(rings, ring, lower, heights[place, cell]) / lower
                break
    if upper > 0.0 and lower > 0.0:
        if upper < lower * _EDGE and lower < upper * _EDGE:
            whole = upper_off + lower_off + 1e-9
            return whole / (lower_off / upper + upper_off / lower + 1e-9 / upper)
        return upper if upper_off < lower_off else lower
    if upper > 0.0 and upper_off < _WIDE:
        return upper
    return lower if lower > 0.0 and lower_off < _WIDE else 0.0


@helper
def _count_at(flats, heights, rings, shifts, unit, ring, tick):  # type: ignore[no-untyped-def]
    """The range count, of unit metres, that a ring has at a tick; 0 if nothing tells."""
    azimuth = (np.float64(tick) + shifts[ring]) * (BINS / TICKS)
    flat = _flat_at(flats, heights, rings, ring, azimuth)
    if flat < _NEAREST:
        return 0
    flat = _flat_at(flats, heights, rings, ring, azimuth + rings[ring, U(6)] / flat * _CELLS)
    if not (flat >= _NEAREST and flat < _FARTHEST):
        return 0
    distance = (flat + rings[ring, U(2)] * rings[ring, U(1)]) / rings[ring, U(0)]
    return np.int64(min(max((distance - rings[ring, U(3)]) / unit + 0.5, 1.0), 65535.0))


@kernel
def look_up(flats, heights, rings, shifts, unit, ticks, out):  # type: ignore[no-untyped-def]
    """out, u16[rings, ticks]: range counts of unit metres by the frame before, from 1 on; 0 where it tells nothing.

    shifts, f64[rings]: ticks between a tick and the azimuth of the ring's laser at it; ticks, i64[n].
    """
    for ring in range(U(len(rings))):
        for i in range(U(len(ticks))):
            out[ring, i] = np.uint16(_count_at(flats, heights, rings, shifts, unit, ring, ticks[i]))


@kernel
def look_up_points(flats, heights, rings, shifts, unit, ring_of, tick_of, out):  # type: ignore[no-untyped-def]
    """out, i64[n]: the same of single points."""
    for i in range(U(len(ring_of))):
        out[i] = _count_at(flats, heights, rings, shifts, unit, U(ring_of[i]), tick_of[i])
