"""PyTorch checkpoints: what `torch.save` writes, as a zip file (since 1.6) or the older form; read by `_pickle`, never unpickled.

A storage is an array of numbers in the file; tensors are views of storages. A tensor that covers a range of its storage without
gaps becomes an entry under its name, the first of those that share a range; storages that no such tensor covers become flat ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.tensors import _zip
from lacodec.media.tensors._pickle import Call, Name, Storage, load
from lacodec.media.tensors.value import DTYPES, MAX_NAME, MAX_TENSORS, TensorEntry, Tensors

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


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor: where it lies in which storage; offset and strides count elements."""

    name: str
    key: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(source: Source) -> Tensors:
    """The tensors of a checkpoint that is a zip file; raises UnsupportedFile."""
    by_name = {member.name: member for member in _zip.members(source) if member.stored}
    value, root = _zip_pickle(source)
    order = by_name.get(f"{root}byteorder")
    if order is not None and source.read(order.offset, min(order.size, 16)) != b"little":
        raise UnsupportedFile(f"{source.name}: was written on a big-endian machine")
    views, storages = _contents(value, source.name)
    places = {}
    for key, (dtype, _) in storages.items():
        member = by_name.get(f"{root}data/{key}")
        if member is not None:
            places[key] = (dtype, member.offset, member.size)
    return _tensors(source, views, places)


def read_legacy(source: Source) -> Tensors:
    """The tensors of a checkpoint of the older form; raises UnsupportedFile."""
    value, keys, at = _legacy_pickles(source)
    views, storages = _contents(value, source.name)
    places = {}
    for key in keys:
        if not isinstance(key, str) or key not in storages or key in places:
            raise UnsupportedFile(f"{source.name}: lists a storage that no tensor uses, or lists one twice")
        dtype, count = storages[key]
        if int.from_bytes(source.read(at, 8), "little") != count:
            raise UnsupportedFile(f"{source.name}: the storage at offset {at} should have {count} elements; the file is damaged")
        size = count * DTYPES[dtype] // 8
        places[key] = (dtype, at + 8, size)
        at += 8 + size
    return _tensors(source, views, places)


def names(source: Source) -> list[tuple[str, ...]]:
    """The names of all tensors of a checkpoint; those of one tensor that has several (tied weights) together."""
    value = _zip_pickle(source)[0] if source.peek(2) == b"PK" else _legacy_pickles(source)[0]
    same: dict[Any, list[str]] = {}
    for view in _contents(value, source.name)[0]:
        same.setdefault((view.key, view.dtype, view.offset, view.shape, view.strides), []).append(view.name)
    return [tuple(found) for found in same.values()]


def _zip_pickle(source: Source) -> tuple[Any, str]:
    """(what data.pkl says, the folder that it is in)."""
    pickle = _zip.member(source, "/data.pkl")
    if pickle is None or pickle.size > MAX_PICKLE:
        raise UnsupportedFile(f"{source.name}: is a zip file with no data.pkl, or one that is too large; no PyTorch checkpoint")
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


def _contents(value: Any, file: str) -> tuple[list[_View], dict[str, tuple[str, int]]]:
    """(tensors in the order that they are named, type and number of elements by key of a storage)."""
    views: list[_View] = []
    storages: dict[str, tuple[str, int]] = {}
    for name, item in _walk(value, file):
        found = _storage(item)
        if found is not None:
            storages.setdefault(found[0], found[1:])
            continue
        view = _view(name, item)
        if view is not None:
            views.append(view)
    return views, storages


def _walk(value: Any, file: str) -> Iterator[tuple[str, Any]]:
    """Calls and storages anywhere in `value` with the names that lead there; what is mentioned often is entered once."""
    seen: set[int] = set()
    named = 0
    todo: list[tuple[str, Any, Any]] = [("", "", value)]  # name of what holds it, its key there, the object
    while todo:
        parent, key, item = todo.pop()
        if not isinstance(item, dict | list | tuple | Call | Storage):
            continue
        name = f"{parent}.{key}" if parent and key != "" else parent or str(key)
        if len(name) > MAX_NAME:
            continue
        named += len(name)
        if named > MAX_PICKLE:
            raise UnsupportedFile(f"{file}: its pickle has longer names than {MAX_PICKLE} bytes in all")
        if isinstance(item, Call | Storage):
            yield name, item
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            todo.extend((name, key, child) for key, child in reversed(item.items()))
        elif isinstance(item, list | tuple):
            todo.extend((name, i, item[i]) for i in reversed(range(len(item))))
        elif isinstance(item, Call):
            arguments = item.arguments if isinstance(item.arguments, tuple) else (item.arguments,)
            todo.extend((name, "", child) for child in (item.state, *reversed(arguments)))


def _storage(item: Any) -> tuple[str, str, int] | None:
    """(key, type, number of elements) of a storage."""
    if not isinstance(item, Storage) or not isinstance(item.id, tuple) or len(item.id) < 5 or item.id[0] != "storage":
        return None
    kind, key, count = item.id[1], item.id[2], item.id[4]
    if not isinstance(kind, Name) or not kind.name.endswith("Storage") or not isinstance(key, str) or type(count) is not int:
        return None
    short = kind.name.split(" ")[-1].removesuffix("Storage")
    dtype = _STORAGES.get(short) or _torch_dtype(short.lower())
    return None if dtype is None or not 0 <= count < 1 << 56 else (key, dtype, count)


def _view(name: str, item: Any) -> _View | None:
    """The tensor that a call would rebuild."""
    if not isinstance(item, Call) or not isinstance(item.what, Name) or item.what.name not in _REBUILD:
        return None
    arguments = item.arguments
    if not isinstance(arguments, tuple) or len(arguments) < 4:
        return None
    found, (offset, shape, strides) = _storage(arguments[0]), arguments[1:4]
    if found is None or type(offset) is not int or not _counts(shape) or not _counts(strides) or len(shape) != len(strides):
        return None
    dtype: str | None = found[1]
    if item.what.name.endswith("_v3"):
        dtype = _torch_dtype(arguments[6].name.split(" ")[-1]) if len(arguments) > 6 and isinstance(arguments[6], Name) else None
    return None if dtype is None or offset < 0 else _View(name, found[0], dtype, offset, shape, strides)


def _counts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) <= 64 and all(type(n) is int and 0 <= n < 1 << 56 for n in value)


def _torch_dtype(name: str) -> str | None:
    from lacodec.media.tensors.memory import torch_name

    found = torch_name(name)
    return found if found in DTYPES else None


def _tensors(source: Source, views: list[_View], places: dict[str, tuple[str, int, int]]) -> Tensors:
    """`places`: type, offset in the file and bytes of each storage by key."""
    by_key: dict[str, list[_View]] = {}
    for view in views:
        by_key.setdefault(view.key, []).append(view)
    entries: list[TensorEntry] = []
    taken: set[str] = set()
    for key, (dtype, begin, size) in places.items():
        at = begin
        for entry in sorted(_placed(by_key.get(key, ()), begin, size), key=lambda entry: (entry.offset, -entry.size)):
            if entry.offset >= at and entry.name and entry.name not in taken:
                entries.append(entry)
                taken.add(entry.name)
                at = entry.stop
        width = DTYPES[dtype] // 8
        if at == begin and size >= width and f"storage.{key}" not in taken:
            entries.append(TensorEntry(f"storage.{key}", dtype, (size // width,), begin, size // width * width))
            taken.add(f"storage.{key}")
    if not entries or len(entries) > MAX_TENSORS:
        raise UnsupportedFile(f"{source.name}: its pickle names no tensors, or too many")
    return Tensors(source, "torch", tuple(sorted(entries, key=lambda entry: entry.offset)))


def _placed(views: Any, begin: int, size: int) -> Iterator[TensorEntry]:
    """Those of the tensors that lie in the storage of `size` bytes at `begin` without gaps, in C or Fortran order."""
    for view in views:
        width = DTYPES[view.dtype] // 8
        need = prod(view.shape) * width
        if view.offset * width + need > size:
            continue
        for order in "C", "F":
            if _contiguous(view.shape, view.strides, order):
                yield TensorEntry(view.name, view.dtype, view.shape, begin + view.offset * width, need, order)
                break


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...], order: str) -> bool:
    pairs = list(zip(shape, strides, strict=True))
    step = 1
    for count, stride in pairs if order == "F" else pairs[::-1]:
        if count != 1 and stride != step:
            return False
        step *= count
    return True
