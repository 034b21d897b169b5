"""The binary range coder: decisions of known probability <-> bytes."""

MASK32 = (1 << 32) - 1


class RangeDecoder:
    """Reads decisions. Two 32-bit bounds, both within the range; leading bytes leave as soon as the bounds agree on them.

    The code begins with the first four bytes, highest first; behind the end of the data zeros are read.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.low, self.high = 0, MASK32
        self.code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self.at = 4

    def bit(self, p: int, known: int = 0) -> int:
        """The next decision, which is 1 with a chance of p / 65536. (`known` is for `Teacher`.)"""
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = int(self.code <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.at += 1
            self.code = self.code << 8 & MASK32 | byte
            self.low = self.low << 8 & MASK32
            self.high = self.high << 8 & MASK32 | 255
        return bit


class Teacher:
    """Stands in for a decoder where the decisions are known: models learn from them, and nothing is coded."""

    def bit(self, p: int, known: int = 0) -> int:
        """The known decision."""
        return known
