"""Numbers and pieces of a payload of columns: those of `codecs.fields`, and numbers of 64 bits."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs import fields
from lacodec.errors import CorruptFile

if TYPE_CHECKING:
    from lacodec.entropy.tables import Tables


class Writer(fields.Writer):
    """Collects numbers and bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def write(self, data: Any) -> None:
        """Bytes, or an array of them; copied by `data` only, so leave them unchanged until then."""
        self._parts.append(data)
        self._size += len(data)

    def append(self, other: "Writer") -> None:
        """All that another writer has."""
        self._parts += other._parts
        self._size += len(other)

    def wide(self, value: int) -> None:
        """A number from 0, below 2**64."""
        self.number(value & (1 << 32) - 1)
        self.number(value >> 32)

    def piece(self, data: Any) -> None:
        """Bytes, or an array of them, and their number."""
        self.number(len(data))
        self.write(data)


class Reader(fields.Reader):
    """Takes numbers and bytes out of `data`, without copies; raises CorruptFile where it ends."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__(memoryview(data), 0)

    def __len__(self) -> int:
        return len(self._data) - self._at

    def wide(self) -> int:
        """The inverse of `Writer.wide`."""
        low, high = self.number(), self.number()
        if low >> 32 or high >> 32:
            raise CorruptFile("one of its numbers is too large")
        return high << 32 | low

    def piece(self) -> memoryview:
        """The inverse of `Writer.piece`."""
        found: memoryview = self.take(self.number())
        return found

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

    def tables(self) -> "Tables":
        """Packed tables."""
        from lacodec.entropy.tables import Tables

        tables, self._at = Tables.unpack(self._data, self._at)
        return tables

    def finish(self) -> None:
        """Raise CorruptFile unless everything was taken."""
        if len(self):
            raise CorruptFile(f"{len(self)} bytes more than it should have")
