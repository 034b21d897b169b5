"""Progress moves within a chunk, only grows, and counts every byte once: encoded, decoded to compare, decoded."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import lacodec
from lacodec.codecs import registry
from lacodec.codecs.session import Session
from lacodec.container import Reader
from lacodec.io.progress import Share, Work, parts
from lacodec.io.source import BytesSource
from lacodec.media.image.value import Image
from lacodec.testing import photo
from tests.sounds import chunk, tone, wav_file

DRAWN = np.repeat(np.repeat(np.random.default_rng(7).integers(0, 4, (40, 40, 3)), 4, 0), 4, 1).astype(np.uint8) * 80
SPARSE = np.minimum(photo(96, 128) // 8 * 8, 248)
DEEP = photo(96, 128, 3, 65535)
ALPHA = np.concatenate([photo(96, 128), photo(96, 128)[:, :, :1]], 2)
OPAQUE = np.concatenate([photo(96, 128), np.full((96, 128, 1), 255, np.uint8)], 2)
PLAIN = np.full((50, 60, 3), 7, np.uint8)
PICTURES = {
    "photo": photo(160, 96),
    "drawn": DRAWN,
    "sparse": SPARSE,
    "deep": DEEP,
    "alpha": ALPHA,
    "opaque": OPAQUE,
    "plain": PLAIN,
}
SOUNDS = {
    "stereo": wav_file(tone(40000, 2, 9000)),
    "twins": wav_file(np.repeat(tone(40000, 1, 9000), 2, 1)),
    "silence": wav_file(np.zeros((40000, 2))),
    "more": wav_file(tone(40000, 2, 9000), tail=chunk(b"LIST", b"INFO" * 100)),
}


def reports_of(codec_name, value, **options):
    """What is reported while encoding and while decoding, and the chunks."""
    codec = registry.get(codec_name)
    codec = codec(codec.Options(**options))
    encoding, decoding = [], []
    chunks = list(codec.encode(value, Session(report=encoding.append)))
    reader = Reader(BytesSource(lacodec.encode(value, codec_name, **options)))
    for i in range(len(reader.index)):
        codec.decode_chunk(reader.header, reader.chunk(i), (), Session(report=decoding.append))
    return encoding, decoding, chunks


def check(found, size, several):
    assert sum(found) == size and min(found) > 0
    assert len(found) > several, found


@pytest.mark.parametrize("effort", [1, 2, 4])
@pytest.mark.parametrize("name", PICTURES)
def test_within_a_tile(name, effort):
    pixels = PICTURES[name]
    encoding, decoding, chunks = reports_of(
        "image.lossless", Image(pixels, 16 if pixels.dtype == np.uint16 else 8), effort=effort, tile=1024
    )
    assert len(chunks) == 1
    several = int(effort == 4 and name != "plain")  # the fast model's parts are larger than these, and plain is not coded at all
    check(encoding, pixels.nbytes, several)
    check(decoding, pixels.nbytes, several)


def test_within_a_tile_of_the_fast_model():
    pixels = photo(300, 450)
    encoding, decoding, chunks = reports_of("image.lossless", Image(pixels), effort=2, tile=512)
    assert len(chunks) == 1
    check(encoding, pixels.nbytes, 2)
    check(decoding, pixels.nbytes, 2)


@pytest.mark.parametrize("effort", [1, 4])
@pytest.mark.parametrize("name", SOUNDS)
def test_within_a_range_of_samples(name, effort):
    data = SOUNDS[name]
    sound = registry.get("audio.lossless").media.from_source(BytesSource(data))
    encoding, decoding, chunks = reports_of("audio.lossless", sound, effort=effort)
    assert len(chunks) == 1
    several = int(name != "silence")
    check(encoding, len(data), several)
    check(decoding, len(data), several)


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("kind", ["picture", "sound"])
def test_of_a_file(kind, verify, tmp_path):
    source = tmp_path / ("in.png" if kind == "picture" else "in.wav")
    made = io.BytesIO()
    Pillow.fromarray(PICTURES["photo"]).save(made, "png")
    source.write_bytes(made.getvalue() if kind == "picture" else SOUNDS["stereo"])
    size = source.stat().st_size
    calls = []
    options = {"verify": verify, "effort": 4, "progress": lambda *call: calls.append(call)}
    result = lacodec.encode_file(source, tmp_path / "x.lac", **options)
    assert result.codec == ("image.lossless" if kind == "picture" else "audio.lossless")
    check_calls(calls, size)
    calls.clear()
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "out", progress=lambda *call: calls.append(call))
    check_calls(calls, Reader(BytesSource((tmp_path / "x.lac").read_bytes())).decoded_size)


def check_calls(calls, size):
    done = [call[0] for call in calls]
    assert done == sorted(set(done)) and calls[-1] == (size, size) and {total for _, total in calls} == {size}
    assert len(calls) > 1 and done[0] < size * 2 // 3


@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
@pytest.mark.parametrize("samples", [0, 1, 5000, 1 << 20])
def test_parts_are_all_of_it(steps, samples):
    told = []
    ranges = list(parts(steps, samples, told.append))
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])] and ranges[-1][1] == steps
    assert all(start < stop for start, stop in ranges) and sum(told) == samples


def test_a_share_is_never_exceeded():
    told = []
    share = Share(told.append, 1000, 30)
    for _ in range(8):
        share(7)
    share.finish()
    assert sum(told) == 1000 and len(told) == 5


def test_content_larger_than_its_file():
    told = []
    work = Work(lambda *call: told.append(call), 100, content=1000)
    work.within_chunk(300)
    work.whole_chunk(500)
    work.whole_chunk(600)
    assert told == [(30, 100), (50, 100), (100, 100)]
