"""The fast pixel model: against a decoder in plain Python, odd shapes, any content, damage, the same bytes on any processor."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.image.lossless._tile import BYTES, FAST, decode_tile, encode_tile
from lacodec.codecs.image.lossless.fast.kernel import SIZES
from lacodec.codecs.image.lossless.fast.tile import LEVELS, _model, fast_decode, fast_encode, fast_encode_within
from lacodec.codecs.image.lossless.fast.vector import NEAR, PREDICTORS, TAPS, TOKENS, taps
from lacodec.container import Header
from lacodec.errors import CorruptFile
from lacodec.media.image.value import Image
from lacodec.testing import photo
from lacodec.testing import pictures as kinds
from reference import image_fast
from tests.strength import examples

HEADER = Header("image.lossless", 0, {})


def planes_of(pixels):
    return pixels.transpose(2, 0, 1)


@pytest.mark.plain
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("pixels", "top"),
    [
        (photo(13, 21), 255),
        (photo(9, 40, 1), 255),
        (photo(8, 9, 3, 65535), 65535),
        (kinds()["noise of 16 bits"][:6, :7], 65535),
        (kinds()["extremes"][:9], 255),
        (np.array([[[7, 8, 9]]], np.uint8), 255),
    ],
    ids=["photo", "gray", "deep", "noise", "extremes", "one pixel"],
)
def test_a_plain_decoder_reads_it(pixels, top, level):
    planes = planes_of(pixels)
    payload = fast_encode(planes, top, level)
    assert np.array_equal(image_fast.decode(payload, planes.shape, top), planes)
    assert np.array_equal(fast_decode(payload, planes.shape, top), planes)


@pytest.mark.plain
def test_tables_are_made_anew_and_halved_as_the_plain_decoder_does():
    planes = planes_of(photo(96, 96, 1))
    planes = np.where(np.random.default_rng(4).random(planes.shape) < 0.1, planes, 100)
    payload = fast_encode(planes, 255, 0)
    assert np.array_equal(image_fast.decode(payload, planes.shape, 255), planes)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (3, 2, 1), (3, 1, 65535), (1, 65535, 1), (3, 5, 3), (1, 1024, 7)])
def test_odd_shapes(shape):
    rng = np.random.default_rng(1)
    for top in (255, 65535):
        for planes in (
            rng.integers(0, top + 1, shape),
            np.full(shape, top),
            np.arange(np.prod(shape)).reshape(shape) % (top + 1),
        ):
            for level in LEVELS:
                assert np.array_equal(fast_decode(fast_encode(planes, top, level), shape, top), planes)


@examples(60)
@given(st.data())
def test_anything(data):
    shape = (data.draw(st.sampled_from((1, 3))), data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12)))
    top = data.draw(st.sampled_from((255, 65535)))
    edges = st.sampled_from((0, 1, top // 2, top - 1, top)) | st.integers(0, top)
    count = shape[0] * shape[1] * shape[2]
    planes = np.array(data.draw(st.lists(edges, min_size=count, max_size=count))).reshape(shape)
    level = data.draw(st.sampled_from(LEVELS))
    assert np.array_equal(fast_decode(fast_encode(planes, top, level), shape, top), planes)


def test_no_content_makes_it_lose_its_way():
    """Factors that follow the picture stay finite where it flips between extremes for long."""
    y, x = np.mgrid[0:300, 0:500]
    for flips in ((x + y) % 2, (x // 3 + y) % 2, (x * x + y * 7) % 5 // 3, (x > 250) ^ (y % 2)):
        planes = (flips.astype(np.int64) * 65535)[None].repeat(3, 0)
        planes[1] = 65535 - planes[1]
        for level in LEVELS:
            payload = fast_encode(planes, 65535, level)
            assert np.array_equal(fast_decode(payload, planes.shape, 65535), planes) and len(payload) < planes.size * 2.7


def test_it_shrinks_photos():
    planes = planes_of(photo(128, 128))
    sizes = [len(fast_encode(planes, 255, level)) for level in LEVELS]
    noise = np.log2(255 * 0.01 * np.sqrt(2 * np.pi * np.e))  # bits of the noise alone
    assert max(sizes) * 8 < planes.size * (noise + 0.7)


def test_damage():
    rng = np.random.default_rng(2)
    planes = planes_of(photo(30, 31))
    for level in LEVELS:
        good = fast_encode(planes, 255, level)
        for _ in range(40):
            bad = bytearray(good)
            bad[rng.integers(1, len(bad))] ^= 1 << rng.integers(0, 8)
            with pytest.raises(CorruptFile):
                fast_decode(bytes(bad), planes.shape, 255)
        for bad in (b"", good[:8], good[:-4], good[:-1], good + b"\0\0\0\0", b"\3" + good[1:], bytes([level]) + rng.bytes(508)):
            with pytest.raises(CorruptFile):
                fast_decode(bad, planes.shape, 255)
    with pytest.raises(CorruptFile):
        fast_decode(good, (3, 31, 30), 255)


@pytest.mark.parametrize("level", [1, 2])
def test_a_sample_of_the_rows_tells_drawings_from_photos(level):
    drawn = np.tile(planes_of(kinds()["drawn"]), (1, 8, 8))[:, :300, :200]
    for planes, better in ((planes_of(photo(300, 200)), level), (drawn, 0)):
        payloads = [fast_encode(planes, 255, each) for each in (0, level)]
        assert fast_encode_within(planes, 255, level) == payloads[better > 0] == min(payloads, key=len)


def test_small_pictures_are_coded_both_ways():
    for planes in (planes_of(photo(40, 40)), planes_of(kinds()["drawn"])):
        payloads = [fast_encode(planes, 255, level) for level in LEVELS]
        assert len(fast_encode_within(planes, 255, 2)) == min(len(payloads[0]), len(payloads[2]))


def test_trained_constants():
    model = _model()
    shapes = {"coefficients": (3, TAPS, PREDICTORS), "near": (3, NEAR + 2, PREDICTORS), "expect": (3, SIZES)}
    assert {name: model[name].shape for name in shapes} == shapes
    assert model["counts"].dtype == np.uint16 and model["counts"].shape == (3, 40, 2, TOKENS) and model["counts"].min() > 0
    assert (np.abs(model["counts"].sum(-1, dtype=np.int64) - 8192) <= TOKENS).all()
    for name in shapes:
        assert model[name].dtype == np.float32 and (model[name] * 4096 % 1 == 0).all()
    assert (model["near"] > 0).all() and (model["expect"] >= 0).all() and (model["expect"][:, 0] > 0).all()
    for p, coefficients in enumerate(model["coefficients"]):
        assert not coefficients[len(taps(p)) :].any()
        for back in range(p + 1):
            own = [k for k, place in enumerate(taps(p)) if place[0] == back]
            assert (coefficients[own].sum(0) == (back == 0)).all(), "a level that is added to all pixels must move the mean by it"


@pytest.mark.parametrize("effort", [1, 2, 3])
def test_in_a_tile(effort):
    for name, pixels in kinds().items():
        depth = pixels.dtype.itemsize * 8
        payload = encode_tile(pixels, depth, False, effort)
        assert np.array_equal(decode_tile(payload, pixels.shape, depth, HEADER), pixels), name
    assert encode_tile(photo(40, 40), 8, False, effort)[0] == FAST


def test_drawings_are_bytes_at_low_effort():
    drawn = kinds()["drawn"]
    payload = encode_tile(drawn, 8, False, 1)
    assert payload[0] == BYTES and len(payload) < drawn.nbytes // 6
    for at in range(5, len(payload)):
        bad = bytearray(payload)
        bad[at] ^= 0x55
        try:
            assert decode_tile(bytes(bad), drawn.shape, 8, HEADER).shape == drawn.shape
        except CorruptFile:
            continue


def test_higher_efforts_are_smaller():
    picture = Image(photo(200, 200))
    sizes = [len(lacodec.encode(picture, effort=effort)) for effort in (1, 2, 3, 5)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.slow
def test_any_processor_writes_the_same_bytes(repository):
    program = (
        "import hashlib, sys; from lacodec.codecs.image.lossless.fast.tile import fast_encode\n"
        "from lacodec.testing import photo\n"
        "made = [fast_encode(photo(60, 70, 3, top).transpose(2, 0, 1), top, level) for top in (255, 65535)\n"
        "        for level in range(3)]\n"
        "sys.stdout.write(hashlib.sha256(b''.join(made)).hexdigest())"
    )

    def run(**extra):
        env = {**os.environ, **extra}
        return subprocess.run(
            [sys.executable, "-c", program], env=env, cwd=repository, check=True, capture_output=True, text=True
        ).stdout

    assert run() == run(NUMBA_CPU_NAME="generic")
