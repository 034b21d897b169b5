"""What an encoder finds out about sound: spectra of its blocks, angles between channels, levels of bands.

samples + sizes of blocks --fold, DCT-IV--> spectra --rotate--> spectra, angles --> levels
"""

import numpy as np

from lacodec.codecs.audio.transform._lapped import fold, transform_blocks
from lacodec.codecs.audio.transform._tables import ANGLES, BANDS, ENERGY, FLOOR, LOUDEST, SIZES, Bands

_CHANGE = 4.0  # bits that another angle than the last block's must save
_WEAK = 4.0  # squared size of what is too weak to matter for an angle


def spectra(signal: np.ndarray, halo: int, sizes: np.ndarray, bands: Bands, before: int, after: int) -> np.ndarray:
    """Coefficients of float64[channels, halo + n + halo], n for all blocks.

    sizes: as in `_state.Coder`. before, after: sizes of the blocks next to these, SIZES for none.
    """
    starts, lengths = blocks_of(sizes, bands)
    around = [0 if s == SIZES else bands.frame >> s for s in (before, after)]
    reach = np.concatenate([around[:1], lengths, around[1:]])
    folded = signal.copy()
    fold(folded, np.append(starts, starts[-1] + lengths[-1]) + halo, np.minimum(reach[:-1], reach[1:]))
    return transform_blocks(folded[:, halo : signal.shape[1] - halo], starts, lengths)


def blocks_of(sizes: np.ndarray, bands: Bands) -> tuple[np.ndarray, np.ndarray]:
    """(first coefficient, number of coefficients) of each block."""
    slots = np.flatnonzero(sizes < SIZES)
    return slots * (bands.frame // 16), bands.frame >> sizes[slots].astype(np.int64)


def sums(values: np.ndarray, sizes: np.ndarray, bands: Bands) -> np.ndarray:
    """Sums over bands of float64[..., n], as float64[..., blocks, BANDS]."""
    starts, lengths = blocks_of(sizes, bands)
    found = np.zeros((*values.shape[:-1], len(starts), BANDS))
    for size in range(SIZES):
        chosen = np.flatnonzero(lengths == bands.frame >> size)
        if len(chosen):
            count = bands.counts[size]
            rows = values[..., starts[chosen][:, None] + np.arange(bands.frame >> size)]
            found[..., chosen, :count] = np.add.reduceat(rows, bands.edges[size, :count], -1)
    return found


def widths(sizes: np.ndarray, bands: Bands) -> np.ndarray:
    """Coefficients of each band, int64[blocks, BANDS]."""
    return np.diff(bands.edges, axis=1)[sizes[sizes < SIZES]]


def levels_of(energies: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Levels, not yet rounded, of bands with these energies and numbers of coefficients."""
    with np.errstate(divide="ignore"):
        octaves = 0.5 * np.log2(energies / np.maximum(count, 1))
    return np.clip((8 * octaves - FLOOR) / ENERGY, 0, LOUDEST)


def find_angles(pair: np.ndarray, sizes: np.ndarray, bands: Bands) -> np.ndarray:
    """uint8[blocks, BANDS]: rotations, in sixteenths of a half turn, that leave the least to code in float64[2, n]."""
    left, right, both = (sums(v, sizes, bands) for v in (pair[0] ** 2, pair[1] ** 2, pair[0] * pair[1]))
    count = widths(sizes, bands)
    turn = np.pi / ANGLES * np.arange(ANGLES)
    cos, sin = np.cos(turn), np.sin(turn)
    first = left[..., None] * cos**2 + right[..., None] * sin**2 + 2 * both[..., None] * cos * sin
    weak = _WEAK * np.maximum(count, 1)[..., None]
    total = (left + right)[..., None]
    weak = weak + 0.003 * total
    cost = 0.5 * count[..., None] * (np.log2(np.maximum(first, 0) + weak) + np.log2(np.maximum(total - first, 0) + weak))
    chosen = np.zeros(count.shape, np.uint8)
    kept = sizes[sizes < SIZES]
    places = np.arange(BANDS)
    for block in range(len(kept)):
        like = bands.like[kept[block - 1], kept[block]] if block else places
        usual = chosen[block - 1, like] if block else np.zeros(BANDS, np.uint8)
        costs = cost[block].copy()
        costs[places, usual] -= _CHANGE
        chosen[block] = costs.argmin(1)
        chosen[block, count[block] == 0] = 0
    return chosen


def rotated(pair: np.ndarray, angles: np.ndarray, sizes: np.ndarray, bands: Bands, inverse: bool = False) -> np.ndarray:
    """float64[2, n] turned by the angles of its bands."""
    turn = np.pi / ANGLES * np.repeat(angles.reshape(-1), widths(sizes, bands).reshape(-1))
    cos, sin = np.cos(turn), np.sin(turn)
    if inverse:
        sin = -sin
    return np.stack([cos * pair[0] + sin * pair[1], cos * pair[1] - sin * pair[0]])
