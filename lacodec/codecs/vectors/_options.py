"""The options of codec `vectors`."""

from dataclasses import dataclass, field
from math import isfinite

from lacodec.codecs.options import check_effort, check_flag, effort_field
from lacodec.errors import BadInput

_MOST_ROWS = 1 << 20


@dataclass(frozen=True)
class Options:
    effort: int = effort_field(text="without bytes_per_vector: 1 (fastest) to 9 (smallest)")
    bytes_per_vector: float | None = field(
        default=None, metadata={"help": "lossy: bytes of the file for each vector, such as 32 (default: lossless)"}
    )
    chunk: int | None = field(
        default=None, metadata={"help": "vectors in a chunk, what is decoded to read one of them (default: 4096 if lossy)"}
    )
    ordered: bool = field(
        default=True, metadata={"help": "lossy: keep the order of the vectors; else they come back sorted, with finer steps"}
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        check_flag("ordered", self.ordered)
        rate = self.bytes_per_vector
        if rate is not None and (
            isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0 or not isfinite(rate)
        ):
            raise BadInput(f"bytes_per_vector must be a number above 0, not {rate!r}")
        if self.chunk is not None and (
            isinstance(self.chunk, bool) or not isinstance(self.chunk, int) or not 1 <= self.chunk <= _MOST_ROWS
        ):
            raise BadInput(f"chunk must be a whole number of vectors from 1 to {_MOST_ROWS}, not {self.chunk!r}")
