"""Image files in and out: PNG of every kind, other formats, the choice by content, exact bytes, what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as pillow
from PIL import PngImagePlugin

import lacodec
from lacodec import api
from lacodec.errors import UnsupportedFile
from lacodec.media.image.files import IMAGES, from_bytes
from lacodec.media.image.png import write_png
from lacodec.media.image.value import Image
from lacodec.testing import photo

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, raw, interlaced=0, extra=b"", tail=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    data = zlib.compress(raw)
    body = chunk(b"IDAT", data[:7]) + chunk(b"IDAT", data[7:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + body + tail + chunk(b"IEND", b"")


def saved(array, kind="PNG", **options):
    out = io.BytesIO()
    picture = array if not isinstance(array, np.ndarray) else pillow.fromarray(array)
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_pillow(channels):
    pixels = photo(37, 43, channels)
    image = from_bytes(saved(pixels if channels > 1 else pixels[:, :, 0]), "x.png")
    assert np.array_equal(image.pixels, pixels)
    written = b"".join(write_png(image))
    assert np.array_equal(np.asarray(pillow.open(io.BytesIO(written))).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("colour,channels", [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits(colour, channels):
    pixels = photo(9, 14, channels, 65535)
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    image = from_bytes(png(14, 9, 16, colour, raw), "x.png")
    assert image.depth == 16 and np.array_equal(image.pixels, pixels)
    assert from_bytes(b"".join(write_png(image)), "x.png") == image


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits(depth):
    pixels = np.random.default_rng(depth).integers(0, 1 << depth, (7, 13, 1)).astype(np.uint8)
    image = Image(pixels, depth, None, (), "png")
    written = b"".join(write_png(image))
    assert from_bytes(written, "x.png") == image
    assert pillow.open(io.BytesIO(written)).size == (13, 7)
    indexed = Image(pixels, depth, bytes(3 << depth), (("tRNS", b"\5"),), "png")
    assert from_bytes(b"".join(write_png(indexed)), "x.png") == indexed


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (21, 13)])
def test_interlaced(size):
    pixels = photo(size[0], size[1], 3)
    raw = b""
    for y0, x0, dy, dx in ADAM7:
        part = pixels[y0::dy, x0::dx]
        if part.size:
            raw += b"".join(b"\0" + row.tobytes() for row in part)
    image = from_bytes(png(size[1], size[0], 8, 2, raw, interlaced=1), "x.png")
    assert np.array_equal(image.pixels, pixels)


def test_metadata_survives(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "pixels")
    data = saved(photo(64, 64), pnginfo=info, dpi=(300, 300), icc_profile=b"not a real profile" * 9)
    (tmp_path / "x.png").write_bytes(data)
    done = api.encode_file(tmp_path / "x.png", tmp_path / "x.lac")
    assert (done.codec, done.identical) == ("image.lossless", "pixels") and done.encoded < len(data)
    api.decode_file(tmp_path / "x.lac", tmp_path / "y.png")
    with pillow.open(tmp_path / "y.png") as again:
        assert again.info["Title"] == "pixels" and round(again.info["dpi"][0]) == 300
        assert again.info["icc_profile"] == b"not a real profile" * 9
    assert from_bytes((tmp_path / "y.png").read_bytes(), "y") == from_bytes(data, "x")


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "webp"])
def test_files_of_every_format(tmp_path, kind):
    pixels = photo(50, 61)
    options = {"lossless": True} if kind == "webp" else {}
    (tmp_path / f"x.{kind}").write_bytes(saved(pixels, kind.upper(), **options))
    done = api.encode_file(tmp_path / f"x.{kind}", tmp_path / "x.lac", effort=4, threads=2)
    assert done.codec == "image.lossless"
    for target in (f"y.{kind}", "z.png"):
        api.decode_file(tmp_path / "x.lac", tmp_path / target)
        with pillow.open(tmp_path / target) as again:
            assert np.array_equal(np.asarray(again), pixels)
    api.encode_file(tmp_path / f"x.{kind}", tmp_path / "exact.lac", "image.lossless", exact=True, effort=1)
    assert api.info(tmp_path / "exact.lac").identical == "bytes"
    api.decode_file(tmp_path / "exact.lac", tmp_path / f"same.{kind}")
    assert (tmp_path / f"same.{kind}").read_bytes() == (tmp_path / f"x.{kind}").read_bytes()


def test_16_bit_ppm(tmp_path):
    pixels = photo(20, 21, 3, 65535)
    data = b"P6\n21 20\n65535\n" + pixels.astype(">u2").tobytes()
    (tmp_path / "x.ppm").write_bytes(data)
    assert np.array_equal(lacodec.decode(lacodec.encode(tmp_path / "x.ppm")).pixels, pixels)
    assert b"".join(IMAGES.to_blocks(from_bytes(data, "x"), ".png"))[:4] == b"\x89PNG"


def test_a_file_that_resists_is_kept(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    data = saved(noise, compress_level=9)
    (tmp_path / "x.png").write_bytes(data)
    encoded = lacodec.encode(tmp_path / "x.png")
    assert len(encoded) <= len(data) + 64 + len(data) // 1000
    assert np.array_equal(lacodec.decode(encoded).pixels, noise)


def test_tiny_files_keep_the_size_promise(tmp_path):
    for side in (1, 8, 32):
        data = saved(np.zeros((side, side, 3), np.uint8))
        (tmp_path / "x.png").write_bytes(data)
        assert len(lacodec.encode(tmp_path / "x.png")) <= len(data) + 64


RAW = b"".join(b"\0" + bytes(12) for _ in range(4))


@pytest.mark.parametrize(
    "data",
    {
        "bomb": png(1_000_000, 2000, 8, 2, RAW),
        "too wide": png(0x7FFFFFFF, 0x7FFFFFFF, 16, 6, RAW),
        "no pixels": png(0, 4, 8, 2, RAW),
        "cut rows": png(4, 5, 8, 2, RAW),
        "too many rows": png(4, 3, 8, 2, RAW),
        "bad filter": png(4, 4, 8, 2, b"\7" + RAW[1:]),
        "bad depth": png(4, 4, 3, 2, RAW),
        "no palette": png(4, 4, 8, 3, RAW),
        "animated": png(4, 4, 8, 2, RAW, extra=chunk(b"acTL", bytes(8))),
        "tail": png(4, 4, 8, 2, RAW) + b"more",
        "bad sum": png(4, 4, 8, 2, RAW).replace(b"IEND", b"IENE"),
        "cut": png(4, 4, 8, 2, RAW)[:-20],
        "two pages": saved(pillow.fromarray(photo(8, 8)), "TIFF", save_all=True, append_images=[pillow.fromarray(photo(8, 8))]),
        "damaged BMP": saved(photo(9, 9), "BMP")[:100],
        "lossy WebP": saved(photo(30, 30), "WEBP", quality=50),
    }.items(),
    ids=lambda item: item[0],
)
def test_refused_files_go_to_bytes(tmp_path, data):
    _, content = data
    (tmp_path / "x").write_bytes(content)
    if IMAGES.sniff(content[:64]):
        with pytest.raises(UnsupportedFile):
            from_bytes(content, "x")
    done = api.encode_file(tmp_path / "x", tmp_path / "x.lac", effort=1)
    assert done.codec == "bytes"
    api.decode_file(tmp_path / "x.lac", tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == content


@pytest.mark.parametrize("depth", [8, 16])
def test_large_pictures_stay_in_their_file(monkeypatch, depth):
    """Rows are inflated when they are asked for, and any order gives the same."""
    from lacodec.media.image import _png_pixels

    pixels = photo(300, 40, 3, (1 << depth) - 1)
    data = b"".join(write_png(Image(pixels, depth)))
    monkeypatch.setattr(_png_pixels, "_LAZY", 0)
    monkeypatch.setattr(_png_pixels, "_BAND", 2000)
    rows = from_bytes(data, "x").pixels
    assert isinstance(rows, _png_pixels.Rows) and rows.shape == pixels.shape and rows.nbytes == pixels.nbytes
    for part in (slice(0, 7), slice(5, 100), slice(90, 91), slice(200, 300), slice(3, 9), slice(50, 20), slice(None)):
        assert np.array_equal(rows[part, 3:20], pixels[part, 3:20]), part
    assert np.array_equal(rows, pixels)
    assert lacodec.decode(lacodec.encode(data, "image.lossless", effort=1)) == Image(pixels, depth)
    assert b"".join(IMAGES.to_blocks(from_bytes(data, "x"), ".png")) == data
    broken = bytearray(data)
    at = data.index(b"IDAT")
    size = int.from_bytes(data[at - 4 : at], "big")
    broken[at + size // 2] ^= 1
    broken[at + 4 + size : at + 8 + size] = zlib.crc32(broken[at : at + 4 + size]).to_bytes(4, "big")
    with pytest.raises(UnsupportedFile):
        from_bytes(bytes(broken), "x")
