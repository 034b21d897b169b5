"""PyTorch checkpoints: what `torch.save` writes, as a zip file (since 1.6) or the older form; read by `_pickle`, never unpickled.

A storage is an array of numbers in the file; tensors are views of storages. A tensor that covers a range of its storage without
gaps becomes an entry under its name, the first of those that share a range; storages that no such tensor covers become flat ones.
`views` finds all tensors under all their names, those that are no entries too, or says which of them is no array of numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.tensors import _zip
from lacodec.media.tensors._pickle import Call, Dict, Name, Storage, load
from lacodec.media.tensors.value import DTYPES, MAX_NAME, MAX_TENSORS, ONLY, TensorEntry, Tensors, as_array, place_of

MAX_PICKLE = 64 << 20  # bytes
_VERSION = 1001  # of the older form

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
_MAX_EXPANDED = 64 << 20  # bytes of a tensor that repeats what the file has once, which is copied out all the same


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
        """Bytes from its first element to behind its last one."""
        if not prod(self.shape):
            return 0
        steps = sum((count - 1) * stride for count, stride in zip(self.shape, self.strides, strict=True))
        return (steps + 1) * (DTYPES[self.dtype] // 8)

    @property
    def entry(self) -> TensorEntry | None:
        """The same as an entry, None when its numbers do not lie in the file one after the other, as they are."""
        if self.conjugated or self.negated:
            return None
        order = next((order for order in "CF" if _contiguous(self.shape, self.strides, order)), None)
        size = prod(self.shape) * (DTYPES[self.dtype] // 8)
        return None if order is None else TensorEntry(self.name, self.dtype, self.shape, self.offset, size, order)


def read(source: Source) -> Tensors:
    """The tensors of a checkpoint that is a zip file; raises UnsupportedFile."""
    value, root = _zip_pickle(source)
    contents = _contents(value, source.name)
    return _tensors(source, contents, _zip_places(source, root, contents.storages))


def read_legacy(source: Source) -> Tensors:
    """The tensors of a checkpoint of the older form; raises UnsupportedFile."""
    value, keys, at = _legacy_pickles(source)
    contents = _contents(value, source.name)
    return _tensors(source, contents, _legacy_places(source, keys, at, contents.storages))


def views(source: Source) -> list[View]:
    """All tensors of a checkpoint under all their names, by what the pickle says first.

    Raises UnsupportedFile, naming it, when one cannot be had as an array: it is sparse, quantised or without values, lies outside
    of the file, or has the name of another one.
    """
    if source.peek(2) == b"PK":
        value, root = _zip_pickle(source)
        contents = _contents(value, source.name, every=True)
        places = _zip_places(source, root, contents.storages)
    else:
        value, keys, at = _legacy_pickles(source)
        contents = _contents(value, source.name, every=True)
        places = _legacy_places(source, keys, at, contents.storages)
    for name, why in contents.lost:
        raise UnsupportedFile(f"{place_of(source.name, name)} {why}; load the file with torch, or save a plain copy of it")
    found: dict[str, View] = {}
    for view in contents.views:
        place = place_of(source.name, view.name)
        if view.key not in places:
            raise UnsupportedFile(f"{place} has no uncompressed storage of its own in the file; load it with torch")
        _, begin, size = places[view.key]
        made = _in_file(view, begin)
        if made.offset + made.span > begin + size:
            raise UnsupportedFile(f"{place} does not fit in its storage; the file is damaged")
        if found.setdefault(view.name, made) != made:
            raise UnsupportedFile(f"{place} has the same name as another one; load the file with torch")
    return list(found.values())


def arrays_of(source: Source, entries: tuple[TensorEntry, ...]) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint as arrays, and the storages that are in it by themselves; raises as `views` does."""
    found = views(source)
    arrays = {view.name: array_of(source, view) for view in found}
    for entry in entries:
        if entry.name not in arrays and not any(
            entry.offset <= view.offset < max(entry.stop, entry.offset + 1) for view in found
        ):
            arrays[entry.name] = as_array(entry.dtype, entry.shape, bytearray(source.read(entry.offset, entry.size)), entry.order)
    return arrays


def array_of(source: Source, view: View) -> np.ndarray:
    """A tensor as an array that can be written to (`as_array` says of which type); raises UnsupportedFile."""
    place = place_of(source.name, view.name)
    width = DTYPES[view.dtype] // 8
    if prod(view.shape) * width > max(view.span, _MAX_EXPANDED):
        raise UnsupportedFile(
            f"{place} is expanded to {prod(view.shape) * width} bytes; load it with torch, or save the part that it repeats"
        )
    flat = as_array(view.dtype, (view.span // width,), source.read(view.offset, view.span))
    strides = tuple(stride * width for stride in view.strides)
    array = np.lib.stride_tricks.as_strided(flat, view.shape, strides).copy(order="K")
    if view.conjugated:
        array = np.conj(array)
    if view.negated and view.dtype == "BF16":
        return array ^ np.uint16(0x8000)
    if view.negated and not view.dtype.startswith(("F8", "BOOL")):
        return np.negative(array)
    if view.negated:
        raise UnsupportedFile(f"{place} is negated while it is read, which numpy cannot do with {view.dtype}; load it with torch")
    return array


def _in_file(view: View, begin: int) -> View:
    return replace(view, offset=begin + view.offset * (DTYPES[view.dtype] // 8))


_Places = dict[str, tuple[str, int, int]]  # by key of a storage: type of its elements, where it begins in the file, its bytes


def _zip_places(source: Source, root: str, storages: dict[str, tuple[str, int]]) -> _Places:
    by_name = {member.name: member for member in _zip.members(source) if member.stored}
    order = by_name.get(f"{root}byteorder")
    if order is not None and source.read(order.offset, min(order.size, 16)) != b"little":
        raise UnsupportedFile(f"{source.name}: was written on a big-endian machine")
    places = {}
    for key, (dtype, _) in storages.items():
        member = by_name.get(f"{root}data/{key}")
        if member is not None:
            places[key] = (dtype, member.offset, member.size)
    return places


def _legacy_places(source: Source, keys: list[Any], at: int, storages: dict[str, tuple[str, int]]) -> _Places:
    places: _Places = {}
    for key in keys:
        if not isinstance(key, str) or key not in storages or key in places:
            raise UnsupportedFile(f"{source.name}: lists a storage that no tensor uses, or lists one twice")
        dtype, count = storages[key]
        if int.from_bytes(source.read(at, 8), "little") != count:
            raise UnsupportedFile(f"{source.name}: the storage at offset {at} should have {count} elements; the file is damaged")
        size = count * DTYPES[dtype] // 8
        places[key] = (dtype, at + 8, size)
        at += 8 + size
    return places


def _zip_pickle(source: Source) -> tuple[Any, str]:
    """(what data.pkl says, the folder that it is in)."""
    pickle = _zip.member(source, "/data.pkl")
    if pickle is None or pickle.size > MAX_PICKLE:
        raise UnsupportedFile(f"{source.name}: is not a PyTorch checkpoint: its data.pkl is missing or too large")
    try:
        value, _ = load(source.read(pickle.offset, pickle.size), 0, source.name)
    except EOFError as error:
        raise UnsupportedFile(f"{source.name}: its data.pkl is cut off") from error
    return value, pickle.name.removesuffix("data.pkl")


def _legacy_pickles(source: Source) -> tuple[Any, list[Any], int]:
    """(what the main pickle says, keys of the storages in their order, offset of the first)."""
    size = min(source.size or 0, 1 << 20)
    while True:
        data = source.read(0, size)
        try:
            _, at = load(data, 0, source.name)
            version, at = load(data, at, source.name)
            system, at = load(data, at, source.name)
            value, at = load(data, at, source.name)
            keys, at = load(data, at, source.name)
            break
        except EOFError as error:
            if size >= min(source.size or 0, MAX_PICKLE):
                raise UnsupportedFile(f"{source.name}: its pickle does not end within {size} bytes") from error
            size = min(source.size or 0, size * 8, MAX_PICKLE)
    if (
        version != _VERSION
        or not isinstance(system, dict)
        or system.get("little_endian") is not True
        or not isinstance(keys, list)
    ):
        raise UnsupportedFile(f"{source.name}: its pickle is not that of a little-endian checkpoint")
    return value, keys, at


@dataclass
class _Contents:
    """views: tensors as they are named; storages: type and elements by key; lost: names of what is no array, and why."""

    views: list[View]
    storages: dict[str, tuple[str, int]]
    lost: list[tuple[str, str]]


def _contents(value: Any, file: str, every: bool = False) -> _Contents:
    """What a pickle says; with `every` under every name, else what is mentioned often once."""
    found = _Contents([], {}, [])
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
    above: set[int] = set()  # what the object at hand is in: what is in itself is not entered again
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
    """Marks the end of what is in the object with this id."""

    id: int


_PART = object()  # in place of a key: what has no name of its own


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
    inside: dict[int, list[int]] = {}  # object -> what it is in
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
        what, arguments = arguments[0].name, arguments[2]  # of a class of its own, of which the numbers are enough
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


def _tensors(source: Source, contents: _Contents, places: _Places) -> Tensors:
    by_key: dict[str, list[View]] = {}
    for view in contents.views:
        by_key.setdefault(view.key, []).append(view)
    entries: list[TensorEntry] = []
    taken: set[str] = set()
    reserved = {view.name for view in contents.views}
    for key, (dtype, begin, size) in places.items():
        at = begin
        for entry in sorted(_placed(by_key.get(key, ()), begin, size), key=lambda entry: (entry.offset, -entry.size)):
            if entry.offset >= at and entry.name not in taken:
                entries.append(entry)
                taken.add(entry.name)
                at = entry.stop
        width, flat = DTYPES[dtype] // 8, f"storage.{key}"
        if at == begin and size >= width and flat not in taken and flat not in reserved:
            entries.append(TensorEntry(flat, dtype, (size // width,), begin, size // width * width))
            taken.add(flat)
    if not entries or len(entries) > MAX_TENSORS:
        raise UnsupportedFile(f"{source.name}: its pickle names no tensors, or too many")
    return Tensors(source, "torch", tuple(sorted(entries, key=lambda entry: entry.offset)))


def _placed(views: Any, begin: int, size: int) -> Iterator[TensorEntry]:
    """Those of the tensors that lie in the storage of `size` bytes at `begin` without gaps, in C or Fortran order."""
    for view in views:
        entry = _in_file(view, begin).entry
        if entry is not None and entry.stop <= begin + size:
            yield entry


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...], order: str) -> bool:
    pairs = list(zip(shape, strides, strict=True))
    step = 1
    for count, stride in pairs if order == "F" else pairs[::-1]:
        if count != 1 and stride != step:
            return False
        step *= count
    return True
