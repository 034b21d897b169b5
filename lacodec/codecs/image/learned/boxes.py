"""Regions of a picture that have a quality of their own: of pixels, as options and texts, and of latents, as headers have them.

metadata "regions": [quality around them in hundredths, [[top, bottom, left, right] of latents, ...]]
"""

import re
from collections.abc import Sequence
from typing import Any

from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.models.image.options import PATCH

Box = tuple[int, int, int, int]
"""top, bottom, left, right."""

_MOST = 1024  # of a picture: limits what a forged file can ask for
_TEXT = re.compile(r"(\d+):(\d+),(\d+):(\d+)")


def parsed(given: Any) -> tuple[Box, ...] | None:
    """Boxes of pixels from '40:200,100:260 ...', or from sequences of four numbers; raises BadInput."""
    if given is None:
        return None
    if isinstance(given, str):
        found = [_TEXT.fullmatch(word) for word in given.split()]
        if None in found or not found:
            raise BadInput(f"regions are {given!r}; write rows and columns such as 40:200,100:260")
        given = [match.groups() for match in found if match]
    try:
        boxes = tuple((int(top), int(bottom), int(left), int(right)) for top, bottom, left, right in given)
    except (TypeError, ValueError):
        raise BadInput(f"regions are {given!r}; give top, bottom, left and right of each") from None
    for top, bottom, left, right in boxes:
        if not (0 <= top < bottom and 0 <= left < right):
            raise BadInput(f"the region {top}:{bottom},{left}:{right} is empty or begins below 0; write row:end,column:end")
    if len(boxes) > _MOST:
        raise BadInput(f"there are {len(boxes)} regions; a picture has at most {_MOST}")
    return boxes


def in_latents(boxes: Sequence[Box], shape: tuple[int, ...]) -> list[list[int]]:
    """What boxes of pixels touch of the latents; raises BadInput where they reach beyond the picture."""
    for top, bottom, left, right in boxes:
        if bottom > shape[0] or right > shape[1]:
            raise BadInput(
                f"the region {top}:{bottom},{left}:{right} reaches beyond the picture's {shape[0]} rows, {shape[1]} columns"
            )
    return [[top // PATCH, -(-bottom // PATCH), left // PATCH, -(-right // PATCH)] for top, bottom, left, right in boxes]


def of_header(header: Header, shape: tuple[int, ...]) -> tuple[int, list[Box]] | None:
    """(hundredths of the quality around regions, boxes of latents), or None; raises CorruptFile."""
    if "regions" not in header.metadata:
        return None
    rows, columns = -(-shape[0] // PATCH), -(-shape[1] // PATCH)
    try:
        around, boxes = header.metadata["regions"]
        if not 1 <= len(boxes) <= _MOST:
            raise CorruptFile(f"the header gives {len(boxes)} regions; there are 1 to {_MOST}")
        found = [(top, bottom, left, right) for top, bottom, left, right in boxes]
        fits = all(
            type(n) is int and 0 <= n <= most
            for box in found
            for n, most in zip(box, (rows, rows, columns, columns), strict=True)
        )
        fits = fits and all(top < bottom and left < right for top, bottom, left, right in found)
    except (TypeError, ValueError):
        raise CorruptFile("the header gives no regions where it should") from None
    if not fits or type(around) is not int or not 100 <= around <= 10000:
        raise CorruptFile("the header gives impossible regions")
    return around, found


def as_texts(boxes: Sequence[Box], shape: tuple[int, ...]) -> list[str]:
    """Boxes of latents as pixels, in the form that the option takes."""
    return [
        f"{top * PATCH}:{min(bottom * PATCH, shape[0])},{left * PATCH}:{min(right * PATCH, shape[1])}"
        for top, bottom, left, right in boxes
    ]
