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
from tests.sounds import chunk, tone, wav_file

STEREO = np.rint(tone(3000, 2, 9000)).astype(np.int16)


def aiff_file(samples: np.ndarray, **options: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, 48000, format="AIFF", **options)
    return out.getvalue()


def convert(data: bytes, name: str, to: str, folder) -> bytes:
    (folder / name).write_bytes(data)
    api.encode_file(folder / name, folder / "x.lac", "audio.lossless", effort=1, force=True)
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


def as_format(data: bytes, suffix: str) -> bytes:
    return b"".join(AUDIO.to_blocks(AUDIO.from_source(BytesSource(data)), suffix))


def with_chunk(data: bytes, extra: bytes) -> bytes:
    """A WAV file with a chunk before its samples and one behind them."""
    made = data[:36] + extra + data[36:] + extra
    return made[:4] + struct.pack("<I", len(made) - 8) + made[8:]


INFO = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"a title"))


def test_chunks_of_a_wav_file_are_kept_in_flac_and_come_back(tmp_path):
    for samples, layout in ((STEREO, "i16le"), (STEREO[:, :1] // 256, "u8"), (STEREO[:2999] * 200, "i24le")):
        data = with_chunk(wav_file(samples, 44100, layout), INFO)
        flac = convert(data, "x.wav", "y.flac", tmp_path)
        assert soundfile.info(io.BytesIO(flac)).frames == len(samples)
        assert flac.count(b"riff") == 5 and b"a title" in flac
        assert convert(flac, "y.flac", "z.wav", tmp_path) == data
        with pytest.raises(BadInput, match="AIFF cannot hold .* application data"):
            convert(flac, "y.flac", "z.aiff", tmp_path)


def test_chunks_of_an_aiff_file_are_kept_in_flac_and_come_back(tmp_path):
    data = aiff_file(STEREO, subtype="PCM_16") + struct.pack(">4sI", b"NAME", 3) + b"abc\0"
    flac = convert(data, "x.aiff", "y.flac", tmp_path)
    assert convert(flac, "y.flac", "z.aiff", tmp_path) == data


PLAIN = wav_file(STEREO)
FLAC = as_format(PLAIN, ".flac")
TAGGED = FLAC[:42] + b"\x04\0\0\x17\0\0\0\0\1\0\0\0\x0b\0\0\0title=a bcd" + FLAC[42:]
EXTENSIBLE = PLAIN[:16] + struct.pack("<IH", 40, 0xFFFE) + PLAIN[22:36] + struct.pack("<HHI", 22, 12, 0x600)
EXTENSIBLE += b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71" + PLAIN[36:]
AIFF = as_format(PLAIN, ".aiff")
RATE = AIFF.index(b"COMM") + 16
REFUSED = {
    "chunks": (with_chunk(PLAIN, INFO), "x.wav", "y.aiff", "the chunk 'LIST'"),
    "tags": (TAGGED, "x.flac", "y.wav", "tags .TITLE"),
    "picture": (FLAC[:42] + b"\6\0\0\1x" + FLAC[42:], "x.flac", "y.aiff", "pictures"),
    "tags of AIFF": (AIFF + b"NAME\0\0\0\2ab", "x.aiff", "y.wav", "the chunk 'NAME'"),
    "loudspeakers": (EXTENSIBLE, "x.wav", "y.aiff", "the loudspeakers 0x600, samples of 12 bits"),
    "rate": (AIFF[: RATE + 4] + b"\1" + AIFF[RATE + 5 :], "x.aiff", "y.wav", "a rate that is not a whole number"),
    "data behind": (PLAIN[:40] + struct.pack("<I", 1000) + PLAIN[44:], "x.wav", "y.flac", "11000 bytes after the sound"),
    "part of a sample": (PLAIN[:-3], "x.wav", "y.aiff", "part of a sample at the end .1 bytes"),
    "no samples": (PLAIN[:40] + bytes(4), "x.wav", "y.flac", "without samples"),
    "32 bits": (wav_file(STEREO * 60000.0, layout="i32le"), "x.wav", "y.flac", "cannot hold i32le"),
    "floats": (wav_file(STEREO / 32768, layout="f32le"), "x.wav", "y.flac", "cannot hold f32le"),
    "odd rate": (wav_file(STEREO, 65536), "x.wav", "y.flac", "65536 Hz"),
    "high rate": (wav_file(STEREO, 700_000), "x.wav", "y.flac", "700000 Hz"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_another_format_cannot_hold_is_said(name, tmp_path):
    data, first, second, message = REFUSED[name]
    with pytest.raises(BadInput, match=message):
        convert(data, first, second, tmp_path)
    assert not (tmp_path / second).exists()
    if not first.endswith("flac"):
        assert convert(data, first, f"again-{first}", tmp_path) == data


@pytest.mark.parametrize("rate", [1, 8000, 44100, 65535, 65540, 655350])
def test_rates_of_flac(rate, tmp_path):
    flac = convert(wav_file(STEREO, rate), "x.wav", "y.flac", tmp_path)
    assert AUDIO.from_source(BytesSource(flac)).rate == rate
    assert convert(flac, "y.flac", "z.wav", tmp_path) == wav_file(STEREO, rate)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_wav_from_a_pipe_whose_size_is_unknown(size, tmp_path):
    """Programs that write into a pipe leave the size at 0 or at the largest number: what follows is sound all the same."""
    data = PLAIN[:4] + struct.pack("<I", size) + PLAIN[8:40] + struct.pack("<I", size) + PLAIN[44:]
    assert np.array_equal(AUDIO.from_source(BytesSource(data)).samples, STEREO)
    assert convert(data, "x.wav", "y.wav", tmp_path) == data
    back, _ = soundfile.read(io.BytesIO(convert(data, "x.wav", "y.flac", tmp_path)), dtype="int16")
    assert np.array_equal(back, STEREO)
    assert lacodec.decode(tmp_path / "x.lac").samples.shape == STEREO.shape


def test_chunks_behind_no_samples_are_no_sound():
    assert AUDIO.from_source(BytesSource(PLAIN[:40] + bytes(4) + INFO)).pcm.size == 0


def test_a_wav_file_called_flac(tmp_path):
    """Without a suffix, or with one that it did not have, the format that went in comes back."""
    value = AUDIO.from_source(BytesSource(PLAIN))
    assert b"".join(AUDIO.to_blocks(value)) == PLAIN
    assert AUDIO.written(value, "") == "wav"


def test_sniffing():
    assert AUDIO.sniff(wav_file(STEREO))
    assert not AUDIO.sniff(b"RIFF\0\0\0\0WEBP")
    assert not AUDIO.sniff(b"")
    assert AUDIO.from_source(BytesSource(wav_file(STEREO, 8000))).rate == 8000
