"""What Pillow reads and writes here (TIFF compressed otherwise than by deflate, WebP, JPEG and the like), without warnings."""

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lacodec.errors import BadInput, MissingDependency, UnsupportedFile
from lacodec.io.source import Source

if TYPE_CHECKING:
    from lacodec.media.image.tiff import Plan

_PLUGINS = {
    "png": ("PngImagePlugin", "PngImageFile"),
    "tiff": ("TiffImagePlugin", "TiffImageFile"),
    "webp": ("WebPImagePlugin", "WebPImageFile"),
    "bmp": ("BmpImagePlugin", "BmpImageFile"),
    "ppm": ("PpmImagePlugin", "PpmImageFile"),
    "pgm": ("PpmImagePlugin", "PpmImageFile"),
}
_lock = threading.RLock()  # the list of warning filters belongs to the whole process


def pillow_image() -> Any:
    """The module PIL.Image; raises MissingDependency."""
    try:
        from PIL import Image as pillow
    except ImportError as error:
        raise MissingDependency("this image format needs Pillow: pip install pillow") from error
    return pillow


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings of libraries about odd files stay off the terminal; what they mean is found out by comparing."""
    loggers = [logging.getLogger(name) for name in ("PIL", "imagecodecs", "tifffile")]
    with _lock, warnings.catch_warnings():
        before = [logger.disabled for logger in loggers]
        try:
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.disabled = True
            yield
        finally:
            for logger, disabled in zip(loggers, before, strict=True):
                logger.disabled = disabled


@contextmanager
def opened(source: Source, kind: str) -> Iterator[Any]:
    """A Pillow picture of a file of a known kind, without Pillow's limit of pixels; any error becomes UnsupportedFile."""
    import importlib

    pillow = pillow_image()
    module, name = _PLUGINS[kind]
    opener = getattr(importlib.import_module(f"PIL.{module}"), name)
    with quiet():
        limit, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            with opener(io.BytesIO(source.read(0, source.size or 0))) as picture:
                yield picture
        except (UnsupportedFile, MemoryError):
            raise
        except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
            reason = " ".join(str(error).split())[:100]
            raise UnsupportedFile(f"{source.name}: cannot be read as {kind.upper()} ({reason})") from error
        finally:
            pillow.MAX_IMAGE_PIXELS = limit


def tiff_pixels(source: Source, plan: "Plan") -> np.ndarray:
    """The pixels of a compressed TIFF without an orientation (Pillow would turn it); UnsupportedFile where it changes them."""
    modes = {
        (1, 8): ("L", "P"),
        (2, 8): ("LA",),
        (3, 8): ("RGB",),
        (4, 8): ("RGBA",),
        (1, 1): ("1", "P"),
        (1, 16): ("I;16", "I;16B"),
    }
    few = {(1, 2): ("L", "P"), (1, 4): ("L", "P")}
    with opened(source, "tiff") as picture:
        expected = {**modes, **few}.get((plan.channels, plan.depth), ())
        if picture.mode not in expected or (picture.mode == "P") != (plan.palette is not None):
            raise UnsupportedFile(
                f"{source.name}: this TIFF has {plan.channels}x{plan.depth} bits in unsupported method {plan.method}"
            )
        if picture.size != (plan.width, plan.height) or (plan.depth == 16 and plan.inverted):
            raise UnsupportedFile(f"{source.name}: readers disagree about the pixels of this TIFF")
        pixels = np.array(picture)
    pixels = pixels.astype(plan.dtype).reshape(plan.height, plan.width, plan.channels)
    if plan.depth in (2, 4) and plan.palette is None:  # Pillow spreads them over 0 to 255
        pixels = pixels // np.uint8(255 // ((1 << plan.depth) - 1))
    return np.ascontiguousarray(pixels)


def saved(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    """The bytes of a file that Pillow writes, from uint8[h, w, 1 to 4]; raises BadInput."""
    flat = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    out = io.BytesIO()
    try:
        with quiet():
            pillow_image().fromarray(np.ascontiguousarray(flat)).save(out, kind, **options)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{kind} cannot be written ({reason}); name the output .png") from error
    return out.getvalue()
