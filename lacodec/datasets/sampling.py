"""Items from all over a data set, the same ones at each call: what a dictionary is made from.

files, evenly --> members, lines, rows from all over each --> items
"""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from lacodec.codecs.bytes.small.dictionary import LONGEST
from lacodec.datasets.columns import PARQUET, require_pyarrow
from lacodec.datasets.place import Entry, Place
from lacodec.errors import LacodecError
from lacodec.io.as_file import SourceFile
from lacodec.io.places import open_source
from lacodec.io.source import Source

_BYTES = 4 << 20
"""Of all items that are looked at."""

_FILES, _PIECES = 16, 16  # files of many items; places in each
_MOST_FILES = 4096  # files that are items


def sample(kind: str, place: Place, files: list[Entry], field: str | None) -> tuple[list[bytes], float]:
    """(items, about what share of all they are), of a data set of this kind ("shards", "tar" or "column").

    Files that cannot be read are passed over here: the run itself names them.
    """
    found = list[bytes]()
    if kind == "shards":
        chosen = _evenly(files, _MOST_FILES)
        for entry in chosen:
            if entry.size <= LONGEST and sum(map(len, found)) < _BYTES:
                with suppress(LacodecError):
                    found.append(place.read(entry.name))
        return found, len(found) / len(files)
    chosen = _evenly(files, _FILES)
    share = _BYTES // len(chosen)
    for entry in chosen:
        with suppress(LacodecError, tarfile.TarError, *_arrow_errors(kind)), open_source(place.path(entry.name)) as source:
            items = _members(source) if kind == "tar" else _values(source, entry.name, field or "", share)
            left = share
            for item in items:
                left -= len(item)
                if left < 0:
                    break
                found.append(item)
    size = sum(map(len, found))
    return found, min(1.0, size / max(1, sum(entry.size for entry in files)))


def _evenly(entries: list[Any], count: int) -> list[Any]:
    count = min(count, len(entries))
    return [entries[i * len(entries) // count] for i in range(count)]


def _members(source: Source) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BufferedReader(SourceFile(source), 1 << 16), mode="r:") as archive:
        for member in archive:
            if member.size <= LONGEST and (file := archive.extractfile(member)) is not None:
                yield file.read()


def _values(source: Source, name: str, field: str, share: int) -> Iterator[bytes]:
    """Values of a column that are short, from all over a table."""
    for value in _rows(source, field, share) if name.endswith(PARQUET) else _lines(source, field, share):
        if isinstance(value, dict):
            value = value.get("bytes")
        if value is not None:
            data = value.encode(errors="replace") if isinstance(value, str) else bytes(value)
            if len(data) <= LONGEST:
                yield data


def _rows(source: Source, field: str, share: int) -> Iterator[Any]:
    """Evenly from each of some groups of rows, of which one is in memory at a time; about `share` bytes."""
    pa = require_pyarrow()
    file = pa.parquet.ParquetFile(pa.PythonFile(io.BufferedReader(SourceFile(source)), "r"))
    groups = _evenly(list(range(file.num_row_groups)), _PIECES)
    for group in groups:
        table = file.read_row_group(group, columns=[field])
        if not table.num_columns or not table.num_rows:
            continue
        wanted = max(1, share // len(groups) * table.num_rows // max(1, table.nbytes))
        yield from table.column(0).take(_evenly(list(range(table.num_rows)), wanted)).to_pylist()


def _lines(source: Source, field: str, share: int) -> Iterator[Any]:
    size = source.size or 0
    pieces = 1 if size <= share else min(_PIECES, max(1, share >> 16))
    piece = size if size <= share else max(1 << 16, share // pieces)
    for number in range(pieces):
        begin = number * max(0, size - piece) // max(1, pieces - 1)
        lines = source.read(begin, piece).split(b"\n")
        for line in lines[bool(begin) : len(lines) - (begin + piece < size)]:  # whole ones
            with suppress(ValueError, RecursionError):
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get(field), str):
                    yield row[field]


def _arrow_errors(kind: str) -> tuple[type[Exception], ...]:
    return (require_pyarrow().ArrowException,) if kind == "column" else ()
