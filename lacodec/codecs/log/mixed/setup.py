"""The parts of the line model for each effort, and their sizes.

Memory of one block besides its own bytes: bit histories up to 256 MiB, places up to 64 MiB, the rest up to 120 MiB. Small blocks
take less.
"""

from dataclasses import dataclass
from functools import cache

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.log.mixed import contexts as lc
from lacodec.entropy import mixing as mx
from lacodec.entropy.mixing_state import Shape

#: Contexts in the order in which efforts add them: each uses the first few, and what the match model expects.
KINDS = (
    *(mk.SHAPE, mk.WORD, lc.DIGIT, mk.O2, mk.INDIRECT3, mk.O4, lc.SHAPE_AT, lc.ITEMS_3, lc.EXPECTED, mk.O3, mk.FIELD_HEAD, mk.O0),
    *(lc.OUTCOME, mk.O6, lc.KEY_LINE, lc.LAST_VALUE, mk.COLUMN, lc.ITEMS_1, lc.CARRY, lc.NUMBER_AT, lc.VALUE_BESIDE),
    *(lc.LINE_OUTCOMES,),
)
#: Contexts by effort. Inputs, 2 * (contexts + 1 + expected bytes) + 1, fill vectors of 16.
_EFFORTS = {7: 6, 8: 14, 9: 22}
APM_RATE = 5
"""Of the engine; other rates change while a block is coded."""

_LEAST_LINE_BITS, _MOST_LINE_BITS = 18, 22
_BYTES_PER_LINE = 6  # bytes of a block, times its contexts, that a line of three slots holds well
_LARGEST_BLOCK = 64 << 20
_MOST_HEAD_BITS = 22
_SMALL_POOLS = 20 << 20  # weights, maps, followers, and the cost of loading numpy and the kernels
KEPT_LINE_BITS = 20  # larger primed models are rebuilt: their blocks take seconds anyway


@dataclass(frozen=True)
class Setup:
    """One effort. kinds: contexts, MATCHED last."""

    effort: int
    kinds: tuple[int, ...]

    def shape(self, size: int) -> Shape:
        """The engine for blocks of `size` bytes."""
        bits = _LEAST_LINE_BITS
        while bits < _MOST_LINE_BITS and size > self.most_size(bits):
            bits += 1
        return Shape(len(self.kinds), lc.EXPECTS, lc.SELECTORS, bits)

    def most_size(self, line_bits: int) -> int:
        """Bytes of the largest block that this many lines hold well (or have to hold)."""
        return _LARGEST_BLOCK if line_bits == _MOST_LINE_BITS else (_BYTES_PER_LINE << line_bits) // len(self.kinds)

    def head_bits(self, line_bits: int) -> int:
        """log2 of the positions that a match model remembers, for an engine of this size."""
        return min(self.most_size(line_bits).bit_length() + 1, _MOST_HEAD_BITS)

    def memory(self, size: int) -> int:
        """Bytes that a block of `size` needs besides its own: one engine and model, and the primed ones kept for the next."""
        bits = self.shape(size).line_bits
        tables = (64 << place_bits(bits)) + (12 << bits) + (16 << place_bits(bits)) + (4 * mk.MATCHES << self.head_bits(bits))
        one = (mx.LINE << bits) + tables + 4 * mx.APM_ROWS * mx.APM_STEPS + _SMALL_POOLS
        return 2 * one if bits <= KEPT_LINE_BITS else one


def place_bits(line_bits: int) -> int:
    """log2 of the places, and of the tokens whose templates and prefixes are known."""
    return line_bits - 2


@cache
def setup(effort: int) -> Setup:
    """The setup of an effort from 7 to 9."""
    return Setup(effort, (*KINDS[: _EFFORTS[effort]], mk.MATCHED))
