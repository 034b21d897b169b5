"""Sets of small pictures for codec `image.pc`, as .npy files of uint8[pictures, rows, columns]:

python benchmarks/small_pictures.py glyphs OUT.npy [--count 20000]    characters of the system's fonts, 28x28
python benchmarks/small_pictures.py digits OUT.npy                    scikit-learn's digits, 8x8, values from 0 to 16
python benchmarks/small_pictures.py tiles FOLDER OUT.npy [--count N]  16x16 gray tiles of photos
"""

import argparse
import random
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIDE, _SIZE, _MIDDLE, _LINE = 28, 18, 14, 20  # of a picture and of the font; where a character stands
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
_LAST = 0x2000  # of the characters: alphabets


def glyphs(count: int, seed: int = 2026) -> np.ndarray:
    """White on black, one for each font and letter or digit that it has, in random order."""
    wanted = [chr(code) for code in range(33, _LAST) if unicodedata.category(chr(code))[0] in "LN"]
    paths = sorted(path for folder in FONTS for path in Path(folder).rglob("*.[to]tf"))
    found: dict[bytes, np.ndarray] = {}
    for path in paths:
        font = ImageFont.truetype(str(path), _SIZE)
        missing = bytes(font.getmask("\U000effff"))
        for character in wanted:
            left, top, right, bottom = font.getbbox(character, anchor="ms")
            inside = min(_MIDDLE + left, _LINE + top) >= 0 and max(_MIDDLE + right, _LINE + bottom) <= _SIDE
            if not inside or right - left < 2 or bytes(font.getmask(character)) == missing:
                continue
            picture = Image.new("L", (_SIDE, _SIDE))
            ImageDraw.Draw(picture).text((_MIDDLE, _LINE), character, 255, font, anchor="ms")
            pixels = np.asarray(picture)
            found.setdefault(pixels.tobytes(), pixels)  # fonts of a family share some
    drawn = list(found.values())
    random.Random(seed).shuffle(drawn)
    if len(drawn) < count:
        print(f"only {len(drawn)} different glyphs in {len(paths)} fonts")
    return np.stack(drawn[:count])


def digits(seed: int = 2026) -> np.ndarray:
    """The 1,797 digits of scikit-learn, in random order."""
    from sklearn.datasets import load_digits

    return np.random.default_rng(seed).permutation(load_digits().images.astype(np.uint8))


def tiles(folder: Path, count: int, side: int = 16, seed: int = 2026) -> np.ndarray:
    """Gray tiles from random places of pictures."""
    rng, paths = np.random.default_rng(seed), sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    out = []
    for i, path in enumerate(paths):
        gray = np.asarray(Image.open(path).convert("L"))
        for _ in range(count * (i + 1) // len(paths) - len(out)):
            y, x = (int(rng.integers(0, n - side + 1)) for n in gray.shape)
            out.append(gray[y : y + side, x : x + side])
    return rng.permutation(np.stack(out))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make a set of small pictures.")
    parser.add_argument("kind", choices=["glyphs", "digits", "tiles"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    args = parser.parse_args()
    made = {"glyphs": lambda: glyphs(args.count), "digits": digits, "tiles": lambda: tiles(args.paths[0], args.count)}
    pictures = made[args.kind]()
    np.save(args.paths[-1], pictures)
    print(f"{args.paths[-1]}: {pictures.shape}")


if __name__ == "__main__":
    main()
