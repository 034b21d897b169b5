"""Videos of codec `video.learned`, coded with the tiny model in `learned-model.npz`. Decoded frames must not change: each chunk's
content hash is of them."""

from pathlib import Path

from tools.golden import FOLDER
from tools.golden.video import content

__all__ = ["content"]

CODEC = "video.learned"
WANTED = [("q80", name) for name in ("moving", "deep", "gray", "rgb", "one", "file", "groups", "sound")]
MODEL = FOLDER / "learned-model.npz"


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), CODEC, quality=int(setting[1:]), model=str(MODEL), group=2 if name == "groups" else 48)


def exact(setting: str, name: str) -> bool:
    """None: the choices of an encoder depend on the machine."""
    return False


def restored(path: Path):  # a Video
    """The value; not compared exactly."""
    import lacodec

    return lacodec.decode(path)
