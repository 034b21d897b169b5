"""The parts of the text model for each effort."""

from dataclasses import dataclass
from functools import cache

from lacodec.codecs.text import model as tm
from lacodec.entropy import mixing as mx

#: Contexts in the order in which efforts add them: each uses the first few.
KINDS = (
    *(tm.R1, tm.R2, tm.R3, tm.R4, tm.N6, tm.WORD, tm.WORD2, tm.R0, tm.INDIRECT3, tm.COLUMN, tm.N5, tm.MATCHED),
    *(tm.FIELD_ABOVE, tm.SHAPE, tm.OPEN, tm.SPARSE2, tm.WORD_SKIP, tm.N4, tm.INDIRECT2, tm.WORD_LENGTH, tm.WORD3, tm.BYTES2),
    *(tm.N8, tm.SPARSE23, tm.N1, tm.AFTER_WORD, tm.FIELD_HEAD, tm.PUNCTUATION, tm.N2, tm.SPARSE34, tm.SENTENCE),
)
SLOW_KINDS = (tm.R2, tm.WORD, tm.R1, tm.R3)
SELECTORS = (64, 3, 8, 256, 512, 256, 256, 256)


@dataclass(frozen=True)
class Parts:
    """What an effort is made of. Inputs, 2 or (with runs) 3 contexts + 2 expects + 2 slow + 1, fill vectors of 16."""

    contexts: int
    runs: bool
    slows: int
    minima: tuple[int, ...]
    selectors: int
    apms: int
    most_line_bits: int
    most_primer: int


EFFORTS = {
    5: Parts(8, False, 1, (6,), 3, 2, 20, 150_000),
    6: Parts(16, False, 2, (7, 5), 5, 2, 20, 150_000),
    7: Parts(24, False, 3, (12, 6), 6, 4, 22, 750_000),
    8: Parts(27, True, 4, (20, 8, 5), 8, 4, 22, 750_000),
}
_LEAST_LINE_BITS = 16
_BYTES_PER_LINE = 6  # bytes of a block, times its contexts, that a line of three slots holds well
_SLOW_BITS = 18
_LARGEST_BLOCK = 64 << 20
_MOST_HEAD_BITS = 22
_SMALL_POOLS = 24 << 20  # weights, maps, followers, and the cost of loading numpy and the kernels
_KEPT_SIZE = 1 << 20  # bytes of a block from which on large primed models are made anew: it takes seconds anyway
_KEPT_LINE_BITS = 20  # of models that are not large


@dataclass(frozen=True)
class Setup:
    """The model of one effort."""

    effort: int
    parts: Parts

    @property
    def kinds(self) -> tuple[int, ...]:
        """Contexts."""
        return KINDS[: self.parts.contexts]

    @property
    def slow_kinds(self) -> tuple[int, ...]:
        """Contexts of slow probabilities."""
        return SLOW_KINDS[: self.parts.slows]

    @property
    def selectors(self) -> tuple[int, ...]:
        """How many values each weight selector takes."""
        return SELECTORS[: self.parts.selectors]

    @property
    def width(self) -> int:
        """Mixer inputs, padded to whole vectors."""
        return -(-(self.constant + 1) // 16) * 16

    @property
    def constant(self) -> int:
        """Place of the last input."""
        parts = self.parts
        return (2 + parts.runs) * parts.contexts + 2 * (len(parts.minima) + parts.slows)

    def line_bits(self, size: int) -> int:
        """log2 of the lines of bit histories for `size` bytes, the primer's included."""
        bits = _LEAST_LINE_BITS
        while bits < self.parts.most_line_bits and size > self.most_size(bits):
            bits += 1
        return bits

    def most_size(self, line_bits: int) -> int:
        """Bytes that so many lines hold well (or have to hold)."""
        return _LARGEST_BLOCK if line_bits == self.parts.most_line_bits else (_BYTES_PER_LINE << line_bits) // self.parts.contexts

    def slow_bits(self, line_bits: int) -> int:
        """log2 of the lines of slow probabilities."""
        return min(line_bits, _SLOW_BITS)

    def head_bits(self, line_bits: int) -> int:
        """log2 of the places where a match model remembers positions.

        It depends on the coder's size, not on the block's, since one primed model serves all blocks of one size.
        """
        return min(self.most_size(line_bits).bit_length() + 1, _MOST_HEAD_BITS)

    def memory(self, size: int) -> int:
        """Bytes that a block of `size` needs besides its own: one coder and model, and the primed ones kept for the next."""
        bits = self.line_bits(size + self.parts.most_primer)
        lines = (mx.LINE << bits) + (mx.LINE << self.slow_bits(bits))
        one = lines + (4 * tm.MATCHES << self.head_bits(bits)) + 8 * mx.APM_ROWS * mx.APM_STEPS + _SMALL_POOLS
        return 2 * one if self.keeps(size, bits) else one

    @staticmethod
    def keeps(size: int, line_bits: int) -> bool:
        """Whether the primed model is kept for the next block."""
        return size <= _KEPT_SIZE or line_bits <= _KEPT_LINE_BITS


@cache
def setup(effort: int) -> Setup:
    """The setup of an effort from 5 to 8."""
    return Setup(effort, EFFORTS[effort])
