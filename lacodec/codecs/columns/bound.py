"""How far decoded floats may be from the originals."""

import math
from dataclasses import dataclass

from lacodec.errors import BadInput


@dataclass(frozen=True)
class Bound:
    """The largest error of a value x: `absolute`, or `relative` * |x|. Exactly one of them, positive and finite."""

    absolute: float | None = None
    relative: float | None = None

    def __post_init__(self) -> None:
        if (self.absolute is None) == (self.relative is None):
            raise BadInput("an error bound is either absolute or relative: give exactly one")
        value = self.absolute if self.relative is None else self.relative
        if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
            raise BadInput(f"an error bound must be a positive number, not {value!r}")
