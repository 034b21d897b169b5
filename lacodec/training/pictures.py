"""A folder of pictures -> random crops, on any device; with masks also how much each place counts.

Every picture is decoded once and kept in one uint8 array in (GPU) memory, its mask as a fourth channel; a batch of crops is one
look-up by computed places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lacodec.errors import BadInput, MissingDependency

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".avif", ".jp2"}


def picture_files(folders: list[Path]) -> list[Path]:
    """The pictures in some folders and below, by their suffix, sorted; raises BadInput where there are none."""
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder")
        found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BadInput(f"{', '.join(map(str, folders))}: no pictures found ({' '.join(sorted(SUFFIXES))})")
    return found


def read_rgb(path: Path) -> np.ndarray:
    """uint8[height, width, 3]; raises whatever Pillow raises for a broken file."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency("training on pictures needs Pillow: pip install pillow") from error
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def mask_files(folder: Path, roots: list[Path], files: list[Path]) -> dict[Path, Path]:
    """The mask of each picture that has one: a PNG file at the same place below `folder` as the picture below its root."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    found = {}
    for path in files:
        for root in roots:
            if path.is_relative_to(root) and (mask := folder / path.relative_to(root).with_suffix(".png")).is_file():
                found[path] = mask
    if not found:
        raise BadInput(f"{folder}: no masks found; name each like its picture, ending in .png")
    return found


def read_masked(path: Path, mask: Path | None) -> np.ndarray:
    """uint8[height, width, 4]: a picture and its mask, 255 everywhere where it has none; raises BadInput for another size."""
    from PIL import Image

    pixels = read_rgb(path)
    weights: np.ndarray = np.full(pixels.shape[:2], 255, np.uint8)
    if mask is not None:
        with Image.open(mask) as picture:
            weights = np.asarray(picture.convert("L"))
    if weights.shape != pixels.shape[:2]:
        raise BadInput(f"its mask has {weights.shape[1]}x{weights.shape[0]} pixels, not {pixels.shape[1]}x{pixels.shape[0]}")
    return np.dstack([pixels, weights])


@dataclass(frozen=True)
class Pictures:
    """All pixels of some pictures: uint8[sum of h * w * channels], and where each picture begins. channels: 4 with masks."""

    pixels: Tensor
    starts: Tensor
    heights: Tensor
    widths: Tensor
    channels: int = 3

    @staticmethod
    def load(
        files: list[Path],
        smallest: int,
        device: torch.device | str,
        warn: Callable[[str], None],
        half: bool = True,
        masks: dict[Path, Path] | None = None,
    ) -> "Pictures":
        """Decode all files; broken ones, and those below `smallest` pixels a side, are left out with a warning.

        half: also keep large pictures at half their size, which shows other scales, with less noise and without traces of JPEG.
        masks: files of masks, of those pictures that have one (`mask_files`); None: nobody asks for weights.
        """
        arrays: list[np.ndarray] = []
        for path in files:
            try:
                array = read_rgb(path) if masks is None else read_masked(path, masks.get(path))
            except MissingDependency:
                raise
            except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
                warn(f"{path}: left out, cannot be read ({' '.join(str(error).split())[:100]})")
                continue
            if min(array.shape[:2]) < smallest:
                warn(f"{path}: left out, {array.shape[1]}x{array.shape[0]} pixels are less than a crop of {smallest}")
                continue
            arrays.append(array)
            if half and min(array.shape[:2]) >= 2 * smallest:
                arrays.append(_halved(array))
        if not arrays:
            raise BadInput(f"none of {len(files)} pictures can be used, for the reasons above; the first is {files[0]}")
        sizes = [array.size for array in arrays]
        pixels = torch.empty(sum(sizes), dtype=torch.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        for start, array in zip(starts, arrays, strict=True):
            pixels[start : start + array.size] = torch.from_numpy(array.reshape(-1).copy())
        shapes = torch.tensor([array.shape[:2] for array in arrays])
        channels = arrays[0].shape[2]
        return Pictures(pixels.to(device), torch.from_numpy(starts), shapes[:, 0], shapes[:, 1], channels)

    def sample(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """float32[count, 3, side, side] of 0..255, as `crops` without weights."""
        return self.crops(count, side, generator)[0]

    def crops(self, count: int, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Pixels float32[count, 3, side, side] of 0..255, and with masks their weights [count, 1, side, side] of 0..1.

        Pictures are chosen by their area, flipped and transposed at random. generator: on the CPU; the places are drawn there,
        so that they are the same on every device.
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
        first = self.starts[which] + (top * self.widths[which] + left) * self.channels
        down = (rows * row_step[:, None] * self.channels + first[:, None]).to(self.pixels.device)
        across = (columns * column_step[:, None] * self.channels).to(self.pixels.device)
        places = down[:, None, :, None] + across[:, None, None, :]
        colours = torch.arange(self.channels, device=self.pixels.device)[None, :, None, None]
        values = self.pixels[places + colours].float()
        return values[:, :3], values[:, 3:] / 255 if self.channels == 4 else None


def _halved(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[0] // 2 * 2, array.shape[1] // 2 * 2
    wide: Any = array[:height, :width].astype(np.uint16)
    total = wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)
