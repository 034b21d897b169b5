"""One picture through image.learned, JPEG and AVIF at equal bytes, side by side -> docs/pictures/crops.png.

The picture is the photograph that matplotlib ships (Grace Hopper, public domain), halved so that its own JPEG artefacts vanish.
Run from the repository root: python tools/make_crops.py
"""

import io
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import lacodec
from lacodec.evaluation.metrics import psnr

TARGET = Path("docs/pictures/crops.png")
QUALITY = 25
_CAPTION = 26


def picture() -> Image.Image:
    """256x200 RGB."""
    path = Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")
    return Image.open(path).convert("RGB").reduce(2).crop((0, 30, 256, 230))


def pillow_at(size: int, original: Image.Image, encode: Callable[[int], bytes]) -> tuple[bytes, Image.Image]:
    """The best file of at most `size` bytes, and the picture in it."""
    best = max((data for data in map(encode, range(1, 96)) if len(data) <= size), key=len)
    return best, Image.open(io.BytesIO(best)).convert("RGB")


def saved(original: Image.Image, **how: object) -> bytes:
    """A file as Pillow writes it."""
    out = io.BytesIO()
    original.save(out, **how)  # type: ignore[arg-type]
    return out.getvalue()


def main() -> None:
    """Encode, decode, draw, save."""
    original = picture()
    ours = lacodec.encode(np.asarray(original), codec="image.learned", quality=QUALITY)
    decoded = Image.fromarray(np.asarray(lacodec.decode(ours).pixels))
    jpeg = pillow_at(len(ours), original, lambda q: saved(original, format="JPEG", quality=q, optimize=True, progressive=True))
    avif = pillow_at(len(ours), original, lambda q: saved(original, format="AVIF", quality=q, speed=4))
    panels = [("original", None, original), ("JPEG", *jpeg), ("lacodec image.learned", ours, decoded), ("AVIF", *avif)]
    width, height = original.size
    sheet = Image.new("RGB", (len(panels) * width + (len(panels) - 1) * 8, height + _CAPTION), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for i, (name, data, shown) in enumerate(panels):
        left = i * (width + 8)
        sheet.paste(shown, (left, 0))
        text = name if data is None else f"{name}: {len(data):,} B, {psnr(np.asarray(original), np.asarray(shown)):.1f} dB"
        draw.text((left + 2, height + 5), text, "black", font)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(TARGET, optimize=True)
    print(f"{TARGET}: {[(name, len(data)) for name, data, _ in panels if data]}")


if __name__ == "__main__":
    main()
