"""The options of codec `features`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from lacodec.codecs.options import check_effort, effort_field
from lacodec.errors import BadInput

LAYOUTS = ("CHW", "HWC")
LEAST, LARGEST = 2.0**-100, 2.0**100
"""Of steps: what they are multiplied with stays normal in single precision."""


@dataclass(frozen=True)
class Options:
    step: float | None = field(
        default=None, metadata={"help": "lossy: the distance of values that are told apart (default: lossless)"}
    )
    relative: float | None = field(
        default=None, metadata={"help": "lossy: the same, as a part of the standard deviation of each channel, such as 0.25"}
    )
    steps: str | Sequence[float] | None = field(
        default=None, metadata={"help": "lossy: the distance for each channel, with commas between them"}
    )
    layout: Literal["CHW", "HWC"] = field(default="CHW", metadata={"help": "the order of channels, rows and columns"})
    chunk: int | None = field(
        default=None,
        metadata={"help": "items in a chunk, what is decoded to read one of them (default: about 4 million numbers)"},
    )
    effort: int = effort_field(text="of lossless coding: 1 (fastest) to 9 (smallest)")

    def __post_init__(self) -> None:
        check_effort(self.effort)
        if self.layout not in LAYOUTS:
            raise BadInput(f"layout must be CHW or HWC, not {self.layout!r}")
        if self.chunk is not None and (isinstance(self.chunk, bool) or not isinstance(self.chunk, int) or self.chunk < 1):
            raise BadInput(f"chunk must be a whole number of items from 1, not {self.chunk!r}")
        if sum(value is not None for value in (self.step, self.relative, self.steps)) > 1:
            raise BadInput("give one of step, relative and steps")
        for name in ("step", "relative"):
            _check(name, getattr(self, name))
        for value in self.each or ():
            _check("each of steps", value)

    @property
    def each(self) -> tuple[float, ...] | None:
        """`steps` as numbers; raises BadInput."""
        if self.steps is None:
            return None
        try:
            return tuple(float(value) for value in (self.steps.split(",") if isinstance(self.steps, str) else self.steps))
        except (TypeError, ValueError):
            raise BadInput(f"steps must be numbers with commas between them, not {self.steps!r}") from None

    @property
    def lossy(self) -> bool:
        """Whether there are steps."""
        return any(value is not None for value in (self.step, self.relative, self.steps))


def _check(name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or not LEAST <= value <= LARGEST:
        raise BadInput(f"{name} must be a number above 0, from 2^-100 to 2^100, not {value!r}")
