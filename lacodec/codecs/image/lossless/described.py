"""The header of codec `image.lossless`: shape, depth, palette and the data besides the pixels, in and out."""

import zlib
from typing import Any

from lacodec.container.types import Header
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.media.image.files import palette_of
from lacodec.media.image.value import MAX_SIDE, Image

MAX_EXTRA = 1 << 20
"""Bytes that a piece of metadata may have."""


def picture_of(header: Header, pixels: Any) -> Image:
    """The picture with these pixels (or a stand-in, `Unread`); raises CorruptFile."""
    extras = extras_of(header)
    try:
        palette = palette_of(header.format, extras, shape_of(header)) or header.metadata.get("palette")
    except UnsupportedFile as error:
        raise CorruptFile(f"the header of the file in it is damaged ({error})") from error
    made_of = header.metadata.get("object")
    made_of = made_of if isinstance(made_of, dict) else None
    return Image(pixels, depth_of(header), palette, extras, header.format, made_of=made_of)


def beside(value: Image) -> dict[str, Any]:
    """Palette and extras as the header keeps them: name and bytes, or name, deflated bytes and how many they become."""
    described: dict[str, Any] = {}
    if value.palette is not None and not any(key == "head" for key, _ in value.extras):  # else the head holds it
        described["palette"] = value.palette
    if value.extras:
        described["extras"] = [_packed_extra(*item) for item in value.extras]
    return described


def _packed_extra(name: str, body: bytes) -> list[Any]:
    packed = zlib.compress(body, 9)
    return [name, packed, len(body)] if len(packed) + 8 < len(body) else [name, body]


def extras_of(header: Header) -> tuple[tuple[str, bytes], ...]:
    """The content that `_beside` packed."""
    found = []
    try:
        for name, body, *size in header.metadata.get("extras", ()):
            if not isinstance(body, bytes) or (size and not 0 <= size[0] <= MAX_EXTRA):
                raise ValueError("too large, or of another type")
            whole = zlib.decompressobj().decompress(body, size[0] + 1) if size else body
            if size and len(whole) != size[0]:
                raise ValueError("another length")
            found.append((str(name), whole))
    except (ValueError, TypeError, zlib.error) as error:
        raise CorruptFile(f"the header describes the picture's extra data in an impossible way ({error})") from error
    return tuple(found)


def shape_of(header: Header) -> tuple[int, int, int]:
    """Height, width, channels; raises CorruptFile."""
    shape = header.metadata.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 3
        or not all(isinstance(n, int) and 0 < n <= limit for n, limit in zip(shape, (MAX_SIDE, MAX_SIDE, 4), strict=True))
    ):
        raise CorruptFile("the header lacks the shape of the image")
    return shape[0], shape[1], shape[2]


def depth_of(header: Header) -> int:
    """Bits per sample; raises CorruptFile."""
    depth = header.metadata.get("depth", 8)
    if depth not in (1, 2, 4, 8, 16):
        raise CorruptFile(f"the header claims {depth!r} bits per sample")
    return int(depth)
