"""The integers that image.learned decodes under all that may change a sum, and those of the same network in floating point.

    python benchmarks/learned_exact.py FOLDER ... [-n 100] [--seed 1] [--json FILE]

n crops of the pictures in the folders, of assorted sizes and qualities, are encoded once and decoded in every way there is:
threads, batches, memory layout, order of addition, libraries and precisions, and on CUDA where there is a device. Integers:
pictures whose means, table numbers or latents are not those of the first way. Floating point (the weights before rounding, in a
codec that is otherwise the same): how many means and table numbers differ when all latents before are given, and how many
pictures then decode to other latents than were encoded, or to none.
"""

import argparse
import copy
import hashlib
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import laconic
from laconic.codecs.image import _learned_tiles as tiles
from laconic.codecs.image import _model_files
from laconic.container import Reader
from laconic.entropy.distributions import load
from laconic.entropy.rans import RansDecoder, RansEncoder
from laconic.errors import LaconicError
from laconic.evaluation.rate_distortion import read_rgb
from laconic.models.exact import Conv, Mode, set_mode
from laconic.models.image.entropy import SCALES, Part
from laconic.models.image.model import ImageModel, unpack
from laconic.models.image.options import HYPER, PATCH, level_of
from laconic.source import BytesSource


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


class Asked(nn.Module):
    """An entropy model that writes down what it answers; `batch` others are asked beside."""

    def __init__(self, inner: nn.Module, batch: int) -> None:
        super().__init__()
        self.inner, self.batch = inner, batch
        self.means: list[np.ndarray] = []
        self.scales: list[np.ndarray] = []

    def hyper_part(self, level: Tensor, shape: tuple[int, ...]) -> Part:
        """As in EntropyModel."""
        return self._noted(self.inner.hyper_part(level, shape))

    def walk(self, hyper: Tensor, level: Tensor, size: tuple[int, int], coder: Callable[[list[Part]], list[Tensor]]) -> None:
        """As in EntropyModel."""

        def code(parts: list[Part]) -> list[Tensor]:
            values = coder([self._noted(replace(p, means=p.means[:1], scales=p.scales[:1])) for p in parts])
            return [self._beside(value) for value in values]

        self.inner.walk(self._beside(hyper), level.repeat(1 + self.batch), size, code)

    def _beside(self, value: Tensor) -> Tensor:
        return torch.cat([value, *(value.roll(i + 1, 1).flip(3) for i in range(self.batch))])

    def _noted(self, part: Part) -> Part:
        self.means.append(part.means.float().cpu().numpy().ravel())
        self.scales.append(torch.floor(part.scales.float() + 0.5).clamp(0, SCALES - 1).cpu().numpy().ravel())
        return part


@dataclass(frozen=True)
class Way:
    """One way to ask a network. `change` turns it into another one that means the same."""

    name: str
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    change: Callable[[ImageModel], None] = lambda network: None
    batch: int = 0
    device: str = "cpu"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def precision(name: str) -> Iterator[None]:
    """The user's setting for float32 products."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def bfloat16() -> Iterator[None]:
    """Convolutions and products of oneDNN."""
    places = (torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul)
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "bf16"
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value


def permute(network: ImageModel) -> None:
    """Every dense layer adds its inputs up in another order."""
    for layer in network.entropy.modules():
        if isinstance(layer, Conv) and layer.groups == 1:
            weight = layer.weight if layer.mode == Mode.FLOAT else layer.codes
            order = torch.from_numpy(np.random.default_rng(5).permutation(weight.shape[1])).to(weight.device)
            if layer.mode == Mode.FLOAT:
                layer.weight = nn.Parameter(layer.weight.detach()[:, order], requires_grad=False)
            else:
                layer.codes = layer.codes[:, order]
            layer.register_forward_pre_hook(lambda _, given, order=order: (given[0][:, order],))


def channels_last(network: ImageModel) -> None:
    """Every layer sees its input with the channels last in memory."""
    for layer in network.entropy.modules():
        if isinstance(layer, Conv):
            layer.register_forward_pre_hook(lambda _, given: (given[0].contiguous(memory_format=torch.channels_last),))


def ways() -> list[Way]:
    """All there are on this machine; the first is what the others are compared with."""
    found = [
        Way("1 thread"),
        Way("2 threads", lambda: threads(2)),
        Way("batch of 2", batch=1),
        Way("batch of 5", batch=4),
        Way("channels last", change=channels_last),
        Way("other order of addition", change=permute),
        Way("oneDNN off", lambda: torch.backends.mkldnn.flags(enabled=False)),
        Way("products: medium", lambda: precision("medium")),
        Way("oneDNN in bfloat16", bfloat16),
        Way("bfloat16 autocast", lambda: torch.autocast("cpu", torch.bfloat16)),
    ]
    if torch.cuda.is_available():
        found += [
            Way("CUDA", device="cuda"),
            Way("CUDA, medium", lambda: precision("medium"), device="cuda"),
            Way("CUDA, float16 autocast", lambda: torch.autocast("cuda", torch.float16), batch=2, device="cuda"),
        ]
    return found


def changed(network: ImageModel, way: Way) -> tuple[ImageModel, Asked]:
    """A copy of the network for `way`, and its entropy model."""
    mine = copy.deepcopy(network).to(way.device)
    way.change(mine)
    asked = Asked(mine.entropy, way.batch)
    mine.entropy = asked
    return mine, asked


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
        _, content = tiles.decode_tile(network, payload, crop.place, 3, crop.t)
    digest = hashlib.sha256(content)
    for part in (*asked.means, *asked.scales):
        assert np.array_equal(part, np.rint(part))
        digest.update(part.astype("<i4").tobytes())
    return digest.hexdigest()


@dataclass
class FloatStream:
    """What the codec in floating point makes of a crop, in the first way."""

    stream: bytes
    hyper: Tensor
    symbols: list[np.ndarray]
    values: list[list[Tensor]] = field(default_factory=list)
    means: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scales: np.ndarray = field(default_factory=lambda: np.zeros(0))


def level(crop: Crop, device: str = "cpu") -> Tensor:
    """What the entropy networks are told of the quality."""
    return torch.tensor([level_of(1 + 99 * crop.t)], device=device)


def encode_float(network: ImageModel, asked: Asked, way: Way, crop: Crop) -> FloatStream:
    """Round to nearest, and code with the tables that the float networks choose."""
    tables, encoder = load(network.options.family), RansEncoder(32)
    made = FloatStream(b"", torch.zeros(0), [])
    with torch.inference_mode(), way.around():
        y = tiles.Picture(network, crop.pixels, crop.t).latents(crop.place)[None]
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
    except LaconicError:
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
    arrays = _model_files.read_arrays(_model_files.shipped()[args.profile])
    exact, floating = unpack(arrays), unpack(arrays, training=True)
    floating.eval().requires_grad_(False)
    set_mode(floating, Mode.FLOAT)
    chosen = crops(args.folders, args.n, args.seed)
    print(f"torch {torch.__version__}, {len(chosen)} pictures", file=sys.stderr)
    files = [laconic.encode(crop.pixels, "image.learned", profile=args.profile, quality=crop.quality) for crop in chosen]
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
    print(f"{pictures} pictures, {symbols} symbols; what differs from the first way")
    print(f"{'':26}{'integers':>14}{'floating point':>50}")
    print(f"{'':26}{'pictures':>14}{'means':>16}{'table numbers':>18}{'pictures':>16}")
    for row in rows:
        print(
            f"{row['way']:26}{row['integer_pictures']:14}{row['float_means']:16}{row['float_tables']:18}{row['float_pictures']:16}"
        )


if __name__ == "__main__":
    sys.exit(main())
