"""PyTorch checkpoints: files of `torch.save`, as a zip file (since 1.6) or the older form; read by `_pickle`, never unpickled.

A storage is an array of numbers in the file; tensors are views of storages. A tensor that covers a range of its storage without
gaps becomes an entry under its name, the first of those that share a range; storages that no such tensor covers become flat ones.
`views` finds all tensors under all their names, including those that are not entries, or reports which of them is not an array of
numbers.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media import zip_members
from lacodec.media.tensors._pickle import load
from lacodec.media.tensors.torch_objects import MAX_PICKLE, Contents, View, contents_of
from lacodec.media.tensors.value import DTYPES, MAX_TENSORS, TensorEntry, Tensors, as_array, place_of

_VERSION = 1001  # of the older form

_MAX_EXPANDED = 64 << 20  # bytes of a tensor that repeats its values, which is expanded all the same


def read(source: Source) -> Tensors:
    """The tensors of a checkpoint that is a zip file; raises UnsupportedFile."""
    value, root = _zip_pickle(source)
    contents = contents_of(value, source.name)
    return _tensors(source, contents, _zip_places(source, root, contents.storages))


def read_legacy(source: Source) -> Tensors:
    """The tensors of a checkpoint of the older form; raises UnsupportedFile."""
    value, keys, at = _legacy_pickles(source)
    contents = contents_of(value, source.name)
    return _tensors(source, contents, _legacy_places(source, keys, at, contents.storages))


def views(source: Source) -> list[View]:
    """All tensors of a checkpoint under all their names, in the order of the pickle.

    Raises UnsupportedFile, which names it, if one cannot be read as an array: it is sparse, quantised or without values, lies
    outside of the file, or has the name of another one.
    """
    if source.peek(2) == b"PK":
        value, root = _zip_pickle(source)
        contents = contents_of(value, source.name, every=True)
        places = _zip_places(source, root, contents.storages)
    else:
        value, keys, at = _legacy_pickles(source)
        contents = contents_of(value, source.name, every=True)
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
    """A tensor as a writable array (`as_array` gives the type); raises UnsupportedFile."""
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
    by_name = {member.name: member for member in zip_members.members(source) if member.stored}
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
    """(the content of data.pkl, its folder)."""
    pickle = zip_members.member(source, "/data.pkl")
    if pickle is None or pickle.size > MAX_PICKLE:
        raise UnsupportedFile(f"{source.name}: is not a PyTorch checkpoint: its data.pkl is missing or too large")
    try:
        value, _ = load(source.read(pickle.offset, pickle.size), 0, source.name)
    except EOFError as error:
        raise UnsupportedFile(f"{source.name}: its data.pkl is cut off") from error
    return value, pickle.name.removesuffix("data.pkl")


def _legacy_pickles(source: Source) -> tuple[Any, list[Any], int]:
    """(the content of the main pickle, keys of the storages in their order, offset of the first)."""
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


def _tensors(source: Source, contents: Contents, places: _Places) -> Tensors:
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
    """The tensors in the storage of `size` bytes at `begin` without gaps, in C or Fortran order."""
    for view in views:
        entry = _in_file(view, begin).entry
        if entry is not None and entry.stop <= begin + size:
            yield entry
