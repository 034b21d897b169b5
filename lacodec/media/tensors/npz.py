"""npz: a zip file of npy files. Only stored members hold tensors; compressed ones stay as they are."""

from typing import Any

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Part, Source
from lacodec.media.arrays.npy import array_of
from lacodec.media.tensors import npy
from lacodec.media.tensors.value import TensorEntry, Tensors
from lacodec.media.zip_members import members

_MAX_FORMS = 4096  # arrays that need more than a name for their type: the header has room for these


def read(source: Source) -> Tensors:
    """The arrays that are stored as they are; raises UnsupportedFile if there are none."""
    found: list[TensorEntry] = []
    forms: dict[str, Any] = {}
    names: set[str] = set()
    for member in members(source):
        name = member.name.removesuffix(".npy")
        if member.stored and name != member.name:
            try:
                entries, form = npy.entries(source, member.offset, member.size, name)
            except UnsupportedFile:
                continue  # a member that is not an npy file: its bytes stay as they are
            entries = tuple(entry for entry in entries if entry.name not in names)
            names.update(entry.name for entry in entries)
            found += entries
            if form and entries:
                forms[name] = form
    if not found:
        raise UnsupportedFile(f"{source.name}: holds no arrays that are stored uncompressed")
    if len(forms) > _MAX_FORMS:
        raise UnsupportedFile(f"{source.name}: has more than {_MAX_FORMS} arrays of records, text or big-endian numbers")
    return Tensors(source, "npz", tuple(found), {"forms": forms} if forms else None)


def missing(source: Source, entries: tuple[TensorEntry, ...]) -> str | None:
    """The first array that is missing from these entries, with the reason; None if all are present."""
    known = {(entry.name, entry.stop) for entry in entries}
    for member in members(source):
        name = member.name.removesuffix(".npy")
        if name != member.name and (not member.stored or (name, member.offset + member.size) not in known):
            return f"the array {name!r} is compressed, or of a type that only numpy reads; decode to a file and load that"
    return None


def arrays_of(source: Source) -> dict[str, np.ndarray]:
    """The arrays by name; raises UnsupportedFile when one is compressed, as its true size is anyone's guess."""
    arrays = {}
    for member in members(source):
        name = member.name.removesuffix(".npy")
        if name != member.name:
            if not member.stored:
                raise UnsupportedFile(f"{source.name}: the array {name!r} is compressed; decode to a file and load that")
            arrays[name] = array_of(Part(source, member.offset, member.offset + member.size))
    return arrays
