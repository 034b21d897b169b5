"""Lossless images against their peers, in one run: size in total and by group, and speed.

    python benchmarks/lossless_images.py FOLDER [--efforts 1,5,9] [--peers cjxl7,cjxl9,webp,optipng] [--limit N] [--each]
        [--group photo=skimage_camera*,skimage_moon* --group 16-bit=*16*]

FOLDER holds PNG, WebP, BMP, PPM or JPEG files (also as .xz); all but PNG are turned into PNG first, and every method reads that.
Peers: `cjxl -d 0` (-e 7 and -e 9), `cwebp -lossless -z 9` (8 bits only) and `optipng -o2`, where installed. Speeds are of raw
pixels per second of processor time, one thread, reading the PNG included; the first image is coded once before that.
"""

import argparse
import fnmatch
import io
import lzma
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lacodec
from lacodec.errors import UnsupportedFile
from lacodec.media.image.files import from_bytes
from lacodec.media.image.png import write_png
from lacodec.media.image.value import Image

SUFFIXES = (".png", ".webp", ".bmp", ".ppm", ".jpg")
PEERS = {
    "cjxl7": ["cjxl", "-d", "0", "-e", "7", "--num_threads=0", "--quiet", "IN", "OUT"],
    "cjxl9": ["cjxl", "-d", "0", "-e", "9", "--num_threads=0", "--quiet", "IN", "OUT"],
    "webp": ["cwebp", "-quiet", "-lossless", "-exact", "-metadata", "all", "-z", "9", "IN", "-o", "OUT"],
    "optipng": ["optipng", "-quiet", "-o2", "-out", "OUT", "IN"],
}


@dataclass(frozen=True)
class Result:
    """One method on one file; seconds are of processor time."""

    method: str
    file: str
    subpixels: int
    raw: int
    size: int
    encode_s: float
    decode_s: float | None = None


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--efforts", default="1,5,9")
    parser.add_argument("--peers", default="", help=f"of {','.join(PEERS)}")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--each", action="store_true", help="print every file")
    parser.add_argument("--group", action="append", default=[], help="NAME=PATTERN,PATTERN: a total of these files")
    args = parser.parse_args()
    methods: dict[str, Callable[[Path], tuple[int, float, float | None]]] = {}
    for effort in filter(None, args.efforts.split(",")):
        methods[f"lacodec effort {effort}"] = ours(int(effort))
    for peer in filter(None, args.peers.split(",")):
        if shutil.which(PEERS[peer][0]):
            methods[peer] = program(PEERS[peer])
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, path) in enumerate(files(args.folder, Path(folder), args.limit)):
            pixels = np.asarray(from_bytes(path.read_bytes(), name).pixels)
            for method, measure in methods.items():
                if number == 0:
                    measure(path)
                if method == "webp" and pixels.dtype != np.uint8:
                    continue
                results.append(Result(method, name, pixels.size, pixels.nbytes, *measure(path)))
            if args.each:
                print(f"{name:34}", *(f"{r.method}: {r.size}" for r in results if r.file == name), flush=True)
    groups = dict(text.split("=") for text in args.group)
    for name, patterns in (groups | {"all": "*"}).items():
        chosen = [r for r in results if any(fnmatch.fnmatch(r.file, pattern) for pattern in patterns.split(","))]
        print_table(name, chosen)


def print_table(name: str, results: list[Result]) -> None:
    """Totals of one group, by method; a method that lacks a file of the group is left out."""
    files = {r.file for r in results}
    print(f"\n{name} ({len(files)} files){'bytes':>24}{'bits/subpixel':>15}{'encode MB/s':>13}{'decode MB/s':>13}")
    for method in dict.fromkeys(r.method for r in results):
        rows = [r for r in results if r.method == method]
        if len(rows) < len(files):
            continue
        size, raw = sum(r.size for r in rows), sum(r.raw for r in rows) / 1e6
        bits = 8 * size / sum(r.subpixels for r in rows)
        decode = [r.decode_s for r in rows if r.decode_s is not None]
        speed = f"{raw / sum(decode):13.3f}" if decode else ""
        print(f"{method:24}{size:18}{bits:15.4f}{raw / sum(r.encode_s for r in rows):13.3f}{speed}", flush=True)


def files(source: Path, folder: Path, limit: int | None) -> Iterator[tuple[str, Path]]:
    """(name, path of a PNG with the picture); those that we do not read as pictures are decoded by Pillow."""
    from PIL import Image as pillow

    paths = sorted(path for path in source.iterdir() if Path(path.name.removesuffix(".xz")).suffix in SUFFIXES)
    for path in paths[:limit]:
        name = path.name.removesuffix(".xz")
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        target = folder / f"{Path(name).stem}.png"
        if Path(name).suffix == ".png":
            target.write_bytes(data)
        else:
            try:
                value = from_bytes(data, name)
            except UnsupportedFile:
                value = Image(np.asarray(pillow.open(io.BytesIO(data)).convert("RGB")))
            target.write_bytes(b"".join(write_png(value)))
        yield name, target


def ours(effort: int) -> Callable[[Path], tuple[int, float, float | None]]:
    """(size of our file, seconds to encode, seconds to decode)."""

    def measure(path: Path) -> tuple[int, float, float | None]:
        begin = processor_s()
        data = lacodec.encode(path, effort=effort)
        middle = processor_s()
        lacodec.decode(data)
        return len(data), middle - begin, processor_s() - middle

    return measure


def program(command: list[str]) -> Callable[[Path], tuple[int, float, float | None]]:
    """(size of the peer's file, seconds to encode, None)."""

    def measure(path: Path) -> tuple[int, float, float | None]:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "out"
            begin = processor_s()
            names = {"IN": str(path), "OUT": str(target)}
            subprocess.run([names.get(word, word) for word in command], check=True, capture_output=True)
            return target.stat().st_size, processor_s() - begin, None

    return measure


def processor_s() -> float:
    """Seconds that this process and its children have computed."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
