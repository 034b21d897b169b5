"""Pictures in `.lac` files through Pillow's own `open`, `crop` and `save`."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image as pillow
from PIL import ImageCms, UnidentifiedImageError

import lacodec
import lacodec.integrations.pillow
from lacodec.codecs.image.jpeg.codec import Jpeg
from lacodec.codecs.image.lossless.codec import LosslessImage

RNG = np.random.default_rng(7)
Y, X = np.mgrid[0:300, 0:420]
COLOUR = (np.stack([X // 2, Y // 2, (X + Y) // 3], 2) + RNG.integers(0, 6, (300, 420, 3))).astype(np.uint8)
GRAY = COLOUR[:, :, 0]
ALPHA = np.concatenate([COLOUR, GRAY[:, :, None]], 2)
PICTURES = {
    "1": pillow.fromarray(GRAY).convert("1"),
    "L": pillow.fromarray(GRAY),
    "LA": pillow.fromarray(ALPHA).convert("LA"),
    "P": pillow.fromarray(COLOUR).quantize(40),
    "RGB": pillow.fromarray(COLOUR),
    "RGBA": pillow.fromarray(ALPHA),
    "I;16": pillow.fromarray(GRAY.astype(np.uint16) * 211),
}
BOXES = [(10, 20, 234, 244), (250, 120, 400, 290), (-20, -10, 90, 70), (300, 200, 520, 400), (0, 0, 420, 300), (5, 5, 5, 9)]


@pytest.fixture
def decoded(monkeypatch):
    """The places of the tiles that were decoded."""
    places, before = [], LosslessImage._decoded

    def counting(self, header, chunk, *rest, **named):
        places.append(chunk.covers)
        return before(self, header, chunk, *rest, **named)

    monkeypatch.setattr(LosslessImage, "_decoded", counting)
    return places


@pytest.mark.parametrize("mode", PICTURES)
def test_save_and_open(mode, tmp_path, decoded):
    picture = PICTURES[mode]
    picture.save(tmp_path / "a.lac", effort=1)
    decoded.clear()
    with pillow.open(tmp_path / "a.lac") as found:
        assert (found.format, found.mode, found.size, decoded) == ("LAC", mode, picture.size, [])
        assert found.get_format_mimetype() == "image/x-lacodec"
        assert np.array_equal(found.convert("RGBA"), picture.convert("RGBA"))
    assert len(decoded) == 35 or mode in ("1", "P")


@pytest.mark.parametrize("mode", PICTURES)
@pytest.mark.parametrize("box", BOXES)
def test_a_crop_is_pillows(mode, box, tmp_path):
    PICTURES[mode].save(tmp_path / "a.lac", effort=1)
    found = pillow.open(tmp_path / "a.lac").crop(box)
    expected = PICTURES[mode].crop(box)
    assert (found.mode, found.size) == (expected.mode, expected.size)
    assert found.convert("RGBA").tobytes() == expected.convert("RGBA").tobytes()


def test_a_crop_decodes_its_tiles(tmp_path, decoded):
    PICTURES["RGB"].save(tmp_path / "a.lac", effort=5, tile=64)
    decoded.clear()
    with pillow.open(tmp_path / "a.lac") as found:
        found.crop((70, 70, 180, 120))
        assert decoded == [((64, 128), (64, 128)), ((64, 128), (128, 192))]


def test_profile_and_exif_are_kept(tmp_path, decoded):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = pillow.Exif()
    exif[0x010E] = "hills"
    exif[0x0112] = 6
    PICTURES["RGB"].save(tmp_path / "a.lac", effort=1, icc_profile=profile, exif=exif, dpi=(300, 300))
    decoded.clear()
    found = pillow.open(tmp_path / "a.lac")
    assert found.info["icc_profile"] == profile and found.info["dpi"] == (300, 300)
    assert dict(found.getexif()) == {0x010E: "hills", 0x0112: 6} and not decoded
    found.save(tmp_path / "b.lac", effort=1)
    assert pillow.open(tmp_path / "b.lac").info == found.info
    assert found.crop((0, 0, 9, 9)).info == found.info
    lacodec.decode_file(tmp_path / "a.lac", tmp_path / "a.png")
    again = pillow.open(tmp_path / "a.png")
    assert again.info["icc_profile"] == profile and again.getexif()[0x010E] == "hills"


@pytest.mark.parametrize("mode", PICTURES)
@pytest.mark.parametrize("exact", [False, True])
def test_png_files_are_shown_as_by_pillow(mode, exact, tmp_path):
    extra = {"transparency": 3} if mode in ("L", "P") else {"transparency": (1, 2, 3)} if mode == "RGB" else {}
    PICTURES[mode].save(tmp_path / "a.png", **extra)
    lacodec.encode_file(tmp_path / "a.png", tmp_path / "a.png.lac", effort=1, exact=exact, codec="image.lossless")
    found, expected = pillow.open(tmp_path / "a.png.lac"), pillow.open(tmp_path / "a.png")
    assert (found.mode, found.size, found.info) == (expected.mode, expected.size, expected.info)
    assert found.convert("RGBA").tobytes() == expected.convert("RGBA").tobytes()


def test_what_pillow_has_no_mode_for(tmp_path):
    deep = COLOUR.astype(np.uint16) * 257 + 7
    (tmp_path / "deep.lac").write_bytes(lacodec.encode(deep, codec="image.lossless", effort=1))
    assert np.array_equal(pillow.open(tmp_path / "deep.lac"), (deep >> 8).astype(np.uint8))
    four = lacodec.Image(GRAY[:, :, None] >> 4, 4)
    assert np.array_equal(pillow.open(io.BytesIO(lacodec.encode(four, effort=1))), (GRAY >> 4) * 17)


def test_a_picture_of_pillow_keeps_its_info():
    picture = PICTURES["RGB"].copy()
    picture.info = {"dpi": (72, 72), "note": "mine"}
    assert pillow.open(io.BytesIO(lacodec.encode(picture, effort=1))).info == picture.info


def test_files_that_are_kept_whole(tmp_path):
    PICTURES["RGB"].save(tmp_path / "a.jpg", quality=90)
    PICTURES["L"].save(tmp_path / "a.gif", save_all=True, append_images=[PICTURES["L"].rotate(90)])
    PICTURES["1"].crop((0, 0, 20, 20)).save(tmp_path / "a.png")
    for name, kind in (("a.jpg", "JPEG"), ("a.gif", "GIF"), ("a.png", "PNG")):
        lacodec.encode_file(tmp_path / name, tmp_path / f"{name}.lac", effort=1)
        with pillow.open(tmp_path / f"{name}.lac") as found, pillow.open(tmp_path / name) as expected:
            assert found.format == kind and found.tobytes() == expected.tobytes()
            assert getattr(found, "n_frames", 1) == getattr(expected, "n_frames", 1)
    with pillow.open(tmp_path / "a.jpg.lac") as found:
        found.draft("L", (100, 70))
        assert found.size == (105, 75) and found.mode == "L"


@pytest.mark.parametrize("data", [b"", b"\x8bLAC", b"\x8bLAC" + bytes(100), lacodec.encode(b"plain text, " * 99), b"no"])
def test_files_without_a_picture(data, tmp_path):
    (tmp_path / "a.lac").write_bytes(data)
    with pytest.raises(UnidentifiedImageError):
        pillow.open(tmp_path / "a.lac")
    with pytest.raises(UnidentifiedImageError):
        pillow.open(io.BytesIO(lacodec.encode(np.arange(9.0))))


def test_damage(tmp_path):
    PICTURES["RGB"].save(tmp_path / "a.lac", effort=1)
    data = bytearray((tmp_path / "a.lac").read_bytes())
    data[len(data) // 2] ^= 1
    found = pillow.open(io.BytesIO(bytes(data)))
    with pytest.raises(OSError, match="damaged|differ"):
        found.load()
    with pytest.raises(UnidentifiedImageError):
        pillow.open(io.BytesIO(bytes(data[: len(data) // 2])))


def test_wrong_ways_to_save(tmp_path):
    with pytest.raises(ValueError, match="mode CMYK"):
        pillow.new("CMYK", (9, 9)).save(tmp_path / "a.lac")
    with pytest.raises(ValueError, match="no option 'speed'"):
        PICTURES["RGB"].save(tmp_path / "a.lac", speed=3)
    with pytest.raises(ValueError, match="tile must be"):
        PICTURES["RGB"].save(tmp_path / "a.lac", tile=32)
    assert not (tmp_path / "a.lac").exists()


def test_it_copies_and_pickles(tmp_path):
    PICTURES["P"].save(tmp_path / "a.lac", effort=1)
    with pillow.open(tmp_path / "a.lac") as found:
        assert pickle.loads(pickle.dumps(found)).tobytes() == PICTURES["P"].tobytes()
        assert found.copy().tobytes() == PICTURES["P"].tobytes()
    found = pillow.open(tmp_path / "a.lac")
    found.load()
    assert found.fp is None


JPEGS = {
    "colour": {},
    "progressive": {"progressive": True, "optimize": True},
    "optimised": {"optimize": True, "subsampling": 0},
    "gray": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
}


@pytest.fixture
def restored(monkeypatch):
    """The JPEG files that were restored as a whole."""
    sizes, before = [], Jpeg.decode_chunk

    def counting(self, header, chunk, *rest, **named):
        sizes.append(chunk.decoded_size)
        return before(self, header, chunk, *rest, **named)

    monkeypatch.setattr(Jpeg, "decode_chunk", counting)
    return sizes


def packed_jpeg(tmp_path, name="colour", **extra):
    """A JPEG file, and the same as a `.lac` file."""
    options = {"quality": 90, "dpi": (90, 90), "comment": "hills", **JPEGS[name], **extra}
    PICTURES["RGB"].convert(options.pop("mode", "RGB")).save(tmp_path / "a.jpg", **options)
    lacodec.encode_file(tmp_path / "a.jpg", tmp_path / "a.lac", "image.jpeg", effort=1, tile=64, force=True)
    return tmp_path / "a.jpg", tmp_path / "a.lac"


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_opens_at_once_and_is_restored_late(name, tmp_path, restored):
    original, coded = packed_jpeg(tmp_path, name)
    restored.clear()
    with pillow.open(coded) as found, pillow.open(original) as expected:
        assert (found.format, found.mode, found.size) == ("JPEG", expected.mode, expected.size)
        assert found.info == expected.info and found.quantization == expected.quantization and not restored
        assert found.tobytes() == expected.tobytes() and len(restored) == 1
        assert found.crop((3, 4, 90, 80)).tobytes() == expected.crop((3, 4, 90, 80)).tobytes() and len(restored) == 1


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("box", BOXES)
def test_a_crop_of_a_jpeg_is_pillows(name, box, tmp_path, restored):
    original, coded = packed_jpeg(tmp_path, name)
    restored.clear()
    with pillow.open(coded) as found, pillow.open(original) as expected:
        one, other = found.crop(box), expected.crop(box)
    assert (one.mode, one.size, one.info, one.tobytes()) == (other.mode, other.size, other.info, other.tobytes())
    assert not restored or box in ((0, 0, 420, 300), (5, 5, 5, 9))


def test_draft_of_a_jpeg(tmp_path):
    original, coded = packed_jpeg(tmp_path)
    with pillow.open(coded) as found, pillow.open(original) as expected:
        assert found.draft("L", (100, 70)) == expected.draft("L", (100, 70))
        assert (found.mode, found.size) == ("L", (105, 75)) and found.crop((5, 6, 50, 40)) == expected.crop((5, 6, 50, 40))
    with pillow.open(coded) as found, pillow.open(original) as expected:
        found.thumbnail((64, 64))
        expected.thumbnail((64, 64))
        assert found.tobytes() == expected.tobytes()


def test_jpegs_inside_of_jpegs(tmp_path, restored):
    """A preview in EXIF belongs to the header; a second picture makes an MPO."""
    small = io.BytesIO()
    PICTURES["RGB"].resize((42, 30)).save(small, "JPEG")
    exif = pillow.Exif()
    exif[0x010E] = "hills"
    data = exif.tobytes() + small.getvalue()
    original, coded = packed_jpeg(tmp_path, exif=data)
    restored.clear()
    with pillow.open(coded) as found:
        assert found.info["exif"] == data and not restored
        assert np.array_equal(found.crop((7, 8, 50, 60)), np.asarray(pillow.open(original))[8:60, 7:50]) and not restored
    PICTURES["RGB"].save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=[PICTURES["RGB"].rotate(180)])
    lacodec.encode_file(tmp_path / "a.mpo", tmp_path / "b.lac", effort=1)
    with pillow.open(tmp_path / "b.lac") as found, pillow.open(tmp_path / "a.mpo") as expected:
        assert (found.format, found.n_frames) == ("MPO", 2)
        found.seek(1)
        expected.seek(1)
        assert found.tobytes() == expected.tobytes()


def test_damaged_and_pickled_jpegs(tmp_path):
    original, coded = packed_jpeg(tmp_path)
    with pillow.open(coded) as found:
        assert pickle.loads(pickle.dumps(found)).tobytes() == pillow.open(original).tobytes()
        found.seek(0)
        assert found.fp is None
    data = bytearray(coded.read_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises((UnidentifiedImageError, OSError)):
        pillow.open(io.BytesIO(bytes(data))).load()
    picture = pillow.open(io.BytesIO(coded.read_bytes()))
    assert picture.fp.seekable() and picture.fp.seek(0, io.SEEK_END) == original.stat().st_size
