"""Images of formats other than PNG, through Pillow, where that gives back exactly what the file holds; and PPM with 16 bits."""

import io
import re
import struct
from typing import Any

import numpy as np

from lacodec.errors import BadInput, MissingDependency, UnsupportedFile
from lacodec.media.image.value import MAX_SIDE, Image

_MODES = {"1": 1, "L": 8, "LA": 8, "RGB": 8, "RGBA": 8, "P": 8, "I;16": 16, "I;16B": 16, "I;16L": 16}
_PNM = re.compile(rb"(P[56])\s+(\d{1,7})\s+(\d{1,7})\s+(\d{1,5})\s")
_MAX_PIXELS = 1 << 30


def read_picture(data: bytes, kind: str, name: str) -> Image:
    """The picture in the bytes of a file of this kind; raises UnsupportedFile."""
    if kind in ("ppm", "pgm"):
        return _read_pnm(data, kind, name)
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=[kind.upper()]) as picture:
            return _from_pillow(picture, data, kind, name)
    except UnsupportedFile:
        raise
    except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
        raise UnsupportedFile(f"{name}: cannot be read as {kind.upper()} ({' '.join(str(error).split())[:100]})") from error


def write_picture(image: Image, kind: str) -> bytes:
    """The bytes of a file of this kind; raises BadInput where the format cannot hold the picture."""
    channels = image.pixels.shape[2]
    if kind in ("ppm", "pgm"):
        return _write_pnm(image, kind)
    if image.depth == 16 and (channels > 1 or kind != "tiff"):
        raise BadInput(f"{kind.upper()} is written here with 8 bits per sample only; name the output .png")
    pillow = _pillow()
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    if image.depth == 16:
        picture = pillow.fromarray(image.pixels[:, :, 0])
    elif image.palette is not None:
        picture = pillow.fromarray(image.pixels[:, :, 0], "L")
        picture.putpalette(image.palette)
    elif image.depth == 1:
        picture = pillow.fromarray(image.pixels[:, :, 0] * np.uint8(255), "L").convert("1", dither=0)
    elif image.depth in (2, 4):
        picture = pillow.fromarray(image.pixels[:, :, 0] * np.uint8(255 // ((1 << image.depth) - 1)), "L")
    else:
        flat = image.pixels[:, :, 0] if channels == 1 else image.pixels
        picture = pillow.fromarray(np.ascontiguousarray(flat), modes[channels])
    options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "webp" else {}
    for key, body in image.extras:
        if key == "icc":
            options["icc_profile"] = body
        elif key == "exif" and kind == "webp":
            options["exif"] = body
        elif key == "dpi" and kind in ("tiff", "bmp") and len(body) == 16:
            options["dpi"] = struct.unpack("<dd", body)
    if kind == "tiff":
        options["compression"] = "tiff_adobe_deflate"
    out = io.BytesIO()
    try:
        picture.save(out, kind.upper(), **options)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{kind.upper()} cannot hold this image ({' '.join(str(error).split())}); name the output .png") from error
    return out.getvalue()


def _pillow() -> Any:
    try:
        from PIL import Image as pillow
    except ImportError as error:
        raise MissingDependency("this image format needs Pillow: pip install pillow") from error
    return pillow


def _from_pillow(picture: Any, data: bytes, kind: str, name: str) -> Image:
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > _MAX_PIXELS:
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are more than an image may have here")
    if getattr(picture, "n_frames", 1) != 1:
        raise UnsupportedFile(f"{name}: has {picture.n_frames} pages or frames")
    if picture.mode not in _MODES:
        raise UnsupportedFile(f"{name}: has pixels of kind {picture.mode!r}, which are not coded as an image")
    if kind == "webp" and b"VP8L" not in data[:64] and b"VP8L" not in data[: 1 << 16]:
        raise UnsupportedFile(f"{name}: a lossy WebP: its bytes are kept")
    if kind == "tiff" and _bits(picture) not in (_MODES[picture.mode], None):
        raise UnsupportedFile(f"{name}: a TIFF with {_bits(picture)} bits per sample, which would not be restored")
    extras = []
    icc, exif, dpi = picture.info.get("icc_profile"), picture.info.get("exif"), picture.info.get("dpi")
    if icc:
        extras.append(("icc", bytes(icc)))
    if exif and kind == "webp":
        extras.append(("exif", bytes(exif)))
    if dpi and kind in ("tiff", "bmp"):
        extras.append(("dpi", struct.pack("<dd", float(dpi[0]), float(dpi[1]))))
    palette = None
    if picture.mode == "P":
        if picture.palette.mode != "RGB" or "transparency" in picture.info:
            raise UnsupportedFile(f"{name}: has a palette that is not plain RGB")
        palette = bytes(picture.palette.getdata()[1])
    pixels = np.asarray(picture)
    if picture.mode.startswith("I;16"):
        pixels = pixels.astype(np.uint16)
    elif picture.mode == "1":
        pixels = pixels.astype(np.uint8)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return Image(np.ascontiguousarray(pixels), _MODES[picture.mode], palette, tuple(extras), kind, data)


def _bits(picture: Any) -> int | None:
    """Bits per sample of a TIFF, the largest; its mode may hide some."""
    found = picture.tag_v2.get(258)
    return max(found) if isinstance(found, tuple) else found


def _read_pnm(data: bytes, kind: str, name: str) -> Image:
    head = _PNM.match(data[:64])
    if head is None:
        raise UnsupportedFile(f"{name}: this {kind.upper()} has a head of an unusual form")
    channels = 3 if head[1] == b"P6" else 1
    width, height, top = int(head[2]), int(head[3]), int(head[4])
    wide = top > 255
    body = memoryview(data)[head.end() :]
    if top not in (255, 65535) or not width or not height or len(body) != width * height * channels * (1 + wide):
        raise UnsupportedFile(f"{name}: this {kind.upper()} has an unusual range or length")
    pixels = np.frombuffer(body, ">u2" if wide else np.uint8).reshape(height, width, channels)
    return Image(pixels.astype(np.uint16 if wide else np.uint8), 16 if wide else 8, None, (), kind, data)


def _write_pnm(image: Image, kind: str) -> bytes:
    height, width, channels = image.pixels.shape
    if image.palette is not None or channels != (3 if kind == "ppm" else 1) or image.depth < 8:
        raise BadInput(f"{kind.upper()} cannot hold this image; name the output .png")
    top = 65535 if image.depth == 16 else 255
    body = image.pixels.astype(">u2") if image.depth == 16 else image.pixels
    return b"P%d\n%d %d\n%d\n" % (6 if channels == 3 else 5, width, height, top) + body.tobytes()
