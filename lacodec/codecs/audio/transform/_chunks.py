"""Sound -> what each chunk has to code: spectra and sizes of blocks, found one chunk after another.

    blocks of samples --(a little of the last and the next one around)--> sizes of blocks --> spectra, pair by pair

Blocks overlap across chunks, so a chunk's spectra depend on the sizes of its neighbours' nearest blocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.audio.transform._analysis import spectra
from lacodec.codecs.audio.transform._partition import choose_sizes
from lacodec.codecs.audio.transform._setup import Rule
from lacodec.codecs.audio.transform._tables import SIZES, SLOTS, Bands

_HALO = 2  # frames around a chunk on which the sizes of its blocks depend


@dataclass(frozen=True)
class Group:
    """One channel, or two that are coded together: float64[channels, n] and uint8[frames * SLOTS]."""

    spectra: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class Planned:
    """A chunk of `samples` samples."""

    samples: int
    groups: list[Group]


def chunk_samples(rate: int, channels: int, frame: int) -> int:
    """Samples of a chunk: about eight seconds, a million in all channels at most; whole frames."""
    return max(4, min(8 * rate, (1 << 20) // channels) // frame) * frame


def groups_of(channels: int) -> list[slice]:
    """Channels are coded two by two; an odd last one alone."""
    return [slice(c, min(c + 2, channels)) for c in range(0, channels, 2)]


def planned(blocks: Iterable[np.ndarray], bands: Bands, rule: Rule) -> Iterator[Planned]:
    """What to code, for blocks of float64[channels, n], all but the last of whole frames."""
    source = iter(blocks)
    block = next(source, None)
    if block is None:
        return
    groups = groups_of(len(block))
    before = np.zeros((len(block), _HALO * bands.frame))
    first: list[np.ndarray | None] = [None] * len(groups)
    last = [SIZES] * len(groups)
    while block is not None:
        following = next(source, None)
        signal = _with_surroundings(before, block, following, bands.frame)
        found = []
        for g, group in enumerate(groups):
            sizes, ahead = _sizes(signal[group], following is not None, first[g], bands, rule)
            after = SIZES if ahead is None else int(ahead[0])
            halo = _HALO * bands.frame
            whole = signal[group, : signal.shape[1] - bands.frame]
            found.append(Group(spectra(whole, halo, sizes, bands, last[g], after), sizes))
            first[g], last[g] = ahead, int(sizes[sizes < SIZES][-1])
        yield Planned(block.shape[1], found)
        before = signal[:, -(2 * _HALO + 1) * bands.frame :][:, : _HALO * bands.frame]
        block = following


def _with_surroundings(before: np.ndarray, block: np.ndarray, following: np.ndarray | None, frame: int) -> np.ndarray:
    """The block in whole frames, two frames before it, three after it."""
    channels, n = block.shape
    frames = -(-n // frame)
    signal = np.zeros((channels, (_HALO + frames + _HALO + 1) * frame))
    signal[:, : _HALO * frame] = before
    signal[:, _HALO * frame : _HALO * frame + n] = block
    if following is not None:
        some = following[:, : (_HALO + 1) * frame]
        at = (_HALO + frames) * frame
        signal[:, at : at + some.shape[1]] = some
    return signal


def _sizes(
    signal: np.ndarray, more: bool, first: np.ndarray | None, bands: Bands, rule: Rule
) -> tuple[np.ndarray, np.ndarray | None]:
    """(sizes of the chunk's blocks, of the first frame after it if there is `more`); first: of its own first frame, if known."""
    halo = _HALO * bands.frame
    if more:
        sizes = choose_sizes(signal, halo, rule, bands)
        sizes, ahead = sizes[:-SLOTS], sizes[-SLOTS:]
    else:
        sizes, ahead = choose_sizes(signal[:, : signal.shape[1] - bands.frame], halo, rule, bands), None
    if first is not None:
        sizes[:SLOTS] = first
    return sizes, ahead
