"""LEB128 numbers and pieces of a payload: written, and read from what may be hostile."""

from typing import TYPE_CHECKING, Any

from laconic.errors import CorruptFile

if TYPE_CHECKING:
    from laconic.entropy.tables import Tables

_LONGEST = 63  # bits of a number
_SHORT = tuple(bytes([value]) for value in range(128))


class Writer:
    """Collects numbers and bytes, which are copied only by `data`: leave them unchanged until then."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._size = 0

    @property
    def data(self) -> bytes:
        """Everything written."""
        return b"".join(self._parts)

    def __len__(self) -> int:
        return self._size

    def number(self, value: int) -> None:
        """A number from 0."""
        if value < 128:
            self.write(_SHORT[value])
            return
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        self.write(bytes(out))

    def signed(self, value: int) -> None:
        """Any number: the sign is the lowest bit."""
        self.number(value * 2 if value >= 0 else -value * 2 - 1)

    def write(self, data: Any) -> None:
        """Bytes, or an array of them, as they are."""
        self._parts.append(data)
        self._size += len(data)

    def piece(self, data: Any) -> None:
        """Bytes, or what another writer has, and how many."""
        self.number(len(data))
        if isinstance(data, Writer):
            self._parts += data._parts
            self._size += len(data)
        else:
            self.write(data)


class Reader:
    """Takes numbers and bytes out of `data`, without copies; raises CorruptFile where it ends."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data, self._at = memoryview(data), 0

    def __len__(self) -> int:
        return len(self._data) - self._at

    def number(self) -> int:
        """A number from 0, below 2**63."""
        if self._at < len(self._data) and self._data[self._at] < 128:  # most are short
            self._at += 1
            return self._data[self._at - 1]
        value = 0
        for shift in range(0, _LONGEST, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise CorruptFile("one of its numbers is too long")

    def signed(self) -> int:
        """The inverse of `Writer.signed`."""
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def take(self, n: int) -> memoryview:
        """Exactly `n` bytes."""
        if n > len(self):
            raise CorruptFile("it is cut short")
        self._at += n
        return self._data[self._at - n : self._at]

    def piece(self) -> memoryview:
        """The inverse of `Writer.piece`."""
        return self.take(self.number())

    def tables(self) -> "Tables":
        """Packed tables."""
        from laconic.entropy.tables import Tables  # what only reads a file's header does without numpy

        tables, end = Tables.unpack(self._data, self._at)
        self._at = end
        return tables

    def finish(self) -> None:
        """Raise CorruptFile unless everything was taken."""
        if len(self):
            raise CorruptFile(f"{len(self)} bytes more than it should have")
