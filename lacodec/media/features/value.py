"""`Features`: what a layer of a network gives, such as a part that runs elsewhere than the rest."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

DTYPES = ("<f2", "<f4")
MOST_CHANNELS = 1 << 16
MOST_VALUES = 1 << 24
"""In an item."""


@dataclass(frozen=True, eq=False)
class Features:
    """values: float16 or float32, [a, b, c] of one item, or [items, a, b, c], in C order. Raises BadInput for other arrays."""

    values: "np.ndarray" = field(repr=False)
    format: str = "npy"

    def __post_init__(self) -> None:
        shape = list(self.values.shape)
        if len(shape) not in (3, 4) or self.values.dtype.str not in DTYPES:
            raise BadInput(
                f"an array of {self.values.dtype} {shape} is not features; give float16 or float32 with three axes, or with "
                "four of which the first is that of the items"
            )
        size = shape[-3] * shape[-2] * shape[-1]
        if not 1 <= size <= MOST_VALUES:
            raise BadInput(f"an item of features has {size} numbers; 1 to {MOST_VALUES} are supported")
