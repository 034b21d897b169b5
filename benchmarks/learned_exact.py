"""The integers that image.learned decodes under all that may change a sum, and those of the same network in floating point.

    python benchmarks/learned_exact.py FOLDER ... [-n 100] [--seed 1] [--json FILE]

n crops of the pictures in the folders, of assorted sizes and qualities, are encoded once and decoded in every available way:
threads, batches, memory layout, order of addition, libraries and precisions, and on CUDA if available. Integers:
pictures whose means, table numbers or latents are not those of the first way. Floating point (the weights before rounding, in a
codec that is otherwise the same): how many means and table numbers differ when all latents before are given, and how many
pictures then decode to other latents than were encoded, or to none.
"""

import argparse
import hashlib
import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from benchmarks.learned_ways import Asked, Way, changed, ways
from lacodec.codecs import model_files
from lacodec.codecs.image.learned import tiles
from lacodec.codecs.image.learned.quality import Quality
from lacodec.container import Header, Reader
from lacodec.entropy.distributions import load
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.errors import LacodecError
from lacodec.evaluation.rate_distortion import read_rgb
from lacodec.io.source import BytesSource
from lacodec.models.exact import Mode, set_mode
from lacodec.models.image.entropy import Part
from lacodec.models.image.model import ImageModel, unpack
from lacodec.models.image.options import HYPER, PATCH, level_of

HEADER = Header("image.learned", 0, {})


@dataclass(frozen=True)
class Crop:
    """A picture, and its file's only chunk at `quality`."""

    pixels: np.ndarray
    quality: float

    @property
    def t(self) -> float:
        """The quality from 0 to 1, as the codec computes it from its hundredths."""
        return (round(self.quality * 100) / 100 - 1) / 99

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Of its only tile."""
        return 0, self.pixels.shape[0], 0, self.pixels.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of latents."""
        return -(-self.pixels.shape[0] // PATCH), -(-self.pixels.shape[1] // PATCH)


def crops(folders: list[Path], count: int, seed: int) -> list[Crop]:
    """Of 1 to 512 pixels a side, at any quality."""
    rng = random.Random(seed)
    paths = sorted(path for folder in folders for path in folder.iterdir() if path.is_file())
    found = []
    for path in rng.sample(paths, len(paths)) * -(-count // len(paths)):
        pixels = read_rgb(path)
        height, width = (min(n, round(512 ** (rng.random() ** 0.3))) for n in pixels.shape[:2])
        top, left = rng.randrange(pixels.shape[0] - height + 1), rng.randrange(pixels.shape[1] - width + 1)
        crop = np.ascontiguousarray(pixels[top : top + height, left : left + width])
        found.append(Crop(crop, round(rng.uniform(1, 100), 2)))
        if len(found) == count:
            break
    return found


def exact_digest(network: ImageModel, asked: Asked, way: Way, crop: Crop, payload: bytes) -> str:
    """Of means, table numbers and latents that a payload decodes to."""
    asked.means, asked.scales = [], []
    with way.around():
        _, content = tiles.decode_tile(network, payload, crop.place, 3, Quality(crop.t), HEADER)
    digest = hashlib.sha256(content)
    for part in (*asked.means, *asked.scales):
        assert np.array_equal(part, np.rint(part))
        digest.update(part.astype("<i4").tobytes())
    return digest.hexdigest()


@dataclass
class FloatStream:
    """The result of the codec in floating point for a crop, in the first way."""

    stream: bytes
    hyper: Tensor
    symbols: list[np.ndarray]
    values: list[list[Tensor]] = field(default_factory=list)
    means: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scales: np.ndarray = field(default_factory=lambda: np.zeros(0))


def level(crop: Crop, device: str = "cpu") -> Tensor:
    """The input of the entropy networks for the quality."""
    return torch.tensor([level_of(1 + 99 * crop.t)], device=device)


def encode_float(network: ImageModel, asked: Asked, way: Way, crop: Crop) -> FloatStream:
    """Round to nearest, and code with the tables that the float networks choose."""
    tables, encoder = load(network.options.family), RansEncoder(32)
    made = FloatStream(b"", torch.zeros(0), [])
    with torch.inference_mode(), way.around():
        y = tiles.Picture(network, crop.pixels, Quality(crop.t)).latents(crop.place)[None]
        padded = torch.nn.functional.pad(y, (0, -crop.size[1] % HYPER, 0, -crop.size[0] % HYPER))
        made.hyper = torch.floor(network.hyper_analysis(padded) + 0.5)
        asked.means, asked.scales = [], []

        def push(symbols: Tensor) -> None:
            made.symbols.append(symbols.numpy().astype(np.int32).ravel())
            encoder.push(made.symbols[-1], tables, asked.scales[len(made.symbols) - 1].astype(np.uint16))

        def coder(parts: list[Part]) -> list[Tensor]:
            symbols = [torch.floor(part.of(y) - part.means.float() / 16 + 0.5) for part in parts]
            for one in symbols:
                push(one)
            made.values.append([s * 16 + part.means.float() for s, part in zip(symbols, parts, strict=True)])
            return made.values[-1]

        asked.hyper_part(level(crop), tuple(made.hyper.shape))
        push(made.hyper)
        asked.walk(made.hyper, level(crop), crop.size, coder)
    made.stream, made.means, made.scales = encoder.finish(), np.concatenate(asked.means), np.concatenate(asked.scales)
    return made


def differences(asked: Asked, way: Way, crop: Crop, made: FloatStream) -> tuple[int, int]:
    """(means, table numbers) that this way gives otherwise although it is told the right latents."""
    asked.means, asked.scales = [], []
    known = iter(made.values)
    with torch.inference_mode(), way.around():
        asked.hyper_part(level(crop, way.device), tuple(made.hyper.shape))
        asked.walk(
            made.hyper.to(way.device), level(crop, way.device), crop.size, lambda _: [v.to(way.device) for v in next(known)]
        )
    return int((np.concatenate(asked.means) != made.means).sum()), int((np.concatenate(asked.scales) != made.scales).sum())


def decodes(network: ImageModel, asked: Asked, way: Way, crop: Crop, made: FloatStream) -> bool:
    """Whether the stream of the first way decodes to its latents in this one."""
    tables, decoder = load(network.options.family), RansDecoder(made.stream)
    asked.means, asked.scales = [], []
    pulled: list[np.ndarray] = []

    def pull(part: Part) -> Tensor:
        index = asked.scales[len(pulled)].astype(np.uint16)
        pulled.append(decoder.pull(len(index), tables, index))
        return torch.from_numpy(pulled[-1].astype(np.float32)).reshape(part.scales.shape).to(way.device)

    try:
        with torch.inference_mode(), way.around():
            hyper = pull(asked.hyper_part(level(crop, way.device), tuple(made.hyper.shape)))
            asked.walk(hyper, level(crop, way.device), crop.size, lambda parts: [pull(p) * 16 + p.means.float() for p in parts])
        decoder.finish()
    except LacodecError:
        return False
    return all(np.array_equal(a, b) for a, b in zip(pulled, made.symbols, strict=True))


def main() -> int:
    """Print the table; exit code 1 when an integer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-n", type=int, default=100, help="crops (default 100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="small")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    arrays = model_files.read_arrays(model_files.shipped()[args.profile])
    exact, floating = unpack(arrays), unpack(arrays, training=True)
    floating.eval().requires_grad_(False)
    set_mode(floating, Mode.FLOAT)
    chosen = crops(args.folders, args.n, args.seed)
    print(f"torch {torch.__version__}, {len(chosen)} pictures", file=sys.stderr)
    files = [lacodec.encode(crop.pixels, "image.learned", profile=args.profile, quality=crop.quality) for crop in chosen]
    payloads = [reader.chunk(0).payload for reader in (Reader(BytesSource(file)) for file in files)]
    all_ways = ways()
    first = changed(floating, all_ways[0])
    coded = [encode_float(*first, all_ways[0], crop) for crop in chosen]
    symbols = sum(len(made.means) for made in coded)
    rows, expected = [], []
    for way in all_ways:
        network, asked = changed(exact, way)
        digests = [exact_digest(network, asked, way, crop, payload) for crop, payload in zip(chosen, payloads, strict=True)]
        expected = expected or digests
        other, heard = changed(floating, way)
        counts = np.array([differences(heard, way, crop, made) for crop, made in zip(chosen, coded, strict=True)]).sum(0)
        wrong = sum(not decodes(other, heard, way, crop, made) for crop, made in zip(chosen, coded, strict=True))
        rows.append(
            {
                "way": way.name,
                "integer_pictures": sum(a != b for a, b in zip(digests, expected, strict=True)),
                "float_means": int(counts[0]),
                "float_tables": int(counts[1]),
                "float_pictures": wrong,
            }
        )
    show(rows, len(chosen), symbols)
    if args.json:
        report = {"pictures": len(chosen), "symbols": symbols, "torch": torch.__version__, "ways": rows}
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return int(any(row["integer_pictures"] for row in rows))


def show(rows: list[dict[str, Any]], pictures: int, symbols: int) -> None:
    """As a table."""
    print(f"{pictures} pictures, {symbols} symbols; differences from the first way")
    print(f"{'':26}{'integers':>14}{'floating point':>50}")
    print(f"{'':26}{'pictures':>14}{'means':>16}{'table numbers':>18}{'pictures':>16}")
    for row in rows:
        print(
            f"{row['way']:26}{row['integer_pictures']:14}{row['float_means']:16}{row['float_tables']:18}{row['float_pictures']:16}"
        )


if __name__ == "__main__":
    sys.exit(main())
