"""The tensors among the objects of a PyTorch checkpoint, under all their names."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from lacodec.errors import UnsupportedFile
from lacodec.media.arrays.value import ONLY
from lacodec.media.tensors._pickle import Call, Dict, Name, Storage
from lacodec.media.tensors.value import DTYPES, MAX_NAME, MAX_TENSORS, TensorEntry

MAX_PICKLE = 64 << 20  # bytes

_STORAGES = {
    "Double": "F64",
    "Float": "F32",
    "Half": "F16",
    "BFloat16": "BF16",
    "Bool": "BOOL",
    "Long": "I64",
    "Int": "I32",
    "Short": "I16",
    "Char": "I8",
    "Byte": "U8",
    "Untyped": "U8",
    "ComplexFloat": "C64",
    "ComplexDouble": "C128",
    "QInt8": "I8",
    "QUInt8": "U8",
    "QInt32": "I32",
}

_REBUILD = {f"torch._utils _rebuild_tensor{version}" for version in ("", "_v2", "_v3")}

_WRAPPERS = {
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_parameter_with_state",
}  # whose first argument is the tensor

_OF_TYPE = {"torch._tensor _rebuild_from_type", "torch._tensor _rebuild_from_type_v2"}

_OTHERS = ("torch._utils _rebuild_", "torch._tensor _rebuild_", "torch.storage _load_from_bytes")

_WHY = {
    "torch._utils _rebuild_sparse_tensor": "is sparse",
    "torch._utils _rebuild_sparse_csr_tensor": "is sparse",
    "torch._utils _rebuild_qtensor": "is quantised",
    "torch._utils _rebuild_nested_tensor": "is nested",
    "torch._utils _rebuild_meta_tensor_no_storage": "is on the meta device and has no values",
}


@dataclass(frozen=True, slots=True)
class View:
    """A tensor: where in the file it begins, its strides in elements; whether its numbers are to be conjugated or negated."""

    name: str
    key: str  # of its storage
    dtype: str
    offset: int  # in elements from the start of the storage, until `_in_file` makes it bytes from the start of the file
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    conjugated: bool = False
    negated: bool = False

    @property
    def span(self) -> int:
        """Bytes from its first element to the end of its last one."""
        if not prod(self.shape):
            return 0
        steps = sum((count - 1) * stride for count, stride in zip(self.shape, self.strides, strict=True))
        return (steps + 1) * (DTYPES[self.dtype] // 8)

    @property
    def entry(self) -> TensorEntry | None:
        """The same as an entry, None if its numbers are not contiguous and unchanged in the file."""
        if self.conjugated or self.negated:
            return None
        order = next((order for order in "CF" if is_contiguous(self.shape, self.strides, order)), None)
        size = prod(self.shape) * (DTYPES[self.dtype] // 8)
        return None if order is None else TensorEntry(self.name, self.dtype, self.shape, self.offset, size, order)


@dataclass
class Contents:
    """views: tensors as they are named; storages: type and elements by key; lost: names that are not arrays, and why."""

    views: list[View]
    storages: dict[str, tuple[str, int]]
    lost: list[tuple[str, str]]


def contents_of(value: Any, file: str, every: bool = False) -> Contents:
    """The content of a pickle; with `every` under every name, else repeated objects once."""
    found = Contents([], {}, [])
    for name, item, within in _walk(value, file, every):
        storage = _storage(item)
        if storage is not None:
            found.storages.setdefault(storage[0], storage[1:])
        elif isinstance(item, Call) and isinstance(item.what, Name) and not within:
            view = _view(name, item)
            if view is not None:
                found.views.append(view)
            elif _is_other(item):
                why = _WHY.get(item.what.name, f"is of an unsupported kind ({item.what.name.split(' ')[-1]})")
                found.lost.append((name, why))
    return found


def _walk(value: Any, file: str, every: bool) -> Iterator[tuple[str, Any, bool]]:
    """(name that leads there, call or storage, whether it is part of a tensor) of all that is anywhere in `value`."""
    seen: set[int] = set()
    above: set[int] = set()  # the ancestors of the current object: cycles are not entered again
    leading = _leading(value) if every else None
    named = visits = 0
    todo: list[tuple[str | None, Any, bool]] = [(None, value, False)]
    while todo:
        name, item, within = todo.pop()
        if isinstance(item, _Leave):
            above.discard(item.id)
            continue
        if not isinstance(item, dict | list | tuple | Call | Storage) or (leading is not None and id(item) not in leading):
            continue
        called = ONLY if name is None else name
        named += len(called)
        visits += 1
        if named > MAX_PICKLE or (every and (visits > MAX_TENSORS or len(called) > MAX_NAME)):
            raise UnsupportedFile(f"{file}: its pickle has too many names of objects, or too long ones")
        if len(called) > MAX_NAME:
            continue
        if isinstance(item, Call | Storage):
            yield called, item, within
        if id(item) in (above if every else seen):
            continue
        seen.add(id(item))
        if every:
            above.add(id(item))
            todo.append((None, _Leave(id(item)), within))
        within = within or (isinstance(item, Call) and (_is_view(item) or _is_other(item)))
        for key, child in reversed(list(_children(item))):
            label = None if key is _PART else _text(key)
            todo.append((name if label is None else label if name is None else f"{name}.{label}", child, within))


@dataclass(frozen=True)
class _Leave:
    """Marks the end of the content of the object with this id."""

    id: int


_PART = object()  # in place of a key: an object without its own name


def _children(item: Any) -> Iterator[tuple[Any, Any]]:
    """(key, object) of all that is in an object."""
    if isinstance(item, dict):
        yield from item.items()
        yield from ((_PART, key) for key in item if isinstance(key, Call))
        if isinstance(item, Dict):
            yield _PART, item.state
    elif isinstance(item, list | tuple):
        yield from enumerate(item)
    elif isinstance(item, Call):
        arguments = item.arguments if isinstance(item.arguments, tuple) else (item.arguments,)
        yield from ((_PART, child) for child in (item.state, *arguments))
        yield from enumerate(item.items)
        yield from item.pairs.items()


def _leading(value: Any) -> set[int]:
    """The ids of all objects that are, or lead to, a tensor or storage: only these are worth a name."""
    inside: dict[int, list[int]] = {}  # object -> its containers
    found: set[int] = set()
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, Storage) or (isinstance(item, Call) and _is_other(item)):
            found.add(id(item))
        for _, child in _children(item):
            if isinstance(child, dict | list | tuple | Call | Storage):
                if id(child) not in inside:
                    todo.append(child)
                inside.setdefault(id(child), []).append(id(item))
    marks = list(found)
    while marks:
        for holder in inside.get(marks.pop(), ()):
            if holder not in found:
                found.add(holder)
                marks.append(holder)
    return found


def _text(key: Any) -> str:
    try:
        return "?" if isinstance(key, Call) else str(key)
    except ValueError:  # a number of too many digits
        return "?"


def _is_view(item: Call) -> bool:
    return isinstance(item.what, Name) and (item.what.name in _REBUILD or item.what.name in _OF_TYPE)


def _is_other(item: Call) -> bool:
    """Whether a call gives a tensor, and not by one of the ways that are known."""
    if not isinstance(item.what, Name) or not item.what.name.startswith(_OTHERS) or item.what.name in _WRAPPERS:
        return False
    return _view("", item) is None


def _storage(item: Any) -> tuple[str, str, int] | None:
    """(key, type, number of elements) of a storage."""
    if not isinstance(item, Storage) or not isinstance(item.id, tuple) or len(item.id) < 5 or item.id[0] != "storage":
        return None
    if len(item.id) > 5 and item.id[5] is not None:
        return None  # a part of another storage, which torch wrote until 0.4
    kind, key, count = item.id[1], item.id[2], item.id[4]
    if not isinstance(kind, Name) or not kind.name.endswith("Storage") or not isinstance(key, str) or type(count) is not int:
        return None
    short = kind.name.split(" ")[-1].removesuffix("Storage")
    dtype = _STORAGES.get(short) or _torch_dtype(short.lower())
    return None if dtype is None or not 0 <= count < 1 << 56 else (key, dtype, count)


def _view(name: str, item: Any) -> View | None:
    """The tensor that a call would rebuild."""
    if not isinstance(item, Call) or not isinstance(item.what, Name):
        return None
    what, arguments = item.what.name, item.arguments
    if what in _OF_TYPE and isinstance(arguments, tuple) and len(arguments) > 2 and isinstance(arguments[0], Name):
        what, arguments = arguments[0].name, arguments[2]  # of a subclass, of which the numbers suffice
    if what not in _REBUILD or not isinstance(arguments, tuple) or len(arguments) < 4:
        return None
    found, (offset, shape, strides) = _storage(arguments[0]), arguments[1:4]
    if found is None or type(offset) is not int or not _counts(shape) or not _counts(strides) or len(shape) != len(strides):
        return None
    dtype: str | None = found[1]
    metadata = arguments[6] if len(arguments) > 6 else None
    if what.endswith("_v3"):
        dtype = _torch_dtype(metadata.name.split(" ")[-1]) if isinstance(metadata, Name) else None
        metadata = arguments[7] if len(arguments) > 7 else None
    flags = metadata if isinstance(metadata, dict) else {}
    if dtype is None or offset < 0 or DTYPES[dtype] < 8 or set(flags) - {"conj", "neg"} or not isinstance(metadata, dict | None):
        return None
    return View(name, found[0], dtype, offset, shape, strides, flags.get("conj") is True, flags.get("neg") is True)


def _counts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) <= 64 and all(type(n) is int and 0 <= n < 1 << 56 for n in value)


def _torch_dtype(name: str) -> str | None:
    from lacodec.media.tensors.memory import torch_name

    found = torch_name(name)
    return found if found in DTYPES else None


def is_contiguous(shape: tuple[int, ...], strides: tuple[int, ...], order: str) -> bool:
    """Whether a tensor with these strides, in elements, fills its place without gaps in this order."""
    pairs = list(zip(shape, strides, strict=True))
    step = 1
    for count, stride in pairs if order == "F" else pairs[::-1]:
        if count != 1 and stride != step:
            return False
        step *= count
    return True
