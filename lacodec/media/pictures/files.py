"""Sets of pictures in and out: arrays, lists of arrays, and .npy files; for training also folders of picture files."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, FileSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.pictures.value import Pictures

_AT_A_TIME = 1 << 10


class PictureSets(Media[Pictures]):
    """Pictures of one size."""

    name = "pictures"
    suffixes = {".npy": "npy"}  # noqa: RUF012  (frozen by use, as in other media)

    def from_source(self, source: Source) -> Pictures:
        """The pictures in a .npy file; raises UnsupportedFile."""
        import numpy as np

        from lacodec.media.arrays import npy

        source = seekable(source)
        if not source.peek(6).startswith(b"\x93NUMPY"):
            raise UnsupportedFile(f"{source.name}: is not a set of pictures; give a .npy file of uint8 [pictures, height, width]")
        try:
            return Pictures(np.ascontiguousarray(npy.array_of(source)))
        except BadInput as error:
            raise UnsupportedFile(f"{source.name}: {error}") from error

    def from_object(self, value: Any) -> Pictures:
        """An array, or a list of arrays of one shape; the bytes or a Source of a .npy file."""
        if isinstance(value, Pictures):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, list) and value and all(isinstance(one, numpy.ndarray) for one in value):
            if len({one.shape for one in value}) != 1:
                raise BadInput("the pictures of a set must have one size")
            value = numpy.stack(value)
        if numpy is None or not isinstance(value, numpy.ndarray):
            raise BadInput(
                f"a {type(value).__name__} is not an array of pictures; pass uint8 [pictures, height, width], or a path"
            )
        return Pictures(numpy.ascontiguousarray(value))

    def to_object(self, value: Pictures) -> Any:
        """The array."""
        return value.pixels

    def to_blocks(self, value: Pictures, suffix: str = "") -> Iterator[bytes]:
        """The .npy file."""
        from lacodec.media.arrays.npy import header

        pixels = value.pixels
        yield header(pixels.dtype, pixels.shape, "C")
        for start in range(0, len(pixels), _AT_A_TIME):
            yield pixels[start : start + _AT_A_TIME].tobytes()

    def difference(self, original: Source, restored: Source) -> str | None:
        """Of the pictures: heads of .npy files differ with the version of numpy that wrote them."""
        import numpy as np

        one, two = (self.from_source(source).pixels for source in (original, restored))
        return None if np.array_equal(one, two) else "the pictures differ"


PICTURE_SETS = PictureSets()
"""The one instance."""


def load(path: Path) -> Pictures:
    """The pictures in a .npy file, or in a folder of picture files of one size, by name; raises BadInput, UnsupportedFile."""
    import numpy as np

    from lacodec.media.image.files import from_bytes

    if not path.is_dir():
        with FileSource(path) as source:
            return PICTURE_SETS.from_source(source)
    found: list[Any] = []
    for file in sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")):
        image = from_bytes(file.read_bytes(), str(file))
        if image.depth != 8 or image.palette is not None:
            raise UnsupportedFile(f"{file}: only pictures of 8 bits per sample without a palette can be in a set")
        if found and image.pixels.shape != found[0].shape:
            raise BadInput(f"{file}: has another size than those before it; a set has pictures of one size")
        found.append(image.pixels)
    if not found:
        raise BadInput(f"{path}: no pictures found")
    pixels = np.stack(found)
    return Pictures(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
