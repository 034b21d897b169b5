"""How small image.field makes pictures, against AVIF: percent of bits at equal PSNR, by effort, with minutes and decoding time.

    python benchmarks/field.py PICTURE ... [--side 0] [--bpp 0.2,0.7] [--efforts 6,9] [--threads 2]

Of each picture all, or the middle, --side pixels a side. AVIF (Pillow, speed 4) is encoded at many qualities, with full and
with halved colours; at each PSNR the better of both counts, its bits (as logarithm) interpolated. The quality of image.field is
that at which a bit is worth as much squared error as it is to AVIF at --bpp. Files are written and decoded in another process,
whose second decoding is timed.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import lacodec

_QUALITIES = range(10, 96, 5)
_DECODING = """
import sys, time, lacodec, numpy
lacodec.decode(sys.argv[1])
began = time.perf_counter()
numpy.save(sys.argv[2], lacodec.decode(sys.argv[1]).pixels)
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Curves:
    """AVIF's points, (PSNR, bits per pixel) in rising order, for each subsampling."""

    points: list[np.ndarray]

    def bits(self, psnr: float) -> float:
        """Per pixel, of the better one."""
        return float(min(np.exp(np.interp(psnr, each[:, 0], np.log(each[:, 1]))) for each in self.points))

    def price(self, bits: float) -> float:
        """Squared error that a bit per pixel saves there, by the curve that is better there."""
        best = max(self.points, key=lambda each: np.interp(bits, each[:, 1], each[:, 0]))
        near = np.exp(np.log(bits) + np.array([-0.2, 0.2]))
        errors = 255.0**2 * 10 ** (-np.interp(np.log(near), np.log(best[:, 1]), best[:, 0]) / 10)
        return max(1.0, float((errors[0] - errors[1]) / (near[1] - near[0])))


def middle(path: Path, side: int) -> np.ndarray:
    """uint8[height, width, 3]; side 0: all of it."""
    picture = Image.open(path).convert("RGB")
    if side:
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    return np.asarray(picture)


def psnr(pixels: np.ndarray, decoded: np.ndarray) -> float:
    """In dB, of all samples."""
    return float(10 * np.log10(255**2 / np.square(decoded.astype(np.float64) - pixels).mean()))


def avif(pixels: np.ndarray) -> Curves:
    """Whole files."""
    curves = []
    for subsampling in ("4:2:0", "4:4:4"):
        points = []
        for quality in _QUALITIES:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "AVIF", quality=quality, speed=4, subsampling=subsampling)
            decoded = np.asarray(Image.open(file).convert("RGB"))
            points.append((psnr(pixels, decoded), 8 * file.tell() / (pixels.shape[0] * pixels.shape[1])))
        curves.append(np.array(sorted(points)))
    return Curves(curves)


def coded(pixels: np.ndarray, price: float, effort: int, threads: int) -> tuple[tuple[float, float], float, float, float]:
    """Minutes that pass and of CPU time, bits per pixel, PSNR, seconds of decoding, of a file."""
    with tempfile.TemporaryDirectory() as name:
        file, out = Path(name) / "x.lac", Path(name) / "x.npy"
        quality = float(np.clip(100.0 - 7.0 * np.log2(price), 1.0, 100.0))
        lacodec.encode(pixels[:32, :32], "image.field", effort=1)  # so that everything is compiled
        began, work = time.perf_counter(), time.process_time()
        file.write_bytes(lacodec.encode(pixels, "image.field", quality=quality, effort=effort, threads=threads))
        minutes = (time.perf_counter() - began) / 60, (time.process_time() - work) / 60
        done = subprocess.run([sys.executable, "-c", _DECODING, file, out], check=True, capture_output=True, text=True)
        bits = 8 * file.stat().st_size / (pixels.shape[0] * pixels.shape[1])
        return minutes, bits, psnr(pixels, np.load(out)), float(done.stdout)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=0)
    parser.add_argument("--bpp", default="0.2,0.7")
    parser.add_argument("--efforts", default="6,9")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    found: dict[tuple[float, int], list[float]] = {}
    for path in arguments.pictures:
        pixels = middle(path, arguments.side)
        curves = avif(pixels)
        for bpp in map(float, arguments.bpp.split(",")):
            price = curves.price(bpp)
            for effort in map(int, arguments.efforts.split(",")):
                minutes, bits, quality, seconds = coded(pixels, price, effort, arguments.threads)
                percent = 100 * (bits / curves.bits(quality) - 1)
                found.setdefault((bpp, effort), []).append(percent)
                print(
                    f"{path.name}, {pixels.shape[1]}x{pixels.shape[0]}, price {price:.0f}, effort {effort}: "
                    f"{minutes[0]:.1f} minutes ({minutes[1]:.1f} of CPU time), "
                    f"{bits:.4f} bits per pixel, PSNR {quality:.2f} dB, {percent:+.1f} % bits, decoded in {seconds:.2f} s",
                    flush=True,
                )
    for (bpp, effort), percents in found.items():
        print(f"about {bpp:g} bits per pixel, effort {effort}: {np.mean(percents):+.1f} % bits on average")


if __name__ == "__main__":
    main()
