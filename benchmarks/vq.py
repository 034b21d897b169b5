"""Codec `image.vq` beside AVIF, WebP and JPEG XL at their lowest rates: what a classifier and a segmenter still see.

    python benchmarks/vq.py PICTURES --models FOLDER [--only vq,avif] [--pixels]

FOLDER has mobilenet_v2_1.0_224_quant.tflite and deeplabv3_mnv2_pascal_quant.tflite (google-coral/test_data). Whole files are
counted. Peers: at their lowest quality; and reduced to 1/2 or 1/3 (Lanczos, back by bicubic), at the highest quality that takes
at most 0.04 bits per pixel, or their lowest where none does. `within 0.04`: two layers, with a target that leaves room for what
else is in a file. `lost`: files of five chunks, decoded without one of them (`--salvage`), each in turn. Agreement is with what
is seen in the undecoded; intervals are the middle 95 % over 2000 resamples of the pictures.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import lacodec
from lacodec.api import decode_file
from lacodec.container import stream
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS
from lacodec.evaluation.perception.classification import Classification
from lacodec.evaluation.perception.segmentation import Segmentation
from lacodec.io.source import BytesSource

_MOST = 0.04  # bits per pixel
_BOOKS = (4096, 1024, 256, 64, 8)
_TWO = {"book": 4096, "layers": 2}
_FRAME = 140  # bytes of a file besides the indices, at most, of one chunk
_CHUNKS = 5
_RESAMPLES = 2000
_HEAD = 60  # bytes of the head of a chunk with one axis

Coded = list[tuple[int, np.ndarray]]
"""Sizes of files, and what they decode to; several of a picture count as one, by their mean."""


class Eyes:
    """Both models, and what they see in the undecoded."""

    def __init__(self, models: Path, pictures: list[np.ndarray]) -> None:
        self.classes = Classification(models / "mobilenet_v2_1.0_224_quant.tflite")
        self.maps = Segmentation(models / "deeplabv3_mnv2_pascal_quant.tflite")
        self.pictures = pictures
        self.wanted = [(self.classes.answer(picture), self.maps.answer(picture)) for picture in pictures]

    def scores(self, at: int, decoded: np.ndarray) -> list[float]:
        """Same class, KL, mIoU, squared error."""
        one, other = self.wanted[at]
        found = {
            **self.classes.scores(one, self.classes.answer(decoded), None),
            **self.maps.scores(other, self.maps.answer(decoded), None),
        }
        error = np.mean((decoded.astype(float) - self.pictures[at]) ** 2)
        return [found["top-1"].total, found["kl"].total, found["miou"].total, float(error)]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--only", default="", help="settings whose names hold one of these")
    parser.add_argument("--model", help="of image.vq, instead of the one that comes with it")
    args = parser.parse_args()
    paths = sorted(args.pictures.iterdir())
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    eyes = Eyes(args.models, pictures)
    print("setting | bits per pixel | files above 0.04 | same class | KL | mIoU | PSNR")
    for name, run in _settings(paths, pictures, args.model):
        if any(part in name for part in args.only.split(",")):
            print(_row(name, [run(at) for at in range(len(paths))], eyes), flush=True)


def _settings(paths: list[Path], pictures: list[np.ndarray], model: str | None) -> Iterator[tuple[str, Callable[[int], Coded]]]:
    given = {} if model is None else {"model": model}

    def ours(at: int, **options: float) -> Coded:
        data = lacodec.encode(str(paths[at]), "image.vq", **options, **given)
        return [(len(data), lacodec.decode(data).pixels)]

    for book in _BOOKS:
        yield f"image.vq, book {book}", lambda at, book=book: ours(at, book=book)
    yield "image.vq, two layers", lambda at: ours(at, **_TWO)
    yield (
        "image.vq, two layers within 0.04",
        lambda at: ours(at, target_bpp=_MOST - 8 * _FRAME / pictures[at][..., 0].size, **_TWO),
    )
    for name, options in (("two layers", _TWO), ("book 1024", {"book": 1024})):
        for lost in (False, True):
            yield (
                f"image.vq, {name}, {_CHUNKS} chunks{', one lost' * lost}",
                lambda at, options=options, lost=lost: _in_chunks(paths[at], options, lost, given),
            )
    for peer in LOSSY_IMAGE_PEERS:
        lowest, others = _QUALITIES.get(peer.name, (None, ()))
        if lowest is None or not peer.installed:
            continue
        variant = peer.variants[0]
        yield f"{peer.name} {variant}, lowest", lambda at, p=peer, v=variant, q=lowest: _reduced(pictures[at], p, v, (q,), 1)
        for part in (2, 3):
            yield (
                f"{peer.name} {variant}, 1/{part}",
                lambda at, p=peer, v=variant, q=(lowest, *others), n=part: _reduced(pictures[at], p, v, q, n),
            )


_QUALITIES = {"avif": (0, range(1, 60)), "webp": (0, range(1, 60)), "jxl": (25.0, [25 - 0.5 * n for n in range(1, 45)])}
"""Of peers: the lowest, then better ones, in order."""


def _reduced(pixels: np.ndarray, peer, variant: str, qualities: tuple, part: int) -> Coded:  # a LossyImagePeer
    height, width = pixels.shape[:2]
    small = pixels
    if part > 1:
        size = max(1, round(width / part)), max(1, round(height / part))
        small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    low, high = 0, len(qualities) - 1
    data = peer.encode(small, qualities[0], variant)
    while low < high:
        middle = (low + high + 1) // 2
        other = peer.encode(small, qualities[middle], variant)
        if len(other) * 8 <= _MOST * height * width:
            low, data = middle, other
        else:
            high = middle - 1
    shown = peer.decode(data)
    if part > 1:
        shown = np.asarray(Image.fromarray(shown).resize((width, height), Image.Resampling.BICUBIC))
    return [(len(data), shown)]


def _in_chunks(path: Path, options: dict[str, int], lost: bool, given: dict[str, str]) -> Coded:
    data = lacodec.encode(str(path), "image.vq", chunks=_CHUNKS, **options, **given)
    if not lost:
        return [(len(data), lacodec.decode(data).pixels)]
    found = []
    count = len(list(stream(BytesSource(data))[1]))
    marker, at = data[18 + int.from_bytes(data[6:10], "little") + 0 :][:8], 0
    starts = []
    while (at := data.find(marker, at)) >= 0:
        starts.append(at)
        at += 1
    with tempfile.TemporaryDirectory() as folder:
        for start in starts[:count]:
            damaged = bytearray(data)
            damaged[start + _HEAD] ^= 255
            file, shown = Path(folder) / "damaged.lac", Path(folder) / "shown.png"
            file.write_bytes(damaged)
            decode_file(file, shown, salvage=True, force=True)
            found.append((len(data), np.asarray(Image.open(shown).convert("RGB"))))
    return found


def _row(name: str, coded: list[Coded], eyes: Eyes) -> str:
    sizes = [one[0][0] for one in coded]
    pixels = [picture[..., 0].size for picture in eyes.pictures]
    scores = np.array([np.mean([eyes.scores(at, shown) for _, shown in one], axis=0) for at, one in enumerate(coded)])
    drawn = np.random.default_rng(0).integers(0, len(scores), (_RESAMPLES, len(scores)))

    def interval(column: int, digits: int) -> str:
        low, high = np.percentile(scores[:, column][drawn].mean(axis=1), [2.5, 97.5])
        return f"{scores[:, column].mean():.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    above = sum(size * 8 > _MOST * area for size, area in zip(sizes, pixels, strict=True))
    psnr = np.mean(10 * np.log10(255**2 / scores[:, 3]))
    rate = 8 * sum(sizes) / sum(pixels)
    return f"{name} | {rate:.4f} | {above} | {interval(0, 2)} | {interval(1, 2)} | {interval(2, 3)} | {psnr:.2f}"


if __name__ == "__main__":
    main()
