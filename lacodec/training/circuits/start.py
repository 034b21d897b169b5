"""States to begin with: at each pixel, the pictures in M clusters by the pixels around it."""

import numpy as np
from numpy.typing import NDArray

_MOST_PICTURES = 1500
_REACH = 2
_ROUNDS = 2
_FALL = 0.5  # weights of pixels around: 1 / (1 + _FALL * squared distance)


def clusters(pictures: NDArray[np.uint8], order: NDArray[np.int32], states: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """i64[D, n], the state of each node in each of the first pictures u8[N, height, width(, channels)]."""
    chosen = pictures[:_MOST_PICTURES]
    chosen = chosen.reshape(*chosen.shape[:3], -1).transpose(1, 2, 3, 0).astype(np.float32)
    height, width, channels, n = chosen.shape
    padded = np.pad(chosen, ((_REACH, _REACH), (_REACH, _REACH), (0, 0), (0, 0)))
    reach = np.arange(-_REACH, _REACH + 1)
    weights = 1 / (1 + _FALL * (reach[:, None] ** 2 + reach**2)).astype(np.float32)
    found = np.zeros((len(order), n), np.int64)
    for node, pixel in enumerate(order):
        y, x, channel = np.unravel_index(pixel, (height, width, channels))
        around = padded[y : y + len(reach), x : x + len(reach)] * weights[:, :, None, None]
        around[:, :, np.arange(channels) != channel] *= 0.5
        features = around.reshape(-1, n).T + rng.normal(0, 1e-2, (n, len(reach) ** 2 * channels))
        found[node] = _nearest(features.astype(np.float32), states, rng)
    return found


def _nearest(features: NDArray[np.float32], states: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """k-means; clusters that come out empty begin anew."""
    centres = features[rng.choice(len(features), states, replace=len(features) < states)]
    for _ in range(_ROUNDS):
        near = (np.square(centres).sum(axis=1) - 2 * features @ centres.T).argmin(axis=1)
        members = (near[:, None] == np.arange(states)).astype(np.float32)
        sizes = members.sum(axis=0)[:, None]
        centres = np.where(sizes > 0, members.T @ features / np.maximum(sizes, 1), features[rng.choice(len(features), states)])
    return near
