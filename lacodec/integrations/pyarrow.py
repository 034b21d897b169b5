"""Coded values in a binary column of Arrow tables and Parquet files.

table = pa.table({"embedding": coded(arrays, "arrays", effort=1)})        a column of type `CodedType`
decoded(table["embedding"])           table["embedding"][3].as_py()       values again, wherever this module is imported
decoded(table["text"], "coded")       of a table that `encode_dataset` wrote to the folder "coded", with its dictionary

Elsewhere it is a column of bytes, each of them a `.lac` file. It needs pyarrow: the extra lacodec[arrow].
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pyarrow as pa

from lacodec import api
from lacodec.codecs.bytes.small.dictionary import is_frame
from lacodec.datasets.dictionaries import Items
from lacodec.datasets.place import Place
from lacodec.errors import BadInput

NAME = "lacodec.coded"


class CodedScalar(pa.ExtensionScalar):
    """One of the values."""

    def as_py(self, **_: Any) -> Any:
        """The value, decoded; None for null. Raises LacodecError."""
        return None if self.value is None else api.decode(self.value.as_py(), threads=1)


class CodedType(pa.ExtensionType):
    """The type of a column of `.lac` files."""

    def __init__(self) -> None:
        super().__init__(pa.large_binary(), NAME)

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> "CodedType":
        return cls()

    def __arrow_ext_scalar_class__(self) -> type[CodedScalar]:
        return CodedScalar


def coded(values: Iterable[Any], codec: str | None = None, **options: Any) -> Any:
    """A column of values, each encoded by itself; None becomes null. codec, options: as for `lacodec.encode`."""
    files = [None if value is None else api.encode(value, codec, threads=1, **options) for value in values]
    return pa.ExtensionArray.from_storage(CodedType(), pa.array(files, pa.large_binary()))


def decoded(column: Any, folder: str | None = None) -> list[Any]:
    """The values of a column of coded values or of the bytes of `.lac` files; raises LacodecError.

    folder: where `encode_dataset` wrote the table, or a URL; it is needed for items that were coded with a dictionary, and these
    are bytes.
    """
    storage = column.cast(pa.large_binary()) if isinstance(column.type, CodedType) else column
    reader = None if folder is None else Items(Place(folder))
    return [None if item is None else _value(item, reader) for item in storage.to_pylist()]


def _value(item: bytes, reader: Items | None) -> Any:
    if reader is not None:
        return reader.value(item)
    if is_frame(item):
        raise BadInput("a value was coded with a dictionary; give the folder of its data set: decoded(column, folder)")
    return api.decode(item, threads=1)


with suppress(pa.ArrowKeyError):  # registered by an earlier import of this module
    pa.register_extension_type(CodedType())
