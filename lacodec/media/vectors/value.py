"""`Vectors`: the rows of a matrix, such as embeddings of sentences."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

DTYPES = ("<f2", "<f4", "<f8", "|u1", "|i1")
MOST_COLUMNS = 1 << 14


@dataclass(frozen=True, eq=False)
class Vectors:
    """rows: [n, d], of one of DTYPES in C order. format: "npy", "fvecs" or "bvecs", of the file. Raises BadInput."""

    rows: "np.ndarray" = field(repr=False)
    format: str = "npy"

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.rows.dtype.str not in DTYPES:
            raise BadInput(
                f"an array of {self.rows.dtype} {list(self.rows.shape)} is not a list of vectors; give float16, "
                "float32, float64, int8 or uint8 with two axes"
            )
        if not 1 <= self.rows.shape[1] <= MOST_COLUMNS:
            raise BadInput(f"vectors have {self.rows.shape[1]} numbers; 1 to {MOST_COLUMNS} are supported")
