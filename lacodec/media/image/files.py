"""Picture files in and out, for codecs that restore every pixel.

PNG is read and written here (`png`), since Pillow cuts 16-bit colour to 8; other formats go through Pillow and imagecodecs
(`pillow`). Files that this cannot give back exactly raise UnsupportedFile, and codec `bytes` takes them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source, seekable
from lacodec.media.base import Media
from lacodec.media.image.objects import extras_of, from_pillow, is_pillow, to_pillow
from lacodec.media.image.value import Image

MAX_FILE = 1 << 31
SMALLEST = 1024  # bytes of a file: below, the header of an image costs more than its codec gains

_PNG = b"\x89PNG\r\n\x1a\n"
_FORMATS = {b"BM": "bmp", b"II*\0": "tiff", b"MM\0*": "tiff", b"P5": "pgm", b"P6": "ppm"}
SUFFIXES = {".png": "png", ".bmp": "bmp", ".tif": "tiff", ".tiff": "tiff", ".pgm": "pgm", ".ppm": "ppm", ".webp": "webp"}
"""Formats that are written: what the name of a file ends with -> what `format` calls it."""


class ImageMedia(Media[Image]):
    """Pictures in files that can be given back exactly."""

    name = "image"
    suffixes = SUFFIXES
    smallest = SMALLEST

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is an image of a format that we read."""
        return _format(head) is not None

    def remark(self, head: bytes) -> str | None:
        """What to know about pictures that are left to codec `bytes`."""
        if head[:3] == b"\xff\xd8\xff":
            return "a JPEG is a lossy file already: its bytes are kept"
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return "GIF is kept as bytes; a PNG of it would become smaller"
        return None

    def accepts(self, value: Any) -> bool:
        """Images, and pictures of Pillow."""
        return isinstance(value, Image) or is_pillow(value)

    def from_source(self, source: Source) -> Image:
        """The picture in a file; raises UnsupportedFile for what cannot be given back exactly, BadInput for unreadable files."""
        size = source.size
        if size is None or size > MAX_FILE:
            raise UnsupportedFile(f"{source.name}: is larger than {MAX_FILE >> 30} GiB, too much for an image")
        kind = _format(source.peek(64))
        if kind is None:
            raise UnsupportedFile(f"{source.name}: is no image of a format that is read here (PNG, TIFF, BMP, PPM, PGM, WebP)")
        if kind == "png":
            from lacodec.media.image.png import read_png

            return read_png(source)
        from lacodec.media.image.pillow import read_picture

        return read_picture(source.read(0, size), kind, source.name)

    def from_object(self, value: Any) -> Image:
        """An Image as it is, or the one for a picture of Pillow, or a uint8 or uint16 array of shape (h, w) or (h, w, 1 to 4)."""
        if isinstance(value, Image):
            return value
        if is_pillow(value):
            return from_pillow(value)
        if isinstance(value, Source):
            return self.from_source(seekable(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return from_bytes(bytes(value), "<bytes>")
        if not isinstance(value, np.ndarray):
            raise BadInput(
                f"a {type(value).__name__} is not an image; pass a path, a Pillow image or an array of shape (h, w, channels)"
            )
        pixels = value[:, :, None] if value.ndim == 2 else value
        return Image(pixels, 16 if pixels.dtype == np.uint16 else 8)

    def to_object(self, value: Image) -> Any:
        """An Image; a picture of Pillow if it was one."""
        return value if value.made_of is None else to_pillow(value)

    def written(self, value: Image, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: what `suffix` names, else the one that the picture came from."""
        return SUFFIXES.get(suffix) or value.format or "png"

    def to_blocks(self, value: Image, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file with this picture, in the format `written`."""
        wanted = self.written(value, suffix)
        if value.made_of is not None:
            value = replace(value, extras=extras_of(value))
        if value.original is not None and wanted == value.format:
            yield value.original
        elif wanted == "png":
            from lacodec.media.image.png import write_png

            yield from write_png(value)
        else:
            from lacodec.media.image.pillow import write_picture

            yield write_picture(replace(value, pixels=np.asarray(value.pixels)), wanted)

    def difference(self, original: Source, restored: Source) -> str | None:
        """As in Media."""
        return "its content differs" if self.from_source(original) != self.from_source(restored) else None


IMAGES = ImageMedia()
"""The one instance."""


def from_bytes(data: bytes, name: str) -> Image:
    """The picture in the bytes of a file called `name`."""
    return IMAGES.from_source(BytesSource(data, name))


def _format(head: bytes) -> str | None:
    if head.startswith(_PNG):
        return "png"
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8L":
        return "webp"
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        return "webp"
    if head[:2] in (b"P5", b"P6") and not head[2:3].isspace():
        return None
    if head[:2] == b"BM" and (len(head) < 18 or int.from_bytes(head[14:18], "little") not in (12, 40, 56, 64, 108, 124)):
        return None
    return next((kind for magic, kind in _FORMATS.items() if head.startswith(magic)), None)
