"""Escaped values apart from the words of a stream: signed distances go in, one block of bytes comes out, and back.

    distance 0, -1, 1, -2, ... -> u = 0, 1, 2, 3, ... -> Elias gamma of u + 1: L zeros, a one, L bits

All codes follow one another, highest bit first, whatever pushes they come from; the last byte is filled with zeros. The reader
keeps its place as a number of bits, so that it may stop and go on behind any value.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import CorruptFile
from lacodec.kernels.jit import flat_kernel, inlined

_MARGIN = 8  # zero bytes behind a block: kernels touch the 8 bytes from the current bit's on
_LARGEST = 9  # bytes of the longest code, rounded up

_ZERO, _ONE, _THREE, _SEVEN, _EIGHT, _TOP = (np.uint64(k) for k in (0, 1, 3, 7, 8, 63))
_MOST = np.uint64(33)  # L of the largest distance, 32-bit value - 32-bit offset - end of a table: below 2**33


def pack(distances: list[NDArray[np.int64]]) -> bytes:
    """The block of these distances (each |d| < 2**33), one array after the other."""
    if not distances:
        return b""
    signed = np.concatenate(distances)
    block = np.zeros(_LARGEST * len(signed) + _MARGIN, np.uint8)
    bits = int(_write(((signed << 1) ^ (signed >> 63)).view(np.uint64) + _ONE, block))
    return block[: (bits + 7) // 8].tobytes()


class EscapeReader:
    """Reads a block of `pack`; CorruptFile when it has no such values."""

    def __init__(self, block: bytes | memoryview) -> None:
        self._bytes = np.zeros(len(block) + _MARGIN, np.uint8)
        self._bytes[: len(block)] = np.frombuffer(block, np.uint8)
        self._end = 8 * len(block)
        self._place = 0  # in bits

    def read(self, n: int) -> NDArray[np.int64]:
        """The next n distances."""
        distances = np.empty(n, np.int64)
        place = int(_read(self._bytes, np.uint64(self._place), np.uint64(self._end), distances))
        if place > self._end:
            raise CorruptFile("rANS stream: escaped values are damaged or too few: cut short, or read with other tables")
        self._place = place
        return distances

    def finish(self) -> None:
        """Check that nothing is left but the zeros that fill the last byte."""
        if self._end - self._place >= 8 or self._bytes[self._place >> 3] & (255 >> (self._place & 7)):
            raise CorruptFile("rANS stream: escaped values that nobody read: damaged, or read with other tables")


@flat_kernel
def _write(values, block):  # type: ignore[no-untyped-def]
    """Write the codes of values u64[n] (1 to 2**34 - 1) to the zeroed block; returns the bits written."""
    place = _ZERO
    for i in range(np.uint64(len(values))):
        value = values[i]
        length = _ZERO
        while (value >> length) > _ONE:
            length += _ONE
        place += length
        window = (value << (_TOP - length)) >> (place & _SEVEN)
        at = place >> _THREE
        for k in range(_EIGHT):
            block[at + k] |= window >> (_EIGHT * (_SEVEN - k))
        place += length + _ONE
    return place


@flat_kernel
def _read(block, place, end, distances):  # type: ignore[no-untyped-def]
    """Fill distances i64[n] from bit `place` (up to `end`) on; returns the bit behind, or end + 1 when that fails.

    The margin behind `end` is zero, so that no code begins there: `place` passes `end` by less than a code's last bits.
    """
    for i in range(np.uint64(len(distances))):
        window = _window(block, place)
        length = _ZERO
        while length <= _MOST and window >> (_TOP - length) == _ZERO:
            length += _ONE
        if length > _MOST:
            return end + _ONE
        place += length
        folded = (_window(block, place) >> (_TOP - length)) - _ONE
        place += length + _ONE
        if place > end:
            return end + _ONE
        distances[i] = np.int64(folded >> _ONE) ^ -np.int64(folded & _ONE)
    return place


@inlined
def _window(block, place):  # type: ignore[no-untyped-def]
    """The bits from `place` on, highest first: 57 or more."""
    at = place >> _THREE
    window = _ZERO
    for k in range(_EIGHT):
        window = window << _EIGHT | np.uint64(block[at + k])
    return window << (place & _SEVEN)
