"""npz: a zip file of npy files. Only stored members hold tensors; what is compressed stays as it is."""

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Part, Source
from lacodec.media.tensors import _zip, npy
from lacodec.media.tensors.value import TensorEntry, Tensors


def read(source: Source) -> Tensors:
    """The arrays that are stored as they are; raises UnsupportedFile when there are none."""
    found: dict[str, TensorEntry] = {}
    for member in _zip.members(source):
        name = member.name.removesuffix(".npy")
        if member.stored and name != member.name and name not in found:
            try:
                found.update((name, entry) for entry in npy.entries(source, member.offset, member.size, name))
            except UnsupportedFile:
                continue  # a member that is no npy file after all: its bytes stay as they are
    if not found:
        raise UnsupportedFile(f"{source.name}: holds no arrays that are stored uncompressed")
    return Tensors(source, "npz", tuple(found.values()))


def arrays_of(source: Source) -> dict[str, np.ndarray]:
    """The arrays by name; raises UnsupportedFile when one is compressed, as its true size is anyone's guess."""
    arrays = {}
    for member in _zip.members(source):
        name = member.name.removesuffix(".npy")
        if name != member.name:
            if not member.stored:
                raise UnsupportedFile(f"{source.name}: the array {name!r} is compressed within; decode to a file and load that")
            arrays[name] = npy.array_of(Part(source, member.offset, member.offset + member.size))
    return arrays
