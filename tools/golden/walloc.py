"""Pictures of codec `image.walloc`, coded with the tiny model in `picture.npz`; the hash in each chunk is of the latents."""

from pathlib import Path

from tools.golden import FOLDER
from tools.golden.image import content as pictures

CODEC = "image.walloc"
WANTED = [("own", "photo"), ("step2", "photo")]


def content(name: str):  # an Image
    """The picture."""
    return pictures(name)


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), "image.walloc", model=str(FOLDER / "picture.npz"), step=None if setting == "own" else 2)


def exact(setting: str, name: str) -> bool:
    """Latents come from sums in single precision."""
    return False


def restored(path: Path):  # an Image
    """The picture; not compared exactly."""
    import lacodec

    return lacodec.decode(path)
