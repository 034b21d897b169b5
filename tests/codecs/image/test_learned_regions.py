"""Codec image.learned with regions of a higher quality than their surroundings."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs import model_files, registry  # noqa: E402
from lacodec.codecs.image.learned import boxes  # noqa: E402
from lacodec.codecs.image.learned.quality import Quality  # noqa: E402
from lacodec.container import Reader, write_container  # noqa: E402
from lacodec.errors import BadInput, CorruptFile, LacodecError  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from tests import learned  # noqa: E402
from tests.strength import examples  # noqa: E402

pytestmark = pytest.mark.torch
REGIONS = "40:90,70:120 150:151,0:180"


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())


def encode(pixels, **options):
    return lacodec.encode(pixels, "image.learned", model=learned.model_file(), **options)


def error(pixels, encoded, rows, columns):
    found = lacodec.decode(encoded).pixels
    return float(np.square(found[rows, columns].astype(float) - pixels[rows, columns]).mean())


@pytest.mark.parametrize("effort", [1, 5])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("channels", [3, 2])
def test_regions_have_the_quality_and_the_rest_has_not(effort, progressive, channels):
    pixels = photo(160, 180, channels)
    options = {"effort": effort, "progressive": progressive}
    high, low = encode(pixels, quality=90, **options), encode(pixels, quality=10, **options)
    both = encode(pixels, quality=90, regions=REGIONS, background=10, verify=True, **options)
    assert len(low) < len(both) < len(high)
    inside, outside = (slice(48, 80), slice(80, 112)), (slice(110, 140), slice(0, 180))
    assert error(pixels, both, *inside) == pytest.approx(error(pixels, high, *inside), rel=0.25)
    assert error(pixels, both, *inside) < 0.5 * error(pixels, low, *inside)
    assert error(pixels, both, *outside) == pytest.approx(error(pixels, low, *outside), rel=0.25)


def test_the_whole_picture_as_a_region_changes_nothing():
    pixels = photo(70, 90)
    plain, region = (encode(pixels, quality=60, **more) for more in ({}, {"regions": ((0, 70, 0, 90),)}))
    payloads = [Reader(BytesSource(data)).chunk(0).payload for data in (plain, region)]
    assert payloads[0] == payloads[1]
    assert np.array_equal(lacodec.decode(plain).pixels, lacodec.decode(region).pixels)


@pytest.mark.parametrize("progressive", [False, True])
def test_tiles_and_windows(progressive):
    pixels = photo(160, 180)
    data = encode(pixels, quality=80, regions=REGIONS, tile=64, progressive=progressive)
    whole = lacodec.decode(data).pixels
    with lacodec.open(data) as opened:
        for key in ((slice(30, 100), slice(60, 150)), (slice(140, 160), slice(0, 20)), (slice(0, 1), slice(179, 180))):
            assert np.abs(opened[key].astype(int) - whole[key]).max() <= 1
    again = encode(pixels, quality=80, regions=REGIONS, progressive=progressive)
    every = slice(None), slice(None)
    assert error(pixels, again, *every) == pytest.approx(error(pixels, data, *every), rel=0.1)


def test_targets_keep_the_background():
    pixels = photo(160, 200)
    data = encode(pixels, target_bpp=1.5, regions="0:64,0:200", background=5)
    facts = lacodec.info(data).metadata
    assert facts["background"] == 5 and facts["quality"] > 20 and facts["regions"] == ["0:64,0:200"]
    assert len(Reader(BytesSource(data)).chunk(0).payload) * 8 <= 1.5 * 160 * 200 * 1.02


def test_regions_of_every_form():
    assert boxes.parsed("1:2,3:4  5:6,7:8") == boxes.parsed([(1, 2, 3, 4), [5, 6, 7, 8]]) == ((1, 2, 3, 4), (5, 6, 7, 8))
    options = registry.get("image.learned").Options
    one, two = (options(regions=given) for given in ("1:2,3:4", [np.array([1, 2, 3, 4])]))
    assert one == two and hash(one) == hash(two)


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ("", "write rows and columns"),
        ("1:2", "write rows and columns"),
        ("-1:2,3:4", "write rows and columns"),
        ("5:5,3:4", "is empty"),
        ("1:2,4:3", "is empty"),
        (7, "give top"),
        ([(1, 2, 3)], "give top"),
        ([(-1, 2, 3, 4)], "is empty"),
        ([(0, 1, 0, 1)] * 1025, "at most 1024"),
        ("0:71,0:5", "70 rows, 90 columns"),
        ("0:7,0:91", "70 rows, 90 columns"),
    ],
)
def test_senseless_regions(regions, words):
    with pytest.raises(BadInput, match=words):
        encode(photo(70, 90), regions=regions)


def test_a_senseless_background():
    with pytest.raises(BadInput, match="background is 0"):
        lacodec.codec("image.learned", background=0)


@pytest.mark.parametrize(
    "regions",
    [None, 5, [], [1000], [1000, []], [1000, [[0, 1, 0]]], [1000, [[0, 6, 0, 1]]], [1000, [[0, 0, 0, 1]]], [50, [[0, 1, 0, 1]]],
     [1000, [[0.0, 1, 0, 1]]], [1000.5, [[0, 1, 0, 1]]], [1000, [[0, 1, 0, 1]] * 1025], [1000, [[0, 1, 0, 1]] * 100_000],
     [1000, {"a": 1}], ["a", "bcde"],
     [1000, [[False, 1, 0, 1]]], [10001, [[0, 1, 0, 1]]], [1000, [[-1, 1, 0, 1]]], [1000, [[0, 1, 0, 1]]]],
)  # fmt: skip
def test_forged_regions(regions):
    """Impossible ones are refused, others contradict the hash of the latents."""
    reader = Reader(BytesSource(encode(photo(70, 90), quality=80)))
    import msgspec

    header = msgspec.structs.replace(reader.header, metadata={**reader.header.metadata, "regions": regions})
    out = io.BytesIO()
    write_container(header, iter([reader.chunk(0)]), out)
    with pytest.raises(CorruptFile):
        lacodec.decode(out.getvalue())
    assert lacodec.info(out.getvalue()).codec == "image.learned"


@given(st.lists(st.tuples(*[st.integers(-20, 40)] * 4), max_size=6), st.tuples(*[st.integers(0, 25)] * 4))
@examples(200)
def test_a_window_has_what_the_whole_has(regions, window):
    top, bottom, left, right = window[0], window[0] + window[1], window[2], window[2] + window[3]
    kept = tuple((y0, y1, x0, x1) for y0, y1, x0, x1 in regions if 0 <= y0 < y1 and 0 <= x0 < x1)
    expected = np.zeros((60, 60), bool)
    for y0, y1, x0, x1 in kept:
        expected[y0:y1, x0:x1] = True
    quality = Quality(0.75, 0.25, kept)
    assert np.array_equal(quality.inside((top, bottom, left, right)).numpy(), expected[top:bottom, left:right])
    moved = quality.moved(top, left).inside((0, bottom - top, 0, right - left))
    assert np.array_equal(moved.numpy(), expected[top:bottom, left:right])
    found = quality.positions((top, bottom, left, right)).numpy()
    wanted = np.where(expected[top:bottom, left:right], 0.75, 0.25) if kept else 0.75
    assert np.array_equal(found, np.broadcast_to(np.float32(wanted), found.shape))


def test_random_regions_decode():
    rng = np.random.default_rng(3)
    for _ in range(6):
        shape = (*rng.integers(1, 140, 2), 3)
        pixels = photo(*map(int, shape))
        given_boxes = []
        for _ in range(rng.integers(1, 4)):
            top, left = (int(rng.integers(0, n)) for n in shape[:2])
            given_boxes.append((top, int(rng.integers(top, shape[0])) + 1, left, int(rng.integers(left, shape[1])) + 1))
        data = encode(pixels, quality=70, regions=given_boxes, background=float(rng.integers(1, 100)), verify=True)
        assert lacodec.decode(data).pixels.shape == pixels.shape
        with pytest.raises(LacodecError):
            lacodec.decode(data[:-9])
