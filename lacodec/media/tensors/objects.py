"""Arrays and tensors of a program as `Tensors`, and back in their original form.

array | tensor | dict | list | tuple --tensors_of--> Tensors, with `made_of` where arrays alone do not tell --object_of--> same

`made_of` is plain data for the header: "kind", one of "dict", "list", "tuple" and "one"; "order" of a dict's names, where it is
not the file's; "all", the form of every array, or "forms", name -> form of those that are more than an array of numpy in C order
with little-endian elements (`forms`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource
from lacodec.media.arrays.dtypes import described
from lacodec.media.arrays.value import ONLY
from lacodec.media.tensors import npy, safetensors
from lacodec.media.tensors.forms import NUMBERS, RECORDS, TIMES, Form, form_of, restored
from lacodec.media.tensors.memory import is_tensor, require_array, require_strided
from lacodec.media.tensors.value import TensorEntry, Tensors, as_array


def is_ours(value: Any) -> bool:
    """Whether `tensors_of` may take this."""
    return isinstance(value, np.ndarray | np.generic | Mapping | list | tuple) or is_tensor(value)


def tensors_of(value: Any) -> Tensors:
    """The file that is made of these arrays while it is read; raises BadInput if one would not be restored identically."""
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
    """The object passed to `tensors_of`, with writable arrays; raises CorruptFile if `made_of` is invalid."""
    made_of = value.made_of or {"kind": "one" if value.format == "npy" else "dict"}
    found = {
        entry.name: restored(
            as_array(entry.dtype, entry.shape, _gathered(value.source, entry), entry.order),
            entry,
            form_of(made_of, entry.name),
        )
        for entry in value.entries
    }
    if value.source.size is None:  # being decoded: the bytes after the last tensor may be damaged, too
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
    raise CorruptFile("the header does not name the object that held the tensors")


def _gathered(source: Source, entry: TensorEntry) -> bytearray | memoryview:
    """The bytes of an array, which can be written to."""
    if isinstance(source, IteratorSource):
        return source.gather(entry.offset, entry.size)
    return bytearray(source.read(entry.offset, entry.size))


def _several(arrays: dict[Any, Any], kind: str) -> Tensors:
    plain, forms = {}, {}
    for name, value in arrays.items():
        if not isinstance(name, str):
            raise BadInput(f"the name of a tensor must be a string, not {name!r}")
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
        raise BadInput(f"{what} holds Python objects, which are not stored; use a numeric dtype, or store a pickle's bytes")
    if dtype.kind in NUMBERS and (dtype.itemsize <= 8 or dtype == np.complex128):
        little = dtype.newbyteorder("<")
        if little != dtype:
            form["dtype"] = dtype.str
        return array, form
    if dtype.kind in TIMES:
        form["dtype"] = dtype.str
        return array.astype(dtype.newbyteorder("<"), copy=False).view("<i8"), form
    if dtype.kind in RECORDS:
        description = described(dtype)
        if description is not None:
            form.update(dtype=description, shape=list(array.shape))
            return np.frombuffer(array.tobytes(), np.uint8), form
    raise BadInput(f"{what} has elements of type {dtype}, which cannot be stored; convert it with astype")
