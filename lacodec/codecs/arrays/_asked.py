"""What a caller asks for of an open file: the bytes that hold it, and how to cut it out of them."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from lacodec.codecs.regions import Range
from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.arrays.table import unpack_table
from lacodec.media.arrays.value import ArrayEntry

TABLE, SCALAR, MISSING = "arrays", "scalar", "missing"
"""Names in the metadata of a file."""


@dataclass(frozen=True)
class Asked:
    """What a key asks for: bytes of the file, the shape of the array in them, and what of that array is wanted."""

    entry: ArrayEntry
    place: Range
    shape: tuple[int, ...]
    rest: tuple[slice, ...]


def asked_for(header: Header, key: Any) -> Asked:
    """What a name, or a name and slices with step 1, ask for; raises BadInput."""
    name, *slices = key if isinstance(key, tuple) and key else (key,)
    if not isinstance(name, str) or not all(isinstance(item, slice) for item in slices):
        raise BadInput(f"{key!r} cannot select from arrays; use a name, or a name and slices")
    table = {entry.name: entry for entry in table_of(header)}
    entry = table.get(name)
    if entry is None:
        near = get_close_matches(name, table, 3)
        raise BadInput(f"no array {name!r} among {len(table)}; {f'did you mean {near}?' if near else 'lacodec info lists them'}")
    if len(slices) > len(entry.shape):
        raise BadInput(f"{key!r} asks for more axes than {list(entry.shape)} has")
    axis = len(entry.shape) - 1 if entry.order == "F" else 0
    if axis >= len(slices):  # not on the axis that changes slowest: all of it
        return Asked(entry, Range(entry.offset, entry.stop), entry.shape, tuple(slices))
    rows = Range.of(slices[axis], entry.shape[axis], f"array {name!r}")
    row = entry.size // entry.shape[axis] if entry.shape[axis] else 0
    shape = (*entry.shape[:axis], rows.size, *entry.shape[axis + 1 :])
    place = Range(entry.offset + rows.start * row, entry.offset + rows.stop * row)
    return Asked(entry, place, shape, (*slices[:axis], slice(None), *slices[axis + 1 :]))


def table_of(header: Header) -> tuple[ArrayEntry, ...]:
    """The arrays of a file, by its header; raises CorruptFile."""
    data = header.metadata.get(TABLE)
    if not isinstance(data, bytes):
        raise CorruptFile("the header has no table of arrays")
    return unpack_table(data)


def is_scalar(header: Header) -> bool:
    return header.metadata.get(SCALAR) is True
