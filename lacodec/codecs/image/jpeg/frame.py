"""`Frame`: the quantised coefficients of a JPEG picture."""

from dataclasses import dataclass, field, replace

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
    """A picture of 1 to 4 components; width and height in pixels.

    flat: int16[blocks, 64], if the components are parts of it: all of them one after another, with the padding of MCUs.
    """

    width: int
    height: int
    components: tuple[Component, ...]
    flat: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def down(self) -> int:
        """How many rows of MCUs it has."""
        return max(-(-one.coefficients.shape[0] // one.v) for one in self.components)

    def rows(self, start: int, stop: int) -> "Frame":
        """The part with its rows of MCUs `start` to `stop` - 1."""
        parts = (replace(one, coefficients=one.coefficients[start * one.v : stop * one.v]) for one in self.components)
        return Frame(self.width, self.height, tuple(parts))
