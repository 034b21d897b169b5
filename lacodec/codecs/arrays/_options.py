"""The options of codec `arrays`."""

from dataclasses import dataclass, field
from math import isfinite

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.options import check_effort, effort_field
from lacodec.errors import BadInput


@dataclass(frozen=True)
class Options:
    effort: int = effort_field()
    chunk: int | None = field(
        default=None,
        metadata={"help": "rows in a chunk, what is decoded to read one of them (default: about 4 MiB, 16 MiB from effort 7)"},
    )
    max_error: float | None = field(
        default=None, metadata={"help": "lossy: floats may differ by this much at most (default, and 0: lossless)"}
    )
    max_relative: float | None = field(
        default=None, metadata={"help": "lossy: floats may differ by this share of their value at most, such as 0.001"}
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        if self.chunk is not None and (isinstance(self.chunk, bool) or not isinstance(self.chunk, int) or self.chunk < 1):
            raise BadInput(f"chunk must be a whole number of rows from 1, not {self.chunk!r}")
        for name in ("max_error", "max_relative"):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not (value >= 0 and isfinite(value)):
                raise BadInput(f"{name} must be a number from 0, not {value!r}")
        if self.max_error and self.max_relative:
            raise BadInput("max_error and max_relative cannot be combined; give the one that matters")

    @property
    def bound(self) -> Bound | None:
        """The limit above 0; None for lossless coding: without limits, and with limits of 0."""
        if self.max_error:
            return Bound(absolute=float(self.max_error))
        return Bound(relative=float(self.max_relative)) if self.max_relative else None
