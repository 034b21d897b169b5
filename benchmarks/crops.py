"""Random crops per second from `.lac` pictures by tile, beside files that Pillow decodes whole; one process, one thread, one run.

    python benchmarks/crops.py FOLDER... [--pattern '*'] [--efforts 1] [--tiles default,128,64] [--side 224] [--count 100]
                                         [--jpeg-efforts 1] [--jpeg-tiles default,64]

Every method crops the same places of the same pictures, in the same order, from files in memory's cache. Pictures that are not
PNG (WebP, JPEG) become PNGs first, at zlib's level 6; from these Pillow makes JPEG files of quality 90. Pictures smaller than a
crop are left out. Methods of PNGs are compared with Pillow's whole decoding of PNGs, those of JPEG files with that of JPEG files.
Rounds of all methods alternate, and each gets its fastest round, in seconds of processor time. `bytes` is the size of all files,
`tiles cost` the part of it that is due to the tiles: against tiles of 1024. LACODEC_DATA names a folder with Kodak's pictures and
wallpapers:

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


Method = tuple[list[Path], Callable[[Path, Crop, int], np.ndarray]]
"""Files, and what reads a crop of a given side from one of them."""


@dataclass(frozen=True)
class Kind:
    """Files that Pillow reads, and the codec, efforts and tiles that are compared with that."""

    name: str
    codec: str
    files: list[Path]
    efforts: str
    tiles: str

    def methods(self, place: Path) -> dict[str, Method]:
        """Name -> method; the first is Pillow's."""
        found: dict[str, Method] = {f"{self.name}, whole": (self.files, from_pillow)}
        for effort in map(int, self.efforts.split(",")):
            for tile in [WHOLE, *self.tiles.split(",")]:
                files = encoded(self.files, place / f"{self.name}-{effort}-{tile}", self.codec, effort, tile)
                found[f"{self.name}, lacodec effort {effort}, tile {tile}"] = files, from_lac
        return found


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
    parser.add_argument("--jpeg-efforts", default="1", help="of image.jpeg; none if empty")
    parser.add_argument("--jpeg-tiles", default="default,64")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--count", type=int, default=100, help="crops of each round")
    args = parser.parse_args()
    total: dict[str, Row] = {}
    for folder in args.folder:
        with tempfile.TemporaryDirectory() as place:
            wanted = (path for path in sorted(folder.iterdir()) if fnmatch.fnmatch(path.name, args.pattern))
            pngs = [made for path in wanted if path.suffix in SUFFIXES and (made := as_png(path, Path(place), args.side))]
            crops = places(pngs, args.side, args.count)
            kinds = [(Kind("PNG", "image.lossless", pngs, args.efforts, args.tiles))]
            if args.jpeg_efforts:
                kinds.append(Kind("JPEG", "image.jpeg", as_jpegs(pngs, Path(place)), args.jpeg_efforts, args.jpeg_tiles))
            methods: dict[str, Method] = {}
            for kind in kinds:
                methods |= kind.methods(Path(place))
            for kind in kinds:
                check([method for name, method in methods.items() if name.startswith(kind.name)], crops[:8], args.side)
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


def as_jpegs(pngs: list[Path], place: Path) -> list[Path]:
    """JPEG files of the pictures."""
    for path in pngs:
        with Image.open(path) as picture:
            picture.convert("RGB").save(place / f"{path.stem}.jpg", quality=90)
    return [place / f"{path.stem}.jpg" for path in pngs]


def encoded(files: list[Path], folder: Path, codec: str, effort: int, tile: str) -> list[Path]:
    """Files of our codec in a folder of their own."""
    folder.mkdir()
    options = {} if tile == "default" else {"tile": int(tile)}
    targets = []
    for path in files:
        targets.append(folder / f"{path.name}.lac")
        targets[-1].write_bytes(lacodec.encode(path, codec=codec, effort=effort, threads=1, **options))
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


def from_pillow(path: Path, crop: Crop, side: int) -> np.ndarray:
    """Pillow decodes all of it."""
    with Image.open(path) as picture:
        return np.asarray(picture.crop((crop.left, crop.top, crop.left + side, crop.top + side)))


def from_lac(path: Path, crop: Crop, side: int) -> np.ndarray:
    """The tiles that the crop touches."""
    with PictureFile(path) as file:
        return file.pixels(crop.top, crop.top + side, crop.left, crop.left + side)


def check(methods: list[Method], crops: list[Crop], side: int) -> None:
    """All give the same pixels; this also compiles the kernels."""
    for crop in crops:
        first, *others = (read(files[crop.picture], crop, side) for files, read in methods)
        assert all(np.array_equal(first, other) for other in others)


def measured(methods: dict[str, Method], crops: list[Crop], side: int) -> dict[str, Row]:
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
    """Speed, speed against Pillow, size, and the cost of tiles against the same effort with tiles of 1024."""
    print(f"\n{title:40}{'crops/s':>9}{'of whole':>10}{'bytes':>13}{'tiles cost':>12}")
    for name, row in rows.items():
        kind, *rest = name.split(", ")
        whole = rows.get(f"{kind}, {rest[0]}, tile {WHOLE}")
        cost = "" if whole is None else f"{100 * (row.size / whole.size - 1):.2f} %"
        ratio = row.speed / rows[f"{kind}, whole"].speed
        print(f"{name:40}{row.speed:9.1f}{ratio:10.2f}{row.size:13}{cost:>12}", flush=True)


if __name__ == "__main__":
    main()
