"""Codec `image.lossless` by `reference/`: every method of a group at every effort, odd shapes, tiles, files kept as they are."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import lacodec
from lacodec.codecs.image.lossless.mixed.tile import model_encode
from lacodec.media.image.value import Image
from lacodec.testing import photo
from lacodec.testing import pictures as kinds
from reference import image_codec, image_mixed
from reference.container import read
from reference.decode import pam, restore

STORED, CONSTANT, MIXED, GRAPHICS, FAST, BYTES, LEVELS = range(7)


def read_pixels(pixels, effort, depth=None):
    """The method of the first group, once the reference has given back the pixels."""
    encoded = lacodec.encode(Image(pixels, depth or 8 * pixels.dtype.itemsize), effort=effort)
    assert np.array_equal(restore(encoded).value.pixels, pixels)
    return read(encoded)[1][0].payload[1]


@pytest.mark.parametrize("effort", range(1, 10))
def test_every_effort(effort):
    model = FAST if effort < 4 else MIXED
    assert read_pixels(photo(9, 21), effort) == model
    assert read_pixels(photo(12, 17, 1), effort) == model
    assert read_pixels(photo(12, 11, 1, 65535), effort) == model
    assert read_pixels(photo(7, 9, 3, 65535), effort) in (model, STORED)
    assert read_pixels(photo(10, 8, 2), effort) in (model, STORED)


@pytest.mark.parametrize("effort", [4, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (3, 1, 9), (3, 9, 1), (1, 2, 8), (3, 5, 5)])
def test_small_and_thin_planes(effort, shape):
    """Also where the payload is larger than the samples, which a tile would then store."""
    rng = np.random.default_rng(effort)
    planes = (rng.integers(0, 9, shape) + np.arange(shape[2]) * 3 + 100).astype(np.int32)
    payload = model_encode(planes, 255, effort)
    assert payload is None or np.array_equal(image_mixed.decode(payload, shape, 255), planes)


@pytest.mark.parametrize("effort", [4, 9])
def test_lively_planes_are_classed_in_larger_units(effort):
    rng = np.random.default_rng(2)
    planes = rng.integers(0, 65536, (1, 9, 10)).astype(np.int32)
    planes = planes // 2 + np.roll(planes, 1, 2) // 2
    payload = model_encode(planes, 65535, effort)
    assert payload[1] > 3 and np.array_equal(image_mixed.decode(payload, planes.shape, 65535), planes)


@pytest.mark.parametrize("top", [1, 2, 5, 300])
def test_any_greatest_value(top):
    planes = np.random.default_rng(top).integers(0, top + 1, (3, 6, 8)).astype(np.int32) // 2 + top // 4
    payload = model_encode(planes, top, 5)
    assert payload is None or np.array_equal(image_mixed.decode(payload, planes.shape, top), planes)


def test_every_other_method():
    drawn = kinds()["drawn"][:20, :20]
    assert read_pixels(drawn, 1) == BYTES
    assert read_pixels(drawn, 3) == GRAPHICS
    assert read_pixels(np.full((5, 6, 3), 200, np.uint8), 5) == CONSTANT
    assert read_pixels(np.random.default_rng(1).integers(0, 256, (6, 7, 3), np.uint8), 5) == STORED
    assert read_pixels(kinds()["16 bits made of 8"][:40, :40], 2) == LEVELS
    assert read_pixels(kinds()["16 bits made of 8"][:40, :40, :1], 6) == LEVELS
    assert read_pixels(kinds()["stretched"][:40, :40, :1], 4) == LEVELS


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits(depth):
    y, x = np.mgrid[0:16, 0:21]
    pixels = ((x // 3 + y // 5) % (1 << depth))[:, :, None].astype(np.uint8)
    for effort in (1, 3, 9):
        read_pixels(pixels, effort, depth)


def test_drawings_of_any_width():
    """Words of 1 to 8 bytes, matches that run on to the end of a row."""
    rng = np.random.default_rng(9)
    tile = rng.integers(0, 3, (4, 9, 4), np.uint8) * 77
    drawn = np.tile(tile, (3, 3, 1))
    for channels in (1, 2, 3, 4):
        for kind in (np.uint8, np.uint16):
            assert read_pixels(drawn[:, :, :channels].astype(kind) * (1 if kind is np.uint8 else 251), 4) in (
                GRAPHICS,
                MIXED,
                LEVELS,
            )


def test_tiles():
    assert read_pixels(photo(2, 1100, 1), 1) == FAST


def test_the_file_itself():
    out = io.BytesIO()
    Pillow.fromarray(photo(40, 50)).save(out, "PNG")
    encoded = lacodec.encode(out.getvalue(), "image.lossless", exact=True, effort=2)
    assert restore(encoded).content == out.getvalue()


def test_what_a_format_has_beside_pixels():
    image = Image(photo(20, 21, 1), 8, bytes(range(30)), (("tEXt", b"a\0b"), ("gAMA>", b"\0\0\1\2")), "png")
    restored = restore(lacodec.encode(image, effort=1))
    assert (restored.value.palette, restored.value.extras, restored.header["format"]) == (image.palette, image.extras, "png")


@pytest.mark.parametrize("kind", ["BMP", "PPM", "PNG", "TIFF"])
def test_files_are_read_as_the_package_reads_them(kind):
    out = io.BytesIO()
    picture = Pillow.fromarray(photo(60, 70))
    picture.save(out, kind, icc_profile=bytes(range(99)) * 5) if kind in ("PNG", "TIFF") else picture.save(out, kind)
    encoded = lacodec.encode(out.getvalue(), "image.lossless", effort=1)
    found, wanted = restore(encoded).value, lacodec.decode(encoded)
    assert found.file is None and np.array_equal(found.pixels, wanted.pixels)
    assert (found.depth, found.palette, found.extras) == (wanted.depth, wanted.palette, wanted.extras) and wanted.extras


@pytest.mark.parametrize(("channels", "top"), [(1, 255), (2, 255), (3, 65535), (4, 255)])
def test_pam(channels, top):
    pixels = photo(3, 5, channels, top)
    head, samples = pam(image_codec.Picture(pixels, 16 if top > 255 else 8)).split(b"ENDHDR\n")
    assert f"WIDTH 5\nHEIGHT 3\nDEPTH {channels}\nMAXVAL {top}\n".encode() in head
    assert np.array_equal(np.frombuffer(samples, ">u2" if top > 255 else ">u1").reshape(pixels.shape), pixels)
