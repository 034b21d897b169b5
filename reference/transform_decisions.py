"""Codec `audio.transform`: a decision and the chances, weights and tables behind it."""

from reference.data_files import arrays
from reference.mixing_tables import reciprocal_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder

DECISIONS, INPUTS = 16, 8
CONSTANT, REACH, LEAST = 0.25, 11.9, 24


class Decisions:
    """Reads decisions from a stream, and learns from each; weights follow `pace` thousandths of the error."""

    def __init__(self, stream: bytes, pace: int) -> None:
        start = arrays("transform.npz")
        self.pace = pace / 1000
        self.coder = RangeDecoder(stream)
        self.chances = [int(p) << 6 for p in start["chances"]]  # of 2 ** 22
        self.counts = [int(n) for n in start["counts"]]
        self.weights = [float(w) for w in start["weights"]]

    def decide(self, cells: list[int], sets: tuple[int, int], decision: int, limit: int) -> int:
        """The next decision, by the chances of its contexts' cells and two sets of weights."""
        places = [cell * DECISIONS + decision for cell in cells]
        inputs = [stretch_table()[self.chances[at] >> 10] / 256 for at in places] + [CONSTANT]
        one, other = (s * INPUTS for s in sets)
        n = len(places)
        total = CONSTANT * (self.weights[one + n] + self.weights[other + n])
        for i, x in enumerate(inputs[:-1]):
            total += x * (self.weights[one + i] + self.weights[other + i])
        total = min(max(total, -REACH), REACH)
        p = squash_table()[int(total * 256 + 4096.0) - 4096 + 3072]
        p = min(max(p, LEAST), 65536 - LEAST)
        bit = self.coder.bit(p)
        error = (bit - p / 65536) * self.pace
        for i, x in enumerate(inputs):
            self.weights[one + i] += error * x
            self.weights[other + i] += error * x
        for at in places:
            step = ((bit << 22) - bit - self.chances[at]) * reciprocal_table()[self.counts[at]] >> 16
            self.chances[at] += step
            self.counts[at] += self.counts[at] < limit
        return bit

    def even(self) -> int:
        """A bit that nothing is known about."""
        return self.coder.bit(32768)
