"""Numbers of 64 bits in a payload of columns, and bytes that kernels read beyond their end."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs import pieces
from lacodec.errors import CorruptFile


class Writer(pieces.Writer):
    """Also collects numbers below 2**64."""

    def wide(self, value: int) -> None:
        """A number from 0, below 2**64."""
        self.number(value & (1 << 32) - 1)
        self.number(value >> 32)


class Reader(pieces.Reader):
    """Also takes what kernels need."""

    def wide(self) -> int:
        """The inverse of `Writer.wide`."""
        low, high = self.number(), self.number()
        if low >> 32 or high >> 32:
            raise CorruptFile("one of its numbers is too large")
        return high << 32 | low

    def here(self) -> tuple[NDArray[np.uint8], int]:
        """(all bytes, the place of the next one)."""
        return np.frombuffer(self._data, np.uint8), self._at

    def padded(self, n: int, room: int) -> NDArray[np.uint8]:
        """u8[n + room]: the next n bytes, and any behind them."""
        begin = self._at
        taken = np.frombuffer(self.take(n), np.uint8)
        if len(self) >= room:
            return np.frombuffer(self._data[begin : begin + n + room], np.uint8)
        return np.concatenate([taken, np.zeros(room, np.uint8)])
