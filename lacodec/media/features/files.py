"""Features in and out: arrays with three or four axes, and .npy files of one."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.features.value import Features

if TYPE_CHECKING:
    import numpy as np


class FeatureMedia(Media[Features]):
    """Activations of a layer."""

    name = "features"
    suffixes = {".npy": "npy"}  # noqa: RUF012  (frozen by use, as in other media)

    def from_source(self, source: Source) -> Features:
        """The features in an .npy file; raises UnsupportedFile."""
        from lacodec.media.arrays import npy

        source = seekable(source)
        if not source.peek(6).startswith(b"\x93NUMPY"):
            raise UnsupportedFile(f"{source.name}: is not an .npy file, as features come in")
        try:
            return Features(_plain(npy.array_of(source)))
        except BadInput as error:
            raise UnsupportedFile(f"{source.name}: {error}") from error

    def from_object(self, value: Any) -> Features:
        """An array; the bytes or a Source of a file."""
        if isinstance(value, Features):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, numpy.ndarray):
            raise BadInput(f"a {type(value).__name__} is not an array of numpy; pass one with three or four axes, or a path")
        return Features(_plain(value))

    def to_object(self, value: Features) -> Any:
        """The array."""
        return value.values

    def to_blocks(self, value: Features, suffix: str = "") -> Iterator[bytes]:
        """The .npy file."""
        from lacodec.media.arrays.npy import header

        yield header(value.values.dtype, value.values.shape, "C")
        yield from (item.tobytes() for item in value.values)


FEATURES = FeatureMedia()
"""The one instance."""


def _plain(array: "np.ndarray") -> "np.ndarray":
    """In C order, little-endian."""
    import numpy as np

    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
