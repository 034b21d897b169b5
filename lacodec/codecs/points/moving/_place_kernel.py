"""From the sensor's numbers to places in the map: float32 products as the driver made them, then double-precision + - x /."""

import numpy as np

from lacodec.kernels.jit import helper, kernel

U = np.uint64
_TERMS = 10  # of the series of sines: enough for vectors up to 2


@kernel
def poses(lines, segments, times, out):  # type: ignore[no-untyped-def]
    """out, f64[columns, 12]: rotation by rows, place. lines, f64[segments, 12]: place, its speed, vector, its speed, by 10 ms."""
    for c in range(U(len(times))):
        row, t = U(segments[c]), np.float64(times[c]) * 1e-4
        x = lines[row, U(6)] + lines[row, U(9)] * t
        y = lines[row, U(7)] + lines[row, U(10)] * t
        z = lines[row, U(8)] + lines[row, U(11)] * t
        x, y, z = min(max(x, -1.0), 1.0), min(max(y, -1.0), 1.0), min(max(z, -1.0), 1.0)
        square = x * x + y * y + z * z
        sine, cosine = 0.0, 0.0  # sin(a) / a and (1 - cos(a)) / a^2
        for k in range(_TERMS):
            n = np.float64(_TERMS - 1 - k)
            sine = 1.0 - sine * square / ((2.0 * n + 2.0) * (2.0 * n + 3.0))
            cosine = 1.0 - cosine * square / ((2.0 * n + 3.0) * (2.0 * n + 4.0))
        cosine *= 0.5
        still = 1.0 - cosine * square
        out[c, U(0)], out[c, U(1)], out[c, U(2)] = still + cosine * x * x, cosine * x * y - sine * z, cosine * x * z + sine * y
        out[c, U(3)], out[c, U(4)], out[c, U(5)] = cosine * x * y + sine * z, still + cosine * y * y, cosine * y * z - sine * x
        out[c, U(6)], out[c, U(7)], out[c, U(8)] = cosine * x * z - sine * y, cosine * y * z + sine * x, still + cosine * z * z
        for axis in range(U(3)):
            out[c, U(9) + axis] = min(max(lines[row, axis] + lines[row, U(3) + axis] * t, -1e4), 1e4)


@helper
def _turned(m, row, first, x, y, z):  # type: ignore[no-untyped-def]
    return m[row, first] * x + m[row, first + U(1)] * y + m[row, first + U(2)] * z


@kernel
def map_points(columns, rings, counts, azimuths, directions, elevations, pose, turn, offset, out):  # type: ignore[no-untyped-def]
    """out, f64[n, 3]: places along the map's axes. columns, rings, azimuths: below the sizes of their tables.

    directions, elevations: f32[, 2], cosines and sines; turn: f64[3, 3]; offset: f64[3].
    """
    unit = np.float32(0.002)
    for i in range(U(len(columns))):
        c, ring, at = U(columns[i]), U(rings[i]), U(azimuths[i])
        distance = np.float32(counts[i]) * unit
        flat = np.float32(distance * elevations[ring, U(0)])
        x = np.float64(np.float32(flat * directions[at, U(1)]))
        y = np.float64(np.float32(flat * directions[at, U(0)]))
        z = np.float64(np.float32(distance * elevations[ring, U(1)]))
        gx = _turned(pose, c, U(0), x, y, z) + pose[c, U(9)]
        gy = _turned(pose, c, U(3), x, y, z) + pose[c, U(10)]
        gz = _turned(pose, c, U(6), x, y, z) + pose[c, U(11)]
        for axis in range(U(3)):
            out[i, axis] = _turned(turn, axis, U(0), gx, gy, gz) - offset[axis]
