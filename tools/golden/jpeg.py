"""JPEG files of codec `image.jpeg`; they lie in tests/golden/jpeg, since no encoder of others writes the same bytes for ever.

baseline, full (4:4:4, optimised tables), gray (restart markers), progressive, cmyk (progressive), preview (a file in the metadata
of one of 4:2:2, and another one behind it), cut (three quarters of a file with restart markers), damaged (bits of its data),
sampling (1x2, 2x1 and 1x1), odd (progressive, with restart markers; bytes between intervals, runs that end early, needless runs
of zeros, zeros as filling), tall (for segments).
"""

from pathlib import Path

from tools import golden

CODEC = "image.jpeg"
FILES = ("baseline", "full", "gray", "progressive", "cmyk", "preview", "cut", "damaged", "sampling", "odd")
WANTED = [(f"effort{effort}", name) for effort in (1, 2, 5, 9) for name in FILES]
WANTED += [(f"effort{effort}", name) for effort in (3, 4, 6, 7, 8) for name in ("full", "progressive")]
WANTED += [(f"effort{effort}segments", "tall") for effort in (1, 2, 5)]


def content(name: str) -> bytes:
    """The file called `name`."""
    return (golden.FOLDER / "jpeg" / f"{name}.jpg").read_bytes()


def make(setting: str, name: str) -> bytes:
    """The same, encoded."""
    import lacodec

    effort, segments = int(setting[6]), setting.endswith("segments")
    return lacodec.encode(content(name), "image.jpeg", effort=effort, tile=64 if segments else None)


def exact(setting: str, name: str) -> bool:
    """Not efforts 1 and 2: zstd's own encoder makes the payload of codec `bytes` in these."""
    return setting[6] not in "12"


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec

    return lacodec.decode(path)
