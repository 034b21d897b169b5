"""Kinds of picture files: each comes back with everything that it holds, or goes to codec `bytes` with a word about why."""

import io
import json
import struct
import warnings
import zlib
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image as pillow
from PIL import ImageOps

import lacodec
from lacodec import api
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.image.files import IMAGES, from_bytes
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.png import write_png
from lacodec.media.image.value import Image
from lacodec.testing import photo

SRGB_LIKE = b"a colour profile that nobody reads " * 20
EXIF = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6
PIXELS = photo(60, 70)
GRAY = PIXELS[:, :, 0]
ALPHA = np.dstack([PIXELS, photo(60, 70, 1, seed=3)])
DEEP = photo(60, 70, 3, 65535)
RNG = np.random.default_rng(7)
PALETTE = RNG.integers(0, 256, (200, 3), dtype=np.uint8)
INDEX = (np.add.outer(np.arange(60), np.arange(70)) * 199 // 128).astype(np.uint8)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 12: 8}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels, depth=8, colour=2, before=(), palette=None, middle=(), after=()):
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels.astype(">u2") if depth == 16 else pixels).view(np.uint8).reshape(height, -1)
    items = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *before]
    items += [(b"PLTE", palette.tobytes())] if palette is not None else []
    items += [*middle, (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 9)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*item) for item in items)


def saved(picture, kind, **options):
    out = io.BytesIO()
    (pillow.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(out, kind, **options)
    return out.getvalue()


def tiff(pixels, tags=None, order="<", method=1, behind=b"", following=0, strips=3, predictor=1, raw=None):
    """tags: number -> (kind, values or bytes), None to leave one out. `behind` follows the pixels, and they the directory."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = pixels.dtype.itemsize * 8
    rows = -(-height // strips)
    bands = [pixels[top : top + rows] for top in range(0, height, rows)]
    if predictor == 2:
        bands = [np.diff(band.reshape(len(band), width, channels), axis=1, prepend=band.dtype.type(0)) for band in bands]
    parts = [band.astype(band.dtype.newbyteorder(order)).tobytes() for band in bands] if raw is None else [raw]
    parts = [zlib.compress(part) for part in parts] if method == 8 else parts
    usual = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * channels), 259: (3, [method])}
    usual |= {262: (3, [2 if channels >= 3 else 1]), 273: (4, [0] * len(parts)), 277: (3, [channels]), 278: (3, [rows])}
    usual |= {279: (4, [len(part) for part in parts]), 282: (5, struct.pack(f"{order}II", 300, 1)), 296: (3, [2])}
    usual |= {283: (5, struct.pack(f"{order}II", 300, 1))} | ({317: (3, [2])} if predictor == 2 else {})
    usual |= {338: (3, [2])} if channels in (2, 4) else {}
    entries = {tag: body for tag, body in {**usual, **(tags or {})}.items() if body is not None}

    def data(kind, body):
        return body if isinstance(body, bytes) else struct.pack(f"{order}{len(body)}{ {1: 'B', 3: 'H', 4: 'I'}[kind] }", *body)

    values_at = 8 + 6 + 12 * len(entries)
    pixels_at = values_at + sum(-(-len(data(*body)) // 2) * 2 for body in entries.values() if len(data(*body)) > 4)
    offsets = np.cumsum([pixels_at, *(len(part) for part in parts)])[:-1]
    entries[273] = (4, [int(n) for n in offsets]) if 273 in entries else None
    block, values = struct.pack(f"{order}H", len(entries)), b""
    for tag, body in sorted(entries.items()):
        packed = data(*body)
        block += struct.pack(f"{order}HHI", tag, body[0], len(packed) // SIZES[body[0]])
        block += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", values_at + len(values))
        values += b"" if len(packed) <= 4 else packed + b"\0" * (len(packed) % 2)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + block + struct.pack(f"{order}I", following) + values + b"".join(parts) + behind


def bmp(pixels, header=124, masks=True, profile=b"", top_down=False, padding=b"\0", method=None):
    """32 bits, BGRA."""
    height, width = pixels.shape[:2]
    body = (pixels if top_down else pixels[::-1])[:, :, [2, 1, 0, 3]].tobytes()
    method = (3 if masks else 0) if method is None else method
    head = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, 32, method, len(body), 2835, 2835, 0, 0)
    if header > 40:
        head += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        head += (b"DEBM" if profile else b"BGRs") + bytes(48) + struct.pack("<II", 4, header + len(body) if profile else 0)
        head += struct.pack("<II", len(profile), 0)
    offset = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", offset + len(body) + len(profile), 0, 0, offset) + head + body + profile


def paletted(kind, **options):
    picture = pillow.fromarray(INDEX, "P")
    picture.putpalette(PALETTE.tobytes())
    return saved(picture, kind, **options)


def webp(pixels=PIXELS, **options):
    return saved(pixels, "WEBP", lossless=True, exact=True, **options)


GEO = {33550: (12, struct.pack("<3d", 0.5, 0.5, 0)), 33922: (12, struct.pack("<6d", 0, 0, 0, 4e5, 3e6, 0))}
COLOURS = np.pad(PALETTE.T.astype(np.uint16), ((0, 0), (0, 56)))
RGBX = np.dstack([PIXELS, np.zeros((60, 70), np.uint8)])

# Files that codec image.lossless restores byte for byte.
SAME = {
    "palette of 200 colours, BMP": paletted("BMP"),
    "palette of 200 colours, TIFF": paletted("TIFF"),
    "palette of 8 bits, TIFF": tiff(INDEX, {262: (3, [3]), 320: (3, COLOURS.flatten().tolist())}),
    "palette of 16 bits, TIFF": tiff(INDEX, {262: (3, [3]), 320: (3, (COLOURS * 256 + 77).flatten().tolist())}),
    "alpha, BMP": bmp(ALPHA),
    "profile, BMP": bmp(ALPHA, profile=SRGB_LIKE),
    "top down, BMP": bmp(ALPHA, top_down=True),
    "32 bits without alpha, BMP": bmp(RGBX, 40, False),
    "32 bits of which 8 are 255, BMP": bmp(RGBX | np.array([0, 0, 0, 255], np.uint8), 40, False),
    "gray, BMP": saved(GRAY, "BMP"),
    "two colours, BMP": saved(pillow.fromarray(GRAY).convert("1"), "BMP"),
    "16 colours, BMP": saved(pillow.fromarray(PIXELS).quantize(13), "BMP"),
    "data behind the end, BMP": saved(PIXELS, "BMP") + b"more " * 20,
    "data behind the end, TIFF": tiff(PIXELS, behind=b"more " * 20),
    "white is zero, TIFF": tiff(GRAY, {262: (3, [0])}),
    "white is zero in 16 bits, TIFF": tiff(DEEP[:, :, 0], {262: (3, [0])}),
    "16 bits, TIFF": tiff(DEEP),
    "16 bits, high byte first, TIFF": tiff(DEEP, order=">"),
    "gray and alpha, TIFF": tiff(ALPHA[:, :, 2:]),
    "alpha, TIFF": tiff(ALPHA),
    "orientation, TIFF": tiff(PIXELS, {274: (3, [6])}),
    "GeoTIFF": tiff(PIXELS, GEO),
    "unknown tags, TIFF": tiff(PIXELS, {65000: (7, b"what is this?")}),
    "OME": tiff(GRAY, {270: (2, b'<?xml version="1.0"?><OME><Image ID="1"/></OME>\0')}),
    "comments, PPM": b"P6\n# made here\n70 60 # wide\n255\n" + PIXELS.tobytes(),
    "16 bits, PPM": b"P6 70 60 65535\n" + DEEP.astype(">u2").tobytes(),
    "4 bits, PGM": b"P5 70 60 15\n" + (GRAY >> 4).tobytes(),
}
# Files of which pixels and everything else come back, compressed in another way.
KEPT = {
    "compressed TIFF": tiff(PIXELS, {**GEO, 274: (3, [8]), 700: (1, b"<xmp/>"), 34675: (7, SRGB_LIKE)}, method=8),
    "compressed TIFF of 16 bits": tiff(DEEP, order=">", method=8, predictor=2),
    "compressed TIFF, white is zero": tiff(DEEP[:, :, :1], {262: (3, [0])}, method=8),
    "compressed TIFF with a palette": tiff(INDEX, {262: (3, [3]), 320: (3, COLOURS.flatten().tolist())}, method=8),
    "compressed TIFF with alpha": tiff(ALPHA, method=8, predictor=2),
    "LZW": saved(PIXELS, "TIFF", compression="tiff_lzw", dpi=(300, 300)),
    "LZW of 16 bits": saved(pillow.fromarray(DEEP[:, :, 0]), "TIFF", compression="tiff_lzw"),
    "LZW with a palette": paletted("TIFF", compression="tiff_lzw"),
    "fax": saved(pillow.fromarray(GRAY).convert("1"), "TIFF", compression="group4"),
    "turned LZW": saved(PIXELS, "TIFF", compression="tiff_lzw", tiffinfo={274: 6}),
    "PackBits": saved(GRAY, "TIFF", compression="packbits"),
    "WebP": webp(),
    "WebP with alpha": webp(ALPHA),
    "WebP with opaque alpha": webp(ALPHA | np.array([0, 0, 0, 255], np.uint8)),
    "WebP with profile, EXIF, XMP": webp(icc_profile=SRGB_LIKE, exif=EXIF, xmp=b"<x:xmpmeta/>"),
    "PNG with its chunks": png(
        PIXELS, before=[(b"cICP", b"\x09\x10\0\1"), (b"tEXt", b"a\0b"), (b"prVt", b"x")], after=[(b"eXIf", EXIF)]
    ),
    "PNG with early chunks out of order": png(
        INDEX,
        8,
        3,
        [(b"tEXt", b"a\0b"), (b"cICP", b"\x09\x10\0\1"), (b"mDCV", bytes(24)), (b"cLLI", bytes(8))],
        PALETTE,
        [(b"gAMA", bytes(4))],
    ),
    "PNG with transparency": png(PIXELS, middle=[(b"tRNS", struct.pack(">HHH", *PIXELS[0, 0]))]),
    "16-bit PNG": png(DEEP, 16),
    "16-bit PNG of gray and alpha": png(DEEP[:, :, :2], 16, 4),
    "16-bit PNG with alpha": png(np.dstack([DEEP, DEEP[:, :, 0]]), 16, 6),
}
# Files that go to codec bytes, and the word why.
BYTES = {
    "second page": (tiff(PIXELS, following=8), "several pages"),
    "SubIFD": (tiff(PIXELS, {330: (4, [8])}), "further pictures"),
    "smaller copy": (tiff(PIXELS, {254: (4, [1])}), "smaller copy"),
    "ImageJ planes": (tiff(GRAY, {270: (2, b"ImageJ=1.5\nimages=6\nslices=6\n\0")}, behind=GRAY.tobytes() * 5), "several planes"),
    "tifffile planes": (
        tiff(GRAY, {270: (2, json.dumps({"shape": [4, 60, 70]}).encode() + b"\0")}, behind=GRAY.tobytes() * 3),
        "several planes",
    ),
    "infrared band": (tiff(ALPHA, {338: (3, [0])}), "extra bands"),
    "multiplied alpha": (tiff(ALPHA, {338: (3, [1])}), "premultiplied"),
    "signed": (tiff(GRAY, {339: (3, [2])}), "signed"),
    "floating point": (tiff(DEEP, {258: (3, [32]), 277: (3, [1]), 262: (3, [1]), 339: (3, [3])}), "32 bits"),
    "bands apart": (tiff(PIXELS, {284: (3, [2])}), "separately"),
    "bits reversed": (tiff(PIXELS, {266: (3, [2])}), "reverse"),
    "inks": (tiff(ALPHA, {262: (3, [5]), 338: None}), "colours of kind 5"),
    "unknown tag in a compressed TIFF": (
        tiff(PIXELS, {65000: (7, b"what is this?")}, method=8),
        "tags that would not be kept: 65000",
    ),
    "EXIF in a compressed TIFF": (tiff(PIXELS, {34665: (4, [8])}, method=8), "tags that would not be kept: 34665"),
    "data behind a compressed TIFF": (tiff(PIXELS, method=8, behind=b"secret"), "not describe"),
    "much behind the end": (tiff(PIXELS, behind=b"more" * 200_000), "bytes that are not pixels"),
    "cut TIFF": (tiff(PIXELS)[:-9], "cut off"),
    "short strips": (tiff(PIXELS, method=8, raw=bytes(5000)), "more or fewer strips"),
    "odd strip": (tiff(PIXELS, method=8, raw=bytes(60 * 70 * 3 + 1), strips=1), "not have the length"),
    "JPEG in TIFF": (saved(PIXELS, "TIFF", compression="jpeg"), "method 7|not be kept: 347"),
    "RLE, BMP": (bmp(ALPHA, 40, False, method=1), "compressed or unusual"),
    "something in the fourth byte, BMP": (bmp(ALPHA, 40, False), "between its rows or pixels"),
    "padding, BMP": (saved(PIXELS[:, :69], "BMP")[:-1] + b"x", "between its rows or pixels"),
    "masks, BMP": (bmp(ALPHA).replace(struct.pack("<I", 0xFF00), struct.pack("<I", 0xFF), 1), "unusual colour masks"),
    "two pictures, PPM": (b"P6 70 60 255\n" + PIXELS.tobytes() * 2, "length"),
    "odd range, PGM": (b"P5 70 60 100\n" + (GRAY % 100).tobytes(), "from 0 to 100"),
    "beyond its range, PGM": (b"P5 70 60 15\n" + GRAY.tobytes(), "above the maximum"),
    "data behind the end, WebP": (webp() + b"more" * 9, "length"),
    "unknown chunk, WebP": (
        webp()[:4] + struct.pack("<I", len(webp()) + 2) + webp()[8:] + b"C2PA\2\0\0\0ab",
        "unknown or duplicate",
    ),
    "animated WebP": (
        webp(save_all=True, append_images=[pillow.fromarray(PIXELS[::-1].copy())], duration=50),
        "animated",
    ),
    "unknown critical chunk, PNG": (png(PIXELS, before=[(b"ABCD", b"")]), "critical"),
    "two palettes, PNG": (png(INDEX, 8, 3, [(b"PLTE", bytes(3))], PALETTE), "critical"),
    "signed PNG": (png(PIXELS, before=[(b"caBX", b"a sum over the bytes")]), "signed"),
    "much text, PNG": (png(PIXELS, before=[(b"tEXt", bytes(600_000))]), "not pixels|no pixels"),
}


def there_and_back(tmp_path, data, name="x.dat", **options):
    (tmp_path / name).write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = api.encode_file(tmp_path / name, tmp_path / "x.lac", effort=1, **options, force=True)
        api.decode_file(tmp_path / "x.lac", tmp_path / f"back-{name}")
    assert done.encoded <= len(data) + 64 + len(data) // 1000
    return done, (tmp_path / f"back-{name}").read_bytes()


def by_tiles(data):
    """What decode writes of a picture whose own bytes were not kept."""
    image = replace(from_bytes(data, "x"), original=None)
    return b"".join(IMAGES.to_blocks(lacodec.decode(lacodec.encode(image, "image.lossless", effort=1))))


@pytest.mark.parametrize("kind", SAME)
def test_these_come_back_byte_for_byte(tmp_path, kind):
    done, back = there_and_back(tmp_path, SAME[kind])
    assert back == SAME[kind] and done.remark is None
    assert done.codec == "image.lossless" or len(SAME[kind]) < 1024
    assert by_tiles(SAME[kind]) == SAME[kind]


@pytest.mark.parametrize("kind", KEPT)
def test_these_keep_everything_but_their_compression(tmp_path, kind):
    data = KEPT[kind]
    back = by_tiles(data)
    assert IMAGES.difference(BytesSource(data), BytesSource(back)) is None
    assert IMAGES.difference(BytesSource(data), BytesSource(there_and_back(tmp_path, data)[1])) is None
    with pillow.open(io.BytesIO(data)) as one, pillow.open(io.BytesIO(back)) as other:
        assert one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))
        for key in ("icc_profile", "exif", "xmp", "dpi", "transparency", "gamma"):
            assert one.info.get(key) == other.info.get(key)
        assert one.getexif().get(274) == other.getexif().get(274)
        assert one.getpalette() == other.getpalette()


@pytest.mark.parametrize("kind", BYTES)
def test_these_go_to_bytes(tmp_path, kind):
    data, why = BYTES[kind]
    with pytest.raises(UnsupportedFile, match=why):
        from_bytes(data, kind)
    done, back = there_and_back(tmp_path, data)
    assert done.codec == "bytes" and back == data


def changed(data, kind):
    """The same file with one thing changed that a codec must not change."""
    if data[:4] == b"\x89PNG":
        image = from_bytes(data, kind)
        pixels = image.pixels.copy()
        pixels[3, 4, 0] ^= 1
        yield b"".join(write_png(replace(image, pixels=pixels)))
        for i in range(len(image.extras)):
            yield b"".join(write_png(replace(image, extras=image.extras[:i] + image.extras[i + 1 :])))
        if len(image.extras) > 1:
            yield b"".join(write_png(replace(image, extras=(*image.extras[1:], image.extras[0]))))
    if data[:2] in (b"II", b"MM"):
        pixels = from_bytes(data, kind).pixels.copy()
        pixels[3, 4, 0] ^= 1
        image = from_bytes(data, kind)
        yield b"".join(IMAGES.to_blocks(replace(image, pixels=pixels, original=None)))
        tags = dict(image.extras)["tags"]
        for place in (b"what", SRGB_LIKE[:9], struct.pack("<d", 0.5), struct.pack("<I", 300)):
            if place in tags:
                other = tags.replace(place, place[::-1])
                yield b"".join(IMAGES.to_blocks(replace(image, extras=(("tags", other),), original=None)))
    if data[:4] == b"RIFF":
        yield data.replace(b"xmpmeta", b"xmpmetA") if b"xmpmeta" in data else webp(PIXELS ^ 1)
    yield data[: len(data) // 2]
    yield b""
    yield saved(PIXELS, "GIF")


@pytest.mark.parametrize("kind", KEPT)
def test_differences_are_found(kind):
    data = KEPT[kind]
    for other in changed(data, kind):
        found = IMAGES.difference(BytesSource(data), BytesSource(other))
        assert isinstance(found, str) and "object at 0x" not in found, (kind, other[:40])


def test_differences_of_framed_files_and_large_ones(monkeypatch):
    from lacodec.media.image import compare

    one, other = saved(PIXELS, "BMP"), saved(PIXELS ^ 1, "BMP")
    assert "offset" in IMAGES.difference(BytesSource(one), BytesSource(other))
    monkeypatch.setattr(compare, "_MOST", 0)
    monkeypatch.setattr(compare, "_BAND", 999)
    one, other = (
        b"".join(write_png(Image(pixels, 16))) for pixels in (DEEP, DEEP + (np.arange(60) == 50)[:, None, None].astype(np.uint16))
    )
    assert "rows" in IMAGES.difference(BytesSource(one), BytesSource(other))
    again = png(DEEP, 16)
    assert again != one and IMAGES.difference(BytesSource(one), BytesSource(again)) is None


def test_warnings_of_pillow_stay_away(tmp_path, monkeypatch):
    """Large pictures and odd tags make Pillow warn; its limit of pixels does not hold here."""
    data = saved(np.zeros((3000, 400), np.uint8), "TIFF", compression="tiff_lzw")
    monkeypatch.setattr(pillow, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done, _ = there_and_back(tmp_path, data)
    assert done.remark is None
    back = by_tiles(data)
    assert IMAGES.difference(BytesSource(data), BytesSource(back)) is None


# Sizes


@pytest.mark.parametrize("codec", [None, "image.lossless"])
def test_no_file_grows(tmp_path, codec):
    """A picture of which the tiles' headers alone are larger than the file; one with much beside pixels that do not shrink."""
    zeros = zlib.compressobj(9)
    body = zeros.compress(b"\0" * (1251 * 14000)) + zeros.flush()
    head = struct.pack(">IIBBBBB", 10000, 14000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    noise = RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    text = RNG.bytes(100_000).hex().encode()
    stubborn = png(noise, before=[(b"tEXt", text), (b"iCCP", b"x\0\0" + RNG.bytes(50_000))])
    for data in (bomb, stubborn, png(noise), saved(noise, "BMP") + RNG.bytes(90_000)):
        (tmp_path / "x").write_bytes(data)
        done = api.encode_file(tmp_path / "x", tmp_path / "y", codec, effort=1, force=True)
        assert done.encoded <= len(data) + 64 + len(data) // 1000
        api.decode_file(tmp_path / "y", tmp_path / "z", force=True)
        assert IMAGES.difference(BytesSource(data), BytesSource((tmp_path / "z").read_bytes())) is None


@pytest.mark.parametrize("effort", [1, 5])
@pytest.mark.parametrize("constant", [0, 1, 2])
def test_a_constant_channel_beside_one_with_few_values(effort, constant):
    pixels = PIXELS & 0xF0
    pixels[:, :, constant] = 9
    assert np.array_equal(lacodec.decode(lacodec.encode(pixels, "image.lossless", effort=effort)).pixels, pixels)
    deep = pixels.astype(np.uint16) * 16
    assert np.array_equal(lacodec.decode(lacodec.encode(deep, "image.lossless", effort=effort)).pixels, deep)


def test_what_belongs_to_a_picture_is_packed_and_checked():
    image = replace(from_bytes(SAME["profile, BMP"], "x"), original=None)
    data = lacodec.encode(image, "image.lossless", effort=1)
    assert lacodec.decode(data) == image
    assert SRGB_LIKE not in data
    for extras in (
        [["head", b"no deflate", 20]],
        [["head", zlib.compress(bytes(99)), 20]],
        [["head", b"x", -1]],
        [["head", b"BM"]],
        [["head", dict(image.extras)["head"]], ["body", b"\xff" * 7]],
        [["head", 1 << 40]],
        [7],
    ):
        forged = replace_metadata(data, {"extras": extras})
        with pytest.raises(CorruptFile):
            lacodec.decode(forged)


def replace_metadata(data, changes):
    from lacodec.container import Reader, write_container

    reader = Reader(BytesSource(data))
    out = io.BytesIO()
    header = msgspec.structs.replace(reader.header, metadata=reader.header.metadata | changes)
    write_container(header, [reader.chunk(i) for i in range(len(reader.index))], out)
    return out.getvalue()


# Other formats

RICH = {
    "orientation": png(PIXELS, before=[(b"eXIf", EXIF)]),
    "colour profile": png(PIXELS, before=[(b"iCCP", b"x\0\0" + zlib.compress(SRGB_LIKE))]),
    "transparency": png(PIXELS, middle=[(b"tRNS", struct.pack(">HHH", *PIXELS[0, 0]))]),
    "transparent palette": png(INDEX, 8, 3, palette=PALETTE, middle=[(b"tRNS", bytes(range(100, 200)))]),
    "colour space": png(PIXELS, before=[(b"cICP", b"\x09\x10\0\1")]),
    "gamma": png(PIXELS, before=[(b"gAMA", struct.pack(">I", 100_000))]),
    "16 bits": png(DEEP, 16),
    "XMP": webp(xmp=b"<x:xmpmeta/>"),
    "turned TIFF": tiff(PIXELS, {274: (3, [6])}),
    "GeoTIFF": tiff(PIXELS, GEO),
    "data after the pixels": saved(PIXELS, "BMP") + b"more",
    "BMP with alpha and profile": bmp(ALPHA, profile=SRGB_LIKE),
}
HELD = {
    "orientation": (".png", ".tif", ".webp"),
    "colour profile": (".png", ".tif", ".webp", ".bmp"),
    "transparency": (".png", ".tif", ".webp", ".bmp"),
    "transparent palette": (".png", ".tif", ".webp", ".bmp"),
    "colour space": (".png",),
    "gamma": (".png",),
    "16 bits": (".png", ".tif", ".ppm"),
    "XMP": (".png", ".tif", ".webp"),
    "turned TIFF": (".png", ".tif", ".webp"),
    "GeoTIFF": (".tif",),
    "data after the pixels": (".bmp",),
    "BMP with alpha and profile": (".png", ".tif", ".webp", ".bmp"),
}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp", ".ppm", ".pgm"])
@pytest.mark.parametrize("kind", RICH)
def test_other_formats_hold_it_or_say_so(kind, suffix):
    image = replace(from_bytes(RICH[kind], kind), original=None)
    if suffix not in HELD[kind]:
        with pytest.raises(BadInput, match=r"cannot hold .*; (name the output|leave out)"):
            b"".join(IMAGES.to_blocks(image, suffix))
        return
    data = b"".join(IMAGES.to_blocks(image, suffix))
    if kind == "16 bits":
        assert np.array_equal(from_bytes(data, "x").pixels, DEEP)
        return
    with pillow.open(io.BytesIO(RICH[kind])) as one, pillow.open(io.BytesIO(data)) as other:
        before, after = (np.asarray(ImageOps.exif_transpose(picture).convert("RGBA")) for picture in (one, other))
        assert np.array_equal(before, after)
        if "BMP" not in (one.format, other.format):
            assert one.info.get("icc_profile") == other.info.get("icc_profile")
    if suffix == ".bmp" and "profile" in kind:
        assert SRGB_LIKE in data
    if kind == "XMP":
        assert b"<x:xmpmeta/>" in data


def test_a_file_of_another_name_keeps_its_format(tmp_path):
    """A PNG called .bmp and .tif comes back as the PNG that it was; -o with another suffix converts."""
    for name, data in (("x.bmp", png(ALPHA, 8, 6)), ("x.tif", png(DEEP, 16)), ("x.png", SAME["comments, PPM"])):
        done, back = there_and_back(tmp_path, data, name)
        assert (done.codec == "image.lossless" and back[:4] == b"\x89PNG") or data[:2] == b"P6" == back[:2]
        assert IMAGES.difference(BytesSource(data), BytesSource(back)) is None


# Lossy codecs


@pytest.mark.parametrize(
    ("data", "note", "channels"),
    [
        (RICH["transparency"], "transparent colours became alpha", 4),
        (RICH["transparent palette"], "transparent colours became alpha; its palette became colours", 4),
        (RICH["16 bits"], "16 bits per sample became 8", 3),
        (tiff(DEEP), "16 bits per sample became 8", 3),
        (RICH["colour space"], None, 3),
        (RICH["GeoTIFF"], "not kept: GeoTIFF tags", 3),
        (saved(pillow.fromarray(INDEX), "GIF", transparency=3), "became RGBA", 4),
        (tiff(ALPHA, {262: (3, [5]), 338: None}), "CMYK became RGB", 3),
        (saved(PIXELS, "JPEG", exif=b"Exif\0\0" + EXIF), None, 3),
    ],
)
def test_what_a_lossy_codec_gets(data, note, channels):
    value = PHOTOS.from_source(BytesSource(data))
    assert value.pixels.shape[2] == channels and value.pixels.dtype == np.uint8
    assert (note is None and value.note is None) or note in value.note
    back = PHOTOS.from_source(BytesSource(b"".join(PHOTOS.to_blocks(value))))
    assert back.pixels.shape == value.pixels.shape
    assert PHOTOS.difference(BytesSource(data), BytesSource(b"".join(PHOTOS.to_blocks(value)))) is None


@pytest.mark.parametrize("suffix", [".jpg", ".avif", ".jp2"])
@pytest.mark.parametrize("kind", RICH)
def test_lossy_formats_hold_it_or_say_so(kind, suffix):
    value = PHOTOS.from_source(BytesSource(RICH[kind]))
    try:
        data = b"".join(PHOTOS.to_blocks(value, suffix))
    except BadInput as error:
        assert "cannot hold" in str(error)
        assert kind in ("colour space", "gamma") or suffix != ".avif"
        return
    with pillow.open(io.BytesIO(data)) as picture:
        assert picture.format == {".jpg": "JPEG", ".avif": "AVIF", ".jp2": "JPEG2000"}[suffix]
        assert kind not in ("colour space", "gamma")
        assert ("A" in picture.mode) == (value.pixels.shape[2] == 4)
        assert bool(picture.info.get("icc_profile")) == ("profile" in kind)
        assert kind not in ("orientation", "turned TIFF") or picture.getexif().get(274) == 6 or suffix == ".avif"
