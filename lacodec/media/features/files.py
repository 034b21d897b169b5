"""Features in and out: arrays with three or four axes, and .npy files of one."""

from collections.abc import Iterator
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.arrays.given import plain_array, source_of
from lacodec.media.base import Media
from lacodec.media.features.value import Features

_AXES = "three or four axes"


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
            return Features(plain_array(npy.array_of(source), _AXES))
        except BadInput as error:
            raise UnsupportedFile(f"{source.name}: {error}") from error

    def from_object(self, value: Any) -> Features:
        """An array; the bytes or a Source of a file."""
        if isinstance(value, Features):
            return value
        source = source_of(value)
        return Features(plain_array(value, _AXES)) if source is None else self.from_source(source)

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
