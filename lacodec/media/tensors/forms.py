"""The original form of an array, if the array in a file does not show it: plain data that headers keep.

{} is an array of numpy in C order with little-endian elements; others have "is" ("torch", "scalar"), "order" ("F"), "dtype" and,
where that changes it, "shape".
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile
from lacodec.media.arrays.dtypes import named
from lacodec.media.tensors.memory import torch_dtype
from lacodec.media.tensors.value import TensorEntry, as_array

Form = dict[str, Any]

NUMBERS, TIMES, RECORDS = "biufc", "mM", "SUV"
"""Kinds of numpy's dtypes: stored as they are, as whole numbers, as bytes."""


def form_of(made_of: Mapping[str, Any] | None, name: str) -> Form:
    """The form of one array; raises CorruptFile if it is invalid."""
    found = made_of or {}
    forms = found.get("forms", {})
    form = forms.get(name, found.get("all", {})) if isinstance(forms, dict) else None
    if not isinstance(form, dict):
        raise CorruptFile(f"the header does not describe the tensor {name[:200]!r}")
    return form


def dtype_of(entry: TensorEntry, form: Form) -> Any:
    """The type of the elements as `restored` gives them: a dtype of numpy, or of torch."""
    if form.get("is") == "torch":
        return torch_dtype(entry.dtype)
    return named(form["dtype"]) if "dtype" in form else as_array(entry.dtype, (0,), b"").dtype


def shape_of(entry: TensorEntry, form: Form) -> tuple[int, ...]:
    """The shape as `restored` gives it; raises CorruptFile."""
    shape = form.get("shape", entry.shape)
    if not isinstance(shape, list | tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise CorruptFile("the header gives an impossible shape for an array")
    return tuple(shape)


def restored(array: np.ndarray, entry: TensorEntry, form: Form) -> Any:
    """An array of the file, or some of its rows, in its original form."""
    if form.get("is") == "torch":
        import torch

        flat = torch.from_numpy(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        return flat.view(torch_dtype(entry.dtype)).reshape(array.shape)
    if "dtype" in form:
        array = _with_dtype(array, named(form["dtype"]), shape_of(entry, form) if "shape" in form else array.shape)
    if form.get("order") == "F":
        array = np.asfortranarray(array)
    return array[()] if form.get("is") == "scalar" else array


def _with_dtype(array: np.ndarray, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    if dtype.kind in NUMBERS and dtype.newbyteorder("<") == array.dtype:
        return array.astype(dtype)
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if dtype.kind in TIMES and array.dtype == np.int64:
        return flat.view(dtype.newbyteorder("<")).reshape(array.shape).astype(dtype, copy=False)
    if prod(shape) * dtype.itemsize != flat.size:
        raise CorruptFile(f"{flat.size} bytes do not make an array of {dtype} {list(shape)}")
    return flat.view(dtype).reshape(shape)
