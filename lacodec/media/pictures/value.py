"""`Pictures`: many pictures of one size."""

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

MOST_PIXELS = 1 << 14
"""Of one picture, counting each channel."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """pixels: u8[n, height, width] or u8[n, height, width, channels] in C order. Raises BadInput."""

    pixels: "np.ndarray" = field(repr=False)
    format: str = "npy"

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != "u1" or len(shape) not in (3, 4):
            raise BadInput(
                f"an array of {self.pixels.dtype} {list(shape)} is not a set of pictures; give uint8 "
                "[pictures, height, width] or [pictures, height, width, channels]"
            )
        if not 1 <= prod(shape[1:]) <= MOST_PIXELS:
            raise BadInput(f"pictures of {list(shape[1:])} are not supported; 1 to {MOST_PIXELS} pixels each are")
