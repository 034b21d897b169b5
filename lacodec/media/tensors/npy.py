"""npy: magic, version, size of the header, a Python literal, then one array."""

import ast
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.tensors.memory import ArraySource, Item
from lacodec.media.tensors.value import ONLY, TensorEntry, Tensors, size_of

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1 << 16  # bytes; numpy itself refuses more than 10000
_TYPES = {"b1": "BOOL", "c8": "C64", "c16": "C128"} | {f"{k}{n}": f"{k.upper()}{8 * n}" for k in "uif" for n in (1, 2, 4, 8)}


def read(source: Source) -> Tensors:
    """The array in a file, called ONLY; raises UnsupportedFile."""
    found, form = entries(source, 0, source.size or 0, ONLY)
    return Tensors(source, "npy", found, {"kind": "one", "all": form} if form else None)


def entries(source: Source, offset: int, size: int, name: str) -> tuple[tuple[TensorEntry, ...], dict[str, Any]]:
    """(the array in the `size` bytes of an npy file from `offset` on, its form).

    Records, strings, times and big-endian numbers become bytes (U8) with a form (`objects`) that describes them; where none
    can, their name is that of bytes, too. Python objects become nothing at all: their pickle stays as it is.
    Raises UnsupportedFile when it does not fit its header.
    """
    head = _header(source, offset, size, f"{source.name}: the array {name!r}")
    if head.dtype.hasobject:
        return (), {}
    left = size - head.begin
    kind = _TYPES.get(head.dtype.str[1:]) if head.dtype.str[0] in "<|" and head.dtype.fields is None else None
    if kind is not None:
        return (TensorEntry(name, kind, head.shape, offset + head.begin, left, head.order),), {}
    form = _form(head)
    return (TensorEntry(name if form else f"{name} (bytes)", "U8", (left,), offset + head.begin, left),), form


def _form(head: "_Head") -> dict[str, Any]:
    """The type and shape of the bytes, as a form; empty if no form can hold them."""
    from lacodec.media.tensors.forms import described

    description = described(head.dtype) if head.order == "C" else None
    return {} if description is None else {"dtype": description, "shape": list(head.shape)}


def virtual(array: np.ndarray) -> Tensors:
    """The .npy file for an array."""
    item = Item.of(ONLY, array)
    head = io.BytesIO()
    description = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(head, description)
    return read(ArraySource(head.getvalue(), [item]))


def array_of(source: Source) -> np.ndarray:
    """The array in an .npy file; raises UnsupportedFile for Python objects, which only unpickling would restore."""
    source = seekable(source)
    size = source.size or 0
    head = _header(source, 0, size, source.name)
    if head.dtype.hasobject:
        raise UnsupportedFile(f"{source.name}: holds pickled Python objects, which are not restored; decode to a file instead")
    data = source.read(head.begin, size - head.begin)
    try:
        return np.frombuffer(data, head.dtype).reshape(head.shape, order=head.order)
    except ValueError as error:  # elements of no bytes, or too many for memory
        raise UnsupportedFile(f"{source.name}: numpy cannot make an array of {head.dtype} {head.shape} ({error})") from error


@dataclass(frozen=True)
class _Head:
    begin: int  # offset of the array from the start of its file
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]


def _header(source: Source, offset: int, size: int, place: str) -> _Head:
    """The header of the npy file of `size` bytes at `offset`; checked against its size, except for Python objects."""
    start = source.read(offset, min(12, size))
    if start[:6] != _MAGIC or len(start) < 12 or start[6] not in (1, 2, 3):
        raise UnsupportedFile(f"{place} does not begin like npy version 1, 2 or 3")
    begin = 12 if start[6] > 1 else 10
    length = int.from_bytes(start[8:begin], "little")
    if length > min(_MAX_HEADER, size - begin):
        raise UnsupportedFile(f"{place} claims a header of {length} bytes; it has {size - begin}, and {_MAX_HEADER} are allowed")
    text = source.read(offset + begin, length)
    try:
        found = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin1").strip())
        descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
        dtype = np.lib.format.descr_to_dtype(descr)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, IndexError) as error:
        raise UnsupportedFile(f"{place} has an invalid header ({str(error)[:80]})") from error
    if not isinstance(shape, tuple) or not isinstance(fortran, bool):
        raise UnsupportedFile(f"{place} has a header without a shape or an order")
    begin += length
    needed = size_of("U8", shape, place) * dtype.itemsize
    if needed != size - begin and not dtype.hasobject:
        raise UnsupportedFile(f"{place} needs {needed} bytes from offset {offset + begin} but has {size - begin}; is it cut off?")
    return _Head(begin, dtype, shape, "F" if fortran and len(shape) > 1 else "C")
