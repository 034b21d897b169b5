"""Bands, steps and the numbers that contexts are made of: tables of integers, and of doubles that are the same everywhere.

Levels and steps are counted in eighths of an octave of amplitude (0.75 dB): a coefficient of size 2 ** (n / 8).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

SIZES = 5  # sizes of a block: a frame, its half, ... its sixteenth
SLOTS = 16  # of the smallest blocks in a frame
BANDS = 48  # most bands of a block
ENERGY = 4  # eighths of an octave between two levels of a band: 3 dB
LOUDEST = 127  # level of a band, in those steps
FLOOR = -64  # eighths of an octave of level 1, less one step: a 2 ** -8 of a 16-bit step
POWERS = 512  # eighths of an octave that `powers` covers, around 1
ANGLES = 16

_EDGES_HZ = (
    *(0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300),
    *(5850, 6400, 7050, 7700, 8600, 9500, 10750, 12000, 13750, 15500, 17750, 20000, 24000, 28000, 34000, 40000, 48000),
    *(64000, 96000),
)  # critical bands (E. Zwicker, 1961), halved above 5 kHz, and beyond hearing
_NARROWEST = 4  # coefficients of a band


class Bands(NamedTuple):
    """The bands of all sizes of blocks at one sample rate."""

    frame: int  # coefficients of a frame
    edges: np.ndarray  # int64[SIZES, BANDS + 1]: the first coefficient of each band; all after the last are the size
    counts: np.ndarray  # int64[SIZES]
    like: np.ndarray  # int64[SIZES, SIZES, BANDS]: [from, to, band]: the band of a block of size `from` where `band` lies
    pitch: np.ndarray  # int64[SIZES, BANDS]: place of a band among those of the longest block


def frame_size(rate: int) -> int:
    """Samples of a frame: 2048 at 32 to 64 kHz, as long in time elsewhere, 256 to 16384."""
    size = 2048
    while size < 16384 and rate > size * 32:
        size *= 2
    while size > 256 and rate <= size * 12:
        size //= 2
    return size


@cache
def bands_at(rate: int) -> Bands:
    """The bands at a sample rate in Hz."""
    frame = frame_size(rate)
    edges = np.zeros((SIZES, BANDS + 1), np.int64)
    counts = np.zeros(SIZES, np.int64)
    for size in range(SIZES):
        found = _edges(frame >> size, max(rate, 1))
        counts[size] = len(found) - 1
        edges[size] = frame >> size
        edges[size, : len(found)] = found
    like = np.zeros((SIZES, SIZES, BANDS), np.int64)
    for one in range(SIZES):
        for other in range(SIZES):
            centers = (edges[other, :-1] + edges[other, 1:]) << other
            places = np.searchsorted(edges[one, : counts[one] + 1] << one + 1, centers, "right") - 1
            like[one, other] = np.clip(places, 0, counts[one] - 1)
    return Bands(frame, edges, counts, like, np.ascontiguousarray(like[0]))


def _edges(size: int, rate: int) -> list[int]:
    found = [0]
    for hz in _EDGES_HZ:
        at = (4 * hz * size + rate) // (2 * rate)
        if at >= found[-1] + _NARROWEST and at + _NARROWEST <= size:
            found.append(at)
    return [*found, size]


@cache
def powers() -> np.ndarray:
    """float64[2 * POWERS]: 2 ** ((i - POWERS) / 8), each a constant times a power of two."""
    eighths = np.array([1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096])
    eighths = np.concatenate([eighths, [1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424]])
    places = np.arange(2 * POWERS) - POWERS
    table = np.ldexp(eighths[places & 7], places >> 3)
    table.flags.writeable = False
    return table


@cache
def logs() -> np.ndarray:
    """uint8[2048]: a number from 0 on a scale with two steps per octave, 0 to 21."""
    table = np.array([n if n < 4 else 2 * n.bit_length() - 2 + (n >> n.bit_length() - 2 & 1) for n in range(2048)], np.uint8)
    table.flags.writeable = False
    return table
