"""Pictures of codec `image.vq`, coded with the tiny model in `vq.npz`; the hash in each chunk is of the indices."""

from pathlib import Path

from tools.golden import FOLDER
from tools.golden.image import content as pictures

CODEC = "image.vq"
WANTED = [("book1024", "photo"), ("book64", "photo"), ("chunks2", "photo"), ("layers2", "photo")]
_OPTIONS = {"book1024": {}, "book64": {"book": 64}, "chunks2": {"book": 256, "chunks": 2}, "layers2": {"book": 4096, "layers": 2}}


def content(name: str):  # an Image
    """The picture."""
    return pictures(name)


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), CODEC, model=str(FOLDER / "vq.npz"), **_OPTIONS[setting])


def exact(setting: str, name: str) -> bool:
    """Vectors come from sums in single precision."""
    return False


def restored(path: Path):  # an Image
    """The picture; not compared exactly."""
    import lacodec

    return lacodec.decode(path)
