"""Pictures to look at: what codecs make of one at equal bytes -> a viewer of the page, every version a lossless WebP in it.

pixels --codecs at equal bytes--> files --decoded--> the part to show --> slider, flicker, difference; worst blocks first
"""

import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from lacodec.evaluation.metrics import ms_ssim, psnr
from lacodec.evaluation.rate_distortion import Method
from lacodec.evaluation.report.equal import TOLERANCE, Choice, Matched, matched, settings_between
from lacodec.evaluation.report.page import table

_BLOCK = 64  # side in pixels of the blocks that are listed
_BLOCKS = 12
_SHOWN = (960, 1280)  # rows and columns: of a larger picture only so much is embedded, around the worst block


@dataclass(frozen=True)
class Version:
    """What a codec made of a picture: its pixels, and the figures under it."""

    name: str
    setting: str
    size: int
    off: float | None
    pixels: np.ndarray
    decode_s: float


def versions(pixels: np.ndarray, methods: Sequence[Method], ours: Sequence[str], wanted: float) -> list[Version]:
    """Each method's file of about equal bytes, decoded. `ours`: names of methods whose settings may be any number.

    The first method with whole settings leads, at a setting `wanted` (0 to 1) of the way through its usual ones.
    """
    leader = next((method for method in methods if method.name not in ours), methods[0])
    choices = [_choice(method, variant, pixels, method.name in ours) for method in methods for variant in method.variants]
    by_name = {choice.name: (method, variant) for choice, (method, variant) in zip(choices, _pairs(methods), strict=True)}
    first = next(choice for choice in choices if by_name[choice.name][0] is leader)
    others = [choice for choice in choices if choice is not first]
    setting = leader.values[round(wanted * (len(leader.values) - 1))]
    found = matched(first, others, setting)
    made = [(by_name[one.name][0], _version(pixels, by_name[one.name][0], one, one.name == first.name)) for one in found]
    return [min((v for m, v in made if m is method), key=lambda v: _merit(pixels, v)) for method in methods]


def section(name: str, pixels: np.ndarray, made: Sequence[Version]) -> str:
    """The viewer of one picture with a table below; the blocks listed are the worst of the first version."""
    rows, columns = _window(pixels, made[0].pixels)
    part = pixels[rows, columns]
    blocks = " ".join(f"{x},{y}" for x, y in _worst(part, made[0].pixels[rows, columns]))
    height, width = part.shape[:2]
    shown = "" if part.shape == pixels.shape else f"; shown: {width}x{height} from ({columns.start}, {rows.start})"
    size = f"{pixels.shape[1]}x{pixels.shape[0]}{shown}"
    figures = [_figure("original", "", part)] + [_figure(one.name, one.setting, one.pixels[rows, columns]) for one in made]
    return (
        f'<section class="picture"><h3>{escape(name)} <small>{size}</small></h3>'
        f'<div class="viewer" data-width="{width}" data-height="{height}" data-block="{_BLOCK}" data-blocks="{blocks}">'
        f"{''.join(figures)}</div>{_figures(pixels, made)}</section>"
    )


def _pairs(methods: Sequence[Method]) -> list[tuple[Method, str]]:
    return [(method, variant) for method in methods for variant in method.variants]


def _choice(method: Method, variant: str, pixels: np.ndarray, any_number: bool) -> Choice:
    whole = not any_number and all(isinstance(value, int) for value in method.values)
    return Choice(
        name=f"{method.name} {variant}".strip(),
        settings=method.values if any_number else settings_between(method.values, whole),
        encode=lambda value: method.encode(pixels, value, variant),
    )


def _version(pixels: np.ndarray, method: Method, found: Matched, leads: bool) -> Version:
    start = time.perf_counter()
    decoded = method.decode(found.data)
    seconds = time.perf_counter() - start
    variant = found.name.removeprefix(method.name)
    setting = f"{method.sweep} {found.setting:.4g}{',' if variant else ''}{variant}"
    return Version(method.name, setting, len(found.data), None if leads else found.off, decoded, seconds)


def _merit(pixels: np.ndarray, version: Version) -> tuple[bool, float]:
    """Of two variants the one of equal bytes, then the one with the higher PSNR, sorts first."""
    return abs(version.off or 0.0) > TOLERANCE, -psnr(pixels, version.pixels)


def _window(pixels: np.ndarray, decoded: np.ndarray) -> tuple[slice, slice]:
    """The part to show: everything, or `_SHOWN` around the worst block."""
    worst = _worst(pixels, decoded)[0]
    found = []
    for side, most, place in zip(pixels.shape[:2], _SHOWN, worst[::-1], strict=True):
        start = min(max(0, place + _BLOCK // 2 - most // 2), max(0, side - most))
        found.append(slice(start, min(side, start + most)))
    return found[0], found[1]


def _worst(original: np.ndarray, decoded: np.ndarray) -> list[tuple[int, int]]:
    """(x, y) of the blocks with the largest mean squared error, worst first."""
    error = np.square(original.astype(np.float32) - decoded).mean(axis=2)
    starts = [np.arange(0, side, _BLOCK) for side in error.shape]
    sums = np.add.reduceat(np.add.reduceat(error, starts[0], axis=0), starts[1], axis=1)
    sides = [np.diff(np.append(start, side)) for start, side in zip(starts, error.shape, strict=True)]
    means = sums / np.outer(*sides)
    order = np.argsort(-means, axis=None, kind="stable")[:_BLOCKS]
    return [(int(k % means.shape[1]) * _BLOCK, int(k // means.shape[1]) * _BLOCK) for k in order]


def _figure(name: str, setting: str, pixels: np.ndarray) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", lossless=True, quality=80, method=4)
    data = base64.b64encode(out.getvalue()).decode()
    label = escape(f"{name}, {setting}" if setting else name, quote=True)
    return (
        f'<figure data-name="{escape(name, quote=True)}"><img alt="{label}" src="data:image/webp;base64,{data}">'
        f"<figcaption>{label}</figcaption></figure>"
    )


def _figures(pixels: np.ndarray, made: Sequence[Version]) -> str:
    rows = []
    for one in made:
        similarity = ms_ssim(pixels, one.pixels)
        off = "sets the size" if one.off is None else f"{100 * one.off:+.2f} %"
        quality = f"{psnr(pixels, one.pixels):.2f}", "-" if similarity is None else f"{similarity:.4f}"
        rows.append([one.name, one.setting, f"{one.size:,}", off, *quality, f"{1000 * one.decode_s:.1f}"])
    return table(["codec", "setting", "bytes", "of equal bytes", "PSNR dB", "MS-SSIM", "decoded in ms"], rows)
