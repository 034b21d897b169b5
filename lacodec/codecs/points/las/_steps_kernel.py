"""Steps of time: how often each comes, and which number each has. For the encoder alone."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
SLOTS = 1 << 13
_MOST = 3 * SLOTS // 4  # different steps that are counted; later ones are not
_SPREAD = 0x9E3779B97F4A7C15


@flat_kernel
def count_steps(times: np.ndarray, keys: np.ndarray, counts: np.ndarray) -> None:
    """keys, i64[SLOTS]: each step of times, i64[n], in a slot of its own; counts, i64[SLOTS]: how often it comes, 0 if empty."""
    several = U(0)
    for k in range(U(1), U(len(times))):
        step = times[k] - times[k - U(1)]
        slot = _slot(keys, counts, step)
        if counts[slot] == 0:
            if several == U(_MOST):
                continue
            several += U(1)
            keys[slot] = step
        counts[slot] += 1


@flat_kernel
def number_steps(times: np.ndarray, steps: np.ndarray, keys: np.ndarray, numbers: np.ndarray, found: np.ndarray) -> None:
    """found, u16[n]: 1 + the place of the step to each time among steps; 0 for the first time and for steps that are not there.

    keys, numbers, i64[SLOTS]: scratch, zeros.
    """
    for k in range(U(len(steps))):
        slot = _slot(keys, numbers, steps[k])
        keys[slot], numbers[slot] = steps[k], S64(k) + 1
    for k in range(U(1), U(len(times))):
        found[k] = np.uint16(numbers[_slot(keys, numbers, times[k] - times[k - U(1)])])


@inlined
def _slot(keys: np.ndarray, used: np.ndarray, step: int) -> int:
    slot = (U(step) * U(_SPREAD)) >> U(51)
    while used[slot] != 0 and keys[slot] != step:
        slot = (slot + U(1)) & U(SLOTS - 1)
    return slot
