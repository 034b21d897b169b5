"""Pictures for lossy codecs: any file that Pillow opens -> `Image` of 8 bits, gray or RGB, with or without alpha.

What this changes (16 bits, CMYK, a palette) is listed in the value's `note`. Back to a file in the format that it came from.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lacodec.errors import LacodecError, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.image.facts import check_holds, facts_of, through_palette, with_alpha
from lacodec.media.image.files import IMAGES, SUFFIXES
from lacodec.media.image.objects import is_pillow
from lacodec.media.image.pillow import pillow_image, quiet, saved
from lacodec.media.image.png import COLOUR_CHUNKS
from lacodec.media.image.value import MAX_SIDE, Image

_MAX_PIXELS = 1 << 30
_MOST_BESIDE = 256 << 10  # bytes of profile, EXIF or XMP
_INFO = (("icc", "icc_profile"), ("exif", "exif"), ("xmp", "xmp"))
_MOST = 1 << 31  # bytes of a file
SUFFIXES = {**SUFFIXES, ".jpg": "jpeg", ".jpeg": "jpeg", ".avif": "avif", ".jp2": "jpeg2000"}
"""The formats that can be written: suffix of the file name -> name of the format."""
_MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


class PhotoMedia(Media[Image]):
    """Pictures for lossy codecs."""

    name = "picture"
    suffixes = SUFFIXES

    def from_source(self, source: Source) -> Image:
        """The picture in a file; raises UnsupportedFile if no reader knows its format."""
        try:
            return eight_bits(IMAGES.from_source(source))
        except UnsupportedFile as error:
            reason = error
        size = source.size
        if size is None or size > _MOST:
            raise reason
        pillow = pillow_image()
        try:
            with quiet(), pillow.open(io.BytesIO(source.read(0, size))) as picture:
                return _from_pillow(picture, source.name)
        except UnsupportedFile:
            raise
        except pillow.DecompressionBombError:
            most = 2 * (pillow.MAX_IMAGE_PIXELS or 0)
            raise UnsupportedFile(f"{source.name}: has more than {most:,} pixels, Pillow's limit") from None
        except pillow.UnidentifiedImageError:
            if IMAGES.sniff(source.peek(64)):
                raise reason from None
            raise UnsupportedFile(f"{source.name}: is not a supported image") from None
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
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the picture came from.

        PNG for pictures from other formats: a GIF has too few colours for them, an ICO too few pixels.
        """
        came_from = {"mpo": "jpeg"}.get(str(value.format), value.format)
        return SUFFIXES.get(suffix) or (came_from if came_from in SUFFIXES.values() else None) or "png"

    def to_blocks(self, value: Image, suffix: str = "") -> Iterator[bytes]:
        """The bytes of a file, in the format `written` (at high quality where that loses)."""
        wanted = self.written(value, suffix)
        if wanted in IMAGES.suffixes.values():
            yield from IMAGES.to_blocks(value, f".{wanted}")
            return
        value = with_alpha(value)
        facts = facts_of(value)
        check_holds(value, facts, wanted)
        options: dict[str, Any] = {"jpeg": {"quality": 97, "subsampling": 0}, "avif": {"quality": 95}}.get(wanted, {})
        exif = facts.exif_data()
        if exif and not exif.startswith(b"Exif\0\0"):
            exif = b"Exif\0\0" + exif
        for key, body in (("icc_profile", facts.icc), ("exif", exif), ("xmp", facts.xmp)):
            if body:
                options[key] = body
        yield saved(value.pixels, wanted.upper(), **options)

    def difference(self, original: Source, restored: Source) -> str | None:
        """Differences that a lossy codec must not make: in the size of the picture, and in its data besides the pixels."""
        try:
            one, other = self.from_source(original), self.from_source(restored)
        except LacodecError as error:
            return f"the restored file cannot be read ({error})"
        if one.pixels.shape != other.pixels.shape:
            return f"{one.pixels.shape} became {other.pixels.shape}"
        before, after = facts_of(one), facts_of(other)
        for name in ("icc", "exif", "xmp", "orientation", "space"):
            if getattr(before, name) != getattr(after, name):
                return f"{name} differs"
        return None


PHOTOS = PhotoMedia()
"""The one instance."""


def eight_bits(value: Image) -> Image:
    """The same picture as gray or RGB of 8 bits, with or without alpha; `note` lists the changes and losses."""
    facts, notes = facts_of(value), [value.note] if value.note else []
    if "tRNS" in dict(value.extras):
        notes.append("its transparent colours became alpha")
    shown = with_alpha(value)
    pixels = np.asarray(shown.pixels)
    if shown.palette is not None:
        pixels = through_palette(pixels, shown)
    elif shown.depth == 16:
        pixels = ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    elif shown.depth < 8:
        pixels = pixels * np.uint8(255 // ((1 << shown.depth) - 1))
    if value.palette is not None:
        notes.append("its palette became colours")
    if value.depth == 16:
        notes.append("16 bits per sample became 8")
    if facts.others:
        notes.append(f"not kept: {', '.join(facts.others)}")
    extras = [(key, body) for key, body in value.extras if key in COLOUR_CHUNKS]
    extras += _small((("icc", facts.icc), ("exif", facts.exif_data()), ("xmp", facts.xmp)), notes)
    if facts.dpi:
        extras.append(("dpi", struct.pack("<dd", *facts.dpi)))
    note = "; ".join(notes) or None
    return replace(value, pixels=pixels, depth=8, palette=None, extras=tuple(extras), original=None, file_size=None, note=note)


def _small(items: Iterable[tuple[str, bytes | None]], notes: list[str]) -> list[tuple[str, bytes]]:
    """Those that a header has room for; `notes` gets a word about the others."""
    kept = []
    for key, body in items:
        if body and len(body) > _MOST_BESIDE:
            notes.append(f"not kept: {key.upper()} of {len(body) >> 10} KiB")
        elif body:
            kept.append((key, bytes(body)))
    return kept


def _from_pillow(picture: Any, name: str) -> Image:
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > _MAX_PIXELS:
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are more than a picture may have")
    if getattr(picture, "n_frames", 1) != 1:
        raise UnsupportedFile(f"{name}: has {picture.n_frames} pages or frames; save the one you want as a separate picture")
    notes: list[str] = []
    kind = (picture.format or "png").lower()
    if kind in ("tiff", "png"):  # the strict readers have refused it
        notes.append(f"not kept: everything in this {kind.upper()} except pixels, profile, EXIF and XMP")
    extras = _small(((key, picture.info.get(info)) for key, info in _INFO), notes)
    transparent = "transparency" in picture.info
    if picture.mode in _MODES and not transparent:
        return Image(_pixels(picture), 8, None, tuple(extras), kind, note="; ".join(notes) or None)
    if picture.mode.startswith(("I", "F")):
        raise UnsupportedFile(f"{name}: has pixels of kind {picture.mode!r}, which cannot be coded as an image")
    wanted = "RGBA" if transparent or picture.mode in ("PA", "RGBa") else "RGB"
    if picture.mode == "CMYK":
        extras = [item for item in extras if item[0] != "icc"]  # the profile is for inks
        notes.insert(0, "CMYK became RGB, without a colour profile")
    else:
        notes.insert(0, f"{picture.mode} became {wanted}")
    return Image(_pixels(picture.convert(wanted)), 8, None, tuple(extras), kind, note="; ".join(notes))


def _pixels(picture: Any) -> np.ndarray:
    pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
