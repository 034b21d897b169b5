"""Every golden file of the four lossless codecs, read by `reference/` and compared with what it was made from.

Text at efforts 5 to 9 takes up to a minute in plain Python, since its model reads the primer first: efforts 5 and 9 are slow
tests, the others run when LACODEC_REFERENCE=all.
"""

import os

import numpy as np
import pytest

from reference import bytes_mixed
from reference.decode import restore
from tools import make_golden, make_golden_audio, make_golden_image, make_golden_weights
from tools.golden import FOLDER


def files(codec: str) -> list[str]:
    return sorted(path.stem for path in FOLDER.glob(f"{codec}-*.lac"))


def parts(stem: str) -> tuple[int, str]:
    """(effort, name of the input)."""
    _, effort, name = stem.split("-")
    return int(effort.removeprefix("effort")), name


def is_primed(stem: str) -> bool:
    effort, name = parts(stem)
    return effort >= 5 and name in ("text", "table")


LONGEST = ("image-effort9-photo", "bytes-effort9-samples")


def some_slow(stems: list[str]) -> list:
    return [pytest.param(stem, marks=pytest.mark.slow) if stem in LONGEST else stem for stem in stems]


def test_there_are_some():
    assert [len(files(codec)) > 8 for codec in ("bytes", "image", "audio", "weights")] == [True] * 4


@pytest.mark.parametrize("stem", some_slow([stem for stem in files("bytes") if not is_primed(stem)]))
def test_bytes(stem):
    assert restore((FOLDER / f"{stem}.lac").read_bytes()).content == make_golden.content(parts(stem)[1])


@pytest.mark.slow
def test_primer():
    """`primer.bin` is a payload itself."""
    from lacodec.codecs.bytes.mixed.start import primer_text

    assert bytes_mixed.primer() == primer_text().tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("effort", range(5, 10))
def test_bytes_after_the_primer(effort, monkeypatch):
    from lacodec.codecs.bytes.mixed.start import primer_text

    if effort not in (5, 9) and os.environ.get("LACODEC_REFERENCE") != "all":
        pytest.skip("set LACODEC_REFERENCE=all to read these")
    text = primer_text().tobytes()  # `test_primer` compares it; reading it again takes long
    monkeypatch.setattr(bytes_mixed, "primer", lambda: text)
    monkeypatch.setattr(bytes_mixed, "_primed", {})
    stems = [stem for stem in files("bytes") if is_primed(stem) and parts(stem)[0] == effort]
    assert len(stems) == 2
    for stem in stems:
        assert restore((FOLDER / f"{stem}.lac").read_bytes()).content == make_golden.content(parts(stem)[1]), stem


@pytest.mark.parametrize("stem", some_slow(files("image")))
def test_images(stem):
    picture, wanted = restore((FOLDER / f"{stem}.lac").read_bytes()).value, make_golden_image.content(parts(stem)[1])
    assert np.array_equal(picture.pixels, wanted.pixels) and picture.pixels.dtype == wanted.pixels.dtype
    assert (picture.depth, picture.palette, picture.extras) == (wanted.depth, wanted.palette, wanted.extras)


@pytest.mark.parametrize("stem", files("audio"))
def test_audio(stem):
    assert restore((FOLDER / f"{stem}.lac").read_bytes()).content == make_golden_audio.content(parts(stem)[1])


@pytest.mark.parametrize("stem", files("weights"))
def test_weights(stem):
    assert restore((FOLDER / f"{stem}.lac").read_bytes()).content == make_golden_weights.content(parts(stem)[1])
