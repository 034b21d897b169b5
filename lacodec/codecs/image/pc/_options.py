"""The options of codec `image.pc`."""

from dataclasses import dataclass, field

from lacodec.errors import BadInput

_MOST_IN_CHUNK = 1 << 16


@dataclass(frozen=True)
class Options:
    model: str | None = field(default=None, metadata={"help": "the circuit for such pictures (lacodec train pc writes it)"})
    chunk: int | None = field(
        default=None,
        metadata={"help": "pictures in a chunk, what is decoded to read one of them (default: 256 thousand pixels)"},
    )

    def __post_init__(self) -> None:
        count = self.chunk
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_IN_CHUNK):
            raise BadInput(f"chunk must be a whole number of pictures from 1 to {_MOST_IN_CHUNK}, not {count!r}")
