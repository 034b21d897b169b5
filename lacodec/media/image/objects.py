"""Pictures of Pillow as `Image`, and back with their mode, size, pixels, palette and `info`.

`made_of` is plain data for the header: "mode", and "info" with tuples as {"tuple": [...]}, if not empty.
"""

import sys
from numbers import Rational
from typing import Any

import numpy as np

from lacodec.errors import BadInput, CorruptFile
from lacodec.media.image.value import Image

_DEPTHS = {"1": 1, "L": 8, "P": 8, "LA": 8, "RGB": 8, "RGBA": 8, "I;16": 16, "I;16L": 16, "I;16B": 16}
_KEPT = "1, L, LA, P, RGB, RGBA or I;16"
_EXTRAS = {"icc_profile": "icc", "exif": "exif"}  # of which writers of files know
_MOST_COLOURS = 256


def is_pillow(value: Any) -> bool:
    """Whether this is a picture of Pillow, which is not imported to find out."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def from_pillow(picture: Any) -> Image:
    """The picture at its current frame; raises BadInput if it would not be restored identically."""
    if picture.mode not in _DEPTHS:
        raise BadInput(f"a picture of mode {picture.mode!r} cannot be stored; convert it to {_KEPT}, or pass np.asarray(it)")
    if getattr(picture, "n_frames", 1) != 1:
        raise BadInput(f"the picture has {picture.n_frames} frames or pages; pass picture.copy() to keep the current one")
    palette = None
    if picture.mode == "P":
        picture.load()
        if picture.palette is None or picture.palette.mode != "RGB":
            raise BadInput("the picture has a palette that is not plain RGB; convert it to RGBA")
        palette = bytes(picture.getpalette("RGB") or b"")
    pixels = np.asarray(picture)
    if picture.mode in ("1", "I;16", "I;16L", "I;16B"):
        pixels = pixels.astype(np.uint8 if picture.mode == "1" else np.uint16)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    made_of: dict[str, Any] = {"mode": picture.mode}
    if picture.info:
        made_of["info"] = {_checked(key): _packed(value, f"info[{key!r}]") for key, value in picture.info.items()}
    return Image(pixels, _DEPTHS[picture.mode], palette, made_of=made_of)


def to_pillow(image: Image) -> Any:
    """The picture again; raises CorruptFile where `made_of` makes no sense."""
    from PIL import Image as pillow

    mode, info = (image.made_of or {}).get("mode"), info_of(image)
    pixels = np.asarray(image.pixels)
    channels = len(mode) if mode in ("LA", "RGB", "RGBA") else 1
    if mode not in _DEPTHS or _DEPTHS[mode] != image.depth or pixels.shape[2] != channels:
        raise CorruptFile("the header does not describe the Pillow picture")
    flat = np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels)
    size = flat.shape[1], flat.shape[0]
    if mode == "1":
        picture = pillow.frombytes("1", size, np.packbits(flat != 0, axis=1).tobytes())
    else:
        picture = pillow.frombytes(mode, size, flat.astype(">u2" if mode == "I;16B" else flat.dtype.newbyteorder("<")).tobytes())
    if mode == "P" and image.palette is not None:
        picture.putpalette(image.palette[: 3 * _MOST_COLOURS], "RGB")
    picture.info = info
    return picture


def info_of(image: Image) -> dict[Any, Any]:
    """The `info` that a picture of Pillow had; raises CorruptFile where it makes no sense."""
    info = (image.made_of or {}).get("info", {})
    if not isinstance(info, dict):
        raise CorruptFile("the header does not describe the Pillow picture")
    return {key: _unpacked(value) for key, value in info.items()}


def extras_of(image: Image) -> tuple[tuple[str, bytes], ...]:
    """The data besides the pixels for a file of this picture, from Pillow's `info`."""
    info = (image.made_of or {}).get("info", {})
    found = [(name, info[key]) for key, name in _EXTRAS.items() if isinstance(info, dict) and isinstance(info.get(key), bytes)]
    return tuple(item for item in found if item[1])


def _checked(key: Any) -> str:
    if not isinstance(key, str):
        raise BadInput(f"picture.info has the key {key!r}, which is not a string; remove it")
    return key


def _packed(value: Any, where: str, depth: int = 0) -> Any:
    if isinstance(value, tuple) and depth < 8:
        return {"tuple": [_packed(item, where, depth + 1) for item in value]}
    if isinstance(value, list) and depth < 8:
        return [_packed(item, where, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, Rational):  # as TIFF files have
        return float(value)
    raise BadInput(f"picture.{where} holds a {type(value).__name__}, which cannot be stored; remove it from picture.info")


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        items = value.get("tuple")
        if not isinstance(items, list):
            raise CorruptFile("the header does not describe the picture's info")
        return tuple(_unpacked(item) for item in items)
    return [_unpacked(item) for item in value] if isinstance(value, list) else value
