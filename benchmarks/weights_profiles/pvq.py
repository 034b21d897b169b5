"""Vectors as whole points whose sizes add up to `pulses`, by their number among all such points, and a gain (PVQ; Fischer, 1986).

Points are counted by N(n, k) = N(n-1, k) + N(n-1, k-1) + N(n, k-1). They are numbered by their first value (0, 1, -1, 2, -2 ...),
then by the rest.
"""

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix, adaptive

_GAIN_STEPS = 4  # of an octave: the gains' own error is then below that of the points


def pvq(weight: Matrix, size: int, pulses: int) -> Coded:
    """Vectors of `size` neighbours in a row; their gains are coded adaptively, in quarter octaves."""
    parts = weight.astype(np.float64).reshape(-1, size)
    points = nearest(parts, pulses)
    lengths = np.maximum(np.linalg.norm(points, axis=1), 1e-12)
    best = np.maximum((parts * points).sum(1) / lengths, 1e-12)
    gains = np.rint(_GAIN_STEPS * np.log2(best)).astype(np.int64)
    restored = points * (np.exp2(gains / _GAIN_STEPS) / lengths)[:, None]
    side = 32 + adaptive(np.bincount(gains - gains.min())[None])  # lowest gain, number of gains
    numbers = index(points).reshape(len(weight), -1)
    return Coded(restored.reshape(weight.shape).astype(np.float32), numbers, count(size, pulses), side)


def nearest(parts: Matrix, pulses: int) -> NDArray[np.int64]:
    """i64[vectors, size] of about the directions of `parts`: rounded down, then pulse by pulse where that turns it closest."""
    sizes = np.abs(parts)
    total = sizes.sum(1, keepdims=True)
    sizes = np.where(total > 0, sizes, 1.0)  # no direction: any point will do
    points = np.floor(sizes * (pulses / sizes.sum(1, keepdims=True)) + 1e-9).astype(np.int64)
    every = np.arange(len(points))
    product, square = (sizes * points).sum(1), np.square(points).sum(1)
    left = pulses - points.sum(1)
    while (left > 0).any():
        closeness = np.square(product[:, None] + sizes) / (square[:, None] + 2 * points + 1)
        chosen = closeness.argmax(1)
        more = (left > 0).astype(np.int64)
        product += more * sizes[every, chosen]
        square += more * (2 * points[every, chosen] + 1)
        points[every, chosen] += more
        left -= more
    return np.where(parts < 0, -points, points)


def count(size: int, pulses: int) -> int:
    """Of the points."""
    return int(_counts(size, pulses)[size, pulses])


def index(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of points [vectors, size] that have equally many pulses."""
    size = points.shape[1]
    left = np.abs(points).sum(1)
    before = _before(size, int(left.max(initial=0)))
    out = np.zeros(len(points), np.int64)
    for at in range(size):
        place = np.where(points[:, at] > 0, 2 * points[:, at] - 1, -2 * points[:, at])  # of the value in 0, 1, -1, 2, -2 ...
        out += before[size - at, left, place]
        left = left - np.abs(points[:, at])
    return out


def point(numbers: NDArray[np.int64], size: int, pulses: int) -> NDArray[np.int64]:
    """The points of these numbers."""
    before = _before(size, pulses)
    out = np.empty((len(numbers), size), np.int64)
    left, numbers = np.full(len(numbers), pulses), numbers.copy()
    for at in range(size):
        table = before[size - at, left]
        place = (table <= numbers[:, None]).sum(1) - 1
        numbers -= np.take_along_axis(table, place[:, None], 1)[:, 0]
        out[:, at] = np.where(place % 2 == 1, (place + 1) // 2, -(place // 2))
        left = left - np.abs(out[:, at])
    return out


def _before(size: int, pulses: int) -> NDArray[np.int64]:
    """[values left, pulses left, place of the value]: how many points have a value before that one."""
    counts = _counts(size, pulses)
    out = np.full((size + 1, pulses + 1, 2 * pulses + 2), np.iinfo(np.int64).max)
    for values in range(1, size + 1):
        for left in range(pulses + 1):
            total = 0
            for place in range(2 * left + 1):
                out[values, left, place] = total
                total += counts[values - 1, left - (place + 1) // 2]
    return out


def _counts(size: int, pulses: int) -> NDArray[np.object_]:
    """N[n, k], as Python's numbers."""
    table = np.zeros((size + 1, pulses + 1), object)
    table[:, 0] = 1
    for n in range(1, size + 1):
        for k in range(1, pulses + 1):
            table[n, k] = table[n - 1, k] + table[n - 1, k - 1] + table[n, k - 1]
    if table[size, pulses] >= 1 << 62:
        raise ValueError(f"{size} values and {pulses} pulses have too many points")
    return table
