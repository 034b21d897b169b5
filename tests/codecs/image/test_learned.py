"""Codec image.learned with a tiny model: round trips, seams, windows, the same symbols everywhere, forged files."""

import dataclasses
import os
import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.codecs.image.learned import (  # noqa: E402
    refine,
    structure,
    tiles,
    window,
)
from lacodec.codecs.image.learned.quality import Quality  # noqa: E402
from lacodec.container import (  # noqa: E402
    Header,
    Reader,
)
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel  # noqa: E402
from lacodec.evaluation import metrics  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.media.image.photo import PHOTOS  # noqa: E402
from lacodec.models.image.options import ModelOptions  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from tests import learned  # noqa: E402

HEADER = Header("image.learned", 0, {})
pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())


def encode(pixels, **options):
    return lacodec.encode(pixels, "image.learned", model=learned.model_file(), **options)


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean()))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 90, 3), (65, 2, 3), (17, 33, 1), (40, 50, 2), (70, 66, 4), (128, 130, 3)])
def test_round_trips_of_any_size(shape):
    pixels = photo(*shape)
    encoded = encode(pixels, quality=80, verify=True)
    decoded = lacodec.decode(encoded).pixels
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    assert psnr(decoded, pixels) > 30
    if shape[2] in (2, 4):
        assert np.array_equal(decoded[:, :, -1], pixels[:, :, -1])


def test_quality_is_continuous():
    pixels = photo(128, 128)
    sizes, errors = [], []
    for quality in (1, 20, 40.5, 60, 80, 100):
        encoded = encode(pixels, quality=quality)
        sizes.append(len(encoded))
        errors.append(psnr(lacodec.decode(encoded).pixels, pixels))
    assert sizes == sorted(sizes) and errors == sorted(errors) and sizes[-1] > 1.5 * sizes[0]


@pytest.mark.parametrize(("height", "width"), [(96, 90), (256, 300), (600, 500)])
def test_the_size_is_what_the_model_estimates(height, width):
    """What the codec adds to the bits of the symbols: the ends of the lanes, and a header that names the model."""
    pixels = photo(height, width)
    network = model_files.by_path(learned.model_file()).network
    for quality in (1, 40, 100):
        place, t = (0, height, 0, width), (quality - 1) / 99
        bits = refine.searched(tiles.Picture(network, pixels, Quality(t)), place, 5).bits()
        encoded = encode(pixels, quality=quality)
        chunk = Reader(BytesSource(encoded)).index[0]
        assert abs(chunk.payload_size - bits / 8) < 0.003 * bits / 8 + 12
        assert len(encoded) - chunk.payload_size <= 130


def test_what_info_tells(tmp_path):
    (tmp_path / "x.lac").write_bytes(encode(photo(40, 30), quality=41.5))
    found = lacodec.api.info(tmp_path / "x.lac")
    assert found.metadata["quality"] == 41.5 and found.options == {}
    (tmp_path / "y.lac").write_bytes(encode(photo(40, 30), target_psnr=30.0))
    assert lacodec.api.info(tmp_path / "y.lac").options == {"target_psnr": 30.0}


def test_targets():
    pixels = photo(128, 160)
    encoded = encode(pixels, target_psnr=34.0)
    assert 34 <= psnr(lacodec.decode(encoded).pixels, pixels) < 35
    chunk = Reader(BytesSource(encode(pixels, target_bpp=0.35))).index[0]
    assert 0.3 < chunk.payload_size * 8 / pixels[:, :, 0].size < 0.37
    for options in ({"target_psnr": 90.0}, {"target_bpp": 1e-4}, {"target_bpp": 1.0, "target_psnr": 30.0}, {"quality": 0}):
        with pytest.raises(BadInput):
            encode(pixels, **options)


@pytest.fixture(scope="module")
def tiled():
    pixels = np.tile(photo(64, 64), (18, 17, 1))[:1100, :1060]
    return pixels, encode(pixels, quality=50)


def test_windows_have_no_seams(tiled, monkeypatch):
    _, encoded = tiled
    whole = lacodec.decode(encoded, threads=2).pixels
    assert len(Reader(BytesSource(encoded)).index) == 4
    with lacodec.open(encoded) as opened:
        for window in ((slice(1000, 1050), slice(1000, 1040)), (slice(0, 20), slice(1050, 1060)), (slice(5, 5), slice(0, 9))):
            found = opened[window]
            assert found.shape == whole[window].shape
            assert not found.size or np.abs(found.astype(int) - whole[window]).max() <= 1
    monkeypatch.setattr(tiles, "_WINDOW", 7)  # other windows of the synthesis, the same picture
    other = lacodec.decode(encoded).pixels
    assert np.abs(other.astype(int) - whole).max() <= 1
    assert (other != whole).mean() < 1e-3


def test_the_size_of_tiles_is_an_option():
    pixels = photo(150, 210)
    pixels = np.concatenate([pixels, pixels[:, :, :1]], 2)
    encoded = encode(pixels, tile=64, quality=40)
    assert len(Reader(BytesSource(encoded)).index) == 12 and lacodec.info(encoded).options["tile"] == 64
    whole = lacodec.decode(encoded).pixels
    assert np.array_equal(whole[:, :, 3], pixels[:, :, 3]) and psnr(whole[:, :, :3], pixels[:, :, :3]) > 25
    with lacodec.open(encoded) as opened:
        assert np.abs(opened[50:120, 60:140].astype(int) - whole[50:120, 60:140]).max() <= 1
    with pytest.raises(BadInput, match="a multiple of 64"):
        encode(pixels, tile=100)


def test_a_lost_tile_is_black(tiled, tmp_path):
    pixels, encoded = tiled
    damaged = bytearray(encoded)
    damaged[Reader(BytesSource(encoded)).index[1].payload_offset + 20] ^= 1
    (tmp_path / "x.lac").write_bytes(damaged)
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(damaged))
    lacodec.api.decode_file(tmp_path / "x.lac", tmp_path / "x.png", salvage=True)
    again = PHOTOS.from_source(BytesSource((tmp_path / "x.png").read_bytes())).pixels
    assert not again[:1024, 1024:].any() and psnr(again[:900, :900], pixels[:900, :900]) > 25


@pytest.mark.parametrize("entropy", ["factorized", "hyperprior", "mean-scale"])
def test_simpler_entropy_models(entropy, monkeypatch):
    import dataclasses

    path = learned.model_file(0, dataclasses.replace(learned.SIZES, entropy=entropy))
    monkeypatch.setenv(model_files.VARIABLE, path)
    pixels = photo(90, 70)
    encoded = lacodec.encode(pixels, "image.learned", model=path, quality=80, verify=True)
    assert psnr(lacodec.decode(encoded).pixels, pixels) > 30


@pytest.mark.parametrize("quality", [Quality(0.5), Quality(0.5, 0.25, ((2, 9, 1, 6),))])
def test_the_same_symbols_under_any_settings(quality):
    """What a stream decodes to does not depend on threads, precision settings or oneDNN."""
    network = model_files.by_path(learned.model_file()).network
    pixels = photo(200, 180)
    payload, content = tiles.encode_tile(tiles.Picture(network, pixels, quality), (0, 200, 0, 180))
    place = (0, 200, 0, 180)
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            torch.set_float32_matmul_precision("medium")
            with torch.autocast("cpu", torch.bfloat16):
                assert tiles.decode_tile(network, payload, place, 3, quality, HEADER)[1] == content
            with torch.backends.mkldnn.flags(enabled=False):
                assert tiles.decode_tile(network, payload, place, 3, quality, HEADER)[1] == content
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def test_a_missing_model_is_named(monkeypatch, tmp_path):
    encoded = encode(photo(20, 20))
    monkeypatch.setenv(model_files.VARIABLE, str(tmp_path))
    assert lacodec.decode(encoded).pixels.shape == (20, 20, 3)  # by the process that encoded it, as a check right after does
    monkeypatch.setattr(model_files, "_named", {})
    with pytest.raises(MissingModel, match=Reader(BytesSource(encoded)).header.model_id.hex()[:16]):
        lacodec.decode(encoded)
    for options in ({"profile": "gigantic"}, {"model": str(tmp_path / "none.lac")}):
        with pytest.raises(LacodecError):
            lacodec.encode(photo(9, 9), "image.learned", **options)


def test_forged_payloads():
    network = model_files.by_path(learned.model_file()).network
    pixels, place = photo(48, 40, 4), (0, 48, 0, 40)
    payload, _ = tiles.encode_tile(tiles.Picture(network, pixels, Quality(0.3)), place)
    rng = np.random.default_rng(3)
    for trial in range(80):
        bad = bytearray(payload)
        for at in rng.integers(0, len(bad), 1 + trial % 3):
            bad[at] = rng.integers(0, 256)
        try:
            part, _ = tiles.decode_tile(network, bytes(bad[: rng.integers(1, len(bad) + 1)]), place, 4, Quality(0.3), HEADER)
            assert part.values.shape == (32, 3, 3)
        except CorruptFile:
            continue
    for forged in (b"", b"\xff" * 7, struct.pack("<I", 1 << 31) + payload[4:], payload[:40]):
        with pytest.raises(CorruptFile):
            tiles.decode_tile(network, forged, place, 4, Quality(0.3), HEADER)


def test_forged_models(tmp_path):
    arrays = model_files.read_arrays(learned.model_file())
    from lacodec.models.image.model import unpack

    for name in ("options", "known_answer", "entropy.heads.0.codes", "analysis.linear.weight.codes", "synthesis.gain"):
        with pytest.raises(LacodecError):
            unpack({key: value for key, value in arrays.items() if key != name})
        bad = dict(arrays)
        bad[name] = np.zeros((3, 3), bad[name].dtype)
        with pytest.raises(LacodecError):
            unpack(bad)
    for change in ({"latents": 1 << 40}, {"latents": -4}, {"family": "cauchy"}, {"unknown": 1}):
        import json

        options = json.loads(arrays["options"].tobytes()) | change
        with pytest.raises(LacodecError):
            unpack({**arrays, "options": np.frombuffer(json.dumps(options).encode(), np.uint8)})
    wrong = arrays["entropy.heads.0.codes"].copy()
    wrong.flat[:50] = 99
    with pytest.raises(LacodecError, match="known answer"):
        unpack({**arrays, "entropy.heads.0.codes": wrong})
    (tmp_path / "x.lac").write_bytes(os.urandom(100))
    with pytest.raises(LacodecError):
        model_files.by_path(tmp_path / "x.lac")


def test_other_kinds_of_pixels(tmp_path):
    from PIL import Image

    deep = (photo(40, 50).astype(np.uint16)) * 257
    encoded = encode(deep, quality=90)
    assert psnr(lacodec.decode(encoded).pixels, photo(40, 50)) > 30
    Image.fromarray(photo(40, 50)).convert("CMYK").save(tmp_path / "ink.jpg")
    Image.fromarray(photo(40, 50)).quantize(16).save(tmp_path / "few.png")
    Image.fromarray(photo(40, 50)).save(tmp_path / "plain.jpg")
    for name, word in (("ink.jpg", "CMYK"), ("few.png", "palette"), ("plain.jpg", None)):
        options = {"model": learned.model_file()}
        done = lacodec.api.encode_file(tmp_path / name, tmp_path / f"{name}.lac", "image.learned", **options)
        assert (done.remark is None) == (word is None) and (word or "") in (done.remark or "")
        lacodec.api.decode_file(tmp_path / f"{name}.lac", tmp_path / f"again-{name}")
        with Image.open(tmp_path / f"again-{name}") as again:
            assert again.size == (50, 40) and again.format == {"jpg": "JPEG", "png": "PNG"}[name[-3:]]


@pytest.mark.parametrize("sizes", [{"latents": 30}, {"blocks": 0}, {"width": True}, {"low": 2.0}, {"entropy": "magic"}])
def test_senseless_sizes(sizes):
    with pytest.raises(BadInput):
        ModelOptions(**sizes)


def test_the_model_that_comes_with_lacodec(monkeypatch):
    """It loads, which proves its bounds and its known answer, and codes better than a model that knows nothing."""
    monkeypatch.delenv(model_files.VARIABLE)
    pixels = photo(150, 130)
    encoded = lacodec.encode(pixels, "image.learned", quality=60, verify=True)
    assert len(encoded) < pixels.nbytes // 8
    assert psnr(lacodec.decode(encoded).pixels, pixels) > 30
    assert {"free", "small"} <= set(model_files.shipped())
    assert all(path.stat().st_size < 3_000_000 for path in model_files.shipped().values())


def test_effort_finds_cheaper_latents():
    """By what the search minimises: bits, and squared error at the price of training."""
    network = model_files.by_path(learned.model_file()).network
    pixels, place = photo(150, 130), (0, 150, 0, 130)
    for quality in (20, 80):
        picture = tiles.Picture(network, pixels, Quality((quality - 1) / 99))
        seen = window.Window(picture, place)
        costs = []
        for effort in (1, 5, 7):
            coder = refine.searched(picture, place, effort)
            costs.append(coder.bits() + seen.price * seen.error(coder.values, False)[0])
        assert costs[2] <= costs[1] <= costs[0] and costs[2] < 0.999 * costs[0]


@pytest.mark.parametrize("quality", [Quality(0.5), Quality(0.5, 0.3, ((2, 7, 1, 6), (4, 10, 9, 10)))])
def test_slopes_are_those_of_differences(quality):
    """The slope of the error, in pieces and beside neighbours, is what a small change makes of it."""
    network = model_files.by_path(learned.model_file()).network
    picture, place = tiles.Picture(network, photo(160, 210), quality), (0, 160, 64, 192)
    check_slope(window.Window(picture, place), 0.2)  # of the tile's own pixels; slopes see more


def check_slope(seen, near):
    values = seen.latents.round()
    error, slope = seen.error(values, True)
    direction = torch.sign(slope) * 1e-2
    moved = [seen.error(values + sign * direction, False)[0] for sign in (1, -1)]
    expected = (moved[0] - moved[1]) / 2
    assert abs(float((slope * direction).sum()) - expected) < near * expected
    assert min(moved) < error


def check_pieces(seen, monkeypatch):
    whole = seen.error(seen.latents.round(), True)
    monkeypatch.setattr(window, "_PIECE", 5)
    parts = seen.error(seen.latents.round(), True)
    assert parts[0] == pytest.approx(whole[0], rel=1e-3)
    assert float((parts[1] - whole[1]).norm()) < 0.01 * float(whole[1].norm())


def test_pieces_change_little(monkeypatch):
    network = model_files.by_path(learned.model_file()).network
    check_pieces(window.Window(tiles.Picture(network, photo(190, 210), Quality(0.5)), (0, 190, 0, 210)), monkeypatch)


STRUCTURAL = dataclasses.replace(learned.SIZES, distortion="ms-ssim")


def test_models_for_ms_ssim_are_searched_for_it(monkeypatch):
    """Of all but small pictures and those with regions, whose latents stay as analysis makes them."""
    network = model_files.by_path(learned.model_file(sizes=STRUCTURAL)).network
    assert network.options.distortion == "ms-ssim"
    place = (0, 230, 0, 250)
    picture = tiles.Picture(network, photo(230, 250), Quality(0.5))
    seen = structure.StructuralWindow(picture, place)
    check_slope(seen, 0.05)
    costs = []
    for effort in (1, 5, 7):
        coder = refine.searched(picture, place, effort)
        costs.append(coder.bits() + seen.price * seen.error(coder.values, False)[0])
        decoded = tiles.Canvas(network, (230, 250, 3), place, picture.quality)
        decoded.put(tiles.Part(*place, coder.values, None))
        similar = metrics.ms_ssim(picture.pixels[:224, :240], decoded.pixels()[:224, :240])
    assert costs[2] <= costs[1] <= costs[0] and costs[2] < 0.999 * costs[0]
    assert abs(1280 * (1 - similar) * 3 * 230 * 250 / seen.error(coder.values, False)[0] - 1) < 0.1
    check_pieces(structure.StructuralWindow(picture, place), monkeypatch)
    for pixels, quality in ((photo(100, 230), Quality(0.5)), (photo(230, 250), Quality(0.5, 0.3, ((2, 7, 1, 6),)))):
        place = (0, len(pixels), 0, pixels.shape[1])
        others = tiles.Picture(network, pixels, quality)
        assert torch.equal(refine.searched(others, place, 7).values, refine.searched(others, place, 1).values)


def test_models_keep_what_they_were_trained_for():
    assert b"distortion" not in learned.SIZES.to_json() and ModelOptions.from_json(learned.SIZES.to_json()) == learned.SIZES
    assert ModelOptions.from_json(STRUCTURAL.to_json()) == STRUCTURAL
    with pytest.raises(BadInput, match="distortion"):
        dataclasses.replace(learned.SIZES, distortion="beauty")


def test_effort_repeats_itself():
    pixels = photo(70, 90, 1)
    files = [encode(pixels, quality=50, effort=effort) for effort in (6, 6, 1)]
    assert files[0] == files[1] != files[2]
    assert lacodec.decode(files[0]).pixels.shape == pixels.shape
    for effort in (0, 10, True, 2.5):
        with pytest.raises(BadInput):
            encode(pixels, effort=effort)
