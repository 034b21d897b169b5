"""States to begin with: at each pixel, the pictures in M clusters by the pixels around it; or all pixels of all pictures in M."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MOST_PICTURES = 1500
_REACH = 2
_ROUNDS = 2
_SAMPLE = 40_000  # pixels that common clusters are found with
_FALL = 0.5  # weights of pixels around: 1 / (1 + _FALL * squared distance)


def clusters(pictures: NDArray[np.uint8], order: NDArray[np.int32], states: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """i64[D, n], the state of each node in each of the first pictures u8[N, height, width(, channels)]."""
    found = np.zeros((len(order), min(len(pictures), _MOST_PICTURES)), np.int64)
    for node, around in _around(pictures[:_MOST_PICTURES], order, rng):
        found[node] = _nearest(around, states, rng)
    return found


def common_clusters(
    pictures: NDArray[np.uint8], order: NDArray[np.int32], states: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The same, with one set of clusters for all nodes."""
    some = max(1, _SAMPLE // len(order))
    sample = np.concatenate([around[:some] for _, around in _around(rng.permutation(pictures)[:some], order, rng)])
    centres, found = _centres(sample, states, rng), np.zeros((len(order), min(len(pictures), _MOST_PICTURES)), np.int64)
    for node, around in _around(pictures[:_MOST_PICTURES], order, rng):
        found[node] = _closest(around, centres)
    return found


def _around(
    pictures: NDArray[np.uint8], order: NDArray[np.int32], rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Of each node f32[n, features]: the pixels around it in each picture; noise makes all different."""
    chosen = pictures.reshape(*pictures.shape[:3], -1).transpose(1, 2, 3, 0).astype(np.float32)
    height, width, channels, n = chosen.shape
    padded = np.pad(chosen, ((_REACH, _REACH), (_REACH, _REACH), (0, 0), (0, 0)))
    reach = np.arange(-_REACH, _REACH + 1)
    weights = 1 / (1 + _FALL * (reach[:, None] ** 2 + reach**2)).astype(np.float32)
    for node, pixel in enumerate(order):
        y, x, channel = np.unravel_index(pixel, (height, width, channels))
        around = padded[y : y + len(reach), x : x + len(reach)] * weights[:, :, None, None]
        around[:, :, np.arange(channels) != channel] *= 0.5
        features = around.reshape(-1, n).T + rng.normal(0, 1e-2, (n, len(reach) ** 2 * channels))
        yield node, features.astype(np.float32)


def _closest(features: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = (np.square(centres).sum(axis=1) - 2 * features @ centres.T).argmin(axis=1)
    return found


def _nearest(features: NDArray[np.float32], states: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return _closest(features, _centres(features, states, rng))


def _centres(features: NDArray[np.float32], states: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """k-means; clusters that come out empty begin anew."""
    centres = features[rng.choice(len(features), states, replace=len(features) < states)]
    for _ in range(_ROUNDS):
        members = (_closest(features, centres)[:, None] == np.arange(states)).astype(np.float32)
        sizes = members.sum(axis=0)[:, None]
        centres = np.where(sizes > 0, members.T @ features / np.maximum(sizes, 1), features[rng.choice(len(features), states)])
    return centres
