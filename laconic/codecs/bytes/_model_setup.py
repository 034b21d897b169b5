"""What each effort of context mixing is made of.

Memory of one block at most: efforts 4-6 64 MiB of bit histories, 7-9 256 MiB; match models and APMs add up to 45 MiB.
"""

from dataclasses import dataclass
from functools import cache

from laconic.codecs.bytes._model_kernel import (
    COLUMN,
    FIELD_ABOVE,
    FIELD_HEAD,
    INDIRECT1,
    INDIRECT2,
    INDIRECT3,
    MATCHED,
    O0,
    O1,
    O2,
    O3,
    O4,
    O5,
    O6,
    O8,
    RECORD1,
    RECORD2,
    RECORD_AT,
    RECORD_NEAR,
    SHAPE,
    SPARSE2,
    SPARSE23,
    SPARSE34,
    SPARSE234,
    WORD,
    WORD2,
    WORD3,
    WORD_SKIP,
)  # fmt: skip
from laconic.entropy.mixing_state import Shape

#: Contexts in the order in which efforts take them up: the first so many.
TEXT = (O1, O2, O3, O4, O6, WORD, INDIRECT3, O0, SHAPE, COLUMN, MATCHED, FIELD_ABOVE, WORD2,
        INDIRECT2, SPARSE2, WORD_SKIP, O5, FIELD_HEAD, WORD3, O8, SPARSE23)  # fmt: skip
BINARY = (O1, O2, O3, O4, O6, RECORD2, INDIRECT3, O0, SPARSE2, SPARSE23, RECORD1, MATCHED, INDIRECT2,
          SPARSE34, SPARSE234, RECORD_NEAR, INDIRECT1, RECORD_AT, O5, COLUMN, SHAPE)  # fmt: skip
#: Contexts, expected bytes, weight selectors, most line bits. Inputs, 2 * (contexts + expects) + 1, fill vectors of 16.
_EFFORTS = {4: (5, 1, 3, 20), 5: (6, 1, 3, 20), 6: (10, 2, 4, 20), 7: (13, 2, 5, 22), 8: (17, 2, 6, 22), 9: (21, 2, 6, 22)}
_SELECTORS = (64, 1, 8, 256, 512, 256)
_LEAST_LINE_BITS = 12
_PRIMED_LINE_BITS = 18
_LARGEST_BLOCK = 64 << 20


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
        """The engine for blocks of `size` bytes: about three slots for two nibbles of every context."""
        bits = _LEAST_LINE_BITS if not self.primed else _PRIMED_LINE_BITS
        while bits < self.most_line_bits and size > self.most_size(bits):
            bits += 1
        return Shape(len(self.kinds), self.expects, self.selectors, bits)

    def most_size(self, line_bits: int) -> int:
        """Bytes of the largest block that so many lines hold well (or have to hold)."""
        return _LARGEST_BLOCK if line_bits == self.most_line_bits else (3 << line_bits) // len(self.kinds)


@cache
def setup(effort: int, text: bool) -> Setup:
    """The setup of an effort from 4 to 9."""
    contexts, expects, selectors, bits = _EFFORTS[effort]
    kinds = (TEXT if text else BINARY)[:contexts]
    kinds = (*(kind for kind in kinds if kind != MATCHED), *(kind for kind in kinds if kind == MATCHED))
    return Setup(effort, text, kinds, expects, _SELECTORS[:selectors], bits)
