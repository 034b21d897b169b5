"""Rate-distortion curves: points measured at the settings of a codec -> the `Line` that BD-rates and plots take."""

from collections.abc import Sequence
from dataclasses import dataclass

from lacodec.evaluation.bd_rate import Line
from lacodec.evaluation.metrics import decibels


@dataclass(frozen=True)
class Point:
    """One method at one setting, means over pictures (medians of the seconds)."""

    value: float
    variant: str
    bpp: float
    psnr: float
    ms_ssim: float | None
    encode_s: float
    decode_s: float


@dataclass(frozen=True)
class Curve:
    """All points of a method, in the order they were measured."""

    name: str
    how: str
    sweep: str
    points: tuple[Point, ...]

    def line(self, metric: str) -> Line:
        """The curve in dB of `metric` ("psnr" or "ms-ssim"), the best of the variants at each rate."""
        by_variant: dict[str, list[tuple[float, float]]] = {}
        for point in self.points:
            quality = decibels_of(metric, point.psnr, point.ms_ssim)
            if quality is not None:
                by_variant.setdefault(point.variant, []).append((point.bpp, quality))
        return _best(self.name, [Line.front(self.name, points) for points in by_variant.values()])


def decibels_of(metric: str, psnr: float, ms_ssim: float | None) -> float | None:
    """The quality that a curve of `metric` shows, in dB; None if it was not measured."""
    if metric == "psnr":
        return psnr
    return None if ms_ssim is None else decibels(ms_ssim)


def _best(name: str, lines: Sequence[Line]) -> Line:
    """Of several lines, the points that no other line passes above."""
    points: list[tuple[float, float]] = []
    for line in lines:
        for rate, quality in zip(line.rates, line.qualities, strict=True):
            beaten = any(
                other.rates[0] <= rate <= other.rates[-1] and other.quality_at(rate) > quality
                for other in lines
                if other is not line and len(other.rates) > 1
            )
            if not beaten:
                points.append((float(rate), float(quality)))
    return Line.front(name, points)
