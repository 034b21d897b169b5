"""Codec `audio.walloc`: round trips in latents, mono and stereo, lengths, and what is refused."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.audio.walloc.codec import WallocAudio
from lacodec.errors import BadInput
from lacodec.media.audio.value import Audio
from lacodec.testing import check_codec, tone
from reference import walloc_codec
from reference.container import read
from tests.wallocs import model_file, transform


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("model"), "sound")


def sound(count, channels, peak=9000.0):
    return Audio.from_samples(np.rint(tone(count, channels, peak)).astype(np.int16), 22050)


def near(one, other):
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape


@pytest.mark.parametrize(("count", "channels"), [(0, 2), (1, 1), (3000, 2)])
def test_contract(path, count, channels):
    check_codec("audio.walloc", {"tone": sound(count, channels)}, same=near, model=path)


@pytest.mark.parametrize("profile", ["20x", "4.7x"])
@pytest.mark.parametrize("channels", [1, 2])
def test_shipped_models(profile, channels):
    value = sound(30_000, channels)
    coded = lacodec.encode(value, "audio.walloc", profile=profile)
    one, other = np.asarray(value).astype(float), np.asarray(lacodec.decode(coded))
    assert one.shape == other.shape and np.square(one - other).sum() < 0.2 * np.square(one).sum()
    latents = WallocAudio(WallocAudio.Options(profile=profile)).latents(value)
    assert latents.dtype == np.int8 and latents.shape == ({"20x": 26, "4.7x": 108}[profile], 118)


@pytest.mark.plain
def test_plain_reader_finds_the_latents(path):
    value = sound(5000, 2)
    header, chunks = read(lacodec.encode(value, "audio.walloc", model=path))
    found = walloc_codec.latents(header, chunks, transform("sound").arrays())
    assert np.array_equal(found, WallocAudio(WallocAudio.Options(model=path)).latents(value))


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float32])
def test_sample_types(path, kind):
    numbers = tone(2000, 2, 0.5)
    samples = (
        numbers.astype(kind)
        if kind is np.float32
        else (numbers * (2**31 if kind is np.int32 else 128) + (128 if kind is np.uint8 else 0)).astype(kind)
    )
    other = np.asarray(lacodec.decode(lacodec.encode(Audio.from_samples(samples, 44100), "audio.walloc", model=path)))
    assert other.shape == (2000, 2) and 1000 < np.abs(other).max() < 33000


def test_refused(path):
    with pytest.raises(BadInput, match="one or two channels"):
        lacodec.encode(sound(300, 3), "audio.walloc", model=path)
    with pytest.raises(BadInput, match="NaN"):
        lacodec.encode(Audio.from_samples(np.full((9, 2), np.nan, np.float32), 44100), "audio.walloc", model=path)
