"""Files of image.learned against the estimate of the model for their symbols.

    python benchmarks/learned_sizes.py PICTURE_OR_FOLDER ... [-q 1,20,50,80,100] [-n 20] [--crop 768x512] [--json FILE]

The estimate is -log2 of the probability of every symbol in its table; the file is the whole file. Beyond 1 % + 100 bytes counts
as a failure: exit code 1.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from benchmarks.learned_ways import Asked
from lacodec.codecs import model_files
from lacodec.codecs.image.learned import tiles
from lacodec.codecs.image.learned.quality import Quality
from lacodec.container import Header, Reader
from lacodec.entropy.distributions import load
from lacodec.entropy.tables import cost_bits
from lacodec.evaluation.rate_distortion import read_rgb
from lacodec.io.source import BytesSource
from lacodec.models.image.model import unpack

HEADER = Header("image.learned", 0, {})


def estimate(network: Any, asked: Asked, data: bytes, quality: float) -> tuple[float, int]:
    """(bytes that the symbols of a file of RGB should take, bytes of its payloads)."""
    reader = Reader(BytesSource(data))
    bits, payloads = 0.0, 0
    for number, head in enumerate(reader.index):
        (top, bottom), (left, right) = head.covers
        asked.means, asked.scales = [], []
        payload = reader.chunk(number).payload
        _, content = tiles.decode_tile(network, payload, (top, bottom, left, right), 3, Quality((quality - 1) / 99), HEADER)
        symbols, index = np.frombuffer(content, "<i2"), np.concatenate(asked.scales).astype(np.uint16)
        bits += cost_bits(symbols, load(network.options.family), index)
        payloads += len(payload)
    return bits / 8, payloads


def main() -> int:
    """Print a line for each quality."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("-q", "--qualities", default="1,20,50,80,100")
    parser.add_argument("-n", type=int, default=1000, help="pictures, at most")
    parser.add_argument("--crop", help="WIDTHxHEIGHT of the middle of each picture (default: all of it)")
    parser.add_argument("--profile", default="small")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = [path for given in args.data for path in (sorted(given.iterdir()) if given.is_dir() else [given])]
    network = unpack(model_files.read_arrays(model_files.shipped()[args.profile]))
    asked = Asked(network.entropy, 0)
    network.entropy = asked  # type: ignore[assignment]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pictures = [_saved(path, args.crop, Path(folder)) for path in found[: args.n]]
        for quality in (float(part) for part in args.qualities.split(",")):
            for path in pictures:
                data = lacodec.encode(path, "image.learned", profile=args.profile, quality=quality)
                expected, payloads = estimate(network, asked, data, quality)
                rows.append((quality, path.name, expected, payloads, len(data)))
            show([row for row in rows if row[0] == quality])
    if args.json:
        names = ("quality", "name", "estimate", "payloads", "file")
        args.json.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=1) + "\n")
    return int(any(row[4] > 1.01 * row[2] + 100 for row in rows))


def _saved(path: Path, crop: str | None, folder: Path) -> Path:
    """The picture as a separate PNG file, as users encode it."""
    from PIL import Image

    pixels = read_rgb(path)
    if crop:
        width, height = (min(n, m) for n, m in zip(map(int, crop.split("x")), pixels.shape[1::-1], strict=True))
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        pixels = pixels[top : top + height, left : left + width]
    Image.fromarray(pixels).save(folder / f"{path.stem}.png")
    return folder / f"{path.stem}.png"


def show(rows: list[tuple[float, str, float, int, int]]) -> None:
    """Of one quality."""
    worst = max(rows, key=lambda row: row[4] - 1.01 * row[2])
    coder = 100 * (sum(row[3] for row in rows) / sum(row[2] for row in rows) - 1)
    beyond = sum(row[4] > 1.01 * row[2] + 100 for row in rows)
    print(
        f"quality {rows[0][0]:g}: {len(rows)} pictures, mean estimate {np.mean([row[2] for row in rows]):.0f} bytes; "
        f"payloads {coder:+.3f} %; worst file {worst[4]} for {worst[2]:.0f} "
        f"(1 % and {worst[4] - 1.01 * worst[2]:.0f} bytes); beyond 1 % + 100: {beyond}"
    )


if __name__ == "__main__":
    sys.exit(main())
