"""JPEG files by `reference/`: the same bytes, from what is stored and from whole `.lac` files."""

from dataclasses import replace

import numpy as np
import pytest

import lacodec
from lacodec.codecs.image.jpeg.stream.parse import Parsed, analyse, rebuild
from lacodec.testing import photo
from reference import container
from reference.decode import restore
from reference.jpeg_stream import Header, read_record, write
from reference.stream import Stream
from tests.checks import exhaustive
from tests.jpegs import SETTINGS, files, jpeg, mutants, with_preview

SMALL = files(photo(24, 40))
PICTURES = 0  # the method of payloads in which files are taken apart


def check(data: bytes) -> bool:
    """Compare what is written from our decoder's parts; False if the file is of no kind that is taken apart."""
    parsed = analyse(data)
    if parsed is None:
        return False
    stream = Stream(parsed.record.pack())
    records = [read_record(stream) for _ in range(stream.number())]
    stream.finish()
    header = Header(parsed.record.header, records)
    frame = parsed.frame
    assert (header.width, header.height) == (frame.width, frame.height)
    assert header.sizes() == [one.coefficients.shape[:2] for one in frame.components]
    assert [one.quant for one in header.components] == [one.quant.tolist() for one in frame.components]
    assert write(parsed.record.header, records, header, [one.coefficients.tolist() for one in frame.components]) == data
    return True


def payload(data: bytes, **options) -> bytes:
    """Encode and restore a file; its payload."""
    encoded = lacodec.encode(data, "image.jpeg", **options)
    assert restore(encoded).content == data
    return container.read(encoded)[1][0].payload


def method(data: bytes, effort: int = 5) -> int:
    """The same; by which method."""
    return payload(data, effort=effort)[0]


def without_tables(data: bytes) -> bytes:
    """The file with Huffman tables that have no codes: no block of it can be decoded."""
    parts, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts += [data[at:end]] if data[at + 1] != 0xC4 else []
        at = end
    empty = (b"\xff\xc4\0\x13" + bytes([number]) + bytes(16) for number in (0, 0x10, 1, 0x11))
    return b"".join([*parts, *empty, data[at:]])


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    assert check(files()[name])


def test_damaged_files():
    assert sum(map(check, mutants(list(SMALL.values()), 210, 7))) > 100


@pytest.mark.parametrize("other_rule", [False, True])
def test_runs_that_hold_back_more_bits_than_libjpeg_does(other_rule):
    """Of empty bands, when all coefficients are there already and each has a bit to come."""
    parsed = analyse(jpeg(photo(64, 64), mode="L", progressive=True, quality=50))
    rng = np.random.default_rng(1)
    values = (rng.integers(2, 4, (8, 8, 64)) * rng.choice([-1, 1], (8, 8, 64))).astype(np.int16)
    frame = replace(parsed.frame, components=(replace(parsed.frame.components[0], coefficients=values),), flat=None)
    scans = tuple(replace(scan, other_rule=other_rule) for scan in parsed.record.scans)
    data = rebuild(Parsed(frame, replace(parsed.record, scans=scans)), 10_000)
    assert analyse(data).record.scans[-1].other_rule == other_rule
    assert check(data)


def test_data_files(data_dir):
    found = [check(path.read_bytes()) for path in sorted(data_dir.glob("jpeg/edge/*.jpg"))]
    assert len(found) >= 18 and all(found)


@pytest.mark.parametrize("effort", [1, 5, 9])
@pytest.mark.parametrize("name", SETTINGS)
def test_whole_files(name, effort):
    assert method(SMALL[name], effort) == PICTURES


@pytest.mark.parametrize("effort", range(1, 10))
def test_efforts(effort):
    for data in (jpeg(photo(33, 50), quality=80), jpeg(photo(20, 33), quality=92, subsampling=0, progressive=True)):
        assert method(data, effort) == PICTURES


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 17), (3, 70)])
def test_sides(size):
    for data in files(photo(*size)).values():
        method(data)


def test_qualities():
    for quality in (1, 30, 60, 100):
        assert method(jpeg(photo(9, 9), quality=quality)) == PICTURES


def test_pictures_in_pictures_and_behind_them():
    first, second = SMALL["baseline"], SMALL["progressive"]
    for data in (with_preview(first, second) + with_preview(second, with_preview(first, second)) + b"end", first + second):
        assert method(data) == PICTURES


def test_cut_files():
    for name in ("4:4:4", "progressive", "restarts", "progressive restarts"):
        data = SMALL[name]
        start = data.index(b"\xff\xda") + 60
        for end in range(start, len(data), (len(data) - start) // 5):
            method(data[:end])


def test_segments():
    colour = ({"subsampling": 0}, {"subsampling": 2}, {"progressive": True, "restart_marker_blocks": 3})
    for effort, options in (*((effort, options) for effort in (1, 2) for options in colour), (5, {"mode": "L"})):
        data = jpeg(photo(150, 33), quality=97, **options)
        for part in (data, data[: len(data) * 5 // 6]):
            plain = container.read(lacodec.encode(part, "image.jpeg", effort=effort))[1][0].payload
            assert len(part) > 1024 and payload(part, effort=effort, tile=64) != plain


def test_odd_files():
    data = jpeg(photo(40, 50), restart_marker_blocks=2)
    second = data.index(b"\xff\xd1")
    for other in (
        data + bytes(300),
        data[:-2] + b"\xff\xd3" + data[-2:],
        data[:second] + b"junk\xff\xd5" + data[second + 2 :],
        with_preview(data, without_tables(data)),
    ):
        assert method(other) == PICTURES


def test_damaged_whole_files():
    found = []
    for data in mutants(list(SMALL.values()), 70, 8):
        try:
            encoded = lacodec.encode(data, "image.jpeg", effort=1)
        except lacodec.UnsupportedFile:
            continue
        found.append(restore(encoded).content == data)
    assert len(found) > 30 and all(found)


def test_small_data_files(data_dir):
    for name in ("tiny", "colorswap", "half_scan", "nofsync"):
        method((data_dir / f"jpeg/edge/{name}.jpg").read_bytes())


@exhaustive
def test_large_data_files(data_dir):
    for path in sorted(data_dir.glob("jpeg/edge/*.jpg")):
        if path.stat().st_size < 60_000:
            method(path.read_bytes(), 9)
