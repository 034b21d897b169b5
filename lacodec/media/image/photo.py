"""Pictures for lossy codecs: any file that Pillow opens -> `Image` of 8 bits, gray or RGB, with or without alpha.

What this changes (16 bits, CMYK, a palette) is said in the value's `note`. Back to a file in the format that it came from.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source, seekable
from lacodec.media.base import Media
from lacodec.media.image.files import IMAGES, SUFFIXES
from lacodec.media.image.objects import is_pillow
from lacodec.media.image.pillow import _pillow as pillow_image
from lacodec.media.image.value import MAX_SIDE, Image

_MAX_PIXELS = 1 << 30
_MOST = 1 << 31  # bytes of a file
_KEPT = {"icc", "exif", "iCCP", "eXIf", "gAMA", "cHRM", "sRGB", "pHYs", "dpi"}  # extras that matter for showing the picture
SUFFIXES = {**SUFFIXES, ".jpg": "jpeg", ".jpeg": "jpeg", ".avif": "avif", ".jp2": "jpeg2000"}
"""Formats that are written: what the name of a file ends with -> what `format` calls it."""
_MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


class PhotoMedia(Media[Image]):
    """Pictures for lossy codecs."""

    name = "picture"
    suffixes = SUFFIXES

    def from_source(self, source: Source) -> Image:
        """The picture in a file; raises UnsupportedFile for what no reader knows."""
        try:
            return eight_bits(IMAGES.from_source(source))
        except UnsupportedFile as error:
            reason = error
        size = source.size
        if size is None or size > _MOST:
            raise reason
        pillow = pillow_image()
        try:
            with pillow.open(io.BytesIO(source.read(0, size))) as picture:
                return _from_pillow(picture, source.name)
        except UnsupportedFile:
            raise
        except pillow.DecompressionBombError:
            most = 2 * (pillow.MAX_IMAGE_PIXELS or 0)
            raise UnsupportedFile(f"{source.name}: has more than {most:,} pixels, the most that Pillow reads") from None
        except pillow.UnidentifiedImageError:
            if IMAGES.sniff(source.peek(64)):
                raise reason from None
            raise UnsupportedFile(f"{source.name}: is no image of a format that is read here") from None
        except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
            raise UnsupportedFile(f"{source.name}: cannot be read as a picture ({' '.join(str(error).split())[:100]})") from error

    def from_object(self, value: Any) -> Image:
        """The same for an Image, a picture of Pillow, a uint8 or uint16 array, or the bytes of a file."""
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        if isinstance(value, Source):
            return self.from_source(seekable(value))
        if is_pillow(value):
            return _from_pillow(value, "<picture>")
        return eight_bits(IMAGES.from_object(value))

    def written(self, value: Image, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: what `suffix` names, else the one that the picture came from.

        PNG for pictures from other formats: a GIF has too few colours for them, an ICO too few pixels.
        """
        came_from = {"mpo": "jpeg"}.get(str(value.format), value.format)
        return SUFFIXES.get(suffix) or (came_from if came_from in SUFFIXES.values() else None) or "png"

    def to_blocks(self, value: Image, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file, in the format `written` (at high quality where that loses)."""
        wanted = self.written(value, suffix)
        if wanted in SUFFIXES.values():
            yield from IMAGES.to_blocks(value, f".{wanted}")
            return
        kind = wanted.upper()
        pixels = value.pixels[:, :, 0] if value.pixels.shape[2] == 1 else value.pixels
        if kind == "JPEG" and value.pixels.shape[2] in (2, 4):
            raise BadInput(f"{kind} cannot hold transparency; name the output .png")
        extras = dict(value.extras)
        options: dict[str, Any] = {"JPEG": {"quality": 97, "subsampling": 0}, "AVIF": {"quality": 95}}.get(kind, {})
        if "icc" in extras:
            options["icc_profile"] = extras["icc"]
        if "exif" in extras and kind in ("JPEG", "AVIF"):
            options["exif"] = extras["exif"]
        out = io.BytesIO()
        try:
            pillow_image().fromarray(np.ascontiguousarray(pixels)).save(out, kind, **options)
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{kind} cannot be written here ({' '.join(str(error).split())}); name the output .png") from error
        yield out.getvalue()


PHOTOS = PhotoMedia()
"""The one instance."""


def eight_bits(value: Image) -> Image:
    """The same picture as gray or RGB of 8 bits; `note` says what was changed."""
    pixels, note = np.asarray(value.pixels), value.note
    extras = tuple(item for item in value.extras if item[0].rstrip(">") in _KEPT)
    if value.palette is not None:
        pixels, note = _through_palette(pixels, value), "its palette became colours"
    elif value.depth == 16:
        pixels = ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        note = "16 bits per sample became 8"
    elif value.depth < 8:
        pixels = pixels * np.uint8(255 // ((1 << value.depth) - 1))
    return replace(value, pixels=pixels, depth=8, palette=None, extras=extras, original=None, note=note)


def _through_palette(pixels: np.ndarray, value: Image) -> np.ndarray:
    assert value.palette is not None
    table = np.zeros((256, 4), np.uint8)
    colours = np.frombuffer(value.palette[:768], np.uint8).reshape(-1, 3)
    table[: len(colours), :3] = colours
    table[:, 3] = 255
    alpha = np.frombuffer(dict(value.extras).get("tRNS", b"")[:256], np.uint8)
    table[: len(alpha), 3] = alpha
    return table[pixels[:, :, 0]][:, :, : 4 if len(alpha) else 3]


def _from_pillow(picture: Any, name: str) -> Image:
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > _MAX_PIXELS:
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are more than a picture may have here")
    if getattr(picture, "n_frames", 1) != 1:
        raise UnsupportedFile(f"{name}: has {picture.n_frames} pages or frames; save the one you want as a picture of its own")
    extras = [
        (key, bytes(picture.info[info])) for key, info in (("icc", "icc_profile"), ("exif", "exif")) if picture.info.get(info)
    ]
    kind = (picture.format or "png").lower()
    if picture.mode in _MODES:
        return Image(_pixels(picture), 8, None, tuple(extras), kind)
    wanted = "RGBA" if "transparency" in picture.info or picture.mode in ("PA", "RGBa") else "RGB"
    if picture.mode.startswith(("I", "F")):
        raise UnsupportedFile(f"{name}: has pixels of kind {picture.mode!r}, which are not coded as an image")
    note = f"{picture.mode} became {wanted}"
    if picture.mode == "CMYK":
        extras = [item for item in extras if item[0] != "icc"]  # the profile is for inks
        note = "CMYK became RGB, without a colour profile"
    return Image(_pixels(picture.convert(wanted)), 8, None, tuple(extras), kind, note=note)


def _pixels(picture: Any) -> np.ndarray:
    pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
