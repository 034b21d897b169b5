"""The sets of jpeg.py: (name, bytes of the file), from the folder LACODEC_DATA.

`camera` and `edge` are the files in jpeg/ and jpeg/edge. The others are made by Pillow, one of each of the 44 pictures of
`PICTURES`, made smaller to fit a square of `SETTINGS`, so that files are of about 40 kB, and thumbnails of 3 to 8 kB.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

PICTURES = (
    *(f"kodak/kodim{number:02}.png" for number in range(1, 25)),
    *(f"val/oi_{name}.webp" for name in ("000ab31e6be35fed", "000adfe5b817011c", "000b50bdd1933a36", "000b9007a01f7405")),
    *(f"val/oi_{name}.webp" for name in ("000bb200fc78fc30", "09c6ddd2c210450e", "09f531fe4f6d95f3", "0a37aa0734ac8016")),
    *(f"val/oi_{name}.webp" for name in ("0a6a03c8f23ee744", "0a94296ff543a1dc", "0ac51477636a6933")),
    *(f"val/{name}.webp" for name in ("deepin_zetong-li-tbhypbi_gbc", "elementary_morskie_oko", "mate_twowings")),
    *(f"val/popos_{name}.webp" for name in ("kait-herzog-8242", "tony-webster-97532")),
    *(f"val/umate_{name}.webp" for name in ("gabriele-diwald-201135", "hans-jurgen-mager-indri")),
    *(f"val/umate_{name}.webp" for name in ("hu-chen-baby-hippo-with-mother", "johann-siemens-591")),
)
SETTINGS: dict[str, tuple[int, dict[str, Any]]] = {
    "q75": (640, {"quality": 75}),
    "q90": (448, {"quality": 90}),
    "progressive": (576, {"quality": 80, "progressive": True, "optimize": True}),
    "4:4:4": (448, {"quality": 85, "subsampling": "4:4:4"}),
    "thumbnails": (160, {"quality": 75}),
}
"""Set -> longest side in pixels, options of Pillow; 4:2:0 unless they say something else."""

FOLDERS = {"camera": "jpeg", "edge": "jpeg/edge"}
SETS = (*FOLDERS, *SETTINGS)


def files(name: str, data: Path, every: int = 1) -> Iterator[tuple[str, bytes]]:
    """One set, or every n-th file of it."""
    if name in FOLDERS:
        for path in sorted((data / FOLDERS[name]).glob("*.jpg"))[::every]:
            yield path.name, path.read_bytes()
        return
    side, options = SETTINGS[name]
    for picture in PICTURES[::every]:
        with Image.open(data / "images" / picture) as opened:
            small = opened.convert("RGB")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        small.save(out, "JPEG", **options)
        yield f"{Path(picture).stem}.jpg", out.getvalue()
