"""Parquet files with a coded column back to tables as they were."""

import io
import json
from collections.abc import Iterator
from typing import Any

from lacodec.datasets.columns import KIND, require_pyarrow, row_name
from lacodec.datasets.dictionaries import Items
from lacodec.datasets.manifest import Item, Output
from lacodec.datasets.place import Place
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.as_file import SourceFile
from lacodec.io.places import open_source

_ROWS = 1000


def decode_table(output: Output, here: Place, there: Place, field: str, reader: Items) -> list[tuple[Item, bool]]:
    """Write the table that one input was, less the values and lines that were left out."""
    pa = require_pyarrow()
    items = [item for item in output.items if not item.error]
    (name, _) = output.inputs[0]
    try:
        with open_source(here.path(output.output)) as source, there.written(name) as out:
            file = pa.parquet.ParquetFile(pa.PythonFile(io.BufferedReader(SourceFile(source)), "r"))
            at = file.schema_arrow.get_field_index(field)
            kind = (file.schema_arrow.field(at).metadata or {}).get(KIND) if at >= 0 else None
            if kind is None:
                raise CorruptFile(f"{here.path(output.output)}: has no coded column {field!r}")
            if kind == b"json":
                _write_lines(file, field, out, reader)
            else:
                _write_parquet(pa, file, at, kind, out, reader)
    except (LacodecError, pa.ArrowException) as error:
        return [(Item(name, error=" ".join(str(error).split())), True)]
    return [(item, True) for item in items]


def _write_parquet(pa: Any, file: Any, at: int, kind: bytes, out: Any, reader: Items) -> None:
    old = file.schema_arrow.field(at)
    types = {b"binary": pa.binary(), b"string": pa.string(), b"file": old.type}
    metadata = {key: value for key, value in (old.metadata or {}).items() if key != KIND}
    new = pa.field(old.name, types[kind], metadata=metadata or None)
    schema = file.schema_arrow.set(at, new)
    with pa.parquet.ParquetWriter(out, schema) as writer:
        for batch in file.iter_batches(_ROWS):
            values = [_plain(value, kind, reader) for value in batch.column(at).to_pylist()]
            writer.write_batch(batch.set_column(at, new, pa.array(values, new.type)).cast(schema))


def _write_lines(file: Any, field: str, out: Any, reader: Items) -> None:
    for line in _lines(file, field, reader):
        out.write(line)


def _lines(file: Any, field: str, reader: Items) -> Iterator[bytes]:
    for batch in file.iter_batches(_ROWS):
        for text, data in zip(batch.column(row_name(field)).to_pylist(), batch.column(field).to_pylist(), strict=True):
            row = json.loads(text)
            if data is not None:
                row[field] = reader.restored(data).decode()
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _plain(value: Any, kind: bytes, reader: Items) -> Any:
    if value is None:
        return None
    if kind == b"file":
        return {**value, "bytes": None if value["bytes"] is None else reader.restored(value["bytes"])}
    data = reader.restored(value)
    return data.decode() if kind == b"string" else data
