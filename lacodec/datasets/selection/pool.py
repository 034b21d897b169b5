"""Files of documents, in units that are read on their own.

.jsonl, .ndjson --> ranges of bytes; .parquet --> row groups; .arrow, as Hugging Face datasets saves --> record batches;
other files, each a document --> several at a time
"""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from lacodec.datasets.columns import JSONL, PARQUET, require_pyarrow
from lacodec.datasets.place import Entry, Place, listed
from lacodec.errors import BadInput
from lacodec.io.as_file import SourceFile
from lacodec.io.places import open_source
from lacodec.io.source import Source

ARROW = ".arrow"
STATE = "state.json"
"""Lists the Arrow files of a folder that Hugging Face datasets saved."""

FACTS = (STATE, "dataset_info.json", "dataset_dict.json")
"""Files there that are no documents."""

UNIT = 1 << 20
"""Bytes of a file in a unit, but for row groups and record batches."""

_ROWS = 1000


@dataclass(frozen=True)
class File:
    """name: how it is called in results and in the output."""

    place: Place
    entry: Entry
    name: str

    @property
    def path(self) -> str:
        """Where it is."""
        return self.place.path(self.entry.name)

    @property
    def kind(self) -> str:
        """ "jsonl", "parquet", "arrow" or "text"."""
        kinds = (("jsonl", JSONL), ("parquet", PARQUET), ("arrow", ARROW))
        return next((kind for kind, suffixes in kinds if self.name.endswith(suffixes)), "text")


@dataclass(frozen=True)
class Unit:
    """Rows of one file, or several files of a document each.

    files: which; begin, end: range of bytes of a JSON Lines file; begin: row group of a Parquet file, or
    record batch of an Arrow file.
    """

    files: tuple[File, ...]
    begin: int = 0
    end: int = 0


@dataclass(frozen=True)
class Row:
    """An entry of a unit: its text (UTF-8), or what is wrong with it; and the entry itself, as it is written again.

    raw: a line of JSON, or of a table (batch of Arrow, index), or a file.
    """

    raw: Any
    text: bytes
    problem: str = ""


def files_of(paths: Sequence[str | os.PathLike[str]]) -> list[File]:
    """All files in folders, and single files; names stay apart. Raises BadInput if there is none, or one is named twice."""
    found = []
    for path in paths:
        place, entries = listed(os.fspath(path))
        if any(entry.name.endswith(ARROW) for entry in entries):
            entries = [entry for entry in entries if os.path.basename(entry.name) not in FACTS]
        single = len(entries) == 1 and place.path(entries[0].name) == os.fspath(path)
        prefix = "" if single or len(paths) == 1 else os.path.basename(os.path.normpath(os.fspath(path))) + "/"
        found += [File(place, entry, prefix + entry.name) for entry in entries]
    names = [file.name for file in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise BadInput(f"{twice}: there are two files of this name; give them others, or select from one folder with both")
    return found


def units_of(files: Sequence[File], field: str) -> list[Unit]:
    """The units of all files, in order."""
    units: list[Unit] = []
    texts: list[File] = []
    for file in files:
        if file.kind == "text":
            texts.append(file)
            if sum(text.entry.size for text in texts) >= UNIT:
                units.append(Unit(tuple(texts)))
                texts = []
            continue
        if texts:
            units.append(Unit(tuple(texts)))
            texts = []
        if file.kind == "jsonl":
            ends = [*range(UNIT, file.entry.size, UNIT), file.entry.size]
            units += [Unit((file,), end - 1 - (end - 1) % UNIT, end) for end in ends if end]
        else:
            units += _row_groups(file, field) if file.kind == "parquet" else _record_batches(file, field)
    return [*units, *([Unit(tuple(texts))] if texts else [])]


def rows(unit: Unit, field: str) -> Iterator[Row]:
    """The entries of a unit, in order; blank lines are none."""
    kind = unit.files[0].kind
    if kind == "jsonl":
        return _lines(unit, field)
    return _file_rows(unit) if kind == "text" else _table_rows(unit, field)


def _row_groups(file: File, field: str) -> Iterator[Unit]:
    pa = require_pyarrow()
    with open_source(file.path) as source:
        try:
            table = pa.parquet.ParquetFile(_arrow_file(source))
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{file.name}: is no Parquet file that can be read ({error})") from error
        _check_column(file, table.schema_arrow, field)
        for group in range(table.num_row_groups):
            yield Unit((file,), group)


def _record_batches(file: File, field: str) -> Iterator[Unit]:
    pa = require_pyarrow()
    with open_source(file.path) as source:
        try:
            stream = pa.ipc.open_stream(_arrow_file(source))
            _check_column(file, stream.schema, field)
            for number, _ in enumerate(stream):
                yield Unit((file,), number)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{file.name}: is no Arrow file that can be read ({error})") from error


def _check_column(file: File, schema: Any, field: str) -> None:
    """Raise BadInput if there is no such column of text."""
    if field not in schema.names:
        raise BadInput(f"{file.name}: has no column {field!r}; it has {', '.join(schema.names)}")
    column = schema.field(field).type
    if not any(check(column) for check in _text_types(require_pyarrow())):
        raise BadInput(f"{file.name}: column {field!r} is of type {column}; it must hold text or bytes")


def _text_types(pa: Any) -> list[Any]:
    types = pa.types
    return [types.is_string, types.is_large_string, types.is_binary, types.is_large_binary]


def _arrow_file(source: Source) -> Any:
    return require_pyarrow().PythonFile(io.BufferedReader(SourceFile(source)), "r")


def _lines(unit: Unit, field: str) -> Iterator[Row]:
    """The lines that begin in the unit's range."""
    decoder = _decoder(field)
    (file,) = unit.files
    with open_source(file.path) as source:
        begin = max(0, unit.begin - 1)  # a line begins after the end of another one
        reader = io.BufferedReader(SourceFile(source, begin))
        at = begin + (len(reader.readline()) if unit.begin else 0)
        while at < unit.end:
            line = reader.readline()
            if not line:
                break
            at += len(line)
            if line.strip():
                yield _line(line, decoder)


def _decoder(field: str) -> Any:
    """Of JSON objects, of which only the field is kept."""
    try:
        return msgspec.json.Decoder(msgspec.defstruct("Line", [("text", str | None)], rename={"text": field}))
    except ValueError as error:
        raise BadInput(f"the field {field!r} has a name that cannot be looked for ({error})") from error


def _line(line: bytes, decoder: Any) -> Row:
    try:
        line.decode()
        text = decoder.decode(line).text
    except UnicodeDecodeError:
        return Row(line, b"", "broken UTF-8")
    except msgspec.ValidationError as error:
        return Row(line, b"", "missing field" if "missing required" in str(error) else "not text")
    except (msgspec.DecodeError, RecursionError):
        return Row(line, b"", "broken JSON")
    try:
        return _checked(line, text if text is None else text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, escaped
        return Row(line, b"", "broken UTF-8")


def _table_rows(unit: Unit, field: str) -> Iterator[Row]:
    pa = require_pyarrow()
    (file,) = unit.files
    with open_source(file.path) as source:
        if file.kind == "parquet":
            batches = pa.parquet.ParquetFile(_arrow_file(source)).iter_batches(_ROWS, row_groups=[unit.begin])
        else:
            batches = islice(pa.ipc.open_stream(_arrow_file(source)), unit.begin, unit.begin + 1)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise BadInput(f"{file.name}: part {unit.begin} cannot be read ({error})") from error
            if batch is None:
                return
            column = batch.column(batch.schema.get_field_index(field))
            column = column.cast(pa.large_binary())
            for index, text in enumerate(column.to_pylist()):
                yield _checked((batch, index), text)


def _file_rows(unit: Unit) -> Iterator[Row]:
    for file in unit.files:
        with open_source(file.path) as source:
            yield _checked(file, source.read(0, source.size or 0))


def _checked(raw: Any, text: bytes | None) -> Row:
    if text is None:
        return Row(raw, b"", "missing field")
    if not text.strip():
        return Row(raw, b"", "empty")
    try:
        text.decode()
    except UnicodeDecodeError:
        return Row(raw, b"", "broken UTF-8")
    return Row(raw, text)
