"""FLAC: everything that is kept comes back, what is damaged or odd goes to codec `bytes`, and nothing passes unseen."""

import io
import re
import struct
from itertools import product

import numpy as np
import pytest
import soundfile

import lacodec
from lacodec import api
from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.audio.files import AUDIO
from tests.sounds import tone

STEREO = np.rint(tone(9000, 2, 9000)).astype(np.int16)


def flac_file(samples: np.ndarray, rate: int = 44100, subtype: str = "PCM_16", level: float = 0.5) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="FLAC", subtype=subtype, compression_level=level)
    return out.getvalue()


PLAIN = flac_file(STEREO)
CUE_SHEET = bytes(395) + b"\1" + bytes(36)  # of one track


def blocks_of(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """(all metadata blocks, the frames)."""
    blocks, at, last = [], 4, False
    while not last:
        last, size = data[at] >= 128, int.from_bytes(data[at + 1 : at + 4], "big")
        blocks.append((data[at] & 127, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return blocks, data[at:]


def joined(blocks: tuple[tuple[int, bytes], ...]) -> bytes:
    parts = [bytes([kind]) + len(body).to_bytes(3, "big") + body for kind, body in blocks]
    return b"".join(parts[:-1]) + bytes([parts[-1][0] | 128]) + parts[-1][1:]


def with_blocks(data: bytes, *more: tuple[int, bytes]) -> bytes:
    blocks, frames = blocks_of(data)
    return b"fLaC" + joined((*blocks, *more)) + frames


def with_info(data: bytes, offset: int, content: bytes) -> bytes:
    return data[: 8 + offset] + content + data[8 + offset + len(content) :]


def with_total(data: bytes, total: int) -> bytes:
    return with_info(data, 13, bytes([data[21] & 0xF0 | total >> 32]) + (total & 0xFFFFFFFF).to_bytes(4, "big"))


def comments(*tags: str) -> bytes:
    texts = [b"a tool", *(tag.encode() for tag in tags)]
    first, *rest = (struct.pack("<I", len(text)) + text for text in texts)
    return first + struct.pack("<I", len(rest)) + b"".join(rest)


def picture(size: int) -> bytes:
    return struct.pack(">II", 3, 9) + b"image/png" + bytes(20) + struct.pack(">I", size) + np.random.default_rng(1).bytes(size)


def restored(data: bytes) -> bytes:
    """The file that comes back."""
    value = lacodec.decode(lacodec.encode(data, "audio.lossless", effort=1, verify=True))
    return b"".join(AUDIO.to_blocks(value))


def difference(one: bytes, other: bytes) -> str | None:
    return AUDIO.difference(BytesSource(one), BytesSource(other))


@pytest.mark.parametrize(("subtype", "channels"), list(product(["PCM_S8", "PCM_16", "PCM_24"], [1, 2, 3, 8])), ids=str)
def test_our_decoder_agrees_with_the_library(subtype, channels):
    rng = np.random.default_rng(channels)
    sound = tone(9001, channels, 0.5) + 0.01 * rng.standard_normal((9001, channels))
    kinds = (sound, np.rint(sound * 16) / 16, np.where(rng.random(sound.shape) < 0.01, 0.9, 0), rng.uniform(-1, 1, sound.shape))
    for samples, level, rate in zip(kinds, (0.0, 0.4, 1.0, 0.7), (8000, 44100, 12345, 96000), strict=True):
        data = flac_file(samples, rate, subtype, level)
        audio = AUDIO.from_source(BytesSource(data))
        wanted, _ = soundfile.read(io.BytesIO(data), dtype="int32", always_2d=True)
        assert (audio.rate, audio.channels) == (rate, channels)
        assert np.array_equal(audio.samples, wanted >> {"PCM_S8": 24, "PCM_16": 16, "PCM_24": 8}[subtype])


def test_samples_are_read_by_range_again_and_again():
    samples = np.rint(tone(400_000, 1, 9000)).astype(np.int16)  # more frames than lie between two known places
    pcm = AUDIO.from_source(BytesSource(flac_file(samples))).pcm
    whole = samples.tobytes()
    assert b"".join(pcm.blocks(70_001)) == whole == b"".join(pcm.blocks(1 << 20))
    for start, size in np.random.default_rng(2).integers(0, len(whole) + 5000, (30, 2)):
        assert pcm.read(int(start), int(size) // 4) == whole[start : start + size // 4]


SHORT = {
    "short": flac_file(STEREO[:2000]),
    "one sample": flac_file(STEREO[:1]),
    "mono": flac_file(STEREO[:, 0]),
    "unknown length": with_total(PLAIN, 0),
    "no MD5": with_info(PLAIN, 18, bytes(16)),
    "unknown length, no MD5": with_info(with_total(PLAIN, 0), 18, bytes(16)),
    "tags": with_blocks(PLAIN, (4, comments("TITLE=a", "ARTIST=é"))),
    "large picture": with_blocks(PLAIN, (4, comments("TITLE=a")), (6, picture(70_000))),
    "several pictures": with_blocks(
        PLAIN, (6, picture(3000)), (2, b"riffabc"), (6, picture(9)), (1, bytes(5000)), (5, CUE_SHEET)
    ),
    "unknown block": with_blocks(PLAIN, (77, b"later")),
    "only samples": b"fLaC" + joined(tuple(blocks_of(PLAIN)[0][:1])) + blocks_of(PLAIN)[1],
}


@pytest.mark.parametrize("name", SHORT)
def test_files_come_back_with_all_that_they_hold(name):
    data = SHORT[name]
    back = restored(data)
    assert difference(data, back) is None
    kept, came_back = ([block for block in blocks_of(file)[0] if block[0] not in (0, 1, 3)] for file in (data, back))
    assert kept == came_back
    with soundfile.SoundFile(io.BytesIO(back)) as file:
        assert np.array_equal(file.read(dtype="int16", always_2d=True), AUDIO.from_source(BytesSource(data)).samples)


@pytest.mark.parametrize("frames", [1, 700, 9000])
def test_short_files_need_no_codec_to_be_named(frames, tmp_path):
    """Files of up to 64 KiB are coded once more to see what they gain."""
    (tmp_path / "x.flac").write_bytes(flac_file(STEREO[:frames]))
    result = api.encode_file(tmp_path / "x.flac", tmp_path / "x.lac", effort=1)
    assert result.codec == "audio.lossless" if frames == 9000 else result.codec in ("audio.lossless", "bytes")
    assert result.encoded <= result.size + 64 + result.size // 1000
    api.decode_file(tmp_path / "x.lac", tmp_path / "y.flac")
    assert difference((tmp_path / "x.flac").read_bytes(), (tmp_path / "y.flac").read_bytes()) is None


def frame_of(data: bytes, number: int) -> int:
    """The offset of a frame, by its sync code and its number."""
    found = re.search(rb"\xff\xf8..%b" % re.escape(bytes([number])), data, re.DOTALL)
    assert found
    return found.start()


OTHER_RATE = flac_file(STEREO, 48000)
ODD = {
    "total too small": with_total(PLAIN, 5000),
    "total too large": with_total(PLAIN, 50_000),
    "total of one more": with_total(PLAIN, 9001),
    "wrong MD5": with_info(PLAIN, 18, b"0123456789abcdef"),
    "ID3v1 behind": PLAIN + b"TAG" + b"title".ljust(125, b"\0"),
    "zeros behind": PLAIN + bytes(100),
    "another file behind": PLAIN + PLAIN,
    "cut off": PLAIN[:-1000],
    "cut off by a byte": PLAIN[:-1],
    "cut off between frames": with_total(PLAIN[: frame_of(PLAIN, 2)], 9000),
    "a bit wrong": PLAIN[:9000] + bytes([PLAIN[9000] ^ 4]) + PLAIN[9001:],
    "a frame left out": PLAIN[: frame_of(PLAIN, 0)] + PLAIN[frame_of(PLAIN, 1) :],
    "a frame twice": PLAIN[: frame_of(PLAIN, 1)] + PLAIN[frame_of(PLAIN, 0) :],
    "another rate in the middle": with_info(
        with_total(PLAIN[: frame_of(PLAIN, 1)] + OTHER_RATE[frame_of(OTHER_RATE, 1) :], 0), 18, bytes(16)
    ),
    "more bits than said": with_info(PLAIN, 12, bytes([PLAIN[20] & 0xFE | 1]) + bytes([0x70 | PLAIN[21] & 15])),
    "no frames": PLAIN[: frame_of(PLAIN, 0)],
    "metadata cut off": PLAIN[:50],
    "two headers": with_blocks(PLAIN, blocks_of(PLAIN)[0][0]),
    "a forbidden block": with_blocks(PLAIN, (127, b"")),
    "9 MiB of pictures": with_blocks(PLAIN, (6, picture(9 << 20))),
    "a rate that the library cannot write": with_info(PLAIN, 10, struct.pack(">I", 96001 << 12 | 0x2F0)),
    "12 bits": with_info(PLAIN, 12, bytes([PLAIN[20] & 0xFE, 0xB0 | PLAIN[21] & 15])),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_and_damaged_files_go_to_bytes(name, tmp_path):
    data = ODD[name]
    with pytest.raises(UnsupportedFile):
        AUDIO.from_source(BytesSource(data))
    (tmp_path / "x.flac").write_bytes(data)
    result = api.encode_file(tmp_path / "x.flac", tmp_path / "x.lac", effort=1)
    assert result.codec == "bytes"
    assert "codec bytes" in (result.remark or "")
    assert lacodec.decode(tmp_path / "x.lac") == data


def test_an_id3_tag_in_front_is_no_mp3(tmp_path):
    for size in (10, 5000):
        data = b"ID3\4\0\0\0\0" + bytes([size >> 7, size & 127]) + bytes(size) + PLAIN
        (tmp_path / "x.flac").write_bytes(data)
        result = api.encode_file(tmp_path / "x.flac", tmp_path / "x.lac", force=True)
        assert result.codec == "bytes"
        assert "FLAC" in str(result.remark) if size == 10 else "usually" in str(result.remark)


def test_no_change_of_a_byte_passes_unseen():
    """Damage anywhere is found, or changes neither samples nor anything that is kept."""
    data = with_blocks(flac_file(STEREO[:3000]), (4, comments("TITLE=a")))
    good = AUDIO.from_source(BytesSource(data))
    rng = np.random.default_rng(3)
    found = 0
    for trial in range(400):
        damaged = bytearray(data)
        at = int(rng.integers(4, 42 if trial % 4 == 0 else len(data)))
        damaged[at] ^= 1 << int(rng.integers(0, 8))
        if trial % 10 == 0:
            del damaged[at : at + 100]
        try:
            value = AUDIO.from_source(BytesSource(bytes(damaged)))
        except UnsupportedFile:
            found += 1
            continue
        assert (value.rate, value.head) != (good.rate, good.head) or np.array_equal(value.samples, good.samples)
    assert found > 200


def test_differences_are_found():
    tagged = with_blocks(PLAIN, (4, comments("TITLE=a")), (6, picture(100)))
    changed = STEREO.copy()
    changed[8999, 1] ^= 1
    cases = {
        "the rate": (PLAIN, OTHER_RATE),
        "number of channels": (PLAIN, flac_file(STEREO[:, 0])),
        "number of bits": (PLAIN, flac_file(STEREO, subtype="PCM_24")),
        "number of samples": (PLAIN, flac_file(STEREO[:-1])),
        "MD5": (with_info(PLAIN, 18, bytes(16)), with_info(PLAIN, 18, bytes(16))),
        "the samples differ from 8999 on": (with_info(PLAIN, 18, bytes(16)), flac_file(changed)),
        "tags": (tagged, with_blocks(PLAIN, (4, comments("TITLE=b")), (6, picture(100)))),
        "pictures": (tagged, with_blocks(PLAIN, (4, comments("TITLE=a")))),
        "cue sheet": (PLAIN, with_blocks(PLAIN, (5, CUE_SHEET))),
        "application data": (with_blocks(PLAIN, (2, b"abcd")), PLAIN),
        "order": (with_blocks(PLAIN, (2, b"abcd"), (5, b"")), with_blocks(PLAIN, (5, b""), (2, b"abcd"))),
        "restored file cannot be read": (PLAIN, PLAIN[:-1]),
        "original cannot be read": (PLAIN[:50], PLAIN),
        "bytes differ": (PLAIN, b"something else"),
    }
    for word, (one, other) in cases.items():
        assert word in (difference(one, other) or ""), word
    odd = difference(with_blocks(PLAIN, (5, bytes(10))), with_blocks(PLAIN, (5, bytes(10))))
    assert "soundfile cannot read" in str(odd) and "object at" not in str(odd)
    assert difference(PLAIN, flac_file(STEREO, level=0.0)) is None
    assert difference(with_total(PLAIN, 0), PLAIN) is None


def test_odd_originals_are_a_difference_and_no_crash():
    for name, data in ODD.items():
        assert difference(data, PLAIN), name
    rng = np.random.default_rng(4)
    for _ in range(100):
        damaged = bytearray(PLAIN)
        for _ in range(5):
            damaged[int(rng.integers(4, len(PLAIN)))] ^= 1 << int(rng.integers(0, 8))
        difference(bytes(damaged), PLAIN)
        assert difference(PLAIN, bytes(damaged))
