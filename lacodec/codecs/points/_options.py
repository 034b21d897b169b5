"""The options of codec `points`."""

from dataclasses import dataclass, field
from math import isfinite
from os import PathLike

from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.references import Reference
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source
from lacodec.media.points.value import Columns

LEAST_MIXED = 4
"""The effort from which on numbers are mixed."""
_LEAST_STEP = 1e-12


@dataclass(frozen=True)
class Options:
    effort: int = effort_field()
    columns: str | None = field(
        default=None,
        metadata={"help": "names of the float32 columns of a file without a header, such as x,y,z,intensity,ring"},
    )
    any_order: bool = field(
        default=False,
        metadata={"help": "give up the order of the points where another one is shorter; all come back, duplicates too"},
    )

    step: float | None = field(
        default=None,
        metadata={"help": "lossy: x, y and z may be rounded to multiples of this, by half of it at most, such as 0.001"},
    )

    reference: str | PathLike[str] | Source | Reference | None = field(
        default=None, metadata={"help": "the frame before this one: a sweep of KITTI's sensor is told from it"}
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        if not isinstance(self.any_order, bool):
            raise BadInput(f"any_order must be True or False, not {self.any_order!r}")
        if self.step is not None:
            good = not isinstance(self.step, bool) and isinstance(self.step, int | float)
            if not good or not (isfinite(self.step) and self.step >= _LEAST_STEP):
                raise BadInput(f"step must be a number from {_LEAST_STEP} on, not {self.step!r}")
        if not isinstance(self.reference, str | PathLike | Source | Reference | None):
            raise BadInput(f"reference is a {type(self.reference).__name__}; give the path of the frame before")
        if self.reference is not None and self.effort < LEAST_MIXED:
            raise BadInput(f"reference needs an effort of {LEAST_MIXED} or more; ranges are mixed from there on")
        if self.columns is not None:
            self.named_columns()

    def named_columns(self) -> Columns:
        """The columns that were given; raises BadInput."""
        names = tuple(name.strip() for name in self.columns.split(",")) if isinstance(self.columns, str) else ()
        try:
            return Columns(names, ("<f4",) * len(names))
        except CorruptFile as error:
            raise BadInput(f"columns must be different names with commas between them, not {self.columns!r}") from error
