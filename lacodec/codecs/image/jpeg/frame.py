"""`Frame`: the quantised coefficients of a JPEG picture."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Component:
    """One colour component.

    coefficients: int16[block rows, block columns, 64] in zigzag order, quantised, with the padding blocks of incomplete MCUs
    where they are coded; cut files have fewer rows. quant: uint16[64], the steps in zigzag order. h, v: sampling factors.
    """

    coefficients: np.ndarray
    quant: np.ndarray
    h: int
    v: int


@dataclass(frozen=True)
class Frame:
    """A picture of 1 to 4 components; width and height in pixels."""

    width: int
    height: int
    components: tuple[Component, ...]
