"""Flags of sweeps: a range decoder with a counter for each context."""

from collections.abc import Hashable

from reference.mixing import learned
from reference.range_coder import RangeDecoder
from reference.stream import need

EVEN, LIMIT, READ_AHEAD = 1 << 31, 250, 3


class Flags:
    """Counters: 22-bit chance of a one, 10-bit count."""

    def __init__(self, data: bytes) -> None:
        self.coder = RangeDecoder(data)
        self.counters: dict[Hashable, int] = {}

    def bit(self, context: Hashable) -> int:
        """A bit by one counter."""
        bit = self.coder.bit(_limited(self.counters.get(context, EVEN) >> 16))
        self._learn(context, bit)
        return bit

    def bit_by_two(self, one: Hashable, other: Hashable) -> int:
        """A bit by two counters, each as important as its count and its distance from even chances."""
        total = weights = 0
        for context in (one, other):
            entry = self.counters.get(context, EVEN)
            p = entry >> 16
            weight = (abs(p - 32768) + 256) * ((entry & 1023) + 1)
            total, weights = total + p * weight, weights + weight
        bit = self.coder.bit(_limited(total // weights))
        self._learn(one, bit)
        self._learn(other, bit)
        return bit

    def size(self, most: int, kind: Hashable = None) -> int:
        """A number in Elias' gamma code: how many bits follow its highest one, in unary; those, the highest first."""
        bits = 0
        while bits < most and self.bit(("bits", kind, bits)):
            bits += 1
        found = 1
        for left in range(bits - 1, -1, -1):
            found = found * 2 + self.bit(("place", kind, left))
        return found - 1

    def finish(self) -> None:
        """Check that all bytes were read."""
        need(self.coder.at == len(self.coder.data) + READ_AHEAD, "flags that end in another place than their bytes")

    def _learn(self, context: Hashable, bit: int) -> None:
        self.counters[context] = learned(self.counters.get(context, EVEN), bit, LIMIT)


def _limited(p: int) -> int:
    return min(max(p, 8), 65528)
