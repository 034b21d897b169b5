"""Codec `arrays` with an error bound: it holds for what decoding gives, whatever the coder of columns does."""

import io

import numpy as np
import pytest

import lacodec
from lacodec import api
from lacodec.codecs.arrays import _payload
from lacodec.codecs.columns import payload as columns
from lacodec.codecs.columns.bound import Bound
from lacodec.errors import BadInput
from lacodec.testing import check_codec

STEPS = np.cumsum(np.random.default_rng(1).normal(0, 1, (200, 30)), 0)


def rounding(factor):
    """Columns that are rounded to `factor` times the bound, and then coded as they are."""

    def encode(array, *, effort=5, session=None, bound=None):
        if bound is not None:
            step = bound.absolute * factor
            array = (np.round(array.astype("f8") / step) * step).astype(array.dtype)
        return columns.encode(array, effort=effort)

    return encode


def test_the_bound_is_kept_and_the_file_says_that_it_is_lossy(monkeypatch, tmp_path):
    class Rounded:
        encode, decode, memory = staticmethod(rounding(1.9)), columns.decode, columns.memory

    monkeypatch.setattr(_payload, "columns", Rounded)
    for dtype in ("<f4", ">f8", "<f2"):
        np.save(tmp_path / "x.npy", STEPS.astype(dtype).T)
        encoded = lacodec.encode(tmp_path / "x.npy", max_error=0.25, verify=True)
        found = lacodec.decode(encoded)
        assert found.dtype == dtype and found.flags.f_contiguous
        wrong = np.abs(found.astype("f8") - STEPS.astype(dtype).T.astype("f8"))
        assert 0.1 < wrong.max() <= 0.25
        info = lacodec.info(encoded)
        assert info.identical == "none" and info.options["max_error"] == 0.25 and info.codec == "arrays"
        assert info.original_size == (tmp_path / "x.npy").stat().st_size
        with lacodec.open(encoded) as opened:
            assert np.array_equal(opened[3:5, ::2], found[3:5, ::2])
        (tmp_path / "x.lac").write_bytes(encoded)
        assert lacodec.check(tmp_path / "x.lac").ok
        lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y.npy", force=True)
        assert np.array_equal(np.load(tmp_path / "y.npy"), found)


def test_columns_that_break_the_bound_are_coded_without_loss(monkeypatch):
    class Rounded:
        encode, decode, memory = staticmethod(rounding(5.0)), columns.decode, columns.memory

    monkeypatch.setattr(_payload, "columns", Rounded)
    assert np.array_equal(lacodec.decode(lacodec.encode(STEPS, max_error=0.25)), STEPS)


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
@pytest.mark.parametrize("options", [{"max_error": 0.01}, {"max_relative": 1e-3}])
def test_every_bound_holds(dtype, options):
    values = np.concatenate([STEPS.ravel(), STEPS.ravel() * 1e-5, [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 6e-8, 65504]])
    values = values.astype(dtype)
    found = lacodec.decode(lacodec.encode(values, verify=True, **options))
    limit = Bound(options.get("max_error"), options.get("max_relative"))
    native = np.dtype(dtype).newbyteorder("=")
    assert limit.holds(values.astype(native), found.astype(native))


def test_the_contract_with_a_bound():
    same = lambda one, other: one.dtype == other.dtype and np.abs(one - other).max() <= 0.01  # noqa: E731
    check_codec("arrays", {"steps": STEPS.astype("f4")}, same=same, max_error=0.01)


OTHERS = [np.arange(30), np.zeros(30, "c8"), np.zeros(9, np.longdouble), np.zeros(9, [("a", "f4")]), np.ones(50) > 0]


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: str(value.dtype))
def test_only_floats_may_be_bounded(value):
    with pytest.raises(BadInput, match=r"'array' has elements of type .*max_error"):
        lacodec.encode(value, max_error=0.1)
    assert np.array_equal(lacodec.decode(lacodec.encode(value, max_error=0)), value)  # no error at all is lossless


def test_files_of_several_name_the_array_that_cannot_be_bounded(tmp_path):
    file = io.BytesIO()
    np.savez(file, floats=np.zeros(90), labels=np.arange(90))
    (tmp_path / "x.npz").write_bytes(file.getvalue())
    with pytest.raises(BadInput, match=r"x\.npz: the array 'labels' has elements of type int64"):
        api.encode_file(tmp_path / "x.npz", tmp_path / "x.lac", "arrays", max_relative=0.1)
    with pytest.raises(BadInput, match=r"x\.npz: the array 'labels' has elements of type int64"):
        lacodec.encode(tmp_path / "x.npz", max_relative=0.1)
    assert not (tmp_path / "x.lac").exists()
    (tmp_path / "text").write_bytes(b"text" * 99)
    with pytest.raises(BadInput, match="no option 'max_relative'"):
        lacodec.encode(tmp_path / "text", max_relative=0.1)
    np.save(tmp_path / "x.npy", np.frombuffer(np.random.default_rng(1).bytes(400), "f4"))
    assert lacodec.decode(lacodec.encode(tmp_path / "x.npy", chunk=3)).shape == (100,)  # kept by codec bytes


def test_bounds_and_what_is_within_them():
    for wrong in ((None, None), (0.0, None), (None, -1.0), (float("inf"), None), (0.1, float("nan"))):
        with pytest.raises(BadInput):
            Bound(*wrong)
    x = np.array([1.0, -2.0, 0.0, -0.0, np.nan, np.inf, 5e-324])
    within = lambda bound, **changes: bound.holds(x, np.array([changes.get(f"at{i}", x[i]) for i in range(len(x))]))  # noqa: E731
    assert within(Bound(0.5)) and within(Bound(0.5), at0=1.5, at1=-2.5, at2=-0.5) and not within(Bound(0.5), at0=1.5000001)
    assert within(Bound(None, 0.5), at0=1.5, at1=-1.0) and not within(Bound(None, 0.5), at2=5e-324)
    with pytest.raises(BadInput, match="either"):
        Bound(0.5, 0.125)
    with pytest.raises(BadInput, match="combined"):
        lacodec.encode(STEPS, max_error=0.1, max_relative=0.1)
    for place, other in ((3, 0.0), (4, -np.nan), (4, 1.0), (5, 1e308), (5, -np.inf), (0, np.nan), (0, np.inf)):
        assert not within(Bound(9.0), **{f"at{place}": other}), (place, other)
