"""Small classifiers on latents of `image.walloc` and `audio.walloc`, beside the same on values of equal number:

    python benchmarks/walloc_classify.py glyphs
    python benchmarks/walloc_classify.py spoken FOLDER     (WAV files whose names begin with the digit that is said)

glyphs: letters and digits of the system's fonts, 32x32, in colours of their own, light on dark or dark on light, on noise --> 62
classes; magnitudes of latents, 2x2 places and 48 channels, against those of the picture reduced to 8x8 pixels of three colours,
less its mean: 192 values both.
spoken: digits without the silence around them --> 10 classes; magnitudes of latents, 108 channels in four parts of the time,
against those of the samples in 432 parts of the time.

The classifier is the same: a support vector machine with a radial kernel, whose C is chosen on the training set. Needs
scikit-learn.
"""

import argparse
import string
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.small_pictures import FONTS
from lacodec.codecs import registry
from lacodec.media.audio.value import Audio

_SIDE, _REDUCED, _SIZES = 32, 8, (20, 26)
_PARTS = 4
_STEP = 4  # of latents: one for all, so that they can be compared

Values = NDArray[np.float64]


def glyphs(seed: int = 2026) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """u8[n, 32, 32, 3], class, font of each."""
    rng, pictures, classes, fonts = np.random.default_rng(seed), [], [], []
    paths = sorted(path for folder in FONTS for path in Path(folder).rglob("*.[to]tf"))
    for number, path in enumerate(paths):
        for label, character in enumerate(string.ascii_letters + string.digits):
            font = ImageFont.truetype(str(path), int(rng.integers(*_SIZES)))
            ground, colour = (tuple(int(n) for n in rng.integers(low, low + 128, 3)) for low in rng.permutation([0, 128]))
            picture = Image.new("RGB", (_SIDE, _SIDE), ground)
            place = tuple(_SIDE // 2 + int(n) for n in rng.integers(-2, 3, 2))
            ImageDraw.Draw(picture).text(place, character, colour, font, anchor="mm")
            noisy = np.asarray(picture) + rng.normal(0, 12, (_SIDE, _SIDE, 3))
            pictures.append(np.clip(noisy, 0, 255).astype(np.uint8))
            classes.append(label)
            fonts.append(number)
    return np.stack(pictures), np.array(classes), np.array(fonts)


def of_glyphs(pictures: NDArray[np.uint8]) -> dict[str, Values]:
    """Latents, and reduced pictures, of each in a row."""
    codec = registry.get("image.walloc")
    coder = codec(codec.Options(profile="16x", step=_STEP))
    reduced = (Image.fromarray(picture).resize((_REDUCED, _REDUCED), Image.Resampling.BOX) for picture in pictures)
    latents = np.stack([coder.latents(picture).ravel() for picture in pictures]).astype(float)
    pixels = np.stack([np.asarray(picture, float) - np.mean(np.asarray(picture), axis=(0, 1)) for picture in reduced])
    return {"latents": np.log1p(np.abs(latents)), "pixels": np.log1p(np.abs(pixels.reshape(len(pixels), -1)))}


def of_spoken(paths: list[Path]) -> dict[str, Values]:
    """Magnitudes of latents, and of samples, in equal parts of the time."""
    import soundfile

    codec = registry.get("audio.walloc")
    coder = codec(codec.Options(profile="4.7x", step=_STEP))
    found: dict[str, list[Values]] = {"latents": [], "samples": []}
    for path in paths:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        sizes = np.abs(samples[:, 0].astype(float))
        loud = np.flatnonzero(sizes > 0.05 * sizes.max())
        samples, sizes = samples[loud[0] : loud[-1] + 1], sizes[loud[0] : loud[-1] + 1]
        latents = np.abs(coder.latents(Audio.from_samples(samples, rate)).astype(float))
        parts = np.stack([part.mean(axis=1) for part in np.array_split(latents, _PARTS, axis=1)], axis=1)
        found["latents"].append(np.log1p(parts.ravel()))
        found["samples"].append(np.log1p(np.array([part.mean() for part in np.array_split(sizes, parts.size)])))
    return {name: np.stack(rows) for name, rows in found.items()}


def judge(values: Values, classes: NDArray[np.int64], groups: NDArray[np.int64] | None) -> tuple[float, float]:
    """Mean share of right answers, and its standard error, over five parts, which share no group."""
    from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    right = []
    parts = StratifiedKFold(5, shuffle=True, random_state=0) if groups is None else GroupKFold(5)
    for known, other in parts.split(values, classes, groups):
        search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 10]}, cv=3)
        right.append(search.fit(values[known], classes[known]).score(values[other], classes[other]))
    return float(np.mean(right)), float(np.std(right) / np.sqrt(len(right)))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Classify by latents, and by as many pixels or samples.")
    parser.add_argument("kind", choices=["glyphs", "spoken"])
    parser.add_argument("folder", type=Path, nargs="?")
    args = parser.parse_args()
    if args.kind == "glyphs":
        pictures, classes, groups = glyphs()
        found = of_glyphs(pictures)
    else:
        paths, groups = sorted(args.folder.glob("*.wav")), None
        classes = np.array([int(path.name[0]) for path in paths])
        found = of_spoken(paths)
    for name, values in found.items():
        print(f"{args.kind}: {len(values)} of {len(set(classes.tolist()))} classes, {values.shape[1]} {name}: ", end="")
        print("{:.1%} right, standard error {:.1%}".format(*judge(values, classes, groups)), flush=True)


if __name__ == "__main__":
    main()
