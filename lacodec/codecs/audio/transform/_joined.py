"""Decoded chunks -> sound, across their borders: each is transformed back, then unfolded with its neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.audio.transform._analysis import blocks_of
from lacodec.codecs.audio.transform._chunks import groups_of
from lacodec.codecs.audio.transform._lapped import fold
from lacodec.codecs.audio.transform._synthesis import Symbols, spectrum
from lacodec.codecs.audio.transform._tables import SIZES, Bands


@dataclass(frozen=True)
class Part:
    """A decoded chunk: the samples from `start` to `stop`, by symbols or as they are; both are None for a lost one."""

    start: int
    stop: int
    groups: list[Symbols] | None
    samples: np.ndarray | None = None


def joined(parts: Iterator[Part], channels: int, bands: Bands) -> Iterator[tuple[int, np.ndarray]]:
    """(first sample, float64[channels, n]) for each part, in order: the sound of both ends of a gap is damaged for a frame."""
    held: tuple[Part, np.ndarray] | None = None
    for part in parts:
        folded = _folded(part, channels, bands)
        if held is not None:
            if held[0].stop == part.start:
                _unfold_between(held, (part, folded), bands)
            yield held[0].start, held[1][:, : held[0].stop - held[0].start]
        held = part, folded
    if held is not None:
        yield held[0].start, held[1][:, : held[0].stop - held[0].start]


def _folded(part: Part, channels: int, bands: Bands) -> np.ndarray:
    """The samples of a part, folded at its two ends only."""
    if part.samples is not None:
        return part.samples
    if not part.groups:
        return np.zeros((channels, part.stop - part.start))
    found = []
    for group, symbols in zip(groups_of(channels), part.groups, strict=True):
        signal = spectrum(symbols, bands, part.start, group.start)
        starts, lengths = blocks_of(symbols.sizes, bands)
        fold(signal, starts[1:], np.minimum(lengths[:-1], lengths[1:]), inverse=True)
        found.append(signal)
    return np.concatenate(found)


def _unfold_between(one: tuple[Part, np.ndarray], other: tuple[Part, np.ndarray], bands: Bands) -> None:
    """Undo the fold at the border of two neighbours, in place."""
    if not (one[0].groups and other[0].groups):
        return
    for g, group in enumerate(groups_of(len(one[1]))):
        before, after = (part.groups[g].sizes for part, _ in (one, other) if part.groups)
        overlap = bands.frame >> int(max(before[before < SIZES][-1], after[after < SIZES][0]))
        half = overlap // 2
        both = np.concatenate([one[1][group, -half:], other[1][group, :half]], 1)
        fold(both, np.array([half]), np.array([overlap]), inverse=True)
        one[1][group, -half:], other[1][group, :half] = both[:, :half], both[:, half:]
