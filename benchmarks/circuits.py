"""Codec `image.pc` beside PNG, WebP, JPEG XL and `image.lossless` on a set of small pictures that its circuit has not seen:

    python benchmarks/circuits.py TEST.npy MODEL.lac      (needs imagecodecs; sets: benchmarks/small_pictures.py)

Each other codec gets every picture alone, and all as one stacked picture, whichever is smaller counts. Sizes are whole files,
without the circuit; its bytes are shown. Speed: pictures per second of processor time, one thread, kernels compiled before.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

import lacodec

_LONGEST = 16_000  # rows of a picture that WebP takes


def peers() -> dict[str, Callable[[np.ndarray], int]]:
    """Name -> bytes of a gray picture."""
    import imagecodecs

    def webp(pixels: np.ndarray) -> int:
        parts = (np.repeat(pixels[at : at + _LONGEST, :, None], 3, axis=2) for at in range(0, len(pixels), _LONGEST))
        return sum(len(imagecodecs.webp_encode(np.ascontiguousarray(part), lossless=True)) for part in parts)

    return {
        "PNG, level 9": lambda pixels: len(imagecodecs.png_encode(pixels, level=9)),
        "WebP, lossless": webp,
        "JPEG XL, effort 7": lambda pixels: len(imagecodecs.jpegxl_encode(pixels, lossless=True, effort=7)),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Compare image.pc with other codecs on small gray pictures.")
    parser.add_argument("test", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--effort", type=int, default=7, help="of image.lossless")
    args = parser.parse_args()
    pictures = np.load(args.test)
    stacked, bits = pictures.reshape(-1, pictures.shape[2]), 8 / pictures.size
    for name, code in peers().items():
        alone, together = sum(map(code, pictures)) * bits, code(stacked) * bits
        print(f"{name:24} each {alone:.4f}  stacked {together:.4f} bits per pixel", flush=True)
    size = len(lacodec.encode(stacked[:, :, None], "image.lossless", effort=args.effort))
    print(f"image.lossless {args.effort}         stacked {size * bits:.4f} bits per pixel", flush=True)
    codec = lacodec.codec("image.pc", model=str(args.model))
    coded = codec.encode(pictures)
    clocks = [time.process_time()]
    for work in (lambda: codec.encode(pictures), lambda: codec.decode(coded)):
        assert work() is not None
        clocks.append(time.process_time())
    assert np.array_equal(codec.decode(coded), pictures)
    rates = [len(pictures) / (b - a) for a, b in pairwise(clocks)]
    print(f"image.pc                         {len(coded) * bits:.4f} bits per pixel; circuit {args.model.stat().st_size} bytes")
    print(f"image.pc encodes {rates[0]:.0f} and decodes {rates[1]:.0f} pictures per second")


if __name__ == "__main__":
    main()
