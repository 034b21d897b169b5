"""Codec `audio.transform`: the bands of blocks at a sample rate, the scale of contexts, powers of two."""

from functools import cache
from itertools import pairwise

EDGES_HZ = (0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300)
EDGES_HZ += (5850, 6400, 7050, 7700, 8600, 9500, 10750, 12000, 13750, 15500, 17750, 20000, 24000, 28000, 34000, 40000)
EDGES_HZ += (48000, 64000, 96000)
SIZES = 5
NARROWEST = 4  # coefficients of a band
EIGHTHS = (1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096)
EIGHTHS += (1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424)  # 2 ** (i / 8)


def frame_size(rate: int) -> int:
    """Samples of a frame."""
    size = 2048
    while size < 16384 and rate > size * 32:
        size *= 2
    while size > 256 and rate <= size * 12:
        size //= 2
    return size


@cache
def band_edges(rate: int, size: int) -> list[int]:
    """The first coefficient of each band of a block of that size (0: a frame, 1: half of it, ...), and their number."""
    length = frame_size(rate) >> size
    found = [0]
    for hz in EDGES_HZ:
        at = (4 * hz * length + max(rate, 1)) // (2 * max(rate, 1))
        if at >= found[-1] + NARROWEST and at + NARROWEST <= length:
            found.append(at)
    return [*found, length]


@cache
def like(rate: int, one: int, other: int) -> list[int]:
    """For each band of a block of size `other`, the one of a block of size `one` in which its middle lies."""
    edges = [edge << one + 1 for edge in band_edges(rate, one)]
    bands = band_edges(rate, other)
    middles = [(low + high) << other for low, high in pairwise(bands)]
    return [min(sum(edge <= middle for edge in edges) - 1, len(edges) - 2) for middle in middles]


def power(eighths: int) -> float:
    """2 ** (eighths / 8)."""
    return EIGHTHS[eighths & 7] * 2.0 ** (eighths >> 3)


def log(value: float) -> int:
    """The whole part of a number from 0, on a scale with two steps per octave, at most 21."""
    n = int(min(value, 2047.0))
    return n if n < 4 else 2 * n.bit_length() - 2 + (n >> n.bit_length() - 2 & 1)
