"""npy: magic, version, size of the header, a Python literal, then one array."""

import ast
import io
from typing import Any

import numpy as np

from laconic.errors import UnsupportedFile
from laconic.media._memory import ArraySource, Item
from laconic.media.tensors import ONLY, TensorEntry, Tensors, size_of
from laconic.source import Source

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1 << 16  # bytes; numpy itself refuses more than 10000
_TYPES = {"b1": "BOOL", "c8": "C64", "c16": "C128"} | {f"{k}{n}": f"{k.upper()}{8 * n}" for k in "uif" for n in (1, 2, 4, 8)}


def read(source: Source) -> Tensors:
    """The array in a file, called ONLY; raises UnsupportedFile."""
    return Tensors(source, "npy", entries(source, 0, source.size or 0, ONLY))


def entries(source: Source, offset: int, size: int, name: str) -> tuple[TensorEntry, ...]:
    """The array in the `size` bytes of an npy file from `offset` on; raises UnsupportedFile when it does not fit its header.

    Records, strings and big-endian numbers become bytes (U8), Python objects nothing at all: their pickle stays as it is.
    """
    place = f"{source.name}: the array {name!r}"
    begin, dtype, shape, order = _header(source, offset, size, place)
    if dtype is None:
        return ()
    left = size - begin
    kind = _TYPES.get(dtype.str[1:]) if dtype.str[0] in "<|" and dtype.fields is None else None
    if kind is None:
        needed = size_of("U8", shape, place) * dtype.itemsize
        kind, shape, order = "U8", (left,), "C"
    else:
        needed = size_of(kind, shape, place)
    if needed != left:
        raise UnsupportedFile(
            f"{place} needs {needed} bytes from offset {offset + begin} but has {left}; it is damaged or cut off"
        )
    return (TensorEntry(name, kind, shape, offset + begin, left, order),)


def virtual(array: np.ndarray) -> Tensors:
    """The .npy file for an array."""
    item = Item.of(ONLY, array)
    head = io.BytesIO()
    description = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(head, description)
    return read(ArraySource(head.getvalue(), [item]))


def array_of(source: Source) -> np.ndarray:
    """The array in an .npy file, by numpy; raises UnsupportedFile for Python objects, which only unpickling would restore."""
    try:
        return np.asarray(np.lib.format.read_array(_Forwards(source), allow_pickle=False))
    except ValueError as error:
        raise UnsupportedFile(f"{source.name}: numpy does not read it ({error}); decode to a file instead") from error


class _Forwards:
    """The one method of a file that numpy calls here."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def read(self, n: int = -1, /) -> bytes:
        data = self._source.read(self._at, n)
        self._at += len(data)
        return data


def _header(source: Source, offset: int, size: int, place: str) -> tuple[int, np.dtype[Any] | None, tuple[int, ...], str]:
    """(bytes before the array, type or None for Python objects, shape, order)."""
    start = source.read(offset, min(12, size))
    if start[:6] != _MAGIC or len(start) < 12 or start[6] not in (1, 2, 3):
        raise UnsupportedFile(f"{place} does not begin as npy versions 1 to 3 do")
    wide = start[6] > 1
    begin = 12 if wide else 10
    length = int.from_bytes(start[8:begin], "little")
    if length > min(_MAX_HEADER, size - begin):
        raise UnsupportedFile(
            f"{place} claims a header of {length} bytes; there are {size - begin}, and {_MAX_HEADER} are allowed"
        )
    text = source.read(offset + begin, length)
    try:
        found = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin1").strip())
        descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
        dtype = np.lib.format.descr_to_dtype(descr)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, IndexError) as error:
        raise UnsupportedFile(f"{place} has a header that makes no sense ({error})") from error
    if not isinstance(shape, tuple) or not isinstance(fortran, bool):
        raise UnsupportedFile(f"{place} has a header without a shape or an order")
    return begin + length, None if dtype.hasobject else dtype, shape, "F" if fortran and len(shape) > 1 else "C"
