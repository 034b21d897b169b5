"""Files of every stream version decode to the same content, and this version writes those of its own the same.

Arithmetic is ordered, so a machine's vector instructions cannot matter: the Makefile runs this for the plainest processor, too.
"""

from pathlib import Path

import numpy as np
import pytest

from lacodec import api
from lacodec.codecs import model_files
from tools import golden

FILES = list(golden.files())
VERSIONS = {0: 150, 1: 456, 2: 87, 3: 58, 4: 57, 5: 61, 6: 66}
"""How many files there are of each version: from version 1 on they are law, and none ever goes."""


NEAR = ("learned", "field", "walloc", "wallocsound", "vq")
"""Those whose content is not compared exactly: a check reads the hashes in their chunks."""


def test_none_is_missing():
    for version, least in VERSIONS.items():
        assert sum(1 for found, _ in FILES if found == version) >= least, version
    for name in golden.MODULES:
        maker = golden.maker_of(name)
        folder = golden.folder_of(maker)
        for setting, content in maker.WANTED:
            assert (folder / f"{name}-{setting}-{content}.lac").exists(), "run python -m tools.golden"


@pytest.mark.parametrize(
    ("version", "path"), FILES, ids=lambda value: f"{value.parent.name}-{value.stem}" if isinstance(value, Path) else f"v{value}"
)
def test_golden(version, path, monkeypatch):
    name, setting, content = path.stem.split("-")
    if name in ("learned", "videolearned"):
        pytest.importorskip("torch")
        monkeypatch.setenv(model_files.VARIABLE, str(golden.FOLDER / "learned-model.npz"))
    if name == "vq":
        pytest.importorskip("torch")
    if name in ("pictures", "walloc", "wallocsound", "vq"):
        file = {"pictures": "circuit-model.npz", "walloc": "picture.npz", "wallocsound": "sound.npz", "vq": "vq.npz"}[name]
        monkeypatch.setenv(model_files.VARIABLE, str(golden.FOLDER / file))
    maker = golden.maker_of(name)
    restored = maker.restored(path)
    assert api.info(path).stream_version == version
    if name in NEAR:
        assert api.check(path).ok
    if name in ("learned", "field"):  # the content hash in every chunk is that of the latents, or of the samples
        difference = restored.pixels.astype(float) - maker.content(content).pixels
        assert np.square(difference).mean() < (100 if name == "learned" else 400)
    elif name == "videolearned":  # of its frames
        pairs = zip(restored.planes, maker.content(content).planes, strict=True)
        top = (1 << restored.form.depth) - 1
        assert all(np.square((one.astype(float) - other) / top).mean() < 0.06 for one, other in pairs)
    elif name not in NEAR:
        assert restored == maker.content(content)
    if path.parent == golden.folder_of(maker) and maker.exact(setting, content):
        assert maker.make(setting, content) == path.read_bytes(), "the encoder writes other bytes: a new stream version"
