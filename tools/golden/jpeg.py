"""JPEG files of codec `image.jpeg`; they lie in tests/golden/jpeg, since no encoder of others writes the same bytes for ever.

baseline, full (4:4:4, optimised tables), gray (restart markers), progressive, cmyk (progressive), preview (a file in the metadata
of one of 4:2:2, and another one behind it), cut (three quarters of a file with restart markers), damaged (bits of its data),
sampling (1x2, 2x1 and 1x1), odd (progressive, with restart markers; bytes between intervals, runs that end early, needless runs
of zeros, zeros as filling).
"""

from pathlib import Path

from tools import golden

CODEC = "image.jpeg"
FILES = ("baseline", "full", "gray", "progressive", "cmyk", "preview", "cut", "damaged", "sampling", "odd")
WANTED = [(f"effort{effort}", name) for effort in (1, 2, 5, 9) for name in FILES]
WANTED += [(f"effort{effort}", name) for effort in (3, 4, 6, 7, 8) for name in ("baseline", "progressive")]


def content(name: str) -> bytes:
    """The file called `name`."""
    return (golden.FOLDER / "jpeg" / f"{name}.jpg").read_bytes()


def make(setting: str, name: str) -> bytes:
    """The same, encoded."""
    import lacodec

    return lacodec.encode(content(name), "image.jpeg", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Not efforts 1 and 2: zstd's own encoder makes the payload of codec `bytes` in these."""
    return setting not in ("effort1", "effort2")


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec

    return lacodec.decode(path)
