"""Sound of codec `audio.walloc`, coded with the tiny model in `sound.npz`; the content hash in each chunk is of the latents."""

from pathlib import Path

from tools.golden import FOLDER

CODEC = "audio.walloc"
WANTED = [("own", "steps")]


def content(name: str):  # an Audio
    """Two channels of whole numbers."""
    import numpy as np

    from lacodec.media.audio.value import Audio

    places = np.arange(6000)
    return Audio.from_samples(np.stack([places * places % 4001 - 2000, places * 7 % 3001 - 1500], 1).astype(np.int16), 44100)


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    return lacodec.encode(content(name), "audio.walloc", model=str(FOLDER / "sound.npz"))


def exact(setting: str, name: str) -> bool:
    """Latents come from sums in single precision."""
    return False


def restored(path: Path):  # an Audio
    """The sound; not compared exactly."""
    import lacodec

    return lacodec.decode(path)
