"""Bit histories and the maps that say what they mean: 22-bit probabilities with a 10-bit count, read and taught."""

import numpy as np

from lacodec.kernels.jit import inlined


@inlined
def predict_contexts(
    where: np.ndarray,
    slots: np.ndarray,
    maps: np.ndarray,
    used: np.ndarray,
    inputs: np.ndarray,
    stretch: np.ndarray,
    node: np.uint64,
    n: np.uint64,
) -> None:
    """inputs[i]: stretched probability; inputs[n + i]: the same on a linear scale. Both are 0 for a context never seen."""
    for i in range(n):
        entry = i * np.uint64(256) + np.uint64(slots[where[i] + node])
        used[i] = entry
        p = maps[entry] >> np.uint32(20)
        inputs[i] = np.int32(stretch[p])
        inputs[n + i] = (np.int32(p) - np.int32(2048)) >> np.int32(1)


@inlined
def learn_contexts(
    where: np.ndarray,
    slots: np.ndarray,
    maps: np.ndarray,
    used: np.ndarray,
    next_state: np.ndarray,
    reciprocal: np.ndarray,
    node: np.uint64,
    n: np.uint64,
    bit: np.uint64,
    limit: int,
) -> None:
    """Teach each context's map the bit, then move its bit history on."""
    target = (np.int64(bit) << 22) - np.int64(bit)
    for i in range(n):
        entry = used[i]
        maps[entry] = learned(maps[entry], target, np.uint32(limit), reciprocal)
        slots[where[i] + node] = next_state[(entry & np.uint64(255)) * np.uint64(2) + bit]


@inlined
def learned(entry: np.uint32, target: int, limit: int, reciprocal: np.ndarray) -> np.uint32:
    """Move a 22-bit probability towards the target by 1 / count, counting up to `limit`."""
    count = entry & np.uint32(1023)
    p = np.int64(entry >> np.uint32(10))
    p += ((target - p) * np.int64(reciprocal[count])) >> 16
    return (np.uint32(p) << np.uint32(10)) | (count + np.uint32(count < limit))
