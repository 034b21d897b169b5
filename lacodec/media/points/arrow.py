"""Feather files of version 2, which are Arrow files, as Argoverse 2 has them: columns of numbers, by `pyarrow`.

cloud = records, note       recipe = u64 bytes of the note
note (MessagePack) = [schema as Arrow's message, kind of packing, rows of each batch]
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from lacodec.errors import CorruptFile, LacodecError, MissingDependency, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.forms import spooled
from lacodec.media.points.value import Columns, Form, PointCloud

_KINDS = {"halffloat": "<f2", "float": "<f4", "double": "<f8", "int8": "|i1", "uint8": "|u1"}
_KINDS |= {f"{name}int{8 * width}": f"<{name or 'i'}{width}" for name in ("", "u") for width in (2, 4, 8)}
_PACKINGS = ("", "lz4", "zstd")


class _Note(msgspec.Struct, array_like=True):
    schema: bytes
    packing: str
    rows: list[int]


def read(source: Source) -> PointCloud:
    """The points; raises UnsupportedFile where a column is no column of numbers, or without pyarrow."""
    pa = _pyarrow(UnsupportedFile)
    data = source.read(0, source.size or 0)
    try:
        with pa.ipc.open_file(pa.BufferReader(data)) as file:
            schema = file.schema
            columns = _columns(schema, source.name)
            batches = [file.get_batch(i) for i in range(file.num_record_batches)]
            records = [_records(batch, columns, source.name) for batch in batches]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnsupportedFile(f"{source.name}: is no Arrow file that pyarrow reads ({error})") from error
    note = _Note(schema.serialize().to_pybytes(), _packing(data), [len(part) for part in records])
    last = msgspec.msgpack.encode(note)
    made = spooled(iter([*(part.tobytes() for part in records), last]), source.name)
    return PointCloud(made, "arrow", columns, 0, sum(note.rows), Form("arrow", len(last).to_bytes(8, "little")))


def pieces(cloud: PointCloud) -> Iterator[bytes]:
    """The file."""
    pa, source = _pyarrow(MissingDependency), cloud.source
    size = source.size or 0
    begin = size - int.from_bytes(cloud.form.recipe[:8], "little")
    try:
        if begin < cloud.stop:
            raise ValueError("its note is too long")
        note = msgspec.msgpack.decode(source.read(begin, size - begin), type=_Note)
        schema = pa.ipc.read_schema(pa.BufferReader(note.schema))
        if _columns(schema, source.name) != cloud.columns or sum(note.rows) != cloud.count or note.packing not in _PACKINGS:
            raise ValueError("its note contradicts its points")
        out = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=note.packing or None)
        with pa.ipc.new_file(out, schema, options=options) as file:
            at = cloud.offset
            for count in note.rows:
                records = np.frombuffer(source.read(at, count * cloud.columns.size), cloud.columns.dtype)
                arrays = [pa.array(np.ascontiguousarray(records[name])) for name in cloud.columns.names]
                file.write_batch(pa.record_batch(arrays, schema=schema))
                at += count * cloud.columns.size
    except (pa.ArrowException, msgspec.MsgspecError, UnsupportedFile, ValueError, TypeError) as error:
        raise CorruptFile(f"{source.name}: its columns cannot be written ({error})") from error
    yield out.getvalue().to_pybytes()


def _pyarrow(error: type[LacodecError]) -> Any:
    try:
        import pyarrow.ipc
    except ImportError:
        raise error("feather files need pyarrow; install it with: pip install 'lacodec[points]'") from None
    import pyarrow as pa

    return pa


def _columns(schema: Any, name: str) -> Columns:
    kinds = [_KINDS.get(str(field.type), "") for field in schema]
    try:
        return Columns(tuple(schema.names), tuple(kinds))
    except CorruptFile as error:
        raise UnsupportedFile(f"{name}: has columns that are no numbers ({error})") from error


def _records(batch: Any, columns: Columns, name: str) -> np.ndarray:
    out = np.empty(batch.num_rows, columns.dtype)
    for i, column in enumerate(columns.names):
        if batch.column(i).null_count:
            raise UnsupportedFile(f"{name}: has values that are missing")
        out[column] = batch.column(i).to_numpy(zero_copy_only=True)
    return out


def _packing(data: bytes) -> str:
    """How the columns are packed: the magic numbers of the first frame in the file."""
    return "lz4" if b"\x04\x22\x4d\x18" in data else "zstd" if b"\x28\xb5\x2f\xfd" in data else ""
