"""Pictures of codec `image.learned`, coded with the tiny model in `learned-model.npz`.

The latents must not change (the content hash in each chunk): pixels may differ by one between machines.
"""

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np

from tools.golden import FOLDER
from tools.golden.image import content

CODEC = "image.learned"
WANTED = [("q70", "photo"), ("q70", "alpha"), ("p90", "photo"), ("p90", "alpha"), ("r90", "photo"), ("r90", "alpha")]
MODEL = FOLDER / "learned-model.npz"


def make(setting: str, name: str) -> bytes:
    """The file; settings with p are progressive, with several segments although pictures are small; those with r have regions."""
    import lacodec

    options = {"quality": int(setting[1:]), "progressive": setting[0] == "p"}
    if setting[0] == "r":
        options |= {"regions": "0:20,16:40 30:31,0:5", "background": 30}
    with patch("lacodec.codecs.image.learned.segments._BYTES", 50):
        return lacodec.encode(content(name), "image.learned", model=str(MODEL), **options)


def exact(setting: str, name: str) -> bool:
    """None: the choices of an encoder depend on the machine."""
    return False


def restored(path: Path):  # an Image
    """The picture; not compared exactly."""
    import lacodec

    return lacodec.decode(path)


def make_model() -> None:
    """Write the model, which was made once."""
    from lacodec.models.image.model import pack
    from tests.learned import model

    with tempfile.TemporaryFile() as file:
        np.savez_compressed(file, **pack(model()))
        file.seek(0)
        MODEL.write_bytes(file.read())
