"""Codec `audio.lossless` by `reference/`: every layout, effort and way of storing a chunk."""

import io

import numpy as np
import pytest
import soundfile

import lacodec
from lacodec.codecs.audio.lossless.codec import AudioLossless
from lacodec.media.audio.value import Audio
from reference.container import read
from reference.decode import restore
from tests.sounds import sounds, tone, wav_file

SHORT = sounds(400)


@pytest.mark.parametrize("name", SHORT)
def test_all_sounds(name):
    for effort in (1, 5) if len(SHORT[name]) < 10_000 else (1,):
        assert restore(lacodec.encode(SHORT[name], "audio.lossless", effort=effort)).content == SHORT[name]


@pytest.mark.parametrize("effort", range(1, 10))
def test_every_effort(effort):
    for channels, peak, layout in ((1, 90, "u8"), (2, 9000, "i16le"), (3, 3e6, "i24le"), (2, 0.4, "f32le")):
        data = wav_file(tone(200, channels, peak), layout=layout)
        encoded = lacodec.encode(data, "audio.lossless", effort=effort)
        assert restore(encoded).content == data and read(encoded)[1][0].payload[0] == 1


@pytest.mark.parametrize("name", ["normalised", "wasted bits", "mono as stereo", "floats of integers", "clicks"])
def test_channels_without_what_they_do_not_use(name):
    """Levels are listed from 4096 samples on."""
    data = sounds(4500)[name]
    assert restore(lacodec.encode(data, "audio.lossless", effort=1)).content == data


@pytest.mark.parametrize("effort", [1, 6])
def test_several_chunks_and_a_tail(effort, monkeypatch):
    monkeypatch.setattr(AudioLossless, "chunk_size", lambda self: 1000)
    data = wav_file(tone(600, 2, 9000), tail=b"LIST\4\0\0\0abcd")
    encoded = lacodec.encode(data, "audio.lossless", effort=effort)
    assert len(read(encoded)[1]) == 3 and restore(encoded).content == data


def test_noise_in_several_chunks_behind_an_odd_head(monkeypatch):
    """Neither samples nor head shrink, so they are stored; the first chunk still tells them apart."""
    monkeypatch.setattr(AudioLossless, "chunk_size", lambda self: 40_000)
    plain = wav_file(np.random.default_rng(1).integers(-32768, 32768, (30_000, 2)))
    data = plain[:36] + b"LIST\x40\0\0\0" + np.random.default_rng(2).bytes(64) + plain[36:]
    encoded = lacodec.encode(data, "audio.lossless", effort=1)
    assert len(read(encoded)[1]) == 3 and restore(encoded).content == data


@pytest.mark.parametrize("bits", ["PCM_S8", "PCM_16", "PCM_24", "FLOAT"])
def test_aiff(bits):
    out = io.BytesIO()
    soundfile.write(out, tone(300, 2, 0.5), 48000, format="AIFF", subtype=bits)
    assert restore(lacodec.encode(out.getvalue(), "audio.lossless", effort=4)).content == out.getvalue()


def test_flac_becomes_wav():
    samples = np.rint(tone(500, 2, 9000)).astype(np.int16)
    out = io.BytesIO()
    soundfile.write(out, samples, 32000, format="FLAC")
    restored = restore(lacodec.encode(out.getvalue(), "audio.lossless", effort=5))
    assert restored.header["identical"] == "samples"
    found, rate = soundfile.read(io.BytesIO(restored.content), dtype="int16")
    assert rate == 32000 and np.array_equal(found, samples)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.int32, np.float32])
def test_arrays(kind):
    top = 1.0 if kind is np.float32 else np.iinfo(kind).max
    samples = (tone(150, 1, 0.4) * top + (128 if kind is np.uint8 else 0)).astype(kind)
    sound = restore(lacodec.encode(Audio.from_samples(samples, 8000), effort=5)).value
    assert sound.pcm == samples.tobytes() and (sound.rate, sound.channels) == (8000, 1)
