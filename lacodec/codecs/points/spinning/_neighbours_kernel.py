"""The points around each point of a sweep, among those before it: on its ring, and at its place on the rings before."""

import numpy as np

from lacodec.kernels.jit import kernel

U = np.uint64
W, WW, WWW, N, NW, NE, NN, NWW, NEE, NNE = range(10)
"""Before it on its ring; at its tick, one before, one after on the last ring that has a point there; the one above that."""
NEIGHBOURS = 10
GAPS = 4


@kernel
def find_neighbours(starts, places, newest, older, near, gaps):  # type: ignore[no-untyped-def]
    """near, i32[n, NEIGHBOURS]: 1 + the position of each neighbour; of the best one in its stead; 0 where there is none at all.

    newest, older, i32[used], zeros: 1 + the positions of the last two points at each place. gaps, u8[n]: ticks since W.
    """
    count = U(len(newest))
    for run in range(U(len(starts)) - U(1)):
        first, stop = U(starts[run]), U(starts[run + U(1)])
        for i in range(first, stop):
            at = U(places[i])
            w = np.int32(i) if i > first else np.int32(0)
            ww = np.int32(i - U(1)) if i > first + U(1) else w
            www = np.int32(i - U(2)) if i > first + U(2) else ww
            left = at - U(1) if at else count - U(1)
            far_left = left - U(1) if left else count - U(1)
            right = at + U(1) if at + U(1) < count else U(0)
            far_right = right + U(1) if right + U(1) < count else U(0)
            n = newest[at]
            nw = newest[left] if newest[left] else n
            ne = newest[right] if newest[right] else n
            n = n if n else nw if nw else ne
            w = w if w else n
            n = n if n else w
            near[i, W], near[i, WW], near[i, WWW] = w, ww if ww else w, www if www else w
            near[i, N], near[i, NW], near[i, NE] = n, nw if nw else n, ne if ne else n
            near[i, NN] = older[at] if older[at] else n
            near[i, NWW] = newest[far_left] if newest[far_left] else near[i, NW]
            near[i, NEE] = newest[far_right] if newest[far_right] else near[i, NE]
            near[i, NNE] = older[right] if older[right] else near[i, NE]
            gap = at - U(places[i - U(1)]) if i > first else U(GAPS)
            gaps[i] = np.uint8(min(gap, U(GAPS)))  # across the end of the turn the difference is large
        for i in range(first, stop):
            at = U(places[i])
            older[at], newest[at] = newest[at], np.int32(i + U(1))
