"""What a model of image.learned that was trained for a classifier's features keeps of classes, at equal bytes.

    python -m benchmarks.task_loss PICTURES TUNED.lac --mobilenet FILE.tflite [--plain free] [--efforts 1,5] [--count 200]

picture 224x224 --model, quality--> complete file --> decoded --EfficientNet-Lite0, MobileNet v2--> classes, probabilities

Curves of top-1 agreement and KL over mean bytes of both models at all qualities; the difference where the plain model has its
points, between them interpolated over the logarithm of bytes, and the bytes at equal KL. Intervals: the middle 95 % over
resamples of the pictures (bootstrap). Results of single pictures are kept in --cache.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import lacodec
from benchmarks.features import centre
from lacodec.evaluation.perception.classification import Quantised
from lacodec.evaluation.perception.efficientnet import EfficientNet

_RESAMPLES = 1000
_COLUMNS = ("bytes", "efficientnet top-1", "efficientnet kl", "mobilenet top-1", "mobilenet kl", "mse")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("tuned", type=Path, help="model file")
    parser.add_argument("--plain", default="free", help="profile of the shipped model it began from")
    parser.add_argument("--mobilenet", type=Path, required=True)
    parser.add_argument("--efforts", default="1")
    parser.add_argument("--qualities", default="1,20,40,60,80", help="of the plain model")
    parser.add_argument("--tuned-qualities", help="of the tuned one, if others")
    parser.add_argument("--count", type=int, default=200, help="pictures, evenly chosen")
    parser.add_argument("--cache", type=Path, default=Path("task_loss.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["LACODEC_MODELS"] = str(args.tuned)  # where decoding finds it
    paths = sorted(args.pictures.iterdir())
    paths = [paths[i * len(paths) // args.count] for i in range(args.count)]
    classifiers = (EfficientNet(), Quantised(args.mobilenet))
    rows = _Kept(args.cache)
    qualities = {"plain": args.qualities, "tuned": args.tuned_qualities or args.qualities}
    for effort in map(int, args.efforts.split(",")):
        found = {}
        for name, model in (("plain", {"profile": args.plain}), ("tuned", {"model": str(args.tuned)})):
            table = []
            for quality in map(int, qualities[name].split(",")):
                options = {**model, "quality": quality, "effort": effort}
                table.append([rows.of(path, options, classifiers) for path in paths])
                print(f"effort {effort}, {name}, quality {quality}: {_line(np.array(table[-1]).mean(axis=0))}", flush=True)
            found[name] = np.array(table)
        for line in _compared(found["plain"], found["tuned"]):
            print(f"effort {effort}: {line}", flush=True)


class _Kept:
    """Results by picture and options, a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._known = dict(json.loads(line) for line in lines)

    def of(self, path: Path, options: dict, classifiers: tuple) -> list[float]:
        """The columns for one picture."""
        key = json.dumps([path.name, options])
        if key not in self._known:
            self._known[key] = _measured(centre(path), options, classifiers)
            with self._path.open("a") as file:
                file.write(json.dumps([key, self._known[key]]) + "\n")
        return self._known[key]


def _measured(pixels: np.ndarray, options: dict, classifiers: tuple) -> list[float]:
    file = lacodec.encode(pixels, "image.learned", **options)
    decoded = np.asarray(lacodec.decode(file))
    found = [float(len(file))]
    for classifier in classifiers:
        before, after = (classifier(_fitted(one, classifier.size)) for one in (pixels, decoded))
        found += [float(before.argmax() == after.argmax()), float(np.sum(before * np.log(before / after)))]
    return [*found, float(np.square(pixels.astype(float) - decoded).mean())]


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))


def _line(means: np.ndarray) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in zip(_COLUMNS, means, strict=True))


def _compared(plain: np.ndarray, tuned: np.ndarray) -> Iterator[str]:
    """Of float64[qualities, pictures, columns]."""
    drawn = np.random.default_rng(0).integers(0, plain.shape[1], (_RESAMPLES, plain.shape[1]))
    means = [(plain[:, some].mean(axis=1), tuned[:, some].mean(axis=1)) for some in [np.arange(plain.shape[1]), *drawn]]
    for i, base in enumerate(means[0][0]):
        if not means[0][1][0, 0] <= base[0] <= means[0][1][-1, 0]:
            continue  # bytes that the tuned model was not measured at
        apart = np.array([_at(mine, one[i, 0]) - one[i] for one, mine in means])
        yield f"at {base[0]:.0f} bytes: " + ", ".join(_with_interval(name, apart[:, k]) for k, name in enumerate(_COLUMNS) if k)
    for k, name in enumerate(_COLUMNS):
        if name.endswith("kl"):
            saved = np.array([_bytes_at_equal(one, mine, k) for one, mine in means])
            yield _with_interval(f"bytes at equal {name}", saved)


def _at(means: np.ndarray, size: float) -> np.ndarray:
    """Columns at a number of bytes."""
    return np.array([np.interp(np.log(size), np.log(means[:, 0]), column) for column in means.T])


def _bytes_at_equal(plain: np.ndarray, tuned: np.ndarray, k: int) -> float:
    """The tuned model's by the plain one's, mean of the logarithm over the range of column k that both have."""
    logs = [(np.log(one[::-1, k]), np.log(one[::-1, 0])) for one in (plain, tuned)]  # KL falls with quality
    low, high = max(one[0][0] for one in logs), min(one[0][-1] for one in logs)
    if low >= high:
        return float("nan")
    places = np.linspace(low, high, 50)
    first, second = (np.interp(places, *one) for one in logs)
    return float(np.exp((second - first).mean()))


def _with_interval(name: str, values: np.ndarray) -> str:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return f"{name} {values[0]:+.4f} ({low:+.4f} to {high:+.4f})"


if __name__ == "__main__":
    main()
