"""Training of `image.walloc` and `audio.walloc`: what was learned restores such pictures and sounds; mixes; what is refused."""

import numpy as np
import pytest
from PIL import Image

from lacodec.errors import BadInput
from lacodec.testing import photo, tone
from lacodec.training.walloc import WallocOptions, picture_of, sound_of, train


def missed(model, values):
    """The part of the energy that does not come back."""
    latents, step = model.latents(values)
    back = model.values(latents, step)[tuple(slice(size) for size in values.shape)]
    return np.square(back - values).sum() / np.square(values).sum()


def test_pictures(tmp_path):
    for i in range(3):
        Image.fromarray(photo(256 + 4 * i, 260)).save(tmp_path / f"{i}.png")
    paths = sorted(tmp_path.iterdir())
    model = train(paths, WallocOptions(levels=2, reduction=6, step=20))
    assert model.channels == 8 and missed(model, picture_of(paths[0])) < 0.05


def test_sound_and_mixes(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    for i, count in enumerate((3000, 140_000)):
        soundfile.write(tmp_path / f"{i}.wav", tone(count, 2, 9000.0 + i) / 32768, 44100)
    paths = sorted(tmp_path.iterdir())
    model = train(paths, WallocOptions(kind="sound", levels=4, reduction=4, step=5, crops=1, mixes=2))
    assert model.channels == 8 and missed(model, sound_of(paths[1])[:, :65536]) < 0.2


def test_refused(tmp_path):
    for wrong in ({"mixes": 3}, {"kind": "text"}, {"step": 0}, {"mixes": -1, "kind": "sound"}):
        with pytest.raises(BadInput):
            WallocOptions(**wrong)
    with pytest.raises(BadInput, match="picture"):
        train([tmp_path], WallocOptions())
