"""Lasers of a spinning sensor, by the elevation of its points, in the order in which they fired. For the encoder alone."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import kernel

U = np.uint64
_SLOW = 0.2  # share of a new elevation in that of its lane


@kernel
def find_lanes(slopes, near, means, lanes):  # type: ignore[no-untyped-def]
    """lanes, u8[n]: a lane for each point, by slopes, f64[n]: that of the nearest mean, or a new one if that is not `near`.

    means, f64[most lanes]: scratch. Returns the number of lanes.
    """
    several = U(0)
    for i in range(U(len(slopes))):
        best: Any = U(0)
        least = 1e300
        for k in range(several):
            apart = abs(means[k] - slopes[i])
            if apart < least:
                best, least = k, apart
        if least > near and several < U(len(means)):
            best, least = several, 0.0
            means[best] = slopes[i]
            several += U(1)
        means[best] += (slopes[i] - means[best]) * (_SLOW if least < near else 1.0)
        lanes[i] = np.uint8(best)
    return np.int64(several)
