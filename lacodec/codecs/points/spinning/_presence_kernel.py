"""Which ticks of the turn fire at all, and which of those each run has a point of."""

from typing import Any

import numpy as np

from lacodec.codecs.points.spinning.bits import Bits, code_flag, code_flag_by_two
from lacodec.kernels.jit import flat_kernel

U = np.uint64
_TICK_FLAGS = 16
_PATTERNS = 1 << 12
_DENSITIES = 1 << 7
HINTS = 4
COUNTERS = _TICK_FLAGS + HINTS * (_PATTERNS + _DENSITIES)


@flat_kernel
def code_ticks(b: Bits, used: np.ndarray) -> None:
    """used, u8[ticks]: flags, each by the four before it."""
    before = U(0)
    for tick in range(U(len(used))):
        used[tick] = np.uint8(code_flag(b, before, U(used[tick])))
        before = (before * U(2) + U(used[tick])) & U(15)


@flat_kernel
def code_runs(
    b: Bits,
    firsts: np.ndarray,
    sizes: np.ndarray,
    rings: np.ndarray,
    hints: np.ndarray,
    seen: np.ndarray,
    now: np.ndarray,
    places: np.ndarray,
) -> Any:
    """places, i64[n]: of the points of each run among the used ticks, one turn at most from firsts[run] on, where there is one.

    hints, u8[rings, used], below HINTS: what the frame before tells; zeros without one. seen, u8[used]: whether the runs before
    had a point there, the last one in the lowest bit; now, u8[used]: of this run.
    Returns how many points have a place: fewer than all if a run has more points than fit into a turn.
    """
    count = U(len(now))
    done = U(0)
    for run in range(U(len(firsts))):
        ring = U(rings[run])
        for j in range(count):
            now[j] = 0
        at = U(firsts[run]) % count
        left = U(sizes[run])
        before, turned = U(0), U(0)
        while left and turned < count:
            ahead = at + U(1) if at + U(1) < count else U(0)
            after = ahead + U(1) if ahead + U(1) < count else U(0)
            behind = at - U(1) if at else count - U(1)
            above = U(seen[at])
            present = U(1)
            if turned:
                near = (above & U(7)) | (U(seen[ahead]) & U(1)) << U(3) | (U(seen[behind]) & U(1)) << U(4)
                near |= (U(seen[after]) & U(1)) << U(5) | (U(seen[ahead]) >> U(1) & U(1)) << U(6)
                dense = above - ((above >> U(1)) & U(0x55))
                dense = (dense & U(0x33)) + ((dense >> U(2)) & U(0x33))
                dense = (dense + (dense >> U(4))) & U(15)
                hint = U(hints[ring, at] & np.uint8(HINTS - 1)) * U(_PATTERNS + _DENSITIES)
                one = U(_TICK_FLAGS) + hint + (near << U(5) | (before & U(31)))
                other = U(_TICK_FLAGS + _PATTERNS) + hint + (min(dense, U(7)) << U(4) | (before & U(15)))
                wanted = U(places[done] == np.int64(at))
                present = code_flag_by_two(b, one, other, wanted)
            if present:
                places[done] = np.int64(at)
                now[at] = 1
                done += U(1)
                left -= U(1)
            before = before * U(2) + present
            at = ahead
            turned += U(1)
        if left:
            return np.int64(done)
        for j in range(count):
            seen[j] = (seen[j] << np.uint8(1)) | now[j]
    return np.int64(done)
