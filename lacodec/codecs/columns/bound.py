"""`Bound`: how far decoded floats may be from the original ones."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from lacodec.errors import BadInput

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Bound:
    """Every decoded value d of an original x has |d - x| <= absolute and |d - x| <= relative * |x|, where they are given.

    NaN, infinities and -0.0 come back as they are. At least one is given, and above 0.
    """

    absolute: float | None = None
    relative: float | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.absolute, self.relative) if limit is not None]
        if not given or not all(isfinite(limit) and limit > 0 for limit in given):
            raise BadInput(f"a bound needs limits above 0, not absolute {self.absolute} and relative {self.relative}")

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
