"""How Pillow shows a picture: its mode, its `info`, and its pixels; and the `Image` for a file of a picture that Pillow shows.

What Pillow has no mode for is shown as by its own reader of PNG: 2 and 4 bits as 8, and colours of 16 bits as 8.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from lacodec.errors import BadInput, CorruptFile
from lacodec.media.image.facts import facts_of
from lacodec.media.image.objects import info_of
from lacodec.media.image.value import Image

_DEPTHS = {"1": 1, "L": 8, "P": 8, "LA": 8, "RGB": 8, "RGBA": 8, "I;16": 16, "I;16L": 16, "I;16B": 16}
_EXIF = b"Exif\0\0"


def mode_of(image: Image) -> str:
    """1, L, LA, P, RGB, RGBA or I;16; known without the pixels."""
    if image.palette is not None:
        return "P"
    return {1: {1: "1", 16: "I;16"}.get(image.depth, "L"), 2: "LA", 3: "RGB"}.get(image.pixels.shape[2], "RGBA")


def shown_info(image: Image) -> dict[Any, Any]:
    """Profile, EXIF, XMP, resolution, transparency under Pillow's names; all `info` of what was a picture of Pillow."""
    if image.made_of is not None:
        return info_of(image)
    facts = facts_of(image)
    exif = facts.exif_data()
    found = {
        "icc_profile": facts.icc,
        "exif": exif and (exif if exif.startswith(_EXIF) else _EXIF + exif),
        "xmp": facts.xmp,
        "dpi": facts.dpi,
        "transparency": _transparency(image),
    }
    return {key: value for key, value in found.items() if value is not None}


def shown(image: Image, pixels: np.ndarray) -> Any:
    """A picture of Pillow with some pixels of `image` (uint8 or uint16[rows, columns, channels]), without `info`."""
    from PIL import Image as pillow

    mode, (rows, columns, channels) = mode_of(image), pixels.shape
    if image.depth == 16 and channels > 1:
        pixels = (pixels >> 8).astype(np.uint8)
    elif image.depth in (2, 4) and mode == "L":
        pixels = pixels * np.uint8(255 // ((1 << image.depth) - 1))
    flat = pixels[:, :, 0] if channels == 1 else pixels
    flat = np.packbits(flat != 0, axis=1) if mode == "1" else flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    picture = pillow.frombytes(mode, (columns, rows), np.ascontiguousarray(flat).tobytes())
    if mode == "P":
        if not isinstance(image.palette, bytes):
            raise CorruptFile("the palette in the header is none")
        picture.putpalette(image.palette[:768], "RGB")
    return picture


def image_shown(picture: Any, info: Mapping[Any, Any]) -> Image:
    """The Image of a picture of Pillow as a file would keep it, with the data in `info` that files know; raises BadInput."""
    if picture.mode == "P" and picture.palette is not None and picture.palette.mode != "RGB":
        picture = picture.convert("RGBA")
    if picture.mode not in _DEPTHS:
        raise BadInput(f"cannot write mode {picture.mode} as LAC; convert the picture to 1, L, LA, P, RGB, RGBA or I;16")
    depth = _DEPTHS[picture.mode]
    pixels = np.asarray(picture).astype(np.uint16 if depth == 16 else np.uint8)
    palette = bytes(picture.getpalette("RGB") or b"") if picture.mode == "P" else None
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return Image(pixels, depth, palette, tuple(_extras(info, picture.mode)), "png")


def _extras(info: Mapping[Any, Any], mode: str) -> list[tuple[str, bytes]]:
    exif: Any = info.get("exif")
    if not isinstance(exif, bytes | None):  # PIL.Image.Exif
        exif = exif.tobytes()
    found = [
        ("icc", info.get("icc_profile")),
        ("exif", exif.removeprefix(_EXIF) if isinstance(exif, bytes) else None),
        ("xmp", info.get("xmp")),
    ]
    extras = [(name, bytes(body)) for name, body in found if isinstance(body, bytes) and body]
    dpi = info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2 and min(dpi) > 0:
        extras.append(("dpi", struct.pack("<dd", *map(float, dpi))))
    clear = info.get("transparency")
    if mode == "P" and isinstance(clear, int | bytes):
        extras.append(("tRNS", clear if isinstance(clear, bytes) else b"\xff" * min(255, max(0, clear)) + b"\0"))
    elif mode in ("1", "L", "I;16") and isinstance(clear, int):
        extras.append(("tRNS", struct.pack(">H", min(65535, max(0, clear)) // (255 if mode == "1" else 1))))
    elif mode == "RGB" and isinstance(clear, tuple) and len(clear) == 3:
        extras.append(("tRNS", struct.pack(">HHH", *clear)))
    return extras


def _transparency(image: Image) -> Any:
    """Of a palette the only clear entry or the alpha of all, else the clear colour as Pillow's modes count it."""
    body = dict(image.extras).get("tRNS")
    if not body:
        return None
    if image.palette is not None:
        return body.index(0) if body.count(0) == 1 and body.count(255) == len(body) - 1 else body
    values = np.frombuffer(body[: len(body) // 2 * 2], ">u2").tolist()
    if len(values) != image.pixels.shape[2] or len(values) not in (1, 3):
        return None
    scale = 255 // ((1 << image.depth) - 1) if image.depth < 8 else 1
    return tuple(values) if len(values) == 3 else values[0] * scale
