"""The parts of context mixing for each effort.

Memory of one block, besides its own bytes: efforts 4-6 up to 64 MiB of bit histories, 7-9 up to 256 MiB; match models, APMs and
weights add up to 45 MiB. Small blocks take less.
"""

from dataclasses import dataclass
from functools import cache

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.entropy import mixing as mx
from lacodec.entropy.mixing_state import Shape

#: Contexts in the order in which efforts add them: each uses the first few.
TEXT = (
    *(mk.O1, mk.O2, mk.O3, mk.O4, mk.O6, mk.WORD, mk.INDIRECT3, mk.O0, mk.SHAPE, mk.COLUMN, mk.MATCHED, mk.FIELD_ABOVE, mk.WORD2),
    *(mk.INDIRECT2, mk.SPARSE2, mk.WORD_SKIP, mk.O5, mk.FIELD_HEAD, mk.WORD3, mk.O8, mk.SPARSE23),
)
BINARY = (
    *(mk.O1, mk.O2, mk.O3, mk.O4, mk.O6, mk.RECORD2, mk.INDIRECT3, mk.O0, mk.SPARSE2, mk.SPARSE23, mk.RECORD1, mk.MATCHED),
    *(mk.INDIRECT2, mk.SPARSE34, mk.SPARSE234, mk.RECORD_NEAR, mk.INDIRECT1, mk.RECORD_AT, mk.O5, mk.COLUMN, mk.SHAPE),
)
#: Contexts, expected bytes, weight selectors, most line bits. Inputs, 2 * (contexts + expects) + 1, fill vectors of 16.
_EFFORTS = {4: (5, 1, 3, 20), 5: (6, 1, 3, 20), 6: (10, 2, 4, 20), 7: (13, 2, 5, 22), 8: (17, 2, 6, 22), 9: (21, 2, 6, 22)}
_SELECTORS = (64, 1, 8, 256, 512, 256)
_LEAST_LINE_BITS = 12
_PRIMED_LINE_BITS = 18
_BYTES_PER_LINE = 6  # bytes of a block, times its contexts, that a line of three slots holds well
_LARGEST_BLOCK = 64 << 20
_MOST_HEAD_BITS = 22
_SMALL_POOLS = 20 << 20  # weights, maps, followers, and the cost of loading numpy and the kernels
KEPT_LINE_BITS = 20  # larger primed models are rebuilt: their blocks take seconds anyway


@dataclass(frozen=True)
class Setup:
    """One effort and profile. kinds: contexts, MATCHED last if at all. primed: starts from the primer's text."""

    effort: int
    text: bool
    kinds: tuple[int, ...]
    expects: int
    selectors: tuple[int, ...]
    most_line_bits: int

    @property
    def primed(self) -> bool:
        """Text at efforts where the time to read the primer does not show."""
        return self.text and self.effort >= 5

    def shape(self, size: int) -> Shape:
        """The engine for blocks of `size` bytes."""
        bits = _LEAST_LINE_BITS if not self.primed else _PRIMED_LINE_BITS
        while bits < self.most_line_bits and size > self.most_size(bits):
            bits += 1
        return Shape(len(self.kinds), self.expects, self.selectors, bits)

    def most_size(self, line_bits: int) -> int:
        """Bytes of the largest block that this many lines hold well (or have to hold)."""
        return _LARGEST_BLOCK if line_bits == self.most_line_bits else (_BYTES_PER_LINE << line_bits) // len(self.kinds)

    def head_bits(self, line_bits: int) -> int:
        """log2 of the places where a match model remembers positions.

        It depends on the engine's size, not on the block's, since one primed model serves all blocks of one engine size.
        """
        return min(self.most_size(line_bits).bit_length() + 1, _MOST_HEAD_BITS)

    def memory(self, size: int) -> int:
        """Bytes that a block of `size` needs besides its own: one engine and model, and the primed ones kept for the next."""
        bits = self.shape(size).line_bits
        one = (mx.LINE << bits) + (4 * mk.MATCHES << self.head_bits(bits)) + 4 * mx.APM_ROWS * mx.APM_STEPS + _SMALL_POOLS
        return 2 * one if self.primed and bits <= KEPT_LINE_BITS else one


@cache
def setup(effort: int, text: bool) -> Setup:
    """The setup of an effort from 4 to 9."""
    contexts, expects, selectors, bits = _EFFORTS[effort]
    kinds = (TEXT if text else BINARY)[:contexts]
    kinds = (*(kind for kind in kinds if kind != mk.MATCHED), *(kind for kind in kinds if kind == mk.MATCHED))
    return Setup(effort, text, kinds, expects, _SELECTORS[:selectors], bits)
