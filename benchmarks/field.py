"""How well image.field is fitted, against AVIF: error + price x bits per pixel of a picture, by steps and CPU time.

    python benchmarks/field.py PICTURE ... [--side 256] [--prices 100] [--steps 400,2000] [--threads 1]

Of each picture the middle, --side pixels a side. A price is the squared error that a bit per pixel is worth. AVIF (Pillow,
speed 4) has the quality at which its cost is least. Sizes are of the field alone, without header, and of the whole AVIF file.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from lacodec.codecs.image.field._fit import fit
from lacodec.codecs.image.field._network import synthesise
from lacodec.codecs.image.field._payload import encode_field

_QUALITIES = range(10, 96, 3)


def middle(path: Path, side: int) -> np.ndarray:
    """uint8[side, side, 3]."""
    picture = Image.open(path).convert("RGB")
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def told(name: str, pixels: np.ndarray, decoded: np.ndarray, size: int, price: float) -> tuple[float, str]:
    """(Cost, a line about it)."""
    error = float(np.square(decoded.astype(np.float64) - pixels).mean())
    bits = size * 8 / (pixels.shape[0] * pixels.shape[1])
    cost = error + price * bits
    return cost, f"  {name:28} cost {cost:.2f}, {bits:.4f} bits per pixel, PSNR {10 * np.log10(255**2 / error):.2f} dB"


def avif(pixels: np.ndarray, price: float) -> tuple[float, str]:
    """As `told`, of the best quality."""
    found = []
    for quality in _QUALITIES:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "AVIF", quality=quality, speed=4)
        decoded = np.asarray(Image.open(file).convert("RGB"))
        found.append(told(f"AVIF, quality {quality}", pixels, decoded, file.tell(), price))
    return min(found)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--prices", default="100")
    parser.add_argument("--steps", default="400,2000")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    for path in arguments.pictures:
        pixels = middle(path, arguments.side)
        for price in map(float, arguments.prices.split(",")):
            print(f"{path.name}, {arguments.side}x{arguments.side}, a bit per pixel for {price:g}")
            print(avif(pixels, price)[1], flush=True)
            for steps in map(int, arguments.steps.split(",")):
                began = time.process_time()
                field = fit(pixels, price, steps, lambda: None, arguments.threads)
                seconds = time.process_time() - began
                decoded = synthesise(field.latents, field.synthesis)
                print(
                    told(f"{steps} steps, {seconds:.0f} s of CPU", pixels, decoded, len(encode_field(field)), price)[1],
                    flush=True,
                )


if __name__ == "__main__":
    main()
