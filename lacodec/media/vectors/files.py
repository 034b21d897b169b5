"""Vectors in and out: arrays with two axes, .npy files of one, and .fvecs and .bvecs files, as collections for search come in.

fvecs = (i32 d, f32[d]) for each vector        bvecs = (i32 d, u8[d]) for each vector        little-endian
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.arrays.given import plain_array, source_of
from lacodec.media.base import Media
from lacodec.media.vectors.value import MOST_COLUMNS, Vectors

if TYPE_CHECKING:
    import numpy as np

_HEAD = 4  # bytes of the number before each vector
_KINDS = {"fvecs": "<f4", "bvecs": "|u1"}
_ROWS = 1 << 12  # at a time

_AXES = "two axes"


class VectorMedia(Media[Vectors]):
    """Vectors of one length."""

    name = "vectors"
    suffixes = {".npy": "npy", ".fvecs": "fvecs", ".bvecs": "bvecs"}  # noqa: RUF012  (frozen by use, as in other media)

    def from_source(self, source: Source) -> Vectors:
        """The vectors in a file; raises UnsupportedFile."""
        from lacodec.media.arrays import npy

        source = seekable(source)
        if source.peek(6).startswith(b"\x93NUMPY"):
            return _checked(npy.array_of(source), "npy", source.name)
        for kind, dtype in _KINDS.items():
            found = _of_rows(source.read(0, source.size or 0), dtype)
            if found is not None:
                return _checked(found, kind, source.name)
        raise UnsupportedFile(f"{source.name}: holds no vectors in a supported format (npy, fvecs, bvecs)")

    def from_object(self, value: Any) -> Vectors:
        """An array with two axes; the bytes or a Source of a file."""
        if isinstance(value, Vectors):
            return value
        source = source_of(value)
        return Vectors(plain_array(value, _AXES)) if source is None else self.from_source(source)

    def to_object(self, value: Vectors) -> Any:
        """The array."""
        return value.rows

    def to_blocks(self, value: Vectors, suffix: str = "") -> Iterator[bytes]:
        """The file; raises BadInput for vectors of another type than .fvecs and .bvecs have."""
        import numpy as np

        from lacodec.media.arrays.npy import header

        kind, rows = self.written(value, suffix), value.rows
        if kind == "npy":
            yield header(rows.dtype, rows.shape, "C")
        elif rows.dtype.str != _KINDS[str(kind)]:
            raise BadInput(f"vectors of {rows.dtype} cannot be written as .{kind}; write .npy")
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            if kind != "npy":
                heads = np.full((len(part), 1), rows.shape[1], "<i4").view(np.uint8)
                part = np.concatenate([heads, np.ascontiguousarray(part).view(np.uint8)], axis=1)
            yield part.tobytes()


VECTORS = VectorMedia()
"""The one instance."""


def _checked(array: "np.ndarray", kind: str, name: str) -> Vectors:
    try:
        return Vectors(plain_array(array, _AXES), kind)
    except BadInput as error:
        raise UnsupportedFile(f"{name}: {error}") from error


def _of_rows(data: bytes | memoryview, dtype: str) -> "np.ndarray | None":
    """The vectors of a file whose rows begin with their length; None if it is none."""
    import numpy as np

    columns = int.from_bytes(data[:_HEAD], "little")
    row = _HEAD + columns * np.dtype(dtype).itemsize
    if not 1 <= columns <= MOST_COLUMNS or len(data) % row:
        return None
    rows = np.frombuffer(data, np.uint8).reshape(-1, row)
    if (rows[:, :_HEAD] != rows[0, :_HEAD]).any():
        return None
    return np.ascontiguousarray(rows[:, _HEAD:]).view(dtype)
