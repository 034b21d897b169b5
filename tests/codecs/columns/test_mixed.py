"""Mixed columns: exact round trips, sizes that simple arrays must reach, damage; and the plain-Python reader."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from lacodec.codecs.columns.mixed import payload as module
from lacodec.codecs.columns.mixed.payload import decode_mixed, encode_mixed, memory_mixed
from lacodec.codecs.columns.mixed.profiles import PROFILES
from lacodec.codecs.columns.mixed.setup import Settings
from lacodec.codecs.columns.mixed.trial import first_value, geometries, unit_shift
from lacodec.errors import CorruptFile
from reference import columns_mixed as reader
from reference.stream import Damaged
from tests.strength import examples

WIDTHS = (1, 2, 4, 8)
DTYPES = [np.dtype(f"u{width}") for width in WIDTHS]


def check(latents: np.ndarray, effort: int = 9) -> bytes:
    payload = encode_mixed(latents, effort=effort)
    decoded = decode_mixed(payload, latents.dtype, latents.shape)
    assert decoded.dtype == latents.dtype and decoded.shape == latents.shape
    assert np.array_equal(decoded, latents)
    return payload


def samples(width: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(width)
    dtype, top = f"u{width}", 256**width - 1
    yield random.integers(0, top, 300, dtype, endpoint=True)
    yield np.cumsum(random.integers(-3, 4, 300)).astype(dtype)
    yield random.integers(0, 5, (40, 10)).astype(dtype)
    picture = np.add.outer(np.arange(14) * 5, np.arange(12) * 3)[..., None] + random.integers(0, 3, (14, 12, 3))
    yield picture.astype(dtype)
    yield np.full(700, top, dtype)
    yield np.tile(random.integers(0, top, 20, dtype), 15)
    yield np.where(np.arange(400) % 7, 0, top).astype(dtype)
    yield (np.arange(600) << 8 * width - 6).astype(dtype)


@pytest.mark.parametrize("effort", [7, 8, 9])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_round_trips(dtype, effort):
    for latents in samples(dtype.itemsize):
        check(latents, effort)


@pytest.mark.parametrize(
    "shape", [(0,), (3, 0), (0, 4, 2), (), (1,), (1, 1, 1), (2,), (1, 7), (7, 1), (2, 2), (3, 4, 1), (2, 3, 4, 5)]
)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_all_shapes(dtype, shape):
    check(np.random.default_rng(5).integers(0, 9, shape).astype(dtype))


@given(some.data())
@examples(60)
def test_any_array(data):
    dtype = data.draw(some.sampled_from(DTYPES))
    shape = data.draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    latents = data.draw(arrays.arrays(dtype, shape))
    check(latents, data.draw(some.sampled_from([7, 8, 9])))


def test_extremes_next_to_each_other():
    for width in WIDTHS:
        top = 256**width - 1
        check(np.array([0, top, 0, top // 2, top // 2 + 1, 1, top, top, 0] * 20, f"u{width}"))
        check(np.array([[0, top], [top, 0]] * 50, f"u{width}"))


def test_more_values_than_a_slice():
    random = np.random.default_rng(3)
    reports: list[int] = []
    latents = np.cumsum(random.integers(-1, 2, 70_000)).astype(np.uint16)
    payload = encode_mixed(latents, effort=7, report=reports.append)
    assert sum(reports) == latents.nbytes and len(reports) == 2
    assert np.array_equal(decode_mixed(payload, latents.dtype, latents.shape, reports.append), latents)
    assert sum(reports) == 2 * latents.nbytes


def test_noise_costs_no_more_than_it_has():
    noise = np.random.default_rng(1).integers(0, 2**32, 20_000, np.uint32)
    assert len(check(noise)) < noise.nbytes * 1.004


def test_upper_bits_of_floats_are_modelled_and_lower_ones_plain():
    values = np.random.default_rng(2).normal(0, 1, 30_000).astype(np.float32)
    bits = values.view(np.uint32)
    latents = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    assert len(check(latents)) < latents.nbytes * 0.832  # 26.4 bits: 2.05 of a normal density, 1.38 of the mean exponent, 23


def test_structure_is_found():
    random = np.random.default_rng(4)
    walk = np.cumsum(random.integers(-8, 9, 20_000)).astype(np.uint64)
    assert len(check(walk)) < 20_000 * 4.2 / 8  # log2(17) = 4.09
    ids = np.tile(random.integers(0, 50_000, 500), 20).astype(np.uint16)
    assert len(check(ids)) < 2000
    y, x = np.mgrid[0:64, 0:64]
    smooth = np.stack([2 * x + y, x + y, x], 2).astype(np.uint8)
    assert len(check(smooth)) < smooth.nbytes // 40
    assert len(check(np.full(50_000, 7, np.uint64))) < 200


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_damage_is_noticed(dtype):
    latents = list(samples(dtype.itemsize))[3]
    payload = encode_mixed(latents, effort=7)
    random = np.random.default_rng(8)
    for cut in range(0, len(payload), 7):
        with pytest.raises(CorruptFile):
            decode_mixed(payload[:cut], dtype, latents.shape)
    for _ in range(200):
        forged = bytearray(payload)
        forged[random.integers(min(14, len(payload)) if random.random() < 0.5 else len(payload))] = random.integers(256)
        _decodes_or_refuses(bytes(forged), dtype, latents.shape)
    for other in ((2,), (100, 100, 3), (0,)):
        with pytest.raises(CorruptFile):
            decode_mixed(payload, dtype, other)


@given(some.binary(max_size=60), some.sampled_from(DTYPES), some.sampled_from([(1,), (50,), (6, 5), (4, 4, 3)]))
@examples(100)
def test_any_payload(data, dtype, shape):
    _decodes_or_refuses(data, dtype, shape)
    _decodes_or_refuses(b"\x09\x02\x00\x01\x00\x01" + data, dtype, shape)


def _decodes_or_refuses(data: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    try:
        decoded = decode_mixed(data, dtype, shape)
    except CorruptFile:
        return
    assert decoded.shape == shape and decoded.dtype == dtype


@pytest.mark.plain
@pytest.mark.parametrize("effort", [7, 8, 9])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_reader(dtype, effort):
    for latents in samples(dtype.itemsize):
        _read(encode_mixed(latents, effort=effort), latents)


@pytest.mark.plain
@pytest.mark.parametrize("profile", range(len(PROFILES)))
def test_reader_of_every_profile_and_geometry(profile, monkeypatch):
    for width in WIDTHS:
        for latents in list(samples(width))[1:4]:
            for geometry in geometries(latents.shape):
                chosen = Settings(9, profile, geometry, unit_shift(latents, geometry.near), first_value(latents))
                monkeypatch.setattr(module, "choose", lambda *_, chosen=chosen: chosen)
                _read(check(latents), latents)


@pytest.mark.plain
def test_reader_refuses_damage():
    latents = np.arange(100, dtype=np.uint16)
    payload = encode_mixed(latents, effort=7)
    for data in (payload[:-1], b"\x01" + payload[1:], payload + b"\0", b""):
        with pytest.raises(Damaged):
            reader.decode(data, 2, 100)


def _read(payload: bytes, latents: np.ndarray) -> None:
    assert np.array_equal(reader.decode(payload, latents.itemsize, latents.size), latents.reshape(-1))


def test_memory():
    for count in (1, 1000, 1 << 20):
        assert memory_mixed(8 * count, 1) > 64 * count
