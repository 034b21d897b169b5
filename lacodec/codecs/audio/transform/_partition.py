"""Which sizes of blocks a frame gets: the tree of halves that is cheapest at steps which the quietest moments of a block allow.

A long block spreads its error over all its time; so its steps are what the energies of its sixteenths mask, quiet moments
counting most, after masking that outlasts a sound and begins a little before it.
"""

import numpy as np

from lacodec.codecs.audio.transform._kernel import find_steps
from lacodec.codecs.audio.transform._lapped import dct4, fold
from lacodec.codecs.audio.transform._setup import Rule
from lacodec.codecs.audio.transform._state import NOTHING
from lacodec.codecs.audio.transform._tables import BANDS, ENERGY, FLOOR, SIZES, SLOTS, Bands
from lacodec.kernels.jit import kernel

_SIDE_BITS = 0.25  # of a band's level
_AFTER, _BEFORE = 0.6, 0.02  # share of an energy that still masks in the next slot, and in the one before
_QUIET = -1.0  # power of the mean over a block's slots
_DOUBT = (1.1, 1.0, 1.0, 1.0, 1.1)  # what the estimate misses for the longest and the shortest blocks, as heard
_LEAST = 1e-4  # energy of a coefficient that counts as silence


def choose_sizes(signal: np.ndarray, halo: int, rule: Rule, bands: Bands) -> np.ndarray:
    """uint8[frames * SLOTS] for float64[channels, halo + n + halo]; halo: a multiple of frames."""
    uniform = [_uniform(signal, bands.frame >> size, halo) for size in range(SIZES)]
    quiet = _masking(uniform[-1], bands)
    costs = [_costs(uniform[size], size, quiet, rule, bands) * _DOUBT[size] for size in range(SIZES)]
    frames = (signal.shape[1] - 2 * halo) // bands.frame
    best = costs[-1]
    split: list[np.ndarray] = []
    for size in range(SIZES - 2, -1, -1):
        halves = best[::2] + best[1::2]
        split.insert(0, halves < costs[size])
        best = np.minimum(halves, costs[size])
    sizes = np.full((frames, SLOTS), NOTHING, np.uint8)
    _mark(sizes, split, np.arange(frames), 0, 0)
    return sizes.reshape(-1)


def _mark(sizes: np.ndarray, split: list[np.ndarray], frames: np.ndarray, size: int, part: int) -> None:
    """Set the size of the blocks in that part of these frames, or of its halves."""
    divided = split[size][(frames << size) + part] if size < SIZES - 1 else np.zeros(len(frames), bool)
    sizes[frames[~divided], part * (SLOTS >> size)] = size
    if divided.any():
        _mark(sizes, split, frames[divided], size + 1, 2 * part)
        _mark(sizes, split, frames[divided], size + 1, 2 * part + 1)


def _uniform(signal: np.ndarray, length: int, halo: int) -> np.ndarray:
    """Coefficients float64[channels, blocks, length] with blocks of one length."""
    folded = signal.copy()
    borders = np.arange(length, signal.shape[1], length)
    fold(folded, borders, np.full(len(borders), length))
    channels = signal.shape[0]
    return dct4(folded[:, halo : signal.shape[1] - halo].reshape(channels, -1, length))


def _masking(shortest: np.ndarray, bands: Bands) -> np.ndarray:
    """Energies that mask in each slot, float64[channels, slots, bands]."""
    count = bands.counts[-1]
    edges = bands.edges[-1, : count + 1]
    energy = np.add.reduceat(shortest**2, edges[:-1], -1) / np.diff(edges) + _LEAST
    for t in range(1, energy.shape[1]):
        np.maximum(energy[:, t], energy[:, t - 1] * _AFTER, out=energy[:, t])
    before = energy.copy()
    before[:, :-1] = np.maximum(energy[:, :-1], energy[:, 1:] * _BEFORE)
    return before


def _costs(spectra: np.ndarray, size: int, slots: np.ndarray, rule: Rule, bands: Bands) -> np.ndarray:
    """Estimated bits of each block of one size, all channels together."""
    channels, blocks, _ = spectra.shape
    each = slots.reshape(channels, blocks, -1, slots.shape[2])
    share = (each**_QUIET).mean(2) ** (1 / _QUIET) / each.mean(2)
    count = int(bands.counts[size])
    edges = bands.edges[size]
    energy = np.add.reduceat(spectra**2, edges[:count], -1) / np.diff(edges[: count + 1])
    energy = energy * share[..., bands.like[-1, size, :count]]
    return _price(spectra, energy, edges, count, bands.like[0, size], rule.numbers).sum(0) + channels * count * _SIDE_BITS


@kernel
def _price(spectra, energy, edges, count, pitch, rule):  # type: ignore[no-untyped-def]
    """Bits of every block, float64[channels, blocks]."""
    channels, blocks, _ = spectra.shape
    found = np.zeros((channels, blocks))
    levels = np.zeros(BANDS, np.int64)
    steps = np.zeros(BANDS, np.int64)
    for c in range(channels):
        for t in range(blocks):
            for b in range(count):
                levels[b] = max(0, int((np.log2(energy[c, t, b] + 1e-9) * 4 - FLOOR) / ENERGY + 0.5))
            find_steps(levels, steps, count, pitch, rule)
            total = 0.0
            for b in range(count):
                inverse = 2.0 ** (-steps[b] / 8.0)
                for k in range(edges[b], edges[b + 1]):
                    x = abs(spectra[c, t, k]) * inverse
                    if x > 0.3:
                        total += np.log2(1.0 + x * x) * 0.5 + 0.6 * min(x, 1.0)
            found[c, t] = total
    return found
