"""A folder of `.lac` pictures as a map-style dataset of random crops, for `torch.utils.data.DataLoader`.

index --> file --> place of a crop (seeded) --> the tiles it touches --> uint8[3, height, width] --> transform
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.errors import BadInput
from lacodec.integrations.torch.files import Path_, Tensor, require_torch
from lacodec.media.image.facts import through_palette
from lacodec.pipeline.picture import PictureFile

SUFFIX = ".lac"


class Pictures:
    """A map-style dataset: `dataset[i]` is uint8[3, height, width], or with `labels` (that, number of the class).

    Gray becomes three equal channels, a palette its colours, 16 bits become 8, and alpha is left out. It opens a file for each
    item and keeps none open, so workers may be forked or spawned.

    paths: the files, sorted. classes, class_to_idx, targets: with `labels`, as in ImageFolder of torchvision.
    """

    def __init__(
        self,
        folder: Path_,
        crop: int | tuple[int, int] | None = 224,
        *,
        centre: bool = False,
        seed: int | None = None,
        labels: bool = False,
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        """crop: its side, or (height, width), or None for whole pictures; smaller pictures are repeated at their edges.

        The place of a crop is random (`centre`: the middle). Without a `seed` it comes from torch's generator, which a
        DataLoader seeds in each worker; with one it depends on seed, epoch (`set_epoch`) and index alone, however many workers
        there are. labels: the folders in `folder` are the classes. Raises BadInput for a folder without files.
        """
        self._folder, self._crop, self._centre, self._seed = Path(folder), _size(crop), centre, seed
        self._epoch = require_torch().zeros(1, dtype=require_torch().int64).share_memory_()  # also seen by workers that persist
        self.transform = transform
        self.paths = _files(self._folder)
        self.classes: list[str] = []
        if labels:
            self.classes = sorted({path.relative_to(self._folder).parts[0] for path in self.paths})
            if any(path.parent == self._folder for path in self.paths):
                raise BadInput(f"{folder}: has pictures outside of its folders, which are the classes; move them, or drop labels")
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self.targets = [self.class_to_idx[path.relative_to(self._folder).parts[0]] for path in self.paths] if labels else []

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        path = self.paths[index]
        with PictureFile(path) as file:
            height, width, _ = file.shape
            rows, columns = self._crop or (height, width)
            top, left = self._place(index % len(self.paths), max(0, height - rows), max(0, width - columns))
            pixels = _colours(file, top, min(top + rows, height), left, min(left + columns, width))
        missing = rows - pixels.shape[0], columns - pixels.shape[1]
        if any(missing):
            pixels = np.pad(pixels, [(n // 2, n - n // 2) for n in missing] + [(0, 0)], "edge")
        item = require_torch().from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        item = item if self.transform is None else self.transform(item)
        return (item, self.targets[index]) if self.targets else item

    def set_epoch(self, epoch: int) -> None:
        """Other crops from the next epoch on, where there is a seed; call it before the loader's iteration begins."""
        self._epoch[0] = epoch

    def _place(self, index: int, most_top: int, most_left: int) -> tuple[int, int]:
        """Where a crop begins, from 0 to `most` each."""
        if self._centre:
            return most_top // 2, most_left // 2
        if self._seed is not None:
            rng = np.random.default_rng((self._seed, int(self._epoch[0]), index))
            return int(rng.integers(most_top + 1)), int(rng.integers(most_left + 1))
        draw = require_torch().randint
        return int(draw(most_top + 1, ())), int(draw(most_left + 1, ()))


def _size(crop: Any) -> tuple[int, int] | None:
    size = (crop, crop) if isinstance(crop, int) else crop
    if size is not None and (len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size)):
        raise BadInput(f"crop is {crop!r}; give a side, (height, width) or None")
    return None if size is None else (size[0], size[1])


def _files(folder: Path) -> list[Path]:
    """All `.lac` files below, sorted; links to folders are followed."""
    found = [Path(at, name) for at, _, names in os.walk(folder, followlinks=True) for name in names if name.endswith(SUFFIX)]
    if not found:
        raise BadInput(f"{folder}: has no {SUFFIX} files; make some: lacodec encode photos -o packed --effort 1")
    return sorted(found)


def _colours(file: PictureFile, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """uint8[rows, columns, 3] of a window."""
    image, pixels = file.described, file.pixels(top, bottom, left, right)
    if image.palette is not None:
        pixels = through_palette(pixels, image)
    elif image.depth == 16:
        pixels = ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    elif image.depth < 8:
        pixels = pixels * np.uint8(255 // ((1 << image.depth) - 1))
    return np.repeat(pixels[:, :, :1], 3, 2) if pixels.shape[2] < 3 else pixels[:, :, :3]
