"""Picture files in and out, for codecs that restore every pixel.

PNG is read and written by `png`, since Pillow cuts 16-bit colour to 8. Uncompressed BMP, PPM, PGM and TIFF come
back byte for byte (`frames`); compressed TIFF and lossless WebP come back with the same pixels, tags and chunks (`tiff`, `webp`).
Files that this does not understand in every respect raise UnsupportedFile, and codec `bytes` takes them.
"""

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.image.objects import extras_of, from_pillow, is_pillow, to_pillow
from lacodec.media.image.value import Image

if TYPE_CHECKING:
    from lacodec.media.image.facts import Facts
    from lacodec.media.image.frames import Frame

MAX_FILE = 1 << 31
SMALLEST = 1024  # bytes of a file: below, the header of an image costs more than its codec gains

_PNG = b"\x89PNG\r\n\x1a\n"
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_FORMATS = {b"BM": "bmp", b"II*\0": "tiff", b"MM\0*": "tiff", b"P5": "pgm", b"P6": "ppm"}
SUFFIXES = {".png": "png", ".bmp": "bmp", ".tif": "tiff", ".tiff": "tiff", ".pgm": "pgm", ".ppm": "ppm", ".webp": "webp"}
"""The formats that can be written: suffix of the file name -> name of the format."""


class ImageMedia(Media[Image]):
    """Pictures in files that can be given back exactly."""

    name = "image"
    suffixes = SUFFIXES
    smallest = SMALLEST

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is an image of a format that we read."""
        return _format(head) is not None

    def remark(self, head: bytes) -> str | None:
        """Notes about pictures that are left to codec `bytes`."""
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return "GIF is kept as bytes; a PNG of it would become smaller"
        return None

    def accepts(self, value: Any) -> bool:
        """Images, and pictures of Pillow."""
        return isinstance(value, Image) or is_pillow(value)

    def from_source(self, source: Source) -> Image:
        """The picture in a file; raises UnsupportedFile if it cannot be restored exactly, BadInput if it is unreadable."""
        size = source.size
        if size is None or size > MAX_FILE:
            raise UnsupportedFile(f"{source.name}: is larger than {MAX_FILE >> 30} GiB, too much for an image")
        kind = _format(source.peek(64))
        if kind is None:
            raise UnsupportedFile(f"{source.name}: is not a supported image (PNG, TIFF, BMP, PPM, PGM, WebP)")
        if kind == "png":
            from lacodec.media.image.png import read_png

            return read_png(source)
        if kind == "tiff":
            from lacodec.media.image.tiff import read_tiff

            return read_tiff(source)
        if kind == "webp":
            from lacodec.media.image.webp import read_webp

            return read_webp(source)
        from lacodec.media.image.frames import read_frame

        return read_frame(source, _frame_of(source, kind), kind)

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
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the picture came from."""
        return SUFFIXES.get(suffix) or value.format or "png"

    def to_blocks(self, value: Image, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file with this picture, in the format `written`."""
        wanted = self.written(value, suffix)
        if value.made_of is not None:
            value = replace(value, extras=extras_of(value))
        if value.original is not None and wanted == value.format:
            yield value.original
        elif wanted == value.format:
            yield from _same_format(value)
        else:
            yield from _other_format(value, wanted)

    def difference(self, original: Source, restored: Source) -> str | None:
        """The first difference between two picture files, both read again by other readers; None if they agree."""
        from lacodec.media.image.compare import difference

        return difference(original, restored)


IMAGES = ImageMedia()
"""The one instance."""


def from_bytes(data: bytes, name: str) -> Image:
    """The picture in the bytes of a file called `name`."""
    return IMAGES.from_source(BytesSource(data, name))


def palette_of(kind: str | None, extras: tuple[tuple[str, bytes], ...], shape: tuple[int, ...]) -> bytes | None:
    """The palette in the header of a file that was kept among the extras; UnsupportedFile when it is not that of `shape`."""
    from lacodec.media.image.frames import KINDS, surroundings

    if kind not in KINDS or "head" not in dict(extras):
        return None
    around = surroundings(extras)
    frame = _frame_of(around, str(kind))
    kept = dict(extras)
    expected = frame.offset + frame.body + len(kept.get("tail", b""))
    if (frame.height, frame.width, frame.channels) != shape or frame.offset != len(kept["head"]) or expected != around.size:
        raise UnsupportedFile(f"{around.name} belongs to another picture")
    return frame.palette


def _frame_of(source: Source, kind: str) -> "Frame":
    """The places of the rows of an uncompressed file."""
    if kind == "bmp":
        from lacodec.media.image.bmp import bmp_frame

        return bmp_frame(source)
    if kind == "tiff":
        from lacodec.media.image.tiff import plan_of, tiff_frame

        frame = tiff_frame(plan_of(source))
        if frame is None:
            raise UnsupportedFile(f"{source.name}: is not an uncompressed TIFF")
        return frame
    from lacodec.media.image.pnm import pnm_frame

    return pnm_frame(source)


def _same_format(value: Image) -> Iterator[bytes]:
    """The file again, with all that was kept of it."""
    from lacodec.media.image.frames import frame_blocks, is_framed, surroundings

    kept = dict(value.extras)
    if value.format == "png":
        from lacodec.media.image.png import write_png

        yield from write_png(value)
    elif is_framed(value):
        yield from frame_blocks(value, _frame_of(surroundings(value.extras), str(value.format)))
    elif value.format == "tiff" and "tags" in kept:
        from lacodec.media.image.tiff import write_tiff
        from lacodec.media.image.tiff_directory import unpacked_tags

        yield from write_tiff(value.pixels, value.depth, value.palette, unpacked_tags(kept["tags"]))
    elif value.format == "webp" and not {"icc", "exif", "xmp"} & set(kept) and value.pixels.shape[2] in (3, 4):
        from lacodec.media.image.webp import write_webp

        yield write_webp(np.asarray(value.pixels), value.extras)
    else:
        yield from _other_format(value, str(value.format))


def _other_format(value: Image, kind: str) -> Iterator[bytes]:
    """A new file with the picture and all data that its format can hold; raises BadInput that names the rest."""
    from lacodec.media.image.facts import check_holds, facts_of, through_palette, with_alpha

    facts = facts_of(value)
    if kind == "png":
        from lacodec.media.image.png import write_png

        check_holds(value, facts, kind)
        yield from write_png(_for_png(value, facts))
        return
    value = with_alpha(value)
    check_holds(value, facts, kind)
    pixels, depth, palette = np.asarray(value.pixels), value.depth, value.palette
    if palette is not None and kind in ("ppm", "pgm", "webp"):
        pixels, depth, palette = through_palette(pixels, value), 8, None
    if depth < 8 and kind == "webp":
        pixels = pixels * np.uint8(255 // ((1 << depth) - 1))
    channels = pixels.shape[2]
    if kind in ("ppm", "pgm"):
        from lacodec.media.image.pnm import write_pnm

        if kind == "pgm" and channels == 3:
            raise BadInput("PGM cannot hold the colours of this picture; name the output .ppm")
        yield write_pnm(np.repeat(pixels, 3, 2) if kind == "ppm" and channels == 1 else pixels, depth)
    elif kind == "bmp":
        from lacodec.media.image.bmp import write_bmp

        yield write_bmp(pixels[:, :, [0, 0, 0, 1]] if channels == 2 else pixels, depth, palette, facts.icc, facts.dpi)
    elif kind == "tiff":
        from lacodec.media.image.tiff import write_tiff
        from lacodec.media.image.tiff_directory import Directory

        yield from write_tiff(pixels, depth, palette, facts.tiff_tags() or Directory(False, {}, 0, []))
    elif kind == "webp":
        from lacodec.media.image.webp import new_extras, write_webp

        pixels = pixels[:, :, {1: [0, 0, 0], 2: [0, 0, 0, 1]}.get(channels, slice(None))]
        yield write_webp(pixels, new_extras(pixels.shape, facts.icc, facts.exif_data(), facts.xmp))
    else:
        raise BadInput(f"this picture cannot be written as {kind.upper()}; name the output .png")


def _for_png(value: Image, facts: "Facts") -> Image:
    """The same picture with extras that PNG has."""
    named = (("icc", facts.icc), ("exif", facts.exif_data()), ("xmp", facts.xmp))
    extras = [(key, body) for key, body in named if body]
    if facts.dpi:
        extras.append(("dpi", struct.pack("<dd", *facts.dpi)))
    return replace(value, extras=tuple(extras), original=None)


def _format(head: bytes) -> str | None:
    if head.startswith(_PNG):
        return "png"
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8L":
        return "webp"
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        return "webp"
    if head[:2] in (b"P5", b"P6") and not head[2:3].isspace():
        return None
    if head[:2] == b"BM" and (len(head) < 18 or int.from_bytes(head[14:18], "little") not in _BMP_HEADERS):
        return None
    return next((kind for magic, kind in _FORMATS.items() if head.startswith(magic)), None)
