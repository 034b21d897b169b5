"""Lossless images beside their peers, in one run: bits per subpixel in total, and speed on one thread.

    python benchmarks/lossless_images.py FOLDER [--efforts 1,5,9] [--peers] [--limit N]

FOLDER holds images that Pillow reads. Peers: `cjxl` if it is installed (-e 7 and -e 9), WebP (-z 9, 8-bit RGB only) and PNG at
its best level, both by Pillow. Speeds are of raw pixels and include reading the file; the first image is coded once before the
clock starts.
"""

import argparse
import io
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import laconic


def cjxl(effort: int) -> Callable[[Path, np.ndarray], int]:
    """Size of the file that cjxl makes of the pixels."""

    def measure(path: Path, pixels: np.ndarray) -> int:
        with tempfile.TemporaryDirectory() as folder:
            plain, target = Path(folder) / "x.png", Path(folder) / "x.jxl"
            Image.fromarray(pixels).save(plain, compress_level=1)
            command = ["cjxl", "-d", "0", "-e", str(effort), "--num_threads=0", "--quiet", str(plain), str(target)]
            subprocess.run(command, check=True, capture_output=True)
            return target.stat().st_size

    return measure


def pillow(kind: str, **options: object) -> Callable[[Path, np.ndarray], int]:
    """Size of the file that Pillow makes of the pixels."""

    def measure(path: Path, pixels: np.ndarray) -> int:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, kind, **options)
        return out.tell()

    return measure


def ours(effort: int) -> Callable[[Path, np.ndarray], int]:
    """Size of our file."""

    def measure(path: Path, pixels: np.ndarray) -> int:
        return len(laconic.encode(path, effort=effort))

    return measure


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--efforts", default="1,5,9")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    paths = sorted(path for path in args.folder.iterdir() if path.suffix in (".png", ".webp", ".bmp", ".tif", ".ppm"))
    paths = paths[: args.limit]
    methods = {f"laconic effort {effort}": ours(int(effort)) for effort in args.efforts.split(",")}
    if args.peers:
        if shutil.which("cjxl"):
            methods |= {f"cjxl -e {effort}": cjxl(effort) for effort in (7, 9)}
        methods["WebP -z 9"] = pillow("WEBP", lossless=True, quality=100, method=6)
        methods["PNG, best level"] = pillow("PNG", optimize=True)
    print(f"{'method':22} {'bits/subpixel':>13} {'kB/s':>9}   ({len(paths)} images)")
    for name, measure in methods.items():
        size = subpixels = 0
        seconds = 0.0
        for number, path in enumerate(paths):
            with Image.open(path) as picture:
                pixels = np.asarray(picture)
            if number == 0:
                measure(path, pixels)
            begin = time.perf_counter()
            size += measure(path, pixels)
            seconds += time.perf_counter() - begin
            subpixels += pixels.size
        print(f"{name:22} {8 * size / subpixels:13.4f} {subpixels / seconds / 1e3:9.0f}", flush=True)


if __name__ == "__main__":
    main()
