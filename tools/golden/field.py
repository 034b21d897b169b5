"""Pictures of codec `image.field`. Their samples must not change: the content hash in each chunk is of them."""

from pathlib import Path

from tools.golden.image import content

__all__ = ["content"]

CODEC = "image.field"
WANTED = [("q90", "photo"), ("q90", "alpha")]


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), CODEC, quality=int(setting[1:]), effort=1)


def exact(setting: str, name: str) -> bool:
    """None: the fit depends on the machine."""
    return False


def restored(path: Path):  # an Image
    """The picture; not compared exactly."""
    import lacodec

    return lacodec.decode(path)
