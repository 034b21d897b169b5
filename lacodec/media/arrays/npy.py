"""npy: magic, version, size of the header, a Python literal, then one array."""

import ast
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.arrays.dtypes import WRONG, described
from lacodec.media.arrays.value import ONLY, ArrayEntry, Arrays, elements

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1 << 16  # bytes; numpy itself refuses more than 10000
_ALIGNED = 64  # bytes: arrays begin at a multiple of them in the files that numpy writes


@dataclass(frozen=True)
class Head:
    """The header of an npy file. begin: offset of the array from the start of its file."""

    begin: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]


def read(source: Source) -> Arrays:
    """The array in a file, called ONLY; raises UnsupportedFile."""
    size = source.size or 0
    found = entry(read_head(source, 0, size, source.name), ONLY, 0)
    if found is None:
        raise UnsupportedFile(f"{source.name}: holds Python objects, or elements of a type that a header cannot name")
    return Arrays(source, "npy", (found,))


def entry(head: Head, name: str, offset: int) -> ArrayEntry | None:
    """The array of the npy file at `offset`; None for Python objects and for types that a header cannot name."""
    descr = None if head.dtype.hasobject or not head.dtype.itemsize else described(head.dtype)
    if descr is None:
        return None
    size = elements(head.shape, name) * head.dtype.itemsize
    return ArrayEntry(name, descr, head.shape, offset + head.begin, size, head.order)


def read_head(source: Source, offset: int, size: int, place: str) -> Head:
    """The header of the npy file of `size` bytes at `offset`; checked against its size, except for Python objects.

    Raises UnsupportedFile, which names `place`.
    """
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
    except WRONG as error:
        raise UnsupportedFile(f"{place} has an invalid header ({str(error)[:80]})") from error
    if not isinstance(shape, tuple) or not isinstance(fortran, bool):
        raise UnsupportedFile(f"{place} has a header without a shape or an order")
    begin += length
    needed = elements(shape, place) * dtype.itemsize
    if needed != size - begin and not dtype.hasobject:
        raise UnsupportedFile(f"{place} needs {needed} bytes from offset {offset + begin} but has {size - begin}; is it cut off?")
    return Head(begin, dtype, shape, "F" if fortran and len(shape) > 1 else "C")


def array_of(source: Source) -> np.ndarray:
    """The array in an .npy file; raises UnsupportedFile for Python objects, which only unpickling would restore."""
    source = seekable(source)
    size = source.size or 0
    head = read_head(source, 0, size, source.name)
    if head.dtype.hasobject:
        raise UnsupportedFile(f"{source.name}: holds pickled Python objects, which are not restored; decode to a file instead")
    data = source.read(head.begin, size - head.begin)
    try:
        return np.frombuffer(data, head.dtype).reshape(head.shape, order=head.order)
    except ValueError as error:  # elements of no bytes, or too many for memory
        raise UnsupportedFile(f"{source.name}: numpy cannot make an array of {head.dtype} {head.shape} ({error})") from error


def header(dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> bytes:
    """The header of an npy file, as numpy writes it, for a type that `described` can name."""
    text = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": order == "F", "shape": shape})
    version = 1 if text.isascii() else 3
    if len(text) > _MAX_HEADER - 2 * _ALIGNED:
        version = max(version, 2)
    begin = 10 if version == 1 else 12
    encoded = text.encode("utf-8")
    padding = -(begin + len(encoded) + 1) % _ALIGNED
    body = encoded + b" " * padding + b"\n"
    return _MAGIC + bytes([version, 0]) + len(body).to_bytes(begin - 8, "little") + body
