"""The quality that reaches a target: bits per pixel, or dB."""

import numpy as np

from laconic.codecs.image._learned_tiles import Canvas, Part, Picture, estimated_bits
from laconic.errors import BadInput
from laconic.models.image.model import ImageModel

_LOW, _HIGH = 100, 10000  # hundredths of quality
_SIDE = 1024


def find_quality(network: ImageModel, pixels: np.ndarray, bpp: float | None, psnr: float | None) -> int:
    """Hundredths of quality: the highest that stays below `bpp`, or the lowest that reaches `psnr`; BadInput if none does.

    Found by bisection, on the model's estimate of the bits. A large picture is judged by its middle tile.
    """
    middle = [max(0, (n - _SIDE) // 2 // 16 * 16) for n in pixels.shape[:2]]
    pixels = pixels[middle[0] : middle[0] + _SIDE, middle[1] : middle[1] + _SIDE]

    def enough(quality: int) -> bool:
        """Whether the picture is good enough, or already too large."""
        bits, decibels = _measure(network, pixels, quality, psnr is not None)
        return bits > bpp if bpp is not None else decibels >= (psnr or 0)

    low, high = _LOW, _HIGH
    if psnr is not None and not enough(high):
        raise BadInput(f"{psnr} dB cannot be reached here, not even with quality 100; use image.lossless")
    if bpp is not None and enough(low):
        raise BadInput(f"{bpp} bits per pixel cannot be reached here, not even with quality 1; make the picture smaller")
    if bpp is not None and not enough(high):
        return high
    if psnr is not None and enough(low):
        return low
    while high - low > 12:
        quality = (low + high) // 2
        low, high = (low, quality) if enough(quality) else (quality, high)
    return low if bpp is not None else high


def _measure(network: ImageModel, pixels: np.ndarray, quality: int, decode: bool) -> tuple[float, float]:
    """(bits per pixel, dB of the colours)."""
    t = (quality / 100 - 1) / 99
    height, width, channels = pixels.shape
    place = (0, height, 0, width)
    bits, values = estimated_bits(network, Picture(network, pixels, t).latents(place), t)
    if not decode:
        return bits / height / width, 0.0
    canvas = Canvas(network, (height, width, channels), place, t)
    canvas.put(Part(*place, values, None))
    colours = channels - (channels in (2, 4))
    error = canvas.pixels()[:, :, :colours].astype(np.float64) - pixels[:, :, :colours]
    return bits / height / width, float(10 * np.log10(255**2 / max(1e-9, np.mean(error**2))))
