"""Codec `image.walloc`: round trips in latents, the wavelet packet, rates, the plain reader, and what is refused."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs import model_files, walloc
from lacodec.codecs.image.walloc.codec import WallocImage
from lacodec.errors import BadInput, MissingModel, UnsupportedFile
from lacodec.models.walloc.packet import analyse, synthesise
from lacodec.models.walloc.transform import LEVELS, Transform, steps_of
from lacodec.testing import check_codec, photo
from reference import walloc_codec
from reference.container import read
from tests.wallocs import model_file, transform


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("model"), "picture")


def near(one, other):
    one, other = (np.asarray(getattr(value, "pixels", value)) for value in (one, other))
    return one.shape == other.shape and (one.size < 50 or np.abs(one.astype(float) - other).mean() < 30)


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 33, 3), (70, 9, 1)])
def test_contract(path, shape):
    check_codec("image.walloc", {"photo": photo(*shape)}, same=near, model=path)


@pytest.mark.parametrize("profile", ["16x", "4x"])
def test_shipped_models(profile):
    pixels = photo(96, 130)
    coded = lacodec.encode(pixels, "image.walloc", profile=profile)
    shown = lacodec.decode(coded).pixels
    error = np.square(shown.astype(float) - pixels).mean()
    assert error < (150 if profile == "16x" else 60) and len(coded) < pixels.size / 8
    latents = WallocImage(WallocImage.Options(profile=profile)).latents(pixels)
    assert latents.dtype == np.int8 and latents.shape[1:] == (6, 9) and 768 / latents.shape[0] == int(profile[:-1])


@pytest.mark.plain
def test_plain_reader_finds_the_latents(path):
    pixels = photo(50, 41)
    coded = lacodec.encode(pixels, "image.walloc", model=path)
    header, chunks = read(coded)
    found = walloc_codec.latents(header, chunks, transform("picture").arrays())
    assert np.array_equal(found, WallocImage(WallocImage.Options(model=path)).latents(pixels))


@pytest.mark.parametrize("shape", [(3, 64, 32), (2, 512)])
def test_packet(shape):
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    bands = analyse(values, 3)
    assert bands.shape == (shape[0] * 8 ** (len(shape) - 1), *(n // 8 for n in shape[1:]))
    assert np.abs(synthesise(bands, 3) - values).max() < 1e-5
    flat = analyse(np.ones(shape, np.float32), 3)
    assert np.abs(flat[0] - 8.0 ** ((len(shape) - 1) / 2)).max() < 1e-4 and np.abs(flat[shape[0] :]).max() < 1e-4


def test_companding():
    assert (np.diff(LEVELS) >= 0.999).all() and LEVELS[-1] > 500 and len(LEVELS) == 128
    values = np.arange(-127, 128).astype(np.int8)
    assert (np.diff(steps_of(values)) > 0).all() and np.array_equal(steps_of(-values), -steps_of(values))


def test_a_file_names_its_model(path, tmp_path, monkeypatch):
    coded = lacodec.encode(photo(20, 20), "image.walloc", model=path)
    monkeypatch.setattr(walloc, "_named", {})
    with pytest.raises(MissingModel, match="LACODEC_MODELS"):
        lacodec.decode(coded)
    monkeypatch.setenv(model_files.VARIABLE, path)
    assert lacodec.decode(coded).pixels.shape == (20, 20, 3)


def test_refused(path, tmp_path):
    with pytest.raises(BadInput, match="alpha"):
        lacodec.encode(photo(9, 9, 4), "image.walloc", model=path)
    with pytest.raises(BadInput, match="16x"):
        lacodec.encode(photo(9, 9), "image.walloc", profile="9x")
    with pytest.raises(BadInput, match="another kind"):
        lacodec.encode(photo(9, 9), "image.walloc", model=model_file(tmp_path, "sound"))
    good = transform("picture").arrays()
    for name, change in (
        ("facts", lambda a: a + 5),
        ("facts", lambda a: a[:1]),
        ("encoder", lambda a: a[:, :5]),
        ("encoder", lambda a: a * np.float16(np.inf)),
        ("decoder", lambda a: a.T),
        ("decoder", lambda a: a.astype(np.float32)),
    ):
        with pytest.raises(UnsupportedFile), np.errstate(invalid="ignore"):
            Transform.from_arrays({**good, f"walloc.{name}": change(good[f"walloc.{name}"])})


def test_steps(path):
    pixels = photo(64, 64)
    fine, coarse = (lacodec.encode(pixels, "image.walloc", model=path, step=step) for step in (0.5, 4))
    assert len(coarse) < len(fine)
    near, far = (np.square(lacodec.decode(coded).pixels.astype(float) - pixels).mean() for coded in (fine, coarse))
    assert near < far
    assert 16 <= transform("picture").latents(np.float32(pixels.transpose(2, 0, 1)) - 128)[1] <= 128
    with pytest.raises(BadInput, match="step"):
        lacodec.encode(pixels, "image.walloc", model=path, step=0.0)
