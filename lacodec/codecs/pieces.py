"""LEB128 numbers and pieces of a payload: written, and read from possibly hostile data."""

from typing import TYPE_CHECKING, Any

from lacodec.codecs import fields
from lacodec.errors import CorruptFile

if TYPE_CHECKING:
    from lacodec.entropy.tables import Tables


class Writer(fields.Writer):
    """Collects numbers and bytes, which are copied only by `data`: leave them unchanged until then."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def write(self, data: Any) -> None:
        """Bytes, or an array of them, as they are."""
        self._parts.append(data)
        self._size += len(data)

    def piece(self, data: Any) -> None:
        """Bytes, or the content of another writer, and their number."""
        self.number(len(data))
        if isinstance(data, Writer):
            self.append(data)
        else:
            self.write(data)

    def append(self, other: "Writer") -> None:
        """All that another writer has."""
        self._parts += other._parts
        self._size += len(other)


class Reader(fields.Reader):
    """Takes numbers and bytes out of `data`, without copies; raises CorruptFile where it ends."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__(memoryview(data), 0)

    def __len__(self) -> int:
        return len(self._data) - self._at

    def number(self) -> int:
        """A number from 0, below 2**63."""
        if self._at < len(self._data) and self._data[self._at] < 128:  # most are short
            self._at += 1
            return int(self._data[self._at - 1])
        return super().number()

    def piece(self) -> memoryview:
        """The inverse of `Writer.piece`."""
        return self.take(self.number())

    def tables(self) -> "Tables":
        """Packed tables."""
        from lacodec.entropy.tables import Tables  # reading only a file's header works without numpy

        tables, end = Tables.unpack(self._data, self._at)
        self._at = end
        return tables

    def finish(self) -> None:
        """Raise CorruptFile unless everything was taken."""
        if len(self):
            raise CorruptFile(f"{len(self)} bytes more than it should have")
