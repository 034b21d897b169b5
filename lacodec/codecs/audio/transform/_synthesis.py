"""Sound from decoded symbols: steps and noise make spectra; these are turned back, transformed and unfolded."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.audio.transform._analysis import blocks_of, rotated
from lacodec.codecs.audio.transform._coefficients import has_coefficients
from lacodec.codecs.audio.transform._kernel import find_steps
from lacodec.codecs.audio.transform._lapped import transform_blocks
from lacodec.codecs.audio.transform._setup import Rule
from lacodec.codecs.audio.transform._tables import BANDS, ENERGY, FLOOR, SIZES, Bands
from lacodec.kernels.jit import kernel

_IN_ZEROS = 0.32  # most noise, in steps (root mean square), where a band's coefficients were quantised to zero


@dataclass(frozen=True)
class Symbols:
    """What a chunk says about one channel or two; arrays as in `_state.Coder`."""

    rule: Rule
    noise: int  # of 16: noise in the place of what is not coded
    quantised: np.ndarray
    sizes: np.ndarray
    levels: np.ndarray
    angles: np.ndarray


def spectrum(symbols: Symbols, bands: Bands, begin: int, first: int) -> np.ndarray:
    """float64[channels, n]: the folded samples of all blocks. begin, first: the chunk's first sample, the first channel."""
    channels, n = symbols.quantised.shape
    out = np.zeros((channels, n))
    starts, _ = blocks_of(symbols.sizes, bands)
    slots = np.flatnonzero(symbols.sizes < SIZES)
    for c in range(channels):
        _dequantise(
            symbols.quantised[c], symbols.sizes, symbols.levels[c], slots, starts, bands.edges, bands.counts,
            bands.like[0], symbols.rule.numbers, symbols.noise / 16, begin * 2 + first + c, out[c],
        )  # fmt: skip
    if channels == 2:
        out = rotated(out, symbols.angles[slots], symbols.sizes, bands, inverse=True)
    return transform_blocks(out, *blocks_of(symbols.sizes, bands))


@kernel
def _dequantise(  # type: ignore[no-untyped-def]
    quantised, sizes, levels, slots, starts, edges, counts, pitch, rule, noise, seed, out
):
    """Fill out float64[n]; noise has one size and signs from a linear congruential generator that is seeded for each block."""
    steps = np.zeros(BANDS, np.int64)
    for i in range(len(slots)):
        size, start = sizes[slots[i]], starts[i]
        found = levels[slots[i]]
        find_steps(found, steps, counts[size], pitch[size], rule)
        state = ((seed + start) * 2654435761 + 12345) & 0xFFFFFFFF
        for b in range(counts[size]):
            first, last = start + edges[size, b], start + edges[size, b + 1]
            if not found[b]:
                continue
            step = 2.0 ** (steps[b] / 8.0)
            energy, zeros = 0.0, 0
            for k in range(first, last):
                out[k] = quantised[k] * step
                energy += out[k] * out[k]
                zeros += quantised[k] == 0
            if not zeros or noise == 0.0:
                continue
            level = 2.0 ** ((FLOOR + ENERGY * int(found[b])) / 8.0)
            amplitude = np.sqrt(max(level * level * (last - first) - energy, 0.0) / zeros)
            if has_coefficients(int(found[b]), steps[b]):
                amplitude = min(amplitude, _IN_ZEROS * step)
            amplitude *= noise
            for k in range(first, last):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                if quantised[k] == 0:
                    out[k] = amplitude if state >> 31 else -amplitude
