"""Arrays of numpy in and out: objects, and files of one (.npy) or several (.npz).

A parser gives the places of arrays and nothing more: every byte of the file that belongs to none (headers, zip directories,
pickles of Python objects) stays in `source`, so that a file is restored byte for byte.
"""

import sys
from collections.abc import Iterator
from typing import Any

from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource, seekable
from lacodec.media.arrays.value import Arrays
from lacodec.media.base import Media

SMALLEST = 256  # bytes of a file: below, nothing is gained

_BLOCK = 1 << 20
_HEAD = 256  # bytes of a file that tell its format
_NPY, _ZIP, _MEMBER = b"\x93NUMPY", b"PK\x03\x04", b".npy"


class ArrayMedia(Media[Arrays]):
    """Arrays of numpy, and files of them."""

    name = "arrays"
    smallest = SMALLEST

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is an .npy file, or a zip file whose first member is one."""
        return _format(head) is not None

    def accepts(self, value: Any) -> bool:
        """Arrays and scalars of numpy, which is not imported to find out; not its bytes and strings, which are Python's, too."""
        numpy = sys.modules.get("numpy")
        if isinstance(value, Arrays):
            return True
        return numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) and not isinstance(value, str | bytes)

    def from_source(self, source: Source) -> Arrays:
        """The arrays in a file; raises UnsupportedFile for Python objects, and for files that contradict themselves."""
        from lacodec.media.arrays import npy, npz

        source = seekable(source)
        kind = _format(source.peek(_HEAD))
        if kind is None:
            raise UnsupportedFile(f"{source.name}: holds no arrays in a supported format (npy, npz)")
        return npy.read(source) if kind == "npy" else npz.read(source)

    def from_object(self, value: Any) -> Arrays:
        """Arrays; an array or a scalar, as the .npy file that numpy would write; a Source of a file, or its bytes."""
        if isinstance(value, Arrays):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        if not self.accepts(value):
            raise BadInput(f"a {type(value).__name__} is not an array of numpy; pass one, a path, or the bytes of a file")
        from lacodec.media.arrays.memory import arrays_of

        return arrays_of(value)

    def to_object(self, value: Arrays) -> Any:
        """The array or scalar; of an .npz file a dict of arrays. They can be written to. Reads once, forwards.

        Raises UnsupportedFile if the file holds an array that cannot be had.
        """
        from lacodec.media.arrays.dtypes import as_array

        if value.missing is not None:
            raise UnsupportedFile(
                f"{value.source.name}: the array {value.missing[:200]!r} is compressed, or of a type that only numpy reads; "
                "decode to a file and load that"
            )
        found = {
            entry.name: as_array(entry.descr, entry.shape, _gathered(value.source, entry.offset, entry.size), entry.order)
            for entry in value.entries
        }
        if value.source.size is None:  # being decoded: the bytes after the last array may be damaged, too
            value.source.read(1 << 62, 1)
        if value.format != "npy":
            return found
        if len(found) != 1:
            raise CorruptFile("the header does not describe the one array of an .npy file")
        (array,) = found.values()
        return array[()] if value.scalar else array

    def to_blocks(self, value: Arrays, suffix: str = "") -> Iterator[bytes]:
        """The bytes of the file."""
        return value.source.pieces() if isinstance(value.source, IteratorSource) else value.source.blocks(_BLOCK)


ARRAYS = ArrayMedia()
"""The one instance."""


def _format(head: bytes) -> str | None:
    if head.startswith(_NPY):
        return "npy"
    return "npz" if head.startswith(_ZIP) and _MEMBER in head else None


def _gathered(source: Source, offset: int, size: int) -> bytearray | memoryview:
    """Exactly these bytes; grows with what arrives, so that a forged size allocates nothing. Raises CorruptFile if it ends."""
    data = source.gather(offset, size) if isinstance(source, IteratorSource) else bytearray(source.read(offset, size))
    if len(data) < size:
        raise CorruptFile(f"an array of {size} bytes ends after {len(data)}")
    return data
