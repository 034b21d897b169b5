"""Windows of the pixels of JPEG files, from the segments that they touch: the same as Pillow shows of the whole file."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

import lacodec
from lacodec.codecs.image.jpeg import segments as segments_module
from lacodec.codecs.image.jpeg import shown as shown_module
from lacodec.errors import BadInput, CorruptFile, LacodecError, UnsupportedFile
from lacodec.testing import photo
from tests.jpegs import SETTINGS, jpeg, mutants, sampled, with_preview

HEIGHT, WIDTH = 203, 317
ADOBE = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
SAMPLINGS = [
    [(1, 1)], [(2, 2)], [(2, 1)], [(1, 1)] * 3, [(2, 1), (1, 1), (1, 1)], [(1, 2), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (1, 1)], [(4, 2), (1, 1), (1, 1)], [(1, 4), (1, 1), (1, 1)], [(2, 2), (2, 1), (1, 2)], [(2, 2)] * 3,
    [(1, 1), (2, 2), (1, 1)], [(1, 1), (2, 1), (2, 2)], [(2, 2), (1, 1), (1, 1), (2, 2)], [(1, 1)] * 4,
]  # fmt: skip


def whole(data):
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    return pixels.reshape(*pixels.shape[:2], -1)


def windows(height, width, count, seed=0):
    """At every border and corner, all, and random ones."""
    rows, columns = ([(0, 1), (0, n // 2), (n // 3, n // 2), (n - 1, n), (n // 2, n), (0, n)] for n in (height, width))
    yield from ((y, x) for y in rows for x in columns)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield tuple(sorted(rng.integers(0, height + 1, 2).tolist())), tuple(sorted(rng.integers(0, width + 1, 2).tolist()))


def check(data, expected, count=12, pieces=True, monkeypatch=None, **options):
    """Windows of the file are those of the expected pixels."""
    encoded = lacodec.encode(data, "image.jpeg", effort=3, **options)
    assert lacodec.decode(encoded) == data
    if pieces and monkeypatch is not None:
        monkeypatch.setattr(shown_module.JpegPicture, "file", property(lambda self: pytest.fail("decoded as a whole")))
    with lacodec.open(encoded) as opened:
        assert opened.shape == (len(data),) and opened[2:40] == data[2:40]
        for (top, bottom), (left, right) in windows(*expected.shape[:2], count):
            found = opened[top:bottom, left:right]
            assert found.dtype == np.uint8 and np.array_equal(found, expected[top:bottom, left:right]), (top, bottom, left, right)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_pillow(name, monkeypatch):
    data = jpeg(photo(HEIGHT, WIDTH), **SETTINGS[name])
    check(data, whole(data), tile=64, monkeypatch=monkeypatch)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("factors", SAMPLINGS)
def test_samplings(factors, together, monkeypatch):
    if together and len(factors) > 1 and sum(h * v for h, v in factors) > 10:
        pytest.skip("more blocks in an MCU than the standard allows")
    for width, height in ((131, 83), (64, 96)):
        data = sampled(width, height, factors, together=together)
        check(data, whole(data), 6, tile=64, monkeypatch=monkeypatch)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 100), (5, 17), (100, 2)])
def test_narrow_pictures(size, monkeypatch):
    for factors in ([(1, 1)], [(2, 2), (1, 1), (1, 1)], [(2, 1), (1, 1), (1, 1)]):
        data = sampled(*size, factors)
        check(data, whole(data), tile=64, monkeypatch=monkeypatch)


@pytest.mark.parametrize("extra", [b"", JFIF, ADOBE + b"\0", ADOBE + b"\1", ADOBE + b"\2", JFIF + ADOBE + b"\0"])
@pytest.mark.parametrize("ids", [(1, 2, 3, 4), (0, 1, 2, 3), tuple(b"RGBA"), (7, 3, 200, 9)])
def test_colours(extra, ids, monkeypatch):
    for count in (1, 3, 4):
        data = sampled(70, 50, [(1, 1)] * count, ids=ids, extra=extra)
        check(data, whole(data), 3, monkeypatch=monkeypatch)


def test_steps_of_16_bits(monkeypatch):
    data = sampled(70, 50, [(1, 1)])
    wide = b"\xff\xdb\0\x83\x10" + (300).to_bytes(2, "big") * 64
    data = data.replace(b"\xff\xdb\0\x43\0" + bytes([9] * 64), wide).replace(b"\xff\xc0", b"\xff\xc1")
    check(data, whole(data), monkeypatch=monkeypatch)


def test_files_that_only_a_whole_decoder_shows():
    """Scans that are only begun are smoothed by readers, wrong markers repaired, a second scan of a component is refused."""
    data = jpeg(photo(90, 120), quality=85, progressive=True)
    scans = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]
    started = data[: scans[3]] + b"\xff\xd9"
    check(started, whole(started), pieces=False)
    lines = jpeg(photo(90, 120), quality=75, restart_marker_rows=1)
    damaged = lines.replace(b"\xff\xd2", b"\xff\xd5", 1)
    check(damaged, whole(damaged), pieces=False)
    base = jpeg(photo(90, 120), "L", quality=75)
    scan = base[base.index(b"\xff\xda") : -2]
    twice = base[:-2] + scan + b"\xff\xd9"
    with lacodec.open(lacodec.encode(twice, "image.jpeg", effort=1)) as opened:
        with pytest.raises(UnsupportedFile, match="broken"):
            opened[0:5, 0:5]
        assert not opened._picture._picture._regular


def test_cut_files():
    data = jpeg(photo(200, 120), quality=75)
    encoded = lacodec.encode(data[: len(data) // 2], "image.jpeg", effort=1)
    with lacodec.open(encoded) as opened:
        assert opened[:] == data[: len(data) // 2]
        with pytest.raises(UnsupportedFile, match="truncated"):
            opened[0:5, 0:5]


def test_only_the_segments_that_are_needed(monkeypatch):
    data = jpeg(photo(512, 200), quality=85)
    encoded = lacodec.encode(data, "image.jpeg", effort=1, tile=64)
    seen, before = [], segments_module.decode_frame
    monkeypatch.setattr(segments_module, "decode_frame", lambda *given: seen.append(1) or before(*given))
    with lacodec.open(encoded) as opened:
        found = opened[250:260, 10:20]  # in segment 3, with a margin in segment 4
        assert len(seen) == 2 and np.array_equal(found, whole(data)[250:260, 10:20])
        assert np.array_equal(opened[240:258:2, ::-1, 0], whole(data)[240:258:2, ::-1, 0]) and len(seen) == 2
        assert np.array_equal(opened[100, 7], whole(data)[100, 7]) and len(seen) == 3
        assert opened[50:20, 0:7].shape == (0, 7, 3) and len(seen) == 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_keys_and_files_that_are_kept(tmp_path):
    data = with_preview(jpeg(photo(80, 100)), jpeg(photo(24, 32)))
    (tmp_path / "x.lac").write_bytes(lacodec.encode(data, "image.jpeg", effort=1))
    opened = lacodec.open(tmp_path / "x.lac")
    assert opened.readable() and opened.read(5) == data[:5] and opened[..., 0] == data[0]
    assert np.array_equal(pickle.loads(pickle.dumps(opened))[3:9, 5:7], whole(data)[3:9, 5:7])
    for key in ((0, 0, 0, 0), (5000, 0), ("a", 0)):
        with pytest.raises(BadInput):
            opened[key]
    opened.close()
    with pytest.raises(BadInput, match="closed"):
        opened[0:5, 0:5]
    tiny = jpeg(photo(3, 5))
    with lacodec.open(lacodec.encode(tiny, "image.jpeg", effort=1)) as opened:
        assert np.array_equal(opened[0:3, 0:5], whole(tiny))
    with lacodec.open(lacodec.encode(b"no picture" * 100)) as opened, pytest.raises(BadInput, match="more axes"):
        opened[0:5, 0:5]


def test_threads_and_segments_give_the_same_stream():
    data = jpeg(photo(600, 300), quality=90)
    one, two = (lacodec.encode(data, "image.jpeg", effort=3, tile=64, threads=n) for n in (1, 3))
    assert one == two and lacodec.decode(one, threads=3) == data
    assert len(lacodec.encode(data, "image.jpeg", effort=3)) < len(one)


def test_large_files_have_segments():
    data = jpeg(np.random.default_rng(1).integers(0, 256, (1000, 1000, 3)).astype(np.uint8), quality=95)
    assert 1 << 20 < len(data) < 2 << 20
    encoded = lacodec.encode(data, "image.jpeg", effort=1)
    assert lacodec.decode(encoded, threads=2) == data
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[490:510, 600:700], whole(data)[490:510, 600:700])
        assert len(opened._picture._picture._segments.coded) == 2


def test_forged_segments():
    for data, down in ((b"", 5), (b"\x06", 5), (b"\x02", 5), (b"\x02\x09\x09abc", 5), (b"\xff" * 9, 5)):
        with pytest.raises(CorruptFile):
            segments_module.Segments.unpack(data, down, 100_000)
    with pytest.raises(CorruptFile):
        segments_module.Segments.unpack(b"\x01" + bytes(8000), 8000, 100_000)
    encoded = lacodec.encode(jpeg(photo(256, 40)), "image.jpeg", effort=1, tile=64)
    rng = np.random.default_rng(3)
    for _ in range(150):
        damaged = bytearray(encoded)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        try:
            with lacodec.open(bytes(damaged)) as opened:
                opened[70:90, 3:30]
        except LacodecError:
            continue


def test_mutants_never_crash():
    originals = [jpeg(photo(70, 90), **SETTINGS[name]) for name in ("baseline", "progressive", "restarts", "4:2:2")]
    shown = 0
    for data in mutants(originals, 120, 7):
        try:
            expected = whole(data)
        except Exception:
            expected = None
        try:
            with lacodec.open(lacodec.encode(data, "image.jpeg", effort=1)) as opened:
                found = opened[5:50, 20:61]
        except LacodecError:
            continue
        if expected is not None:
            shown += 1
            assert np.array_equal(found, expected[5:50, 20:61])
    assert shown > 20
