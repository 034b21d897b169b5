"""Quality over a picture: the same everywhere, or a higher one in regions than around them.

Networks know the quality at each position of the latents. Regions are boxes of such positions: what a box of pixels touches.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lacodec.codecs.image.learned.boxes import Box
from lacodec.models.image.options import level_of


@dataclass(frozen=True)
class Quality:
    """t: from 0 to 1. With regions (boxes of latents), it holds there, and `around` elsewhere."""

    t: float
    around: float = 0.0
    regions: tuple[Box, ...] = ()

    def moved(self, top: int, left: int) -> "Quality":
        """For a picture that begins so many latents further down and to the right."""
        return replace(self, regions=tuple((y0 - top, y1 - top, x0 - left, x1 - left) for y0, y1, x0, x1 in self.regions))

    def positions(self, window: Box, device: Any = "cpu") -> Tensor:
        """The quality in a window of latents, as transforms take it: float32[1], or [1, rows, columns] with regions."""
        return self._spread((self.t, self.around), window, device)

    def levels(self, window: Box, device: Any = "cpu") -> Tensor:
        """The same as entropy networks take it: int64[1] or [1, rows, columns]."""
        return self._spread((level_of(1 + 99 * self.t), level_of(1 + 99 * self.around)), window, device)

    def inside(self, window: Box) -> Tensor:
        """Which latents of a window are in regions, bool[rows, columns]."""
        top, bottom, left, right = window
        found = torch.zeros((bottom - top, right - left), dtype=torch.bool)
        for y0, y1, x0, x1 in self.regions:
            if y1 > top and x1 > left:
                found[max(0, y0 - top) : y1 - top, max(0, x0 - left) : x1 - left] = True
        return found

    def _spread(self, values: tuple[float, float], window: Box, device: Any) -> Tensor:
        both = torch.tensor(values, device=device)
        return torch.where(self.inside(window).to(device), both[0], both[1])[None] if self.regions else both[:1]
