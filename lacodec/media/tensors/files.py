"""Files of named arrays in and out.

A parser gives the places of tensors and nothing more: every byte of the file that belongs to no tensor (headers, padding,
pickles, zip directories) stays in `source`, so that a file of any format is restored byte for byte.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource, seekable
from lacodec.media.base import Media
from lacodec.media.tensors.value import Tensors

SMALLEST = 256  # bytes of a file: below, nothing is gained

_BLOCK = 1 << 20
_HEAD = 256  # bytes of a file that tell its format
_MEMBERS = (b".npy", b"/data.pkl", b"/data/0")  # first members of a zip file with tensors
_MAGICS = {
    b"\x93NUMPY": "npy",
    b"GGUF": "gguf",
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.": "legacy",
}


class TensorMedia(Media[Tensors]):
    """Files of named arrays."""

    name = "tensors"
    smallest = SMALLEST

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so may hold tensors in a format that we read."""
        return _format(head) is not None

    def accepts(self, value: Any) -> bool:
        """Tensors, arrays of numpy, tensors of torch, and dicts, lists and tuples of those."""
        if isinstance(value, Tensors | Mapping | list | tuple):
            return True
        if isinstance(value, str | bytes | bytearray | memoryview | os.PathLike):
            return False  # without importing numpy
        from lacodec.media.tensors import objects

        return objects.is_ours(value)

    def from_source(self, source: Source) -> Tensors:
        """The tensors in a file or pipe; raises UnsupportedFile, with the error and its place, for contradictory files."""
        source = seekable(source)
        kind = _format(source.peek(_HEAD))
        if kind is None:
            raise UnsupportedFile(
                f"{source.name}: holds no tensors in a supported format (safetensors, npy, npz, GGUF, PyTorch checkpoint)"
            )
        return _readers()[kind](source)

    def from_object(self, value: Any) -> Tensors:
        """An object from a caller of the Python interface: Tensors; an array or tensor, or several; or the bytes of a file.

        Several become a safetensors file that is made while it is read, as does one of torch; one of numpy an .npy file.
        """
        if isinstance(value, Tensors):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        from lacodec.media.tensors import objects

        if objects.is_ours(value):
            return objects.tensors_of(value)
        raise BadInput(
            f"a {type(value).__name__} holds no tensors; pass a dict of names and arrays, a path, or the bytes of a file"
        )

    def to_object(self, value: Tensors) -> Any:
        """The object passed to `from_object`; from files numpy arrays by name (`as_array` lists the dtypes), from .npy its array.

        The arrays can be written to. Reads once, forwards.
        """
        from lacodec.media.arrays.npy import array_of
        from lacodec.media.tensors import npz, objects, torch_checkpoint

        if value.made_of is None and value.format == "npy":
            return array_of(value.source).copy(order="K")
        if value.format == "npz":
            return npz.arrays_of(seekable(value.source))
        if value.format == "torch":
            return torch_checkpoint.arrays_of(seekable(value.source), value.entries)
        if value.format == "gguf" and (why := missing(value := replace(value, source=seekable(value.source)))):
            raise UnsupportedFile(f"{value.source.name}: {why}; decode to a file and load that")
        return objects.object_of(value)

    def to_blocks(self, value: Tensors, suffix: str = "") -> Iterator[bytes]:
        """The bytes of the file."""
        return value.source.pieces() if isinstance(value.source, IteratorSource) else value.source.blocks(_BLOCK)


class QuantisedMedia(TensorMedia):
    """Files of named arrays that become safetensors files, whatever they were, or GGUF files if they were such."""

    suffixes = {".safetensors": "safetensors", ".gguf": "gguf"}  # noqa: RUF012  (as in other media)

    def written(self, value: Tensors, suffix: str) -> str:
        """By the suffix, else safetensors."""
        return self.suffixes.get(suffix, "safetensors")

    def to_blocks(self, value: Tensors, suffix: str = "") -> Iterator[bytes]:
        """The bytes of the file."""
        from lacodec.media.tensors import gguf_write

        if self.written(value, suffix) == "gguf":
            return gguf_write.blocks(seekable(value.source))
        return super().to_blocks(value, suffix)


TENSORS = TensorMedia()
"""The one instance."""
QUANTISED = QuantisedMedia()
"""For codecs that are not lossless."""


def missing(value: Tensors) -> str | None:
    """The first array in a file (of known size) that is not among its entries: its name, and why; None if all are.

    For PyTorch checkpoints use `torch_checkpoint.views`, which also finds those that are not entries.
    """
    from lacodec.media.tensors import gguf, npz

    if value.format == "npy" and not value.entries:
        return "it holds pickled Python objects, which are not restored"
    if value.format == "npz":
        return npz.missing(value.source, value.entries)
    return gguf.missing(value.source) if value.format == "gguf" else None


def _readers() -> dict[str, Callable[[Source], Tensors]]:
    from lacodec.media.tensors import gguf, npy, npz, safetensors, torch_checkpoint

    return {
        "safetensors": safetensors.read,
        "npy": npy.read,
        "zip": lambda source: (npz if b".npy" in source.peek(_HEAD) else torch_checkpoint).read(source),
        "gguf": gguf.read,
        "legacy": torch_checkpoint.read_legacy,
    }


def _format(head: bytes) -> str | None:
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 27:
        return "safetensors"
    if head[:4] == b"PK\x03\x04" and any(name in head for name in _MEMBERS):
        return "zip"
    return next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)
