"""The shape of a field, and its networks as whole numbers: latents -> samples, the same on every machine.

    level 0 (every pixel) ... level 6 (one of 64 by 64) --widened by halves--> features of a pixel
    features --matrix, max(0, .)--> matrix --> R, G, B --two 3x3 filters, each added to its input--> samples

Weights are multiples of 1/1024, activations of 2**-14, rounded down; sums of their products are exact in float64.
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.image.field._kernel import HIDDEN, INPUTS

LEVELS = 7
GAIN = 1.0 / 16.0  # a feature for a latent
WIDTH = 24  # of the synthesis
FILTERS = 2  # 3x3, behind it
_UNIT, _PART = 16384.0, 1.0 / 16384.0  # of activations
_MOST = 2048.0
_LARGEST = 64.0  # of weights
_BAND = 32  # rows at a time, for the sake of caches


def level_shapes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of each level, the finest first."""
    return [(-(-height >> k), -(-width >> k)) for k in range(LEVELS)]


def context_shapes() -> list[tuple[int, ...]]:
    """Of the weights of the network that predicts latents; its first biases are different for each level."""
    return [(INPUTS, HIDDEN), (LEVELS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, 2), (2,)]


def synthesis_shapes(channels: int) -> list[tuple[int, ...]]:
    """Of the weights of the synthesis."""
    filters: list[tuple[int, ...]] = [(channels, channels, 3, 3), (channels,)] * FILTERS
    return [(LEVELS, WIDTH), (WIDTH,), (WIDTH, channels), (channels,), *filters]


def at_level(context: list[np.ndarray], level: int) -> tuple[np.ndarray, ...]:
    """Weights of the context, or numbers that belong to them, with the first biases of a level alone."""
    return (context[0], context[1][level], *context[2:])


@dataclass(frozen=True)
class Network:
    """Whole numbers that are added to the weights of the start, and how many of their bits are fractional (0 to 10), by array."""

    codes: list[np.ndarray]
    shifts: list[int]
    start: list[np.ndarray]

    @property
    def weights(self) -> list[np.ndarray]:
        """float64."""
        parts = zip(self.codes, self.shifts, self.start, strict=True)
        sums = [start + code.astype(np.float64) / (1 << shift) for code, shift, start in parts]
        return [np.clip(each, -_LARGEST, _LARGEST) for each in sums]


def widen(level: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The next finer level, of `shape`: 3/4 of the nearest place and 1/4 of the one on the other side, in both directions."""
    for axis in (0, 1):
        padded = np.pad(level, [(1, 1) if k == axis else (0, 0) for k in range(2)], mode="edge")
        size = level.shape[axis]
        before, here, after = (padded.take(range(k, k + size), axis) for k in range(3))
        both = np.stack([before + 3.0 * here, 3.0 * here + after], axis + 1)
        merged = both.reshape([2 * size if k == axis else level.shape[k] for k in range(2)])
        level = merged.take(range(shape[axis]), axis)
    return np.floor(level * (_UNIT / 16.0)) * _PART


def synthesise(latents: list[np.ndarray], network: Network) -> np.ndarray:
    """uint8[height, width, channels] from the latents of each level, the finest first."""
    features, bands = widened(latents), []
    for top in range(0, len(features), _BAND):
        first = max(0, top - FILTERS)  # filters see so many rows further
        bands.append(coloured(features[first : top + _BAND + FILTERS], network)[top - first :][:_BAND])
    return np.concatenate(bands)


def widened(latents: list[np.ndarray]) -> np.ndarray:
    """Features float64[height, width, LEVELS]."""
    features = [level * GAIN for level in latents]
    for k in range(LEVELS - 1, 0, -1):
        for coarse in range(k, LEVELS):
            features[coarse] = widen(features[coarse], latents[k - 1].shape)
    return np.stack(features, 2)


def coloured(features: np.ndarray, network: Network) -> np.ndarray:
    """Samples uint8[height, width, channels] of features."""
    first, first_bias, second, second_bias, *filters = network.weights
    hidden = np.maximum(_rounded(features @ first + first_bias), 0.0)
    picture = _rounded(hidden @ second + second_bias)
    for weights, bias in zip(filters[::2], filters[1::2], strict=True):
        picture = _rounded(picture + _filtered(picture, weights) + bias)
    samples = np.floor(picture * 255.0 + 0.5)
    return np.clip(samples, 0, 255).astype(np.uint8)


def _rounded(values: np.ndarray) -> np.ndarray:
    """To multiples of 2**-14, and of at most 2**11, so that the next sums stay exact."""
    return np.clip(np.floor(values * _UNIT) * _PART, -_MOST, _MOST)


def _filtered(picture: np.ndarray, weights: np.ndarray) -> np.ndarray:
    height, width, _ = picture.shape
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    total = np.zeros_like(picture)
    for dy in range(3):
        for dx in range(3):
            total += padded[dy : dy + height, dx : dx + width] @ weights[:, :, dy, dx].T
    return total
