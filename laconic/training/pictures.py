"""A folder of pictures -> random crops, on any device.

Every picture is decoded once and kept in one uint8 array in (GPU) memory; a batch of crops is one look-up by computed places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from laconic.errors import BadInput, MissingDependency

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".avif", ".jp2"}


def picture_files(folders: list[Path]) -> list[Path]:
    """The pictures in some folders and below, by their suffix, sorted; raises BadInput where there are none."""
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder")
        found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BadInput(f"{', '.join(map(str, folders))}: no pictures in there ({' '.join(sorted(SUFFIXES))})")
    return found


def read_rgb(path: Path) -> np.ndarray:
    """uint8[height, width, 3]; raises whatever Pillow raises for a broken file."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency("training on pictures needs Pillow: pip install pillow") from error
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@dataclass(frozen=True)
class Pictures:
    """All pixels of some pictures: uint8[sum of h * w * 3], and where each picture begins."""

    pixels: Tensor
    starts: Tensor
    heights: Tensor
    widths: Tensor

    @staticmethod
    def load(
        files: list[Path], smallest: int, device: torch.device | str, warn: Callable[[str], None], half: bool = True
    ) -> "Pictures":
        """Decode all files; broken ones, and those below `smallest` pixels a side, are left out with a warning.

        half: also keep large pictures at half their size, which shows other scales, with less noise and without traces of JPEG.
        """
        arrays: list[np.ndarray] = []
        for path in files:
            try:
                array = read_rgb(path)
            except MissingDependency:
                raise
            except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
                warn(f"{path}: left out, it cannot be read ({' '.join(str(error).split())[:100]})")
                continue
            if min(array.shape[:2]) < smallest:
                warn(f"{path}: left out, {array.shape[1]}x{array.shape[0]} pixels are less than a crop of {smallest}")
                continue
            arrays.append(array)
            if half and min(array.shape[:2]) >= 2 * smallest:
                arrays.append(_halved(array))
        if not arrays:
            raise BadInput(f"no picture of {len(files)} can be used")
        sizes = [array.size for array in arrays]
        pixels = torch.empty(sum(sizes), dtype=torch.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        for start, array in zip(starts, arrays, strict=True):
            pixels[start : start + array.size] = torch.from_numpy(array.reshape(-1).copy())
        shapes = torch.tensor([array.shape[:2] for array in arrays])
        return Pictures(pixels.to(device), torch.from_numpy(starts), shapes[:, 0], shapes[:, 1])

    def sample(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """float32[count, 3, side, side] of 0..255, pictures chosen by their area, flipped and transposed at random.

        generator: on the CPU; the places are drawn there, so that they are the same on every device.
        """

        def draw(limits: Tensor) -> Tensor:
            return (torch.rand(count, generator=generator, dtype=torch.float64) * (limits + 1)).long().clamp(max=limits)

        areas = ((self.heights - side + 1) * (self.widths - side + 1)).double()
        which = torch.multinomial(areas, count, replacement=True, generator=generator)
        top, left = draw(self.heights[which] - side), draw(self.widths[which] - side)
        turns = torch.randint(8, (count,), generator=generator)
        line = torch.arange(side)
        rows = torch.where((turns & 1)[:, None] == 1, side - 1 - line, line)
        columns = torch.where((turns & 2)[:, None] == 2, side - 1 - line, line)
        row_step, column_step = self.widths[which], torch.ones_like(which)
        turned = (turns & 4) == 4
        row_step, column_step = torch.where(turned, column_step, row_step), torch.where(turned, row_step, column_step)
        first = self.starts[which] + (top * self.widths[which] + left) * 3
        down = (rows * row_step[:, None] * 3 + first[:, None]).to(self.pixels.device)
        across = (columns * column_step[:, None] * 3).to(self.pixels.device)
        places = down[:, None, :, None] + across[:, None, None, :]
        colours = torch.arange(3, device=self.pixels.device)[None, :, None, None]
        return self.pixels[places + colours].float()


def _halved(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[0] // 2 * 2, array.shape[1] // 2 * 2
    wide: Any = array[:height, :width].astype(np.uint16)
    total = wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)
