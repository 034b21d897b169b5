"""Arrays and tensors of a program as `Tensors`, and back as what they were.

array | tensor | dict | list | tuple --tensors_of--> Tensors, with `made_of` where arrays alone do not tell --object_of--> same

`made_of` is plain data for the header: "kind", one of "dict", "list", "tuple" and "one"; "order" of a dict's names, where it is
not the file's; "all", the form of every array, or "forms", name -> form of those that are more than an array of numpy in C order
with little-endian elements. A form has "is" ("torch", "scalar"), "order" ("F"), "dtype" and, where that changes it, "shape".
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tensors import npy, safetensors
from lacodec.media.tensors.dtypes import described, parsed
from lacodec.media.tensors.memory import is_tensor, require_array, require_strided, torch_dtype
from lacodec.media.tensors.value import ONLY, TensorEntry, Tensors, as_array

Form = dict[str, Any]

_NUMBERS = "biufc"
_TIMES = "mM"
_RECORDS = "SUV"


def is_ours(value: Any) -> bool:
    """Whether `tensors_of` may take this."""
    return isinstance(value, np.ndarray | np.generic | Mapping | list | tuple) or is_tensor(value)


def tensors_of(value: Any) -> Tensors:
    """The file that is made of these arrays while it is read; raises BadInput for what would not come back the same."""
    if isinstance(value, Mapping):
        return _several(dict(value), "dict")
    if isinstance(value, list | tuple):
        if type(value) not in (list, tuple):
            raise BadInput(f"a {type(value).__name__} would come back as a plain tuple; pass a list, a tuple or a dict")
        return _several({str(i): item for i, item in enumerate(value)}, type(value).__name__)
    array, form = _plain(ONLY, value)
    if "is" not in form or form["is"] != "torch":
        found = npy.virtual(array)
        made_of = {"kind": "one", "all": form} if form else None
    else:
        found, made_of = safetensors.virtual({ONLY: array}), {"kind": "one", "all": form}
    return Tensors(found.source, found.format, found.entries, made_of)


def object_of(value: Tensors) -> Any:
    """What `tensors_of` was given, with arrays that can be written to; raises CorruptFile where `made_of` makes no sense."""
    made_of = value.made_of or {"kind": "one" if value.format == "npy" else "dict"}
    found = {
        entry.name: restored(
            as_array(entry.dtype, entry.shape, bytearray(value.source.read(entry.offset, entry.size)), entry.order),
            entry,
            form_of(made_of, entry.name),
        )
        for entry in value.entries
    }
    if value.source.size is None:  # being decoded: what follows the last tensor may be damaged, too
        value.source.read(1 << 62, 1)
    kind = made_of.get("kind")
    try:
        if kind == "one":
            return found[ONLY]
        if kind in ("list", "tuple"):
            items = [found[str(i)] for i in range(len(found))]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            names = list(found)
            order = made_of.get("order", range(len(names)))
            if sorted(order) == list(range(len(names))):
                return {names[i]: found[names[i]] for i in order}
    except (KeyError, TypeError):
        pass
    raise CorruptFile("the header does not say which object the tensors were")


def form_of(made_of: Mapping[str, Any] | None, name: str) -> Form:
    """The form of one array; raises CorruptFile for what is none."""
    found = made_of or {}
    forms = found.get("forms", {})
    form = forms.get(name, found.get("all", {})) if isinstance(forms, dict) else None
    if not isinstance(form, dict):
        raise CorruptFile(f"the header does not say what the tensor {name[:200]!r} was")
    return form


def dtype_of(entry: TensorEntry, form: Form) -> Any:
    """The type of the elements as `restored` gives them: a dtype of numpy, or of torch."""
    if form.get("is") == "torch":
        return torch_dtype(entry.dtype)
    return parsed(form["dtype"]) if "dtype" in form else as_array(entry.dtype, (0,), b"").dtype


def shape_of(entry: TensorEntry, form: Form) -> tuple[int, ...]:
    """The shape as `restored` gives it; raises CorruptFile."""
    shape = form.get("shape", entry.shape)
    if not isinstance(shape, list | tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise CorruptFile("the header says an impossible shape of an array")
    return tuple(shape)


def restored(array: np.ndarray, entry: TensorEntry, form: Form) -> Any:
    """An array of the file, or some rows of it, as what it was."""
    if form.get("is") == "torch":
        import torch

        flat = torch.from_numpy(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        return flat.view(torch_dtype(entry.dtype)).reshape(array.shape)
    if "dtype" in form:
        array = _with_dtype(array, parsed(form["dtype"]), shape_of(entry, form) if "shape" in form else array.shape)
    if form.get("order") == "F":
        array = np.asfortranarray(array)
    return array[()] if form.get("is") == "scalar" else array


def _several(arrays: dict[Any, Any], kind: str) -> Tensors:
    plain, forms = {}, {}
    for name, value in arrays.items():
        if not isinstance(name, str):
            raise BadInput(f"the name of a tensor is a string, not {name!r}")
        plain[name], form = _plain(name, value)
        if form:
            forms[name] = form
    found = safetensors.virtual(plain)
    made_of: dict[str, Any] = {"kind": kind}
    places = {entry.name: i for i, entry in enumerate(found.entries)}
    order = [places[name] for name in plain]
    if kind == "dict" and order != sorted(order):
        made_of["order"] = order
    first = next(iter(forms.values()), None)
    if first is not None:
        same = len(forms) == len(plain) and all(form == first for form in forms.values())
        made_of.update({"all": first} if same else {"forms": forms})
    return Tensors(found.source, found.format, found.entries, None if made_of == {"kind": "dict"} else made_of)


def _plain(name: str, value: Any) -> tuple[Any, Form]:
    """(array of numbers in C order, little-endian, or a tensor; its form); raises BadInput, saying why."""
    what = "an array" if name == ONLY else f"tensor {name!r}"
    if is_tensor(value):
        require_strided(what, value)
        return value.detach(), {"is": "torch"}
    if not isinstance(value, np.ndarray | np.generic):
        hint = "; lists and dicts cannot be nested" if isinstance(value, Mapping | list | tuple) else ""
        raise BadInput(f"{what} is a {type(value).__name__}; give a numpy array or a torch tensor{hint}")
    require_array(what, value)
    array, form = np.asarray(value), Form()
    if isinstance(value, np.generic):
        form["is"] = "scalar"
    if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
        form["order"] = "F"
    dtype = array.dtype
    if dtype.hasobject:
        raise BadInput(
            f"{what} holds Python objects, which are not stored; give it a dtype of numbers, or store a pickle's bytes"
        )
    if dtype.kind in _NUMBERS and (dtype.itemsize <= 8 or dtype == np.complex128):
        little = dtype.newbyteorder("<")
        if little != dtype:
            form["dtype"] = dtype.str
        return array, form
    if dtype.kind in _TIMES:
        form["dtype"] = dtype.str
        return array.astype(dtype.newbyteorder("<"), copy=False).view("<i8"), form
    if dtype.kind in _RECORDS:
        description = described(dtype)
        if description is not None:
            form.update(dtype=description, shape=list(array.shape))
            return np.frombuffer(array.tobytes(), np.uint8), form
    raise BadInput(f"{what} has elements of type {dtype}, which cannot be stored; convert it with astype")


def _with_dtype(array: np.ndarray, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    if dtype.kind in _NUMBERS and dtype.newbyteorder("<") == array.dtype:
        return array.astype(dtype)
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if dtype.kind in _TIMES and array.dtype == np.int64:
        return flat.view(dtype.newbyteorder("<")).reshape(array.shape).astype(dtype, copy=False)
    if prod(shape) * dtype.itemsize != flat.size:
        raise CorruptFile(f"{flat.size} bytes are no array of {dtype} {list(shape)}")
    return flat.view(dtype).reshape(shape)
