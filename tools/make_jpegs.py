"""Make JPEG files to train the model of `image.jpeg` on: pictures at several sizes, noises, quantisers and samplings.

    python tools/make_jpegs.py OUT PICTURES...

A third are enlarged a little and get noise, as from a camera; some are reduced; a few are gray.
"""

import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

QUALITIES = (50, 70, 75, 80, 85, 88, 90, 92, 94, 95, 96, 97)


def camera_table(scale: float) -> list[int]:
    """A quantiser as cameras have them: rising with frequency, faster than the standard's for chroma, slower than for luma."""
    u, v = np.arange(64) % 8, np.arange(64) // 8
    return [int(q) for q in np.clip(np.round(scale * (2 + u + v + 0.12 * (u * u + v * v))), 1, 255)]


def changed(picture: Image.Image, choice: random.Random, noise: np.random.Generator) -> Image.Image:
    """The picture as it may come: enlarged and noisy, reduced, or as it is."""
    kind = choice.random()
    if kind < 0.35:
        zoom = choice.choice([1.25, 1.5, 1.8])
        filters = [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR]
        picture = picture.resize((int(picture.width * zoom), int(picture.height * zoom)), choice.choice(filters))
        samples = np.asarray(picture).astype(float)
        grain, size = noise.normal(0, 1, samples.shape), choice.choice([0.7, 1.2, 2, 3, 4])
        if choice.random() < 0.6:
            grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1) + np.roll(grain, (1, 1), (0, 1))) / 2
        picture = Image.fromarray(np.clip(np.round(samples + grain * size), 0, 255).astype(np.uint8))
        if choice.random() < 0.4:
            picture = picture.filter(ImageFilter.UnsharpMask(1.2, choice.choice([50, 100]), 1))
    elif kind < 0.5:
        zoom = choice.choice([0.5, 0.7])
        picture = picture.resize((int(picture.width * zoom), int(picture.height * zoom)), Image.Resampling.LANCZOS)
    return picture.convert("L") if choice.random() < 0.08 else picture


def save(picture: Image.Image, path: Path, choice: random.Random) -> None:
    """As a JPEG with settings by chance."""
    settings: dict[str, object] = {"optimize": choice.random() < 0.5}
    if picture.mode != "L":
        settings["subsampling"] = choice.choice([0, 1, 2, 2, 2, 1])
    if choice.random() < 0.25:
        tables = [camera_table(choice.choice([0.4, 0.7, 1, 1.5])), camera_table(choice.choice([0.6, 1, 1.6, 2.2]))]
        settings["qtables"] = tables[:1] if picture.mode == "L" else tables
    else:
        settings["quality"] = choice.choice(QUALITIES)
    picture.save(path, **settings)


def main() -> None:
    """Command line."""
    out, paths = Path(sys.argv[1]), sorted(Path(p) for p in sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    choice, noise = random.Random(7), np.random.default_rng(7)
    for number, path in enumerate(paths):
        save(changed(Image.open(path).convert("RGB"), choice, noise), out / f"{number:04d}.jpg", choice)


if __name__ == "__main__":
    main()
