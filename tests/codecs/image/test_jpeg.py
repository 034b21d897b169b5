"""Codec image.jpeg: files come back byte for byte, whatever they are; pictures inside of pictures; ranges; damage."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lacodec
from benchmarks import jpeg_mutants
from lacodec.codecs.image.jpeg.headers import restore, shorten
from lacodec.codecs.image.jpeg.pictures import pack, read_picture, unpack_pictures
from lacodec.codecs.image.jpeg.stream.parse import analyse, rebuild
from lacodec.container import Reader
from lacodec.errors import BadInput, CorruptFile, LacodecError, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.testing import check_codec, photo
from tests.jpegs import SETTINGS, files, jpeg, mutants, with_preview


def codec_of(encoded):
    return Reader(BytesSource(encoded)).header.codec


@pytest.mark.parametrize("effort", [1, 5, 9])
def test_the_contract(effort):
    values = {name: jpeg(photo(30, 50), **SETTINGS[name]) for name in ("baseline", "progressive", "restarts", "CMYK")}
    values["preview"] = with_preview(values["baseline"], jpeg(photo(16, 24)))
    check_codec("image.jpeg", values, effort=effort)


@pytest.mark.parametrize("name", SETTINGS)
def test_files(name, tmp_path):
    data = files(photo(120, 160))[name]
    (tmp_path / "x.jpg").write_bytes(data)
    result = lacodec.encode_file(tmp_path / "x.jpg", tmp_path / "x.lac", effort=9)
    assert result.codec in ("image.jpeg", "bytes")  # bytes where that is smaller
    assert (result.identical, result.remark, result.detail) == ("bytes", None, None)
    lacodec.encode_file(tmp_path / "x.jpg", tmp_path / "x.lac", "image.jpeg", force=True, effort=2)
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y.jpg")
    assert (tmp_path / "y.jpg").read_bytes() == data
    assert lacodec.decode(tmp_path / "x.lac") == data
    found = lacodec.info(tmp_path / "x.lac")
    assert (found.codec, found.original_size) == ("image.jpeg", len(data))
    with lacodec.open(tmp_path / "x.lac") as opened:
        assert opened[100:300] == data[100:300] and opened.shape == (len(data),)


def test_other_files_go_to_bytes_silently(tmp_path):
    data = files()["baseline"]
    for i, other in enumerate((data.replace(b"\xff\xc0", b"\xff\xc9", 1), b"\xff\xd8\xff" + bytes(5000))):
        (tmp_path / f"{i}.jpg").write_bytes(other)
        result = lacodec.encode_file(tmp_path / f"{i}.jpg", tmp_path / f"{i}.lac", effort=1)
        assert (result.codec, result.remark) == ("bytes", None) and "keeps its bytes" in (result.detail or "")
        assert lacodec.decode(tmp_path / f"{i}.lac") == other
        with pytest.raises(UnsupportedFile):
            lacodec.encode(other, "image.jpeg")
    with pytest.raises(BadInput, match="ndarray"):
        lacodec.encode(np.zeros((4, 4), np.uint8), "image.jpeg")


def test_files_larger_than_a_chunk_go_to_bytes(tmp_path):
    data = jpeg(photo(16, 16)) + bytes(64 << 20)
    (tmp_path / "x.jpg").write_bytes(data)
    assert lacodec.encode_file(tmp_path / "x.jpg", tmp_path / "x.lac", effort=1).codec == "bytes"
    assert lacodec.decode(tmp_path / "x.lac") == data
    with pytest.raises(UnsupportedFile, match="64 MiB"):
        lacodec.encode(data, "image.jpeg")


def test_previews_and_pictures_behind():
    data, preview, second = jpeg(photo(80, 100)), jpeg(photo(24, 32)), jpeg(photo(60, 70), progressive=True)
    whole = with_preview(data, preview) + with_preview(second, preview) + b"end"
    picture = read_picture(whole)
    assert [one.size for one in picture.walk()] == [len(preview), len(preview), len(with_preview(second, preview)), len(whole)]
    assert [one.parsed.frame.width for one in picture.walk()] == [32, 32, 70, 100]
    assert lacodec.decode(lacodec.encode(whole, "image.jpeg", effort=1)) == whole
    packed = pack(picture)
    for end in range(0, len(packed), 7):
        with pytest.raises(CorruptFile):
            unpack_pictures(packed[:end], len(whole))


def test_pictures_in_pictures_in_pictures():
    data = jpeg(photo(20, 24))
    for _ in range(5):
        data = with_preview(data, data)
    assert len(list(read_picture(data).walk())) > 4
    assert lacodec.decode(lacodec.encode(data, "image.jpeg", effort=1)) == data


def test_never_larger(tmp_path):
    for data in [*files(photo(3, 5)).values(), *files(photo(90, 90)).values()]:
        (tmp_path / "x.jpg").write_bytes(data)
        result = lacodec.encode_file(tmp_path / "x.jpg", tmp_path / "x.lac", force=True, effort=1)
        assert result.encoded <= len(data) + 64 + len(data) // 1000


def test_headers():
    for quality in (1, 25, 50, 75, 92, 100):
        for options in ({}, {"mode": "L"}, {"progressive": True}):
            data = jpeg(photo(9, 9), quality=quality, **options)
            header = read_picture(data).parsed.record.header
            short = shorten(header)
            assert restore(short, len(header)) == header and len(short) < (len(header) if options.get("progressive") else 60)
            with pytest.raises(CorruptFile):
                restore(short, len(header) - 1)
    rng = np.random.default_rng(2)
    for _ in range(300):
        damaged = bytearray(header)
        for place in rng.integers(0, len(damaged), 5):
            damaged[place] = rng.integers(256)
        assert restore(shorten(bytes(damaged)), len(damaged)) == damaged


def test_a_record_that_is_much_longer_than_its_file():
    """A progressive file in which no run of empty bands is longer than one: bits in the file, bytes in the record."""
    pixels = np.full((1024, 1024), 128, np.uint8)
    pixels[:8, :8] = [[0, 255] * 4] * 8
    parsed = analyse(jpeg(pixels, mode="L", quality=98, progressive=True))
    every = np.arange(128 * 128)
    scans = tuple(replace(scan, breaks=every) if i else scan for i, scan in enumerate(parsed.record.scans))
    data = rebuild(replace(parsed, record=replace(parsed.record, scans=scans)), 1 << 20)
    assert len(pack(read_picture(data))) > 5 * len(data)
    assert lacodec.decode(lacodec.encode(data, "image.jpeg", effort=1)) == data


def test_markers_without_end_behind_a_picture():
    data = jpeg(photo(16, 16)) + b"\xff\xc0" * 200_000 + b"\xff\xdb\0\x43" * 100_000
    short = shorten(data)
    assert restore(short, len(data)) == data


def test_mutants_through_files():
    """The long run is `python benchmarks/jpeg_mutants.py`."""
    codecs, failures, _ = jpeg_mutants.run(mutants(jpeg_mutants.originals(), 210, 2026), effort=1)
    assert failures == 0
    assert codecs["image.jpeg"] > 100 and codecs["bytes"] > 10


def test_damaged_payloads_are_reported():
    encoded = lacodec.encode(jpeg(photo(40, 40)), "image.jpeg", effort=1)
    rng = np.random.default_rng(1)
    for _ in range(100):
        damaged = bytearray(encoded)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        try:
            lacodec.decode(bytes(damaged))
        except LacodecError:
            continue


def test_a_learned_codec_still_reads_jpegs_as_pictures():
    from lacodec.media.image.photo import PHOTOS

    value = PHOTOS.from_object(jpeg(photo(20, 30)))
    assert value.pixels.shape == (20, 30, 3)
    assert Image.open(io.BytesIO(lacodec.decode(lacodec.encode(jpeg(photo(20, 30)), "image.jpeg")))).size == (30, 20)
