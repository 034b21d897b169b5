"""Audio files in and out: the codec that is chosen for them, WAV, AIFF and FLAC byte by byte or sample by sample."""

import io
import struct

import numpy as np
import pytest
import soundfile

import lacodec
from lacodec import api
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.media.audio.files import AUDIO
from tests.sounds import tone, wav_file

STEREO = np.rint(tone(3000, 2, 9000)).astype(np.int16)


def aiff_file(samples: np.ndarray, **options: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, 48000, format="AIFF", **options)
    return out.getvalue()


def convert(data: bytes, name: str, to: str, folder) -> bytes:
    (folder / name).write_bytes(data)
    api.encode_file(folder / name, folder / "x.lac", "audio.lossless", options={"effort": 1}, force=True)
    api.decode_file(folder / "x.lac", folder / to, force=True)
    return (folder / to).read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        {"subtype": "PCM_S8"},
        {"subtype": "PCM_16"},
        {"subtype": "PCM_24"},
        {"subtype": "PCM_32"},
        {"subtype": "FLOAT"},
        {"subtype": "PCM_16", "endian": "LITTLE"},
    ],
    ids=str,
)
def test_aiff_comes_back(options, tmp_path):
    data = aiff_file(STEREO / 32768, **options)
    assert convert(data, "x.aiff", "y.aiff", tmp_path) == data


def test_odd_aiff(tmp_path):
    data = aiff_file(STEREO, subtype="PCM_16") + struct.pack(">4sI", b"NAME", 3) + b"abc"
    for file in (data, data[:-3], data[:2000], data[:57]):
        assert convert(file, "x.aif", "y.aif", tmp_path) == file if len(file) > 60 else True


@pytest.mark.parametrize("to", ["y.wav", "y.aiff", "y.flac", "y.aifc"])
@pytest.mark.parametrize("source", ["wav", "aiff", "flac"])
def test_conversion(source, to, tmp_path):
    out = io.BytesIO()
    soundfile.write(out, STEREO, 48000, format=source.upper(), subtype="PCM_16")
    made = convert(out.getvalue(), f"x.{source}", to, tmp_path)
    back, rate = soundfile.read(io.BytesIO(made), dtype="int16")
    assert rate == 48000
    assert np.array_equal(back, STEREO)


def test_conversion_of_floats_and_bytes(tmp_path):
    for layout, scale in (("f32le", 1 / 32768), ("u8", 1 / 256), ("i24le", 200.0), ("i32le", 60000.0)):
        numbers = STEREO * scale
        data = wav_file(numbers if layout == "f32le" else np.rint(numbers), 44100, layout)
        wanted, _ = soundfile.read(io.BytesIO(data))
        for to in ("y.aiff", "y.wav"):
            back, _ = soundfile.read(io.BytesIO(convert(data, "x.wav", to, tmp_path)))
            assert np.array_equal(back, wanted)
    (tmp_path / "f.wav").write_bytes(wav_file(STEREO / 32768, layout="f32le"))
    api.encode_file(tmp_path / "f.wav", tmp_path / "f.lac")
    with pytest.raises(BadInput, match="FLAC cannot hold"):
        api.decode_file(tmp_path / "f.lac", tmp_path / "f.flac")
    assert not (tmp_path / "f.flac").exists()


def test_flac_keeps_its_tags(tmp_path):
    with soundfile.SoundFile(tmp_path / "x.flac", "w", 44100, 2, "PCM_24") as file:
        file.title, file.artist = "A title", "Somebody"
        file.write(STEREO)
    made = convert((tmp_path / "x.flac").read_bytes(), "x.flac", "y.flac", tmp_path)
    with soundfile.SoundFile(io.BytesIO(made)) as file:
        assert (file.title, file.artist, file.subtype) == ("A title", "Somebody", "PCM_24")
        assert np.array_equal(file.read(dtype="int16"), STEREO)
    assert api.info(tmp_path / "x.lac").identical == "samples"


@pytest.mark.parametrize(
    ("head", "word"), [(b"OggS\0\2" + bytes(50), "Ogg"), (b"ID3\3" + bytes(50), "MP3"), (b"\xff\xfb\x90" + bytes(50), "MP3")]
)
def test_lossy_files_go_to_bytes(head, word, tmp_path):
    (tmp_path / "x").write_bytes(head)
    result = api.encode_file(tmp_path / "x", tmp_path / "x.lac")
    assert result.codec == "bytes"
    assert word in (result.remark or "")


def test_what_cannot_be_restored_goes_to_bytes(tmp_path):
    out = io.BytesIO()
    soundfile.write(out, STEREO, 44100, format="WAV", subtype="DOUBLE")
    for data in (out.getvalue(), b"RIFF\4\0\0\0WAVE", b"RIFF\4\0\0\0WAVEfmt \x10\0\0\0" + bytes(16) + b"data\0\0\0\0"):
        (tmp_path / "x.wav").write_bytes(data)
        result = api.encode_file(tmp_path / "x.wav", tmp_path / "x.lac", force=True)
        assert (result.codec, result.identical) == ("bytes", "bytes")
        assert "codec bytes" in (result.remark or "")
        assert lacodec.decode(tmp_path / "x.lac") == data


def test_pipes(tmp_path):
    data = wav_file(STEREO)
    out = io.BytesIO()
    assert api.encode_file(io.BytesIO(data), out).codec == "audio.lossless"
    back = io.BytesIO()
    api.decode_file(io.BytesIO(out.getvalue()), back)
    assert back.getvalue() == data


def test_sniffing():
    assert AUDIO.sniff(wav_file(STEREO))
    assert not AUDIO.sniff(b"RIFF\0\0\0\0WEBP")
    assert not AUDIO.sniff(b"")
    assert AUDIO.from_source(BytesSource(wav_file(STEREO, 8000))).rate == 8000
