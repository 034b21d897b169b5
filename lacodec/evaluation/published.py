"""Published rate-distortion curves, to draw beside measured ones: `published_kodak.json` -> `Published`.

They hold for the 24 Kodak pictures only, so they are handed out only for those pictures.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lacodec.errors import BadInput
from lacodec.evaluation.bd_rate import Line
from lacodec.evaluation.curves import decibels_of


@dataclass(frozen=True)
class Published:
    """A curve as its source gives it: bits per pixel, PSNR in dB, MS-SSIM in 0..1 where there is one; means over the pictures."""

    name: str
    description: str
    source: str
    bpp: tuple[float, ...]
    psnr: tuple[float, ...]
    ms_ssim: tuple[float, ...] | None

    def line(self, metric: str) -> Line:
        """The curve in dB of `metric`; without points when the source has no such figures."""
        qualities = [
            decibels_of(metric, self.psnr[i], None if self.ms_ssim is None else self.ms_ssim[i]) for i in range(len(self.bpp))
        ]
        return Line.front(self.name, [(r, q) for r, q in zip(self.bpp, qualities, strict=True) if q is not None])


def names() -> list[str]:
    """Names of the published curves."""
    return [str(curve["name"]) for curve in _file()["curves"]]


def curve(name: str) -> Published:
    """The curve called `name`; raises BadInput, listing what exists, when there is none."""
    for one in _file()["curves"]:
        if one["name"] == name:
            similarity = tuple(one["ms_ssim"]) if "ms_ssim" in one else None
            return Published(name, one["description"], one["source"], tuple(one["bpp"]), tuple(one["psnr"]), similarity)
    raise BadInput(f"no published curve {name!r}; available: {', '.join(names())}")


def check_pictures(fingerprints: Iterable[str]) -> None:
    """Raise BadInput unless these (see `rate_distortion.fingerprint`) are those of the 24 Kodak pictures."""
    given, known = sorted(fingerprints), _file()["fingerprints"]
    if given != known:
        found = len(set(given) & set(known))
        raise BadInput(
            f"published curves hold only for the {len(known)} Kodak pictures of 768x512, but {len(given)} pictures were given, "
            f"{found} of them Kodak's; measure on exactly those, or leave the published curves out"
        )


@cache
def _file() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name("published_kodak.json").read_text())
    return content
