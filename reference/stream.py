"""Bytes taken from the front of a payload, and the numbers in them."""


class Damaged(Exception):
    """What is read contradicts the format."""


def need(condition: object, message: str) -> None:
    """Raise Damaged unless the condition holds."""
    if not condition:
        raise Damaged(message)


class Stream:
    """Bytes that are taken from the front; Damaged where there are too few."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = bytes(data), 0

    def left(self) -> int:
        """Bytes that are left."""
        return len(self.data) - self.at

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        need(0 <= n <= self.left(), "it is cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def byte(self) -> int:
        """The next byte as a number."""
        return self.take(1)[0]

    def uint(self, size: int) -> int:
        """The next bytes as an unsigned integer, little-endian."""
        return int.from_bytes(self.take(size), "little")

    def number(self) -> int:
        """LEB128: seven bits a byte, the lowest first; the top bit is set in all bytes but the last."""
        value = shift = 0
        while (byte := self.byte()) > 127:
            value |= byte % 128 << shift
            shift += 7
        need(shift < 63, "one of its numbers is too long")
        return value | byte << shift

    def signed(self) -> int:
        """A number with its sign in the lowest bit: 0, -1, 1, -2, 2 ... are stored as 0, 1, 2, 3, 4 ..."""
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def piece(self) -> bytes:
        """A number, and so many bytes."""
        return self.take(self.number())

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left())

    def finish(self) -> None:
        """Check that nothing is left."""
        need(not self.left(), f"{self.left()} bytes more than it should have")
