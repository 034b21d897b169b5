"""Escaped values as symbols: signed distances go in, arrays to code with two fixed tables come out, and back.

The distance is folded to u = 0, 1, 2, ... (0, -1, 1, ...) and coded as Elias-gamma would: the bit length of u + 1 with a
geometric table, then the bits below the leading one, all values one after the other, packed to raw bytes.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laconic.entropy.tables import Tables
from laconic.errors import CorruptFile

_LENGTHS = 34  # of u + 1, for distances between any two 32-bit values


@cache
def _length_table() -> Tables:
    """Bit lengths 1..34 with probability 1/2, 1/4, ... down to 1 of 4096."""
    freqs = np.maximum(1, 2048 >> np.arange(_LENGTHS)).astype(np.uint32)
    freqs[0] -= freqs.sum() - 4096
    return Tables(freqs, np.array([0, _LENGTHS], np.uint32), 12)


@cache
def _raw_table() -> Tables:
    return Tables.uniform(8)


def split(distances: NDArray[np.int64]) -> list[tuple[NDArray[Any], Tables]]:
    """Arrays of rows, and their tables, that carry the distances (|d| < 2**32)."""
    folded = np.where(distances >= 0, 2 * distances, -2 * distances - 1) + 1
    lengths = _bit_lengths(folded)
    owner, place = _layout(lengths)
    bits = (folded[owner] >> place) & 1
    return [(lengths.astype(np.uint16), _length_table()), (np.packbits(bits.astype(np.uint8)).astype(np.uint16), _raw_table())]


def join(n: int, pull: Callable[[int, Tables], NDArray[Any]]) -> NDArray[np.int64]:
    """The next n distances, read through `pull(count, tables)`."""
    lengths = pull(n, _length_table()).astype(np.int64)
    owner, place = _layout(lengths)
    packed = pull((len(owner) + 7) // 8, _raw_table()).astype(np.uint8)
    bits = np.unpackbits(packed)
    if bits[len(owner) :].any():
        raise CorruptFile("rANS stream: damaged bits after an escaped value")
    folded = np.left_shift(1, lengths)
    np.add.at(folded, owner, bits[: len(owner)].astype(np.int64) << place)
    folded -= 1
    return np.where(folded & 1, -(folded + 1) >> 1, folded >> 1)


def _layout(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every raw bit: whose it is, and its place in that value."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    return owner, ends[owner] - 1 - np.arange(len(owner))


def _bit_lengths(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits below the leading one of each positive value below 2**52."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64) - 1
