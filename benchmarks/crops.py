"""Random crops per second from `.lac` pictures by tile, beside PNGs that Pillow decodes whole; one process, one thread, one run.

    python benchmarks/crops.py FOLDER... [--pattern '*'] [--efforts 1] [--tiles default,128,64] [--side 224] [--count 100]

Every method crops the same places of the same pictures, in the same order, from files in memory's cache. Pictures that are not
PNG (WebP, JPEG) become PNGs first, at zlib's level 6; pictures smaller than a crop are left out. Rounds of all methods
alternate, and each gets its fastest round, in seconds of processor time. `bytes` is the size of all files, `tiles cost` the part
of it that is due to the tiles: against tiles of 1024. LACODEC_DATA names a folder with Kodak's pictures and wallpapers:

    python benchmarks/crops.py $LACODEC_DATA/images/kodak $LACODEC_DATA/images/val --pattern '[!o]*'
"""

import argparse
import fnmatch
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import lacodec
from lacodec.pipeline.picture import PictureFile

SUFFIXES = (".png", ".webp", ".jpg")
ROUNDS = 3
WHOLE = "1024"


@dataclass(frozen=True)
class Crop:
    """Which picture, and where."""

    picture: int
    top: int
    left: int


Methods = dict[str, tuple[list[Path], Callable[[Path, Crop, int], np.ndarray]]]
"""Name -> files, and what reads a crop of a given side from one of them."""


@dataclass(frozen=True)
class Row:
    """All crops with one method: how many, seconds of processor time, bytes of the files."""

    count: int
    seconds: float
    size: int

    @property
    def speed(self) -> float:
        """Crops per second."""
        return self.count / self.seconds

    def __add__(self, other: "Row") -> "Row":
        return Row(self.count + other.count, self.seconds + other.seconds, self.size + other.size)


def main() -> None:
    """Encode, check that all methods agree, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--pattern", default="*", help="names of the pictures to take")
    parser.add_argument("--efforts", default="1")
    parser.add_argument("--tiles", default="default,128,64", help="sizes, or default")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--count", type=int, default=100, help="crops of each round")
    args = parser.parse_args()
    total: dict[str, Row] = {}
    for folder in args.folder:
        with tempfile.TemporaryDirectory() as place:
            wanted = (path for path in sorted(folder.iterdir()) if fnmatch.fnmatch(path.name, args.pattern))
            pngs = [made for path in wanted if path.suffix in SUFFIXES and (made := as_png(path, Path(place), args.side))]
            crops = places(pngs, args.side, args.count)
            methods: Methods = {"PNG, whole": (pngs, from_png)}
            for effort in map(int, args.efforts.split(",")):
                for tile in [WHOLE, *args.tiles.split(",")]:
                    files = encoded(pngs, Path(place, f"{effort}-{tile}"), effort, tile)
                    methods[f"lacodec effort {effort}, tile {tile}"] = files, from_lac
            check(methods, crops[:8], args.side)
            rows = measured(methods, crops, args.side)
        print_table(f"{folder.name}: {len(pngs)} pictures", rows)
        total = {name: row + total[name] if total else row for name, row in rows.items()}
    if len(args.folder) > 1:
        print_table("all", total)


def as_png(path: Path, place: Path, side: int) -> Path | None:
    """The picture as a PNG; None if it is too small."""
    with Image.open(path) as picture:
        if min(picture.size) < side:
            return None
        if path.suffix == ".png":
            return path
        picture.convert("RGB").save(place / f"{path.stem}.png")
    return place / f"{path.stem}.png"


def encoded(pngs: list[Path], folder: Path, effort: int, tile: str) -> list[Path]:
    """Files of our codec in a folder of their own."""
    folder.mkdir()
    options = {} if tile == "default" else {"tile": int(tile)}
    targets = []
    for path in pngs:
        targets.append(folder / f"{path.name}.lac")
        targets[-1].write_bytes(lacodec.encode(path, codec="image.lossless", effort=effort, threads=1, **options))
    return targets


def places(pngs: list[Path], side: int, count: int) -> list[Crop]:
    """As many crops of each picture, in a random order."""
    rng, sizes = random.Random(1), []
    for path in pngs:
        with Image.open(path) as picture:
            sizes.append(picture.size)
    numbers = [i % len(pngs) for i in range(count)]
    rng.shuffle(numbers)
    return [Crop(i, rng.randint(0, sizes[i][1] - side), rng.randint(0, sizes[i][0] - side)) for i in numbers]


def from_png(path: Path, crop: Crop, side: int) -> np.ndarray:
    """Pillow decodes all of it."""
    with Image.open(path) as picture:
        return np.asarray(picture.crop((crop.left, crop.top, crop.left + side, crop.top + side)))


def from_lac(path: Path, crop: Crop, side: int) -> np.ndarray:
    """The tiles that the crop touches."""
    with PictureFile(path) as file:
        return file.pixels(crop.top, crop.top + side, crop.left, crop.left + side)


def check(methods: Methods, crops: list[Crop], side: int) -> None:
    """All give the same pixels; this also compiles the kernels."""
    for crop in crops:
        first, *others = (read(files[crop.picture], crop, side) for files, read in methods.values())
        assert all(np.array_equal(first, other) for other in others)


def measured(methods: Methods, crops: list[Crop], side: int) -> dict[str, Row]:
    """The best of some rounds of every method."""
    best = dict.fromkeys(methods, float("inf"))
    for _ in range(ROUNDS):
        for name, (files, read) in methods.items():
            begin = time.process_time()
            for crop in crops:
                read(files[crop.picture], crop, side)
            best[name] = min(best[name], time.process_time() - begin)
    return {name: Row(len(crops), best[name], sum(map(os.path.getsize, files))) for name, (files, _) in methods.items()}


def print_table(title: str, rows: dict[str, Row]) -> None:
    """Speed, speed against PNG, size, and the cost of tiles against the same effort with tiles of 1024."""
    print(f"\n{title:34}{'crops/s':>9}{'of PNG':>9}{'bytes':>13}{'tiles cost':>12}")
    for name, row in rows.items():
        whole = rows.get(f"{name.split(', ')[0]}, tile {WHOLE}")
        cost = "" if whole is None else f"{100 * (row.size / whole.size - 1):.2f} %"
        print(f"{name:34}{row.speed:9.1f}{row.speed / rows['PNG, whole'].speed:9.2f}{row.size:13}{cost:>12}", flush=True)


if __name__ == "__main__":
    main()
