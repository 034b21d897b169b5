"""A GGUF file from a safetensors file whose metadata has the properties of one, read forwards.

safetensors: head | tensors --> GGUF: magic, version, counts, properties, list of tensors | tensors, each aligned

Types stay as they are.
"""

import base64
import struct
from collections.abc import Iterator

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.tensors import gguf, safetensors
from lacodec.media.tensors.value import TensorEntry

PROPERTIES = "gguf"
"""Key of the properties in the metadata, in base 64."""
_KINDS = {name: number for number, name in gguf.PLAIN.items()}
_VERSION, _ALIGNMENT, _MOST_ALIGNED = 3, 32, 1 << 16
_BLOCK = 1 << 20


def metadata_of(properties: bytes) -> dict[str, str]:
    """The metadata of a safetensors file that keeps these `gguf.packed_properties`."""
    return {PROPERTIES: base64.b64encode(properties).decode()}


def blocks(source: Source) -> Iterator[bytes]:
    """The GGUF file for a safetensors file; raises BadInput without properties, UnsupportedFile where they contradict."""
    metadata, tensors = safetensors.read_all(source)
    if PROPERTIES not in metadata:
        raise BadInput(f"{source.name}: was not made from a GGUF file, so it has no properties of one; decode it to .safetensors")
    try:
        properties = base64.b64decode(metadata[PROPERTIES], validate=True)
    except ValueError as error:
        raise UnsupportedFile(f"{source.name}: the properties of a GGUF file in it are damaged ({error})") from error
    head, alignment = _head(source.name, properties, tensors.entries)
    yield head
    for entry in tensors.entries:
        for at in range(entry.offset, entry.stop, _BLOCK):
            yield source.read(at, min(_BLOCK, entry.stop - at))
        yield bytes(-entry.size % alignment)


def _head(name: str, properties: bytes, entries: tuple[TensorEntry, ...]) -> tuple[bytes, int]:
    """(everything before the tensors, their alignment)."""
    begin = struct.pack("<4sIQ", b"GGUF", _VERSION, len(entries)) + properties
    alignment = gguf.properties(BytesSource(begin, name)).get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or not 0 < alignment <= _MOST_ALIGNED:
        raise UnsupportedFile(f"{name}: an alignment of {alignment!r} bytes is not valid")
    listed, at = [], 0
    for entry in entries:
        if entry.dtype not in _KINDS:
            raise BadInput(f"{name}: tensor {entry.name!r} is {entry.dtype}, which GGUF does not have")
        named, shape = entry.name.encode(), entry.shape[::-1]
        described = struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, _KINDS[entry.dtype], at)
        listed.append(struct.pack("<Q", len(named)) + named + described)
        at += entry.size + -entry.size % alignment
    head = begin + b"".join(listed)
    return head + bytes(-len(head) % alignment), alignment
