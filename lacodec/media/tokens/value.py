"""`Tokens`: indices into a book of words that somebody's model has, such as those of VQGAN (a map) or TiTok (a sequence)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

DTYPES = ("|u1", "<u2", "<u4", "<i4", "<i8")
MOST_WORDS = 1 << 20
"""In a book."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """values: whole numbers from 0 to 2^20 - 1, [n] of a sequence or [rows, columns] of a map. Raises BadInput."""

    values: "np.ndarray" = field(repr=False)
    format: str = "npy"

    def __post_init__(self) -> None:
        shape = list(self.values.shape)
        if len(shape) not in (1, 2) or self.values.dtype.str not in DTYPES:
            raise BadInput(
                f"an array of {self.values.dtype} {shape} is not tokens; give uint8, uint16, uint32, int32 or int64 "
                "with one axis or two"
            )
        if self.values.size and not (int(self.values.min()) >= 0 and int(self.values.max()) < MOST_WORDS):
            raise BadInput(f"tokens must be from 0 to {MOST_WORDS - 1}")
