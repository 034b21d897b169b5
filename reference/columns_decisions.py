"""Decisions of a range coder with 64 bits, whose chances are learned, and raw bits beside it.

Decisions are read as words of 32 bits, big-endian; raw bits from words, little-endian, the lowest first. Zeros follow either.
"""

from reference.mixing_tables import reciprocal_table
from reference.stream import need

LIMIT = 250


class Decisions:
    """`bit(context)` reads a bit; a context begins at even chances."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.code, self.span = self._word() << 32 | self._word(), (1 << 64) - 1
        self.chances: dict[int, tuple[int, int]] = {}  # chance of a one in 4194304ths, times seen

    def bit(self, context: int) -> int:
        """The next bit."""
        chance, seen = self.chances.get(context, (1 << 21, 0))
        bound = (self.span >> 16) * min(max(chance >> 6, 1), 65535)
        bit = self.code < bound
        if bit:
            self.span = bound
            chance += (4194303 - chance) * reciprocal_table()[seen] >> 16
        else:
            self.code, self.span = self.code - bound, self.span - bound
            chance -= chance * reciprocal_table()[seen] >> 16
        self.chances[context] = chance, min(seen + 1, LIMIT)
        if self.span < 1 << 32:
            self.code, self.span = self.code << 32 | self._word(), self.span << 32
        return int(bit)

    def finish(self) -> None:
        """Check that all bytes were read."""
        need(4 * self.at >= len(self.data), "decisions that nobody read")

    def _word(self) -> int:
        word = self.data[4 * self.at : 4 * self.at + 4]
        self.at += 1
        return int.from_bytes(word + bytes(4 - len(word)), "big")


class RawBits:
    """`take(n)` reads n bits."""

    def __init__(self, data: bytes) -> None:
        self.bits, self.size, self.at = int.from_bytes(data, "little"), 8 * len(data), 0

    def take(self, n: int) -> int:
        """The next n bits, the first one lowest."""
        found = self.bits >> self.at & (1 << n) - 1
        self.at += n
        return found

    def finish(self) -> None:
        """Check that all words were read."""
        need(-(-self.at // 32) * 32 >= self.size, "raw bits that nobody read")
