"""What others do with KV caches, as their papers describe it: (keys, values) of a layer -> what is restored, and bits.

Arrays are f32[heads, tokens, width], keys after the rotary embedding. The counts favour these peers: see each.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Peer = Callable[[Floats, Floats, int, int], tuple[Floats, Floats, float]]
"""(keys, values, layer, layers) -> (keys, values, bits)"""


def kivi(bits: int, group: int = 32) -> Peer:
    """KIVI (arXiv 2402.02750): keys in groups of tokens of a channel, values in groups of channels of a token.

    A scale and a zero of 16 bits each for every group; no window of exact tokens is counted.
    """

    def quantised(array: Floats, axis: int) -> tuple[Floats, float]:
        moved = np.moveaxis(array, axis, -1)
        cut = moved.shape[-1] // group * group
        parts = moved[..., :cut].reshape(*moved.shape[:-1], -1, group)
        low = parts.min(-1, keepdims=True)
        step = np.maximum((parts.max(-1, keepdims=True) - low) / (2**bits - 1), 1e-9)
        out = moved.copy()
        out[..., :cut] = (np.rint((parts - low) / step) * step + low).reshape(*moved.shape[:-1], cut)
        spent = bits * parts.size + 32 * low.size + 16 * (moved.size - parts.size)
        return np.moveaxis(out, -1, axis), float(spent)

    def coded(keys: Floats, values: Floats, layer: int, layers: int) -> tuple[Floats, Floats, float]:
        (k, one), (v, two) = quantised(keys, 1), quantised(values, 2)
        return k, v, one + two

    return coded


def cachegen(bin_size: float, anchor: int = 10) -> Peer:
    """CacheGen (arXiv 2310.07240): groups of ten tokens, an 8-bit anchor each, the others as differences to it.

    Bins grow by the third of the layers that a layer is in (0.5, 1, 1.5 times `bin_size` standard deviations of a channel's
    differences). Symbols cost the entropy of their layer and channel; the distributions are free, as if known beforehand.
    """

    def quantised(array: Floats, factor: float) -> tuple[Floats, float]:
        tokens = array.shape[1]
        starts = np.arange(tokens) // anchor * anchor
        largest = np.abs(array).max(axis=2, keepdims=True) / 127 + 1e-9
        anchors = (np.rint(array / largest) * largest)[:, starts]
        apart = array - anchors
        others = np.arange(tokens) != starts
        step = factor * bin_size * apart[:, others].std(axis=1, keepdims=True) + 1e-9
        numbers = np.rint(apart[:, others] / step)
        out = anchors.copy()
        out[:, others] += numbers * step
        kept = int((~others).sum())
        return out, 8.0 * kept * array.shape[0] * array.shape[2] + 16.0 * kept * array.shape[0] + _entropy(numbers)

    def coded(keys: Floats, values: Floats, layer: int, layers: int) -> tuple[Floats, Floats, float]:
        factor = 0.5 + 0.5 * (3 * layer // layers)
        (k, one), (v, two) = quantised(keys, factor), quantised(values, factor)
        return k, v, one + two

    return coded


def _entropy(numbers: Floats) -> float:
    """Bits of numbers [heads, tokens, width], each channel by its own frequencies."""
    bits = 0.0
    for channel in np.moveaxis(numbers, 1, -1).reshape(-1, numbers.shape[1]):
        counts = np.unique(channel, return_counts=True)[1]
        bits -= float((counts * np.log2(counts / len(channel))).sum())
    return bits


PEERS = {
    "kivi-int4": kivi(4),
    "kivi-int2": kivi(2),
    **{f"cachegen-{size:g}": cachegen(size) for size in (0.15, 0.3, 0.6, 1.0)},
}
"""The ways of others that are measured."""
