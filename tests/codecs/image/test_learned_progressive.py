"""Progressive files of codec image.learned: any beginning decodes, with more detail the longer it is."""

import io
import math
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.codecs.image.learned import segments  # noqa: E402
from lacodec.container import Reader  # noqa: E402
from lacodec.errors import BadInput, CorruptFile, CutOff, LacodecError  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from tests import learned  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())
    monkeypatch.setattr(segments, "_BYTES", 200)  # small pictures, and yet several segments


def encode(pixels, **options):
    return lacodec.encode(pixels, "image.learned", model=learned.model_file(), progressive=True, **options)


def psnr(a, b):
    return 10 * math.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean()))


def front(encoded, alpha=False):
    return segments.front_of(Reader(BytesSource(encoded)).chunk(0).payload, alpha)


@pytest.mark.parametrize("shape", [(1, 1, 3), (65, 2, 3), (17, 33, 1), (40, 50, 2), (70, 66, 4), (128, 130, 3)])
def test_whole_files(shape):
    pixels = photo(*shape)
    plain = lacodec.decode(lacodec.encode(pixels, "image.learned", model=learned.model_file(), quality=80)).pixels
    encoded = encode(pixels, quality=80, verify=True)
    decoded = lacodec.decode(encoded).pixels
    colours = slice(None) if shape[2] in (1, 3) else slice(-1)
    assert abs(psnr(decoded[:, :, colours], pixels[:, :, colours]) - psnr(plain[:, :, colours], pixels[:, :, colours])) < 1
    if shape[2] in (2, 4):
        assert np.array_equal(decoded[:, :, -1], pixels[:, :, -1])
    assert lacodec.info(encoded).metadata["progressive"] is True


@pytest.mark.parametrize("shape", [(160, 190, 3), (90, 120, 4)])
def test_every_cut(shape, tmp_path):
    """Each whole segment adds detail; alpha is exact in every beginning; the command says how much is left."""
    pixels = photo(*shape)
    encoded = encode(pixels, quality=60)
    parts = front(encoded, shape[2] == 4)
    assert 2 <= len(parts.sizes) <= 8
    start = Reader(BytesSource(encoded)).index[0].payload_offset + parts.begin + len(parts.alpha)
    ends = start + np.cumsum(parts.sizes)
    errors = []
    for number, end in enumerate(ends[:-1], 1):
        for cut in {int(end), int(ends[number]) - 1}:  # just whole, and just not one more
            (tmp_path / "x.lac").write_bytes(encoded[:cut])
            done = lacodec.decode_file(tmp_path / "x.lac", tmp_path / "x.png", force=True)
            assert f"after {number} of {len(ends)} segments" in done.remark
            with lacodec.open(encoded[:cut]) as opened:
                found = opened[:, :]
            assert np.array_equal(found, lacodec.decode(encoded[:cut]).pixels)
            if shape[2] == 4:
                assert np.array_equal(found[:, :, 3], pixels[:, :, 3])
        errors.append(psnr(found[:, :, :3], pixels[:, :, :3]))
    assert errors == sorted(errors) and errors[-1] >= errors[0]
    for cut in (int(start), int(ends[0]) - 1, 60):
        with pytest.raises(CorruptFile):
            lacodec.decode(encoded[:cut])
    assert lacodec.check(tmp_path / "x.lac").damage


def test_a_cut_stream_through_a_pipe():
    encoded = encode(photo(120, 120), quality=60)
    assert lacodec.decode(io.BytesIO(encoded[: len(encoded) * 3 // 4])).pixels.shape == (120, 120, 3)


def test_damage_is_no_cut():
    """A file of full length with a damaged segment is an error, not a picture with less detail."""
    encoded = encode(photo(100, 120), quality=60)
    begin = Reader(BytesSource(encoded)).index[0].payload_offset
    for at in (begin, begin + 3, begin + 40, len(encoded) - 3):
        with pytest.raises(CorruptFile):
            lacodec.decode(encoded[:at] + bytes([encoded[at] ^ 4]) + encoded[at + 1 :])
    for at in (begin + 2, begin + 10):  # a cut file, damaged in its front
        cut = encoded[: len(encoded) - 5]
        with pytest.raises(CorruptFile):
            lacodec.decode(cut[:at] + bytes([cut[at] ^ 4]) + cut[at + 1 :])


def test_fractions():
    pixels = np.tile(photo(64, 64), (5, 6, 1))
    encoded = encode(pixels, quality=60, tile=128)
    errors = []
    for fraction in (1e-6, 0.6, 1.0):
        with lacodec.open(encoded, fraction=fraction) as opened:
            found = opened[:, :]
            assert np.abs(pickle.loads(pickle.dumps(opened))[20:90, 30:200].astype(int) - found[20:90, 30:200]).max() <= 1
        errors.append(psnr(found, pixels))
    assert errors == sorted(errors) and errors[2] > errors[0] + 1
    for fraction in (0, -1, 1.5):
        with pytest.raises(BadInput):
            lacodec.open(encoded, fraction=fraction)
    plain = lacodec.encode(pixels, "image.learned", model=learned.model_file())
    with lacodec.open(plain, fraction=0.1) as opened:  # has no segments: read whole
        assert np.array_equal(opened[:, :], lacodec.decode(plain).pixels)


def test_a_cut_in_a_later_tile():
    pixels = np.tile(photo(64, 64), (4, 4, 1))
    encoded = encode(pixels, quality=60, tile=128)
    last = Reader(BytesSource(encoded)).index[2]
    found = lacodec.decode(encoded[: last.payload_offset + last.payload_size * 2 // 3]).pixels
    assert psnr(found[:128], pixels[:128]) > 25 and psnr(found[128:, :128], pixels[128:, :128]) > 15
    assert not found[128:, 144:].any()
    with pytest.raises(CutOff):
        lacodec.decode(lacodec.encode(pixels, "image.learned", model=learned.model_file(), tile=128)[:-400])


def test_forged_fronts():
    payload = Reader(BytesSource(encode(photo(64, 70), quality=50))).chunk(0).payload
    for forged in (b"", b"\0", b"\xff" * 30, payload[:1], payload[:5], b"\x01\x3f\x05" + payload[3:]):
        with pytest.raises(CorruptFile):
            segments.front_of(forged, False)
    rng = np.random.default_rng(1)
    encoded = encode(photo(64, 70), quality=50)
    for _ in range(60):
        cut = bytearray(encoded[: rng.integers(60, len(encoded))])
        cut[rng.integers(0, len(cut))] ^= 1 << rng.integers(0, 8)
        try:
            assert lacodec.decode(bytes(cut)).pixels.shape == (64, 70, 3)
        except LacodecError:
            continue
