"""Which pixels tell most about each other: the tree of a circuit (Chow and Liu 1968), and further neighbours for each node.

Or the rows of a picture, one pixel after the other: then all nodes know the same pixels around them, and share tables.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.jit import kernel

_LEVELS = 8  # that values are rounded to before they are compared
_MOST_PICTURES = 2000
_LEAST = 1e-3  # nats at distance 0: among pixels that tell nothing, near ones are joined
_CANDIDATES = 12
_AROUND = ((0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0))  # rows down, columns to the right
_TELLS = 0.02  # what telling most counts, against having the same value in all pictures


@dataclass(frozen=True)
class Tree:
    """As in `Circuit`: order, parents, tables: i32[D]; neighbours: i32[D, Q]."""

    order: NDArray[np.int32]
    parents: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    tables: NDArray[np.int32]

    @property
    def shares(self) -> bool:
        """Whether nodes share tables."""
        return int(self.tables.max()) + 1 < len(self.tables)


def grow(pictures: NDArray[np.uint8], near: int) -> Tree:
    """The tree for pictures u8[n, height, width(, channels)], with `near` neighbours for each node."""
    flat = pictures[:_MOST_PICTURES].reshape(min(len(pictures), _MOST_PICTURES), -1)
    known = np.zeros((flat.shape[1],) * 2)
    _information(np.ascontiguousarray(np.searchsorted(levels_of(flat, _LEVELS), flat.T, side="right").astype(np.uint8)), known)
    places = np.stack(np.unravel_index(np.arange(flat.shape[1]), pictures.shape[1:]))
    apart = np.sqrt(np.square(places[:, :, None] - places[:, None]).sum(axis=0))
    joined = known + _LEAST / (1 + apart)
    order, parents = _walk(joined)
    around = _neighbours(flat[:, order], known[np.ix_(order, order)], near)
    return Tree(order, parents, around, np.arange(len(order), dtype=np.int32))


def rows(shape: tuple[int, ...], near: int) -> Tree:
    """One row after the other, of pictures [height, width(, channels)]; each channel has a table.

    The first neighbours are other channels of the pixel, then the pixels of this channel that `_AROUND` has.
    """
    height, width, channels = (*shape, 1)[:3]
    y, x, channel = np.unravel_index(np.arange(height * width * channels), (height, width, channels))
    columns = [np.where(channel >= k, np.arange(len(y)) - k, -1) for k in range(1, channels)]
    for down, right in _AROUND:
        inside = (y + down >= 0) & (x + right >= 0) & (x + right < width)
        columns.append(np.where(inside, ((y + down) * width + x + right) * channels + channel, -1))
    order = np.arange(len(y), dtype=np.int32)
    around = np.array(columns[:near], np.int32).reshape(near, len(y)).T
    return Tree(order, order - 1, np.ascontiguousarray(around), channel.astype(np.int32))


def levels_of(values: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Rising steps that cut the values above 0 into up to `count - 1` parts of about one size; 0 is a part of its own."""
    used = values[values > 0]
    if count < 2 or not len(used):
        return np.zeros(0, np.uint8)
    cuts = np.quantile(used[:: max(1, len(used) // 100_000)], np.linspace(0, 1, count)[1:-1])
    return np.unique(np.append(np.floor(cuts), 1)).clip(1, 255).astype(np.uint8)


def _walk(joined: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The tree with the most information between joined pixels, as order and parents, from its most telling pixel down."""
    size = len(joined)
    root = int(joined.sum(axis=1).argmax())
    best, above, waiting = joined[root].copy(), np.full(size, root), np.ones(size, bool)
    below: list[list[int]] = [[] for _ in range(size)]
    waiting[root] = False
    for _ in range(size - 1):
        chosen = int(np.where(waiting, best, -1.0).argmax())
        waiting[chosen] = False
        below[above[chosen]].append(chosen)
        closer = joined[chosen] > best
        above[closer], best[closer] = chosen, joined[chosen][closer]
    order: list[int] = []
    parents: list[int] = []
    stack = [(root, -1)]
    while stack:
        pixel, parent = stack.pop()
        stack += [(child, len(order)) for child in below[pixel]]
        order.append(pixel)
        parents.append(parent)
    return np.array(order, np.int32), np.array(parents, np.int32)


def _neighbours(flat: NDArray[np.uint8], known: NDArray[np.float64], near: int) -> NDArray[np.int32]:
    """Of each node those that most often have its value, where the commonest does not count, and tell most about it."""
    found = np.full((flat.shape[1], near), -1, np.int32)
    for node in range(1, flat.shape[1]):
        pixels = flat[:, node]
        rare = pixels != np.bincount(pixels).argmax()
        likely = np.argsort(-known[node, :node])[:_CANDIDATES]
        same, told = (flat[:, likely] == pixels[:, None]) & rare[:, None], known[node, likely] / max(known[node, likely[0]], 1e-9)
        for k in range(min(near, len(likely))):
            best = int((same.mean(axis=0) + _TELLS * told).argmax())
            found[node, k], told[best] = likely[best], -np.inf
            same &= ~same[:, best : best + 1]
    return found


@kernel
def _information(rows, found):  # type: ignore[no-untyped-def]
    """Mutual information, in nats, of each two of u8[D, n], with values below _LEVELS."""
    size, n = rows.shape
    joint, alone = np.zeros(_LEVELS * _LEVELS, np.int64), np.zeros((size, _LEVELS))
    logs = np.zeros(n + 1)
    for i in range(1, n + 1):
        logs[i] = np.log(i)
    for a in range(size):
        for i in range(n):
            alone[a, rows[a, i]] += 1
    for a in range(size):
        for b in range(a):
            joint[:] = 0
            for i in range(n):
                joint[np.int64(rows[a, i]) * _LEVELS + rows[b, i]] += 1
            total = 0.0
            for u in range(_LEVELS):
                for v in range(_LEVELS):
                    count = joint[u * _LEVELS + v]
                    if count:
                        total += count * (logs[count] + logs[n] - logs[np.int64(alone[a, u])] - logs[np.int64(alone[b, v])])
            found[a, b] = found[b, a] = total / n
