"""Codec `image.field`: round trips, the same samples in another process, parts, forged files."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs.image.field import _network as net  # noqa: E402
from lacodec.codecs.image.field import codec  # noqa: E402
from lacodec.codecs.image.field._payload import Field, decode_field, encode_field  # noqa: E402
from lacodec.container import Reader  # noqa: E402
from lacodec.errors import BadInput, CorruptFile, LacodecError  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.testing import photo  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def short_fit(monkeypatch):
    """How well a picture is fitted is judged by one test."""
    monkeypatch.setitem(codec._STEPS, 1, 12)


def encode(pixels, **options):
    return lacodec.encode(pixels, "image.field", effort=1, **options)


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean()))


def random_field(shape, seed=1, spread=3.0):
    """Latents and weights of all sizes."""
    rng = np.random.default_rng(seed)
    latents = [np.rint(rng.laplace(0, spread, each)).astype(np.int32) for each in net.level_shapes(*shape[:2])]
    context = [np.rint(rng.normal(0, 40, each)).astype(np.int64) for each in net.context_shapes()]
    synthesis = [np.rint(rng.normal(0, 40, each)).astype(np.int64) for each in net.synthesis_shapes(shape[2])]
    return Field(latents, net.Network(context, 7), net.Network(synthesis, 6))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (33, 2, 1), (24, 30, 2), (21, 35, 4)])
def test_round_trips_of_any_size(shape):
    pixels = photo(*shape)
    encoded = encode(pixels, quality=90, verify=True)
    decoded = lacodec.decode(encoded).pixels
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    if shape[2] in (2, 4):
        assert np.array_equal(decoded[:, :, -1], pixels[:, :, -1])


def test_quality_decides_size_and_error(monkeypatch):
    monkeypatch.setitem(codec._STEPS, 1, 100)
    pixels = photo(48, 64)
    small, large = (encode(pixels, quality=quality) for quality in (20, 90))
    assert len(small) < len(large)
    assert psnr(lacodec.decode(small).pixels, pixels) < psnr(lacodec.decode(large).pixels, pixels)


@pytest.mark.parametrize("spread", [0.3, 3.0, 900.0])
def test_latents_of_any_size_come_back(spread):
    field = random_field((37, 50, 3), spread=spread)
    restored = decode_field(encode_field(field), (37, 50, 3))
    for mine, other in zip(field.latents, restored.latents, strict=True):
        assert np.array_equal(mine, other)
    for mine, other in ((field.context, restored.context), (field.synthesis, restored.synthesis)):
        assert mine.shift == other.shift and all(np.array_equal(a, b) for a, b in zip(mine.codes, other.codes, strict=True))


def test_another_process_gives_the_same_samples(tmp_path):
    pixels = photo(30, 44)
    (tmp_path / "x.lac").write_bytes(encode(pixels))
    command = "import sys, lacodec; sys.stdout.buffer.write(lacodec.decode(sys.argv[1]).pixels.tobytes())"
    done = subprocess.run([sys.executable, "-c", command, tmp_path / "x.lac"], check=True, capture_output=True)
    assert done.stdout == lacodec.decode(tmp_path / "x.lac").pixels.tobytes()


def test_tiles_decode_alone(monkeypatch):
    monkeypatch.setattr(codec, "_SIDE", 32)
    pixels = photo(50, 70)
    encoded = encode(pixels)
    whole = lacodec.decode(encoded).pixels
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[20:45, 10:40], whole[20:45, 10:40])


def test_forged_files_raise_only_our_errors():
    encoded = encode(photo(20, 24))
    payload = Reader(BytesSource(encoded)).chunk(0).payload
    rng = np.random.default_rng(3)
    for _ in range(60):
        mutant = bytearray(payload)
        mutant[rng.integers(len(mutant))] ^= 1 << rng.integers(8)
        try:
            decode_field(bytes(mutant[2 : rng.integers(3, len(mutant))]), (20, 24, 3))
        except LacodecError:
            continue
    with pytest.raises(CorruptFile):
        lacodec.decode(encoded.replace(payload, payload[:-1] + bytes([payload[-1] ^ 1])))


def test_wrong_options_are_refused():
    with pytest.raises(BadInput):
        lacodec.codec("image.field", quality=0)
