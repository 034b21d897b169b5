"""Options that several codecs have: fields with their help for the command, and checks. Raises BadInput for wrong values."""

import dataclasses
from collections.abc import Collection
from dataclasses import field
from typing import Any

from lacodec.errors import BadInput

TILE_HELP = "pixels a side of a tile, 64 to 1024: crops decode only the tiles they touch"


def effort_field(default: int = 5, text: str = "1 (fastest) to 9 (smallest)") -> Any:
    """A dataclass field for `effort`."""
    return field(default=default, metadata={"help": text})


def check_effort(value: Any) -> None:
    """A whole number from 1 to 9."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 9:
        raise BadInput(f"effort must be a whole number from 1 to 9, not {value!r}")


def check_flag(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise BadInput(f"{name} must be True or False, not {value!r}")


def check_tile(value: Any, step: int = 1) -> None:
    """Pixels a side of a picture's tile: None, or a whole number from 64 to 1024, a multiple of `step`."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 64 <= value <= 1024 or value % step):
        of = "" if step == 1 else f", a multiple of {step}"
        raise BadInput(f"tile must be a whole number from 64 to 1024{of}, not {value!r}")


def unusual(options: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """Those that differ from the defaults, for a header: a path, say, is left out."""
    usual = dataclasses.asdict(type(options)())
    return {key: value for key, value in dataclasses.asdict(options).items() if value != usual[key] and key not in without}
