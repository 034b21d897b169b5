"""Codec image.lossless: round trips of many kinds of pixels, tiles and windows, damage, and determinism."""

import contextlib
import io

import numpy as np
import pytest

import lacodec
from lacodec.codecs.image.lossless._levels import expand, read_levels, reduce
from lacodec.codecs.image.lossless._tile import decode_tile, encode_tile
from lacodec.codecs.image.lossless.codec import LosslessImage
from lacodec.codecs.image.lossless.graphics.tile import graphics_decode, graphics_encode
from lacodec.codecs.image.lossless.mixed.tile import model_decode, model_encode
from lacodec.container import Header, Reader
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.image.value import Image
from lacodec.testing import photo
from lacodec.testing import pictures as kinds

EFFORTS = (1, 5, 9)

HEADER = Header("image.lossless", 0, {})


@pytest.mark.parametrize("effort", EFFORTS)
def test_round_trips(effort):
    coder = lacodec.codec("image.lossless", effort=effort)
    for name, pixels in kinds().items():
        encoded = coder.encode(pixels, verify=True)
        assert coder.encode(pixels, threads=2) == encoded, name
        decoded = lacodec.decode(encoded)
        assert decoded.pixels.dtype == pixels.dtype and np.array_equal(decoded.pixels, pixels), name
        assert len(encoded) <= pixels.nbytes + 140 + pixels.nbytes // 1000, name


def test_every_effort_shrinks_a_photo():
    pixels = photo(64, 64)
    sizes = {effort: len(lacodec.encode(Image(pixels), effort=effort)) for effort in range(1, 10)}
    assert sizes[9] < sizes[5] < pixels.nbytes // 2
    assert sizes[9] < sizes[1]


def test_palette_and_bits():
    rng = np.random.default_rng(3)
    indices = np.repeat(rng.integers(0, 4, (20, 10, 1)), 3, 1).astype(np.uint8)
    image = Image(indices, 2, bytes(range(12)), (("tRNS", b"\1\2"),), "png")
    again = lacodec.decode(lacodec.encode(image))
    assert again == image and again.depth == 2 and again.palette == bytes(range(12)) and again.extras == image.extras


@pytest.fixture(scope="module")
def tiled():
    pixels = np.tile(photo(64, 64), (17, 34, 1))[:1080, :2100]
    return pixels, lacodec.encode(Image(pixels), effort=1, tile=1024, threads=2)


def test_windows(tiled):
    pixels, encoded = tiled
    with lacodec.open(encoded) as opened:
        for window in ((slice(10, 20), slice(30, 50)), (slice(1000, 1080), slice(1000, 1060)), (slice(5, 5), slice(0, 9))):
            assert np.array_equal(opened[window], pixels[window])
        assert np.array_equal(opened[1070:], pixels[1070:])
        assert np.array_equal(opened[-3:, -3:], pixels[-3:, -3:])
        for senseless in ("x", 5000, (slice(0, 9, 0),), (slice(0, 1),) * 4):
            with pytest.raises(BadInput):
                opened[senseless]
    assert len(Reader(BytesSource(encoded)).index) == 6


def test_a_lost_tile_is_black(tiled, tmp_path):
    pixels, encoded = tiled
    head = Reader(BytesSource(encoded)).index[1]
    damaged = bytearray(encoded)
    damaged[head.payload_offset + 9] ^= 1
    (tmp_path / "x.lac").write_bytes(damaged)
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(damaged))
    lacodec.api.decode_file(tmp_path / "x.lac", tmp_path / "x.png", salvage=True)
    again = lacodec.media.image.files.from_bytes((tmp_path / "x.png").read_bytes(), "x").pixels
    (top, bottom), (left, right) = head.covers
    assert not again[top:bottom, left:right].any()
    again[top:bottom, left:right] = pixels[top:bottom, left:right]
    assert np.array_equal(again, pixels)


def places(encoded):
    return [head.covers for head in Reader(BytesSource(encoded)).index]


def test_photos_have_small_tiles_at_low_effort(tiled):
    pixels = tiled[0][:512, :768]
    for effort, count in ((1, 96), (2, 96), (3, 1)):
        encoded = lacodec.encode(Image(pixels), effort=effort)
        assert len(places(encoded)) == count and np.array_equal(lacodec.decode(encoded).pixels, pixels)
    assert len(places(lacodec.encode(Image(pixels[:, :, :1].astype(np.uint16) * 19, 16), effort=1))) == 96
    drawn = np.repeat(np.repeat(pixels[:64, :96], 8, 0), 8, 1)
    assert len(places(lacodec.encode(Image(drawn), effort=1))) == 1
    for long in (pixels[:80, :48], pixels[:48, :80]):  # as many pixels, in longer tiles
        assert len(places(lacodec.encode(Image(long), effort=1))) == 1


@pytest.mark.parametrize(("effort", "tile"), [(1, 64), (2, 100), (5, 64)])
def test_the_size_of_tiles_is_an_option(effort, tile):
    pixels = photo(130, 201)
    encoded = lacodec.encode(Image(pixels), effort=effort, tile=tile, verify=True)
    assert places(encoded) == [
        ((top, min(top + tile, 130)), (left, min(left + tile, 201)))
        for top in range(0, 130, tile)
        for left in range(0, 201, tile)
    ]
    assert np.array_equal(lacodec.decode(encoded, threads=2).pixels, pixels)
    assert lacodec.info(encoded).options["tile"] == tile
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[50:110, 60:140], pixels[50:110, 60:140])
    for wrong in (63, 1025, 128.0, True):
        with pytest.raises(BadInput, match="64 to 1024"):
            lacodec.encode(Image(pixels), tile=wrong)


def test_a_window_needs_all_its_tiles(tiled):
    from lacodec.container.writer import write_container

    reader, out = Reader(BytesSource(tiled[1])), io.BytesIO()
    write_container(reader.header, (reader.chunk(i) for i in (0, 2)), out)
    with lacodec.open(out.getvalue()) as opened:
        assert np.array_equal(opened[:9, :9], tiled[0][:9, :9])
        with pytest.raises(CorruptFile, match="do not cover"):
            opened[:9, 1000:1030]


@pytest.mark.parametrize("effort", [1, 2, 5])
def test_the_first_rows_of_a_tile(effort):
    for name, pixels in kinds().items():
        coder = lacodec.codec("image.lossless", effort=effort)
        reader = Reader(BytesSource(coder.encode(pixels)))
        whole, chunk = lacodec.decode(coder.encode(pixels)).pixels, reader.chunk(0)
        for stop in {1, len(whole) // 2, len(whole)} - {0}:
            rows, columns, _ = (found := LosslessImage().decode_rows(reader.header, chunk, stop).pixels).shape
            assert rows >= min(stop, chunk.covers[0][1]) and np.array_equal(found, whole[:rows, :columns]), name


def test_hostile_payloads():
    rng = np.random.default_rng(9)
    pixels = photo(20, 24)
    good = encode_tile(pixels, 8, False, 5)
    shape = pixels.shape
    assert np.array_equal(decode_tile(good, shape, 8, HEADER), pixels)
    for _ in range(60):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(0, 256)
        try:
            assert decode_tile(bytes(bad[: rng.integers(1, len(bad) + 1)]), shape, 8, HEADER).shape == shape
        except CorruptFile:
            continue
    for payload in (b"", b"\5", b"\5\0", b"\0\0\0\0", b"\11\14" + rng.bytes(300)):
        with pytest.raises(CorruptFile):
            model_decode(payload, (3, 9, 9), 255)
        with pytest.raises(CorruptFile):
            graphics_decode(payload, (9, 9, 3), np.uint8)
    with pytest.raises(CorruptFile):
        model_decode(bytes([9, 0]) + rng.bytes(2000), (3, 1, 1 << 20), 255)
    for depth in (8, 16):
        for effort in (1, 5, 9):
            with pytest.raises(CorruptFile):
                model_decode(bytes([effort, 0]) + rng.bytes(2000), (3, 30, 30), (1 << depth) - 1)


def test_models_alone():
    planes = photo(30, 31).transpose(2, 0, 1)
    payload = model_encode(planes, 255, 9)
    assert np.array_equal(model_decode(payload, planes.shape, 255), planes)
    drawn = kinds()["drawn"]
    payload = graphics_encode(drawn)
    assert len(payload) < drawn.nbytes // 6 and np.array_equal(graphics_decode(payload, drawn.shape, np.uint8), drawn)


@pytest.mark.parametrize(
    "value", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 5), np.uint8), np.zeros((5, 5)), "no such file", 5]
)
def test_what_is_no_image(value):
    with pytest.raises(LacodecError):
        lacodec.encode(value, "image.lossless")


@pytest.mark.parametrize("options", [{"effort": 0}, {"effort": True}, {"exact": 3}, {"colour": 1}])
def test_senseless_options(options):
    with pytest.raises(BadInput):
        lacodec.codec("image.lossless", **options)


def test_unused_levels_cost_nothing():
    for name, top in (("16 bits made of 8", 255), ("stretched", 100)):
        pixels = kinds()[name]
        levels = {int(v) for v in np.unique(pixels)}
        plain = np.searchsorted(sorted(levels), pixels).astype(np.uint8)
        assert len(levels) <= top + 1
        for effort in (1, 5):
            coder = lacodec.codec("image.lossless", effort=effort, tile=1024)  # each tile lists its levels
            assert len(coder.encode(pixels)) < 1.05 * len(coder.encode(plain)), (name, effort)


def test_lists_of_levels_are_checked():
    pixels = kinds()["16 bits made of 8"]
    data, ranks, top = reduce(pixels)
    levels, rest = read_levels(data + b"rest", 3, 65535)
    assert bytes(rest) == b"rest" and top == max(map(len, levels)) - 1
    assert np.array_equal(expand(ranks, levels, pixels.dtype), pixels)
    with pytest.raises(CorruptFile):
        expand(np.full_like(ranks, len(levels[0])), levels, pixels.dtype)
    with pytest.raises(CorruptFile):
        read_levels(data, 3, 255)
    for size in range(len(data)):
        with pytest.raises(CorruptFile):
            read_levels(data[:size], 3, 65535)
    rng = np.random.default_rng(4)
    for _ in range(300):
        forged = bytearray(data)
        forged[rng.integers(len(data))] = rng.integers(256)
        with contextlib.suppress(CorruptFile):
            found, _ = read_levels(bytes(forged), 3, 65535)
            assert all(used[0] >= 0 and used[-1] <= 65535 and (np.diff(used) > 0).all() for used in found)
