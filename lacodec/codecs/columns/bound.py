"""`Bound`: how far decoded floats may be from the original ones."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Bound:
    """Every decoded value d of an original x has |d - x| <= absolute, or |d - x| <= relative * |x|: one of them is given.

    NaN, infinities and -0.0 come back as they are. BadInput unless the limit is above 0 and finite.
    """

    absolute: float | None = None
    relative: float | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.absolute, self.relative) if limit is not None]
        if len(given) != 1:
            raise BadInput("an error bound is either absolute or relative; give one of them")
        limit = given[0]
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not (isfinite(limit) and limit > 0):
            raise BadInput(f"an error bound must be a number above 0, not {limit!r}")

    def holds(self, values: "np.ndarray", found: "np.ndarray") -> bool:
        """Whether the decoded `found` is within the bound of `values`: floats of the same type and shape, up to 64 bits."""
        import numpy as np

        bits = f"u{values.dtype.itemsize}"
        same = values.view(bits) == found.view(bits)
        if same.all():
            return True
        with np.errstate(all="ignore"):
            x, d = values[~same].astype(np.float64), found[~same].astype(np.float64)
            error = np.abs(d - x)
            within = np.isfinite(x) & np.isfinite(d) & ~((x == 0) & np.signbit(x))
            if self.absolute is not None:
                within &= error <= self.absolute
            if self.relative is not None:
                within &= error <= self.relative * np.abs(x)
        return bool(within.all())
