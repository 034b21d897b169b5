"""Pictures of codec `image.lossless`, and how they become golden files."""

import random
from pathlib import Path

import numpy as np

CODEC = "image.lossless"
WANTED = [(f"effort{effort}", name) for effort in (1, 2, 3, 5, 9) for name in ("photo", "deep")]
WANTED += [(f"effort{effort}", name) for effort, name in ((1, "drawn"), (1, "sparse"), (5, "alpha"), (5, "drawn"))]
WANTED += [("effort5", "palette"), ("effort5", "sparse")]


def content(name: str):  # an Image
    """The picture called `name`: photo, deep (16-bit gray), sparse (8 bits as 16), alpha, drawn, palette; all of integers."""
    from lacodec.media.image.value import Image

    rng = random.Random(2026)
    noise = np.array([rng.randrange(8) for _ in range(48 * 40 * 3)]).reshape(40, 48, 3)
    y, x = np.mgrid[0:40, 0:48]
    smooth = ((x - 20) ** 2 + (y - 9) ** 2) // 16 + 60 * (x > y)
    photo = np.clip(smooth[:, :, None] + noise + np.array([3, 0, 9]), 0, 255).astype(np.uint8)
    if name == "photo":
        return Image(photo)
    if name == "deep":
        return Image((smooth[:, :, None] * 211 + noise[:, :, :1] * 9).astype(np.uint16), 16)
    if name == "alpha":
        return Image(np.concatenate([photo, (255 - smooth[:, :, None] // 3).astype(np.uint8)], 2))
    if name == "sparse":
        return Image(photo[:, :, :1].astype(np.uint16) * 257, 16)
    blocks = (x // 6 * 5 + y // 7 * 3) % 11
    if name == "drawn":
        return Image((blocks[:, :, None] * np.array([20, 7, 23])).astype(np.uint8))
    return Image(blocks[:, :, None].astype(np.uint8), 4, bytes(range(48)), (("tRNS", b"\0\7"),), "png")


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """All of them."""
    return True


def restored(path: Path):  # an Image
    """The value to compare with the content."""
    import lacodec

    return lacodec.decode(path)
