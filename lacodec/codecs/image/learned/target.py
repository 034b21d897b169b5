"""The quality that reaches a target: bits per pixel, or dB."""

from dataclasses import dataclass, replace

import numpy as np

from lacodec.codecs.image.learned.quality import Quality
from lacodec.codecs.image.learned.refine import STEPS, searched
from lacodec.codecs.image.learned.tiles import Canvas, Part, Picture
from lacodec.errors import BadInput
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import PATCH

_LOW, _HIGH = 100, 10000  # hundredths of quality
_SIDE = 1024
_NEAR = 12  # hundredths that are near enough
_SHIFT = 50  # hundredths by which effort moves the quality, about


@dataclass(frozen=True)
class Target:
    """A picture uint8[height, width, channels], and the bits per pixel to stay below or the dB to reach, one of the two.

    quality: its regions and what is around them stay.
    """

    network: ImageModel
    pixels: np.ndarray
    bpp: float | None
    psnr: float | None
    quality: Quality

    def passed(self, quality: int, effort: int) -> bool:
        """Whether the picture is good enough, or already too large, at this quality in hundredths."""
        height, width, channels = self.pixels.shape
        place, tried = (0, height, 0, width), replace(self.quality, t=(quality / 100 - 1) / 99)
        coder = searched(Picture(self.network, self.pixels, tried), place, effort)
        if self.bpp is not None:
            return coder.bits() / height / width > self.bpp
        canvas = Canvas(self.network, (height, width, channels), place, tried)
        canvas.put(Part(*place, coder.values, None))
        colours = channels - (channels in (2, 4))
        error = canvas.pixels()[:, :, :colours].astype(np.float64) - self.pixels[:, :, :colours]
        return float(10 * np.log10(255**2 / max(1e-9, np.mean(error**2)))) >= (self.psnr or 0)


def find_quality(target: Target, effort: int) -> int:
    """Hundredths of quality: the highest that stays below the bits, or the lowest that reaches the dB; BadInput if none does.

    Found by bisection, on the model's estimate of the bits: first with the least effort, then near that with the one that is
    wanted. A large picture is judged by its middle tile.
    """
    middle = [max(0, (n - _SIDE) // 2 // PATCH * PATCH) for n in target.pixels.shape[:2]]
    pixels = target.pixels[middle[0] : middle[0] + _SIDE, middle[1] : middle[1] + _SIDE]
    moved = target.quality.moved(middle[0] // PATCH, middle[1] // PATCH)
    target = replace(target, pixels=pixels, quality=moved)
    low, high = _bisected(target, 1, _LOW - 1, _HIGH + 1)
    if STEPS[effort - 1]:
        low, high = _bisected(target, effort, *_bracket(target, effort, low, high))
    if target.bpp is not None and low < _LOW:
        raise BadInput(
            f"{target.bpp} bits per pixel cannot be reached for this picture, even at quality 1; make the picture smaller"
        )
    if target.psnr is not None and high > _HIGH:
        raise BadInput(f"{target.psnr} dB cannot be reached for this picture, even at quality 100; use image.lossless")
    return low if target.bpp is not None else high


def _bracket(target: Target, effort: int, low: int, high: int) -> tuple[int, int]:
    """Two qualities around the wanted one: `low` is not enough (or below all), `high` is (or above all)."""
    step = _SHIFT
    if target.passed(min(high, _HIGH), effort):
        high = min(high, _HIGH)
        low = max(high - step, _LOW - 1)
        while low >= _LOW and target.passed(low, effort):
            step *= 2
            low, high = max(low - step, _LOW - 1), low
        return low, high
    low = min(high, _HIGH)
    high = min(low + step, _HIGH + 1)
    while high <= _HIGH and not target.passed(high, effort):
        step *= 2
        low, high = high, min(high + step, _HIGH + 1)
    return low, high


def _bisected(target: Target, effort: int, low: int, high: int) -> tuple[int, int]:
    """The same, nearer together. Beyond the range of qualities, its ends are tried first."""
    if high > _HIGH and not target.passed(_HIGH, effort):
        return _HIGH, high
    if low < _LOW and target.passed(_LOW, effort):
        return low, _LOW
    low, high = max(low, _LOW), min(high, _HIGH)
    while high - low > _NEAR:
        quality = (low + high) // 2
        low, high = (low, quality) if target.passed(quality, effort) else (quality, high)
    return low, high
