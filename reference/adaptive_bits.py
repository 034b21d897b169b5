"""Bits of tables and other side information: a range decoder whose chances are learned by context."""

from reference.range_coder import RangeDecoder
from reference.stream import need


class AdaptiveBits:
    """`bit(context)` reads a bit; a context begins at even chances and follows the last sixty bits or so."""

    def __init__(self, data: bytes) -> None:
        self.coder = RangeDecoder(data)
        self.chances: dict[int, tuple[int, int]] = {}  # chance of a one less 1/2, in 65536ths; times seen

    def bit(self, context: int | None) -> int:
        """The next bit; None: even chances that stay so."""
        if context is None:
            return self.coder.bit(32768)
        chance, seen = self.chances.get(context, (0, 0))
        bit = self.coder.bit(32768 + chance)
        target = 32720 if bit else -32720
        self.chances[context] = chance + (target - chance) * 2 // (2 * seen + 3), min(seen + 1, 60)  # // rounds down
        return bit

    def finish(self) -> None:
        """Check that all bytes were read, and at most four zeros behind them."""
        need(0 <= self.coder.at - len(self.coder.data) <= 4, "a table ends in another place than its bytes")
