"""What a key of an open file asks for: all records, a column, a frame of a sequence, or a range of these."""

from typing import Any

from lacodec.codecs.points._table import Table, table_of
from lacodec.codecs.regions import Range
from lacodec.container.types import Header
from lacodec.errors import BadInput
from lacodec.media.points.value import ALL

FRAME = "frame "
"""Before the number of a frame, its name in an open file."""


def asked(header: Header, key: Any) -> tuple[str, Range]:
    """(column or all of them, bytes of the file) that a name, or a name and a slice with step 1, ask for; raises BadInput."""
    table = table_of(header)
    name, *slices = key if isinstance(key, tuple) and key else (key,)
    if not isinstance(name, str) or len(slices) > 1:
        raise BadInput(f"{key!r} cannot select from points; use a slice, the name of a column, or both")
    first, count = _frame(name, table)
    rows = Range.of(slices[0], count, "points") if slices else Range(0, count)
    rows = Range(first + rows.start, first + rows.stop)
    width = table.columns.size
    return name, Range(table.offset + rows.start * width, table.offset + rows.stop * width)


def _frame(name: str, table: Table) -> tuple[int, int]:
    """(first record, number of records) under a name; raises BadInput."""
    if name == ALL or name in table.columns.names:
        return 0, table.count
    number = name.removeprefix(FRAME)
    if name != number and number.isdecimal() and len(number) < 6 and int(number) < len(table.frames):
        return sum(table.frames[: int(number)]), table.frames[int(number)]
    raise BadInput(f"no column {name!r} among {', '.join(table.columns.names)}")
