"""npy: the array in such a file as a tensor; `media/arrays/npy.py` reads its header."""

import io
from typing import Any

import numpy as np

from lacodec.io.source import Source
from lacodec.media.arrays.dtypes import described
from lacodec.media.arrays.npy import Head, read_head
from lacodec.media.arrays.value import ONLY
from lacodec.media.tensors.memory import ArraySource, Item
from lacodec.media.tensors.value import TensorEntry, Tensors

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
    head = read_head(source, offset, size, f"{source.name}: the array {name!r}")
    if head.dtype.hasobject:
        return (), {}
    left = size - head.begin
    kind = _TYPES.get(head.dtype.str[1:]) if head.dtype.str[0] in "<|" and head.dtype.fields is None else None
    if kind is not None:
        return (TensorEntry(name, kind, head.shape, offset + head.begin, left, head.order),), {}
    form = _form(head)
    return (TensorEntry(name if form else f"{name} (bytes)", "U8", (left,), offset + head.begin, left),), form


def _form(head: Head) -> dict[str, Any]:
    """The type and shape of the bytes, as a form; empty if no form can hold them."""
    description = described(head.dtype) if head.order == "C" else None
    return {} if description is None else {"dtype": description, "shape": list(head.shape)}


def virtual(array: np.ndarray) -> Tensors:
    """The .npy file for an array."""
    item = Item.of(ONLY, array)
    head = io.BytesIO()
    description = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(head, description)
    return read(ArraySource(head.getvalue(), [item]))
