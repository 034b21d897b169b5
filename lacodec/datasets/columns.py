"""A column of tables: `.parquet` and `.jsonl` files become Parquet files with coded values in this column.

a.parquet: n, image                     -> a.parquet: n, image (large_binary, `.lac` files)
b.jsonl: {"n": 1, "text": "..."}        -> b.jsonl.parquet: row ('{"n": 1, "text": null}'), text (large_binary)

Values are bytes, text, or what Hugging Face datasets makes of files: {"bytes": ..., "path": ...}, which stay so, with coded
bytes. The field's metadata keeps what they were. Nulls, and values that cannot be encoded, are null.
"""

import io
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from lacodec.datasets.manifest import Item, Output
from lacodec.datasets.place import Entry
from lacodec.datasets.units import How, Unit, coded, failed
from lacodec.errors import BadInput, LacodecError, MissingDependency
from lacodec.io.as_file import SourceFile
from lacodec.io.places import open_source
from lacodec.io.source import BytesSource, Source

PARQUET, JSONL = (".parquet",), (".jsonl", ".ndjson")
KIND = b"lacodec"
"""Key of a field's metadata: "binary", "string", "file" (of bytes and path) or "json" (of a JSON Lines file)."""

ROW, LINE = "row", "line"
_ROWS = 1000


def tables(files: list[Entry]) -> list[Unit]:
    """A Parquet file for each."""
    wrong = [entry.name for entry in files if not entry.name.endswith((*PARQUET, *JSONL))]
    if wrong:
        raise BadInput(f"{wrong[0]}: a column is read from .parquet, .jsonl and .ndjson files only")
    return [
        Unit((entry,), entry.name if entry.name.endswith(PARQUET) else f"{entry.name}.parquet", _make_table) for entry in files
    ]


def row_name(field: str) -> str:
    """The column for what a line has besides the field."""
    return ROW if field != ROW else LINE


def require_pyarrow() -> Any:
    """pyarrow with its Parquet module; raises MissingDependency."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependency("tables need pyarrow; install it with: pip install 'lacodec[arrow]'") from error
    return pyarrow


def _make_table(unit: Unit, how: How) -> Output:
    pa = require_pyarrow()
    (entry,) = unit.inputs
    items: list[Item] = []
    try:
        with open_source(how.source.path(entry.name)) as source, how.target.written(unit.output) as out:
            if entry.name.endswith(PARQUET):
                _coded_parquet(source, out, entry.name, how, items)
            else:
                _coded_lines(source, out, entry.name, how, items)
    except (LacodecError, pa.ArrowException) as error:
        items = [failed(entry.name, entry.size, error)]
    return unit.result(how, items)


def _coded_parquet(source: Source, out: BinaryIO, name: str, how: How, items: list[Item]) -> None:
    pa, field = require_pyarrow(), how.field_name or ""
    file = pa.parquet.ParquetFile(pa.PythonFile(io.BufferedReader(SourceFile(source)), "r"))
    at = file.schema_arrow.get_field_index(field)
    if at < 0:
        raise BadInput(f"{name}: has no column {field!r}; it has {', '.join(file.schema_arrow.names)}")
    kind = _kind(pa, file.schema_arrow.field(at).type, field)
    type_ = pa.struct({"bytes": pa.binary(), "path": pa.string()}) if kind == b"file" else pa.large_binary()
    new = pa.field(field, type_, metadata={KIND: kind})
    schema = file.schema_arrow.set(at, new)
    with pa.parquet.ParquetWriter(out, schema) as writer:
        for batch in file.iter_batches(_ROWS):
            values = batch.column(at).to_pylist()
            files: list[Any] = [_value(value, f"{name}/{field}", how, items) for value in values]
            if kind == b"file":
                files = [
                    None if value is None else {"bytes": file, "path": value.get("path")}
                    for value, file in zip(values, files, strict=True)
                ]
            writer.write_batch(batch.set_column(at, new, pa.array(files, type_)).cast(schema))


def _coded_lines(source: Source, out: BinaryIO, name: str, how: How, items: list[Item]) -> None:
    pa, field = require_pyarrow(), how.field_name or ""
    schema = pa.schema([pa.field(row_name(field), pa.string()), pa.field(field, pa.large_binary(), metadata={KIND: b"json"})])
    with pa.parquet.ParquetWriter(out, schema) as writer:
        rows, files, known = [], [], dict[str, None]()
        for number, line in enumerate(io.BufferedReader(SourceFile(source)), 1):
            if not line.strip():
                continue
            try:
                row, value, rest = _taken_apart(line, field)
            except BadInput as error:
                items.append(failed(f"{name}/{field}/{number - 1:08}", len(line), error))
                continue
            known.update(dict.fromkeys(row))
            files.append(_value(value, f"{name}/{field}", how, items, number - 1))
            rows.append(rest)
            if len(rows) >= _ROWS:
                writer.write_table(pa.table([rows, pa.array(files, pa.large_binary())], schema=schema))
                rows, files = [], []
        writer.write_table(pa.table([pa.array(rows, pa.string()), pa.array(files, pa.large_binary())], schema=schema))
    if known and field not in known:
        raise BadInput(f"{name}: no line has {field!r}; they have {', '.join(known)}")


def _taken_apart(line: bytes, field: str) -> tuple[Iterable[str], str | None, str]:
    """(names of a line's fields, the value of `field`, the line without that value)."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise BadInput("is not an object of JSON")
        value = row.get(field)
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{field!r} is not text")
        json.dumps(row, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        return row, value, json.dumps({**row, field: None} if field in row else row, ensure_ascii=False)
    except RecursionError as error:
        raise BadInput("is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise BadInput("holds half of a surrogate pair, which UTF-8 cannot hold") from error
    except ValueError as error:
        raise BadInput(str(error)) from error


def _value(value: Any, name: str, how: How, items: list[Item], number: int | None = None) -> bytes | None:
    """The `.lac` file of a value, None for null and for one that cannot be encoded."""
    number = len(items) if number is None else number
    name = f"{name}/{number:08}"
    if isinstance(value, dict):
        name = f"{name}/{PurePosixPath(value.get('path') or '').name}".rstrip("/")
        value = value.get("bytes")
    if value is None:
        items.append(Item(name, identical="null"))
        return None
    data = value.encode() if isinstance(value, str) else bytes(value)
    out = io.BytesIO()
    try:
        item, _ = coded(BytesSource(data, name), name, how, out)
    except LacodecError as error:
        items.append(failed(name, len(data), error))
        return None
    items.append(item)
    return out.getvalue()


def _kind(pa: Any, type_: Any, field: str) -> bytes:
    types = pa.types
    if types.is_binary(type_) or types.is_large_binary(type_):
        return b"binary"
    if types.is_string(type_) or types.is_large_string(type_):
        return b"string"
    if types.is_struct(type_) and type_.get_field_index("bytes") >= 0:
        return b"file"
    raise BadInput(f"column {field!r} is of type {type_}; it must hold bytes, text, or bytes and path")
