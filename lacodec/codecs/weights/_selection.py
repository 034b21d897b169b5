"""The tensors that a header lists, and the bytes of the file that a key asks for."""

from difflib import get_close_matches
from typing import Any

from lacodec.codecs.regions import Range
from lacodec.codecs.weights._tensor_table import unpack_table
from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tensors.value import TensorEntry

TABLE = "tensors"


def table_of(header: Header) -> tuple[TensorEntry, ...]:
    """The tensors of a file, by its header; raises CorruptFile."""
    data = header.metadata.get(TABLE)
    if not isinstance(data, bytes):
        raise CorruptFile("the header has no tensor table")
    return unpack_table(data)


def asked(header: Header, key: Any) -> tuple[Range, TensorEntry, tuple[int, ...]]:
    """(bytes of the file, tensor, shape of the part) that a key asks for; raises BadInput."""
    name, rows = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
    if not isinstance(name, str) or not (rows is None or isinstance(rows, slice)):
        raise BadInput(f"{key!r} cannot select from tensors; use a name, or a name and a slice of rows")
    table = {entry.name: entry for entry in table_of(header)}
    entry = table.get(name)
    if entry is None:
        near = get_close_matches(name, table, 3)
        raise BadInput(f"no tensor {name!r} among {len(table)}; {f'did you mean {near}?' if near else 'lacodec info lists them'}")
    if rows is None:
        return Range(entry.offset, entry.stop), entry, entry.shape
    if not has_rows(entry):
        raise BadInput(f"tensor {name!r} has no rows that can be read separately; read all of it")
    wanted = Range.of(rows, entry.shape[0], f"tensor {name!r}")
    row = entry.size // entry.shape[0] if entry.shape[0] else 0
    return Range(entry.offset + wanted.start * row, entry.offset + wanted.stop * row), entry, (wanted.size, *entry.shape[1:])


def has_rows(entry: TensorEntry) -> bool:
    """Whether ranges of the first axis are contiguous."""
    return bool(entry.shape) and entry.order != "F" and (not entry.shape[0] or not entry.size % entry.shape[0])
