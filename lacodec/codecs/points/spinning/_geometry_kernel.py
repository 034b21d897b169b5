"""Where the sensor's numbers put a point: double-precision + - x in a fixed order, rounded to whole millimetres."""

import numpy as np

from lacodec.kernels.jit import helper, kernel

U = np.uint64
EDGES = 64
"""Classes of how far a coordinate was from being rounded elsewhere."""


@helper
def place(rings, ticks, ring, tick, count, scale, out):  # type: ignore[no-untyped-def]
    """out, f64[3]: the coordinates in units; scale: (metres of a count, units in a metre). tick: below the number of ticks."""
    cosine, sine, height = rings[ring, U(0)], rings[ring, U(1)], rings[ring, U(2)]
    side = rings[ring, U(6)]
    c = ticks[tick, U(0)] * rings[ring, U(4)] - ticks[tick, U(1)] * rings[ring, U(5)]
    s = ticks[tick, U(1)] * rings[ring, U(4)] + ticks[tick, U(0)] * rings[ring, U(5)]
    distance = np.float64(count) * scale[U(0)] + rings[ring, U(3)]
    flat = distance * cosine - height * sine
    out[U(0)] = (flat * c - side * s) * scale[U(1)]
    out[U(1)] = (flat * s + side * c) * scale[U(1)]
    out[U(2)] = (distance * sine + height * cosine) * scale[U(1)]


@kernel
def predict(rings, ticks, ring_of, tick_of, counts, scale, whole, edges, signs):  # type: ignore[no-untyped-def]
    """For each point whole, i64[n, 3]: the coordinates, rounded; edges, u8[n, 3]: class of their fractions; signs, u8[n, 3]: of
    the coordinates before they were rounded."""
    out = np.empty(3)
    for i in range(U(len(counts))):
        place(rings, ticks, U(ring_of[i]), U(tick_of[i]), counts[i], scale, out)
        for axis in range(U(3)):
            value = out[axis] + 0.5
            below = np.floor(value)
            whole[i, axis] = np.int64(below)
            edges[i, axis] = np.uint8(min((value - below) * EDGES, EDGES - 1.0))
            signs[i, axis] = np.uint8(out[axis] < 0.0)


@kernel
def make_rise(ticks, turn, begins):  # type: ignore[no-untyped-def]
    """Change ticks so that they rise in every run; where they come back to the first one, a run begins, too.

    A point behind the one before it, or with its tick, gets the next tick: it will be a miss.
    """
    gone = np.int64(0)
    for i in range(U(1), U(len(ticks))):
        if begins[i]:
            gone = np.int64(0)
            continue
        step = ticks[i] - ticks[i - U(1)]
        step = step if step >= 0 else step + turn
        if step == 0 or step > turn // 2:
            step = np.int64(1)
            ticks[i] = (ticks[i - U(1)] + step) % turn
        gone += step
        if gone >= turn:
            begins[i] = 1
            gone = np.int64(0)
