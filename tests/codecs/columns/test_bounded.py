"""Error-bounded floats: the bound is never broken, special values are exact, damage is told, and the plain reader agrees."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.bounded import decode_bounded, encode_bounded
from lacodec.errors import BadInput, CorruptFile
from reference import columns_bounded
from tests.strength import examples

RNG = np.random.default_rng(3)
FLOATS = (np.float16, np.float32, np.float64)


def check(array: np.ndarray, bound: Bound, effort: int = 5) -> bytes:
    """Round trip, in exact terms."""
    data = encode_bounded(array, bound, effort=effort)
    decoded = decode_bounded(data, array.dtype, array.shape)
    assert decoded.dtype == array.dtype and decoded.shape == array.shape
    assert_within(array, decoded, bound)
    return data


def assert_within(array: np.ndarray, decoded: np.ndarray, bound: Bound) -> None:
    bits = f"u{array.itemsize}"
    x, y = array.reshape(-1), decoded.reshape(-1)
    special = ~np.isfinite(x) | ((x == 0) & (np.signbit(x) | (bound.relative is not None)))
    assert np.array_equal(x[special].view(bits), y[special].view(bits))
    assert np.isfinite(y[~special]).all()
    for a, b in zip(x[~special].tolist(), y[~special].tolist(), strict=True):
        if a != b:
            limit = Fraction(bound.absolute) if bound.relative is None else Fraction(bound.relative) * abs(Fraction(a))
            assert abs(Fraction(a) - Fraction(b)) <= limit, (a, b, bound)


def waves(shape: tuple[int, ...]) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(n) / 17 for n in shape], indexing="ij")
    return sum(np.sin((k + 1) * axis + k) for k, axis in enumerate(axes)) + 0.01 * RNG.normal(size=shape)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "shape", [(), (1,), (2,), (3000,), (1, 1), (70, 50), (5, 1, 40), (17, 18, 19), (3, 5, 20, 16), (2, 3, 4, 5, 30)]
)
def test_shapes(shape: tuple[int, ...], dtype: type) -> None:
    array = np.asarray(waves(shape) if shape else 1.5).astype(dtype)
    for bound in (Bound(absolute=0.01), Bound(absolute=1e-4), Bound(relative=0.01)):
        check(array, bound)


@pytest.mark.parametrize("effort", range(1, 10))
def test_efforts(effort: int) -> None:
    check(waves((60, 70)).astype(np.float32), Bound(absolute=0.001), effort)


def test_without_values() -> None:
    assert encode_bounded(np.empty((3, 0), np.float32), Bound(absolute=1.0)) == b""
    assert decode_bounded(b"", np.float32, (3, 0)).shape == (3, 0)


values = st.one_of(
    *[st.floats(width=width, allow_subnormal=True) for width in (16, 32)],  # as they are, NaNs among them
    st.floats(),
    st.floats(-1, 1),
    st.sampled_from([0.0, -0.0, 1e300, 65504.0, 3.4e38, 5e-324, 1e-45, 6e-8]),
)
bounds = st.one_of(
    st.floats(min_value=5e-324, max_value=1.7e308).map(lambda e: Bound(absolute=e)),
    st.floats(min_value=1e-12, max_value=1e6).map(lambda e: Bound(absolute=e)),
    st.floats(min_value=1e-17, max_value=4).map(lambda r: Bound(relative=r)),
    st.integers(-60, 1).map(lambda k: Bound(relative=2.0**k)),
)


@examples(300)
@given(st.data(), st.sampled_from(FLOATS), bounds, st.integers(1, 9))
def test_never_broken(data: st.DataObject, dtype: type, bound: Bound, effort: int) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=12))
    width = np.dtype(dtype).itemsize * 8
    with np.errstate(over="ignore"):
        array = data.draw(hnp.arrays(np.float64, shape, elements=values, fill=st.floats(-2, 2))).astype(dtype)
    bits = data.draw(st.booleans())
    if bits:  # any bits: NaNs with payloads
        array = data.draw(hnp.arrays(f"u{width // 8}", shape, elements=st.integers(0, 2**width - 1))).view(dtype)
    check(array, bound, effort)


@examples(60)
@given(st.integers(0, 2**32), st.sampled_from(FLOATS), st.floats(-40, 40), st.floats(-9, 1), st.booleans())
def test_large_and_small(seed: int, dtype: type, scale: float, ratio: float, relative: bool) -> None:
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        array = (np.cumsum(rng.normal(size=(40, 50)), 1) * 10.0**scale).astype(dtype)
    check(array, Bound(relative=10.0 ** min(ratio, 0)) if relative else Bound(absolute=10.0 ** (scale + ratio)))


def test_special_values() -> None:
    array = waves((100, 120)).astype(np.float32)
    array[20:40, 30:60] = np.nan
    array.view(np.uint32)[50, :100] = 0x7FC00001 + np.arange(100)
    array[0, 0], array[99, 119], array[70] = np.inf, -np.inf, -0.0
    array[80:, :50] = 9.96921e36
    for bound in (Bound(absolute=0.01), Bound(relative=0.01)):
        data = check(array, bound)
        assert np.isclose(decode_bounded(data, array.dtype, array.shape)[80:, :50], np.float32(9.96921e36), rtol=0.02).all()
    plain = waves((100, 120)).astype(np.float32)
    assert len(check(np.where(np.arange(120) < 60, np.float32(np.nan), plain), Bound(absolute=0.01))) < len(
        check(plain, Bound(absolute=0.01))
    )


def test_smaller_than_stored() -> None:
    array = waves((64, 64)).astype(np.float32)
    sizes = [len(check(array, Bound(absolute=e))) for e in (1e-1, 1e-2, 1e-3, 1e-4)]
    assert sizes == sorted(sizes) and sizes[-1] < array.nbytes // 2
    assert len(check(np.full(100_000, 2.5, np.float32), Bound(absolute=0.1))) < 120


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("unit", [1.0, 0.1, 1 / 3, 0.25, 3.0])
def test_multiples_of_a_unit(dtype: type, unit: float) -> None:
    """No bits are spent on what lies between."""
    array = (np.rint(20 * waves((70, 80))) * unit).astype(dtype)
    sizes = [len(check(array, Bound(absolute=share * unit))) for share in (0.1, 0.5, 1.0, 1.3, 2.0, 40.0)]
    assert sizes[1] <= sizes[0] * 1.05 and sizes[2] < 0.97 * sizes[1]
    data = encode_bounded(array, Bound(absolute=unit), effort=5)
    assert columns_bounded.decode(data, array.itemsize, array.shape) == decode_bounded(data, dtype, array.shape).tobytes()


def test_forged() -> None:
    """Damage is an error or other values, never anything else."""
    array = waves((30, 40)).astype(np.float32)
    array[3:6, 5:9], array[0, 0] = np.nan, 1e30
    for bound in (Bound(absolute=0.001), Bound(relative=0.01)):
        data = check(array, bound)
        for _ in range(400):
            forged = bytearray(data)
            for _ in range(RNG.integers(1, 4)):
                forged[RNG.integers(min(len(data), 200 if RNG.integers(2) else len(data)))] = RNG.integers(256)
            forged = forged[: RNG.integers(len(data) + 1)] if RNG.integers(3) == 0 else forged
            try:
                decoded = decode_bounded(bytes(forged), array.dtype, array.shape)
            except CorruptFile:
                continue
            assert decoded.shape == array.shape
        for cut in range(0, len(data), 37):
            try:
                decode_bounded(data[:cut], array.dtype, array.shape)
            except CorruptFile:
                continue


def test_refused() -> None:
    for wrong in (
        {},
        {"absolute": 1.0, "relative": 1.0},
        {"absolute": 0.0},
        {"relative": -1.0},
        {"absolute": float("nan")},
        {"relative": float("inf")},
    ):
        with pytest.raises(BadInput):
            Bound(**wrong)
    with pytest.raises(BadInput):
        encode_bounded(np.arange(5), Bound(absolute=1.0))
    with pytest.raises(CorruptFile):
        decode_bounded(b"\x00", np.float32, (0,))


@pytest.mark.plain
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("effort", [1, 5, 9])
def test_plain_reader(dtype: type, effort: int) -> None:
    """The reader in plain Python finds the same bits."""
    for shape in ((), (7,), (1200,), (45, 50), (60, 1, 33), (13, 14, 15), (2, 3, 4, 5, 6)):
        array = np.asarray(waves(shape) if shape else 1.5).astype(dtype)
        if len(shape) == 2:
            array[3:9, 4:20], array[30], array[40, ::3], array[20, 5] = np.nan, -0.0, np.inf, 60000
        for bound in (Bound(absolute=0.02), Bound(absolute=1e-5), Bound(relative=0.003)):
            data = encode_bounded(array, bound, effort=effort)
            decoded = decode_bounded(data, dtype, shape)
            assert columns_bounded.decode(data, array.itemsize, shape) == decoded.tobytes(), (shape, bound)
