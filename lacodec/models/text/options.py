"""Sizes of a language model of text; importing them needs no torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from lacodec.errors import BadInput

MOST_PIECES = 1 << 15
"""Pieces of a set, at most."""
_MOST = 4096  # channels or blocks: bounds what a forged file can ask for


def _says(default: int, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": text, "unit": "N"})


@dataclass(frozen=True)
class TextOptions:
    """Sizes of a model."""

    pieces: int = _says(6144, "number of text pieces, including the 256 bytes")
    width: int = _says(288, "channels of the residual stream")
    recurrence: int = _says(384, "channels of each block's memory")
    hidden: int = _says(576, "channels inside each block's gated layer")
    blocks: int = _says(4, "number of blocks")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, least, most = getattr(self, field.name), 1, _MOST
            if field.name == "pieces":
                least, most = 256, MOST_PIECES
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise BadInput(f"{field.name} must be a whole number from {least} to {most}, not {value!r}")
