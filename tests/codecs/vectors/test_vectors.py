"""Codec `vectors`: rates, parts, files, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lacodec
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.media.vectors.files import VECTORS
from lacodec.testing import check_codec
from reference.decode import restore


def embeddings(n=3000, d=48, octaves=8.0, seed=1, unit=True):
    """Directions of which the deviations fall by so many octaves."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    rows = (rng.normal(size=(n, d)) * 2 ** np.linspace(0, -octaves, d)) @ turn + 0.3
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True) if unit else rows).astype("f4")


def near(found, rows):
    return found.dtype == rows.dtype and found.shape == rows.shape and bool(np.isfinite(found.astype("f8")).all())


def error(found, rows):
    rows = rows.astype("f8")
    return np.square(found - rows).sum() / np.square(rows - rows.mean(axis=0)).sum()


@pytest.mark.parametrize("name", ["unit", "plain", "short"])
def test_contract(name):
    rows = {"unit": embeddings(500), "plain": embeddings(500, unit=False), "short": embeddings(600, 3)}[name]
    check_codec("vectors", {name: rows}, same=lambda a, b: near(b, a), bytes_per_vector=20 if name != "short" else 3, chunk=100)


@pytest.mark.parametrize("rate", [4, 8, 16, 32])
def test_the_file_has_the_size_that_was_asked_for(rate):
    rows = embeddings(6000)
    coded = lacodec.encode(rows, "vectors", bytes_per_vector=rate)
    assert 0.97 * rate * len(rows) < len(coded) <= 1.01 * rate * len(rows)


def test_more_bytes_less_error():
    rows = embeddings()
    errors = [error(lacodec.decode(lacodec.encode(rows, "vectors", bytes_per_vector=rate)), rows) for rate in (4, 8, 16, 32)]
    assert errors == sorted(errors, reverse=True) and errors[0] < 0.5 and errors[-1] < 0.01
    lengths = np.linalg.norm(lacodec.decode(lacodec.encode(rows, "vectors", bytes_per_vector=8)), axis=1)
    assert np.abs(lengths - 1).max() < 1e-6


def test_better_than_steps_of_a_direct_quantiser():
    """What components and water-filling are for: at equal size, less than half the error of rounding the numbers themselves."""
    rows = embeddings()
    coded = lacodec.encode(rows, "vectors", bytes_per_vector=12)
    step = 2 * np.abs(rows).max() / 3.99  # two bits for each of 48 numbers: 12 bytes
    assert error(lacodec.decode(coded), rows) < 0.5 * error(np.rint(rows / step) * step, rows)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1", "i1"])
def test_types(dtype):
    rows = embeddings(unit=False)
    rows = (rows * 20 + (128 if dtype == "u1" else 0)).clip(-127, 255 if dtype == "u1" else 127).astype(dtype)
    found = lacodec.decode(lacodec.encode(rows, "vectors", bytes_per_vector=24))
    assert near(found, rows) and error(found, rows) < 0.05
    big = lacodec.decode(lacodec.encode(rows.astype(f">{dtype}")[:, ::-1], "vectors", bytes_per_vector=24))
    assert near(big, rows)


def test_parts():
    rows = embeddings()
    coded = lacodec.encode(rows, "vectors", bytes_per_vector=16, chunk=500)
    whole = lacodec.decode(coded)
    with lacodec.open(coded) as opened:
        assert opened.shape == rows.shape and opened.dtype == rows.dtype
        for key in (slice(None), slice(499, 501), 7, slice(2999, None), slice(10, 5), (slice(0, 9, 2), slice(1, 4)), -1):
            assert np.array_equal(opened[key], whole[key])
        index = opened._reader.index
        assert len(opened._decoding.codec.select(opened.header, index, slice(499, 501))) == 2 and len(index) == 7
    last = bytearray(coded)
    last[index[-1].payload_offset + 9] ^= 1
    with lacodec.open(bytes(last)) as opened:
        assert np.array_equal(opened[:2500], whole[:2500])
        with pytest.raises(CorruptFile):
            opened[2500:]


@pytest.mark.parametrize("kind", ["fvecs", "bvecs", "npy"])
def test_files(tmp_path, kind):
    rows = embeddings(800, 16, unit=False)
    rows = rows if kind != "bvecs" else (rows * 20 + 128).clip(0, 255).astype("u1")
    if kind == "npy":
        np.save(tmp_path / "x.npy", rows)
    else:
        heads = np.full((len(rows), 1), 16, "<i4").view("u1")
        (tmp_path / f"x.{kind}").write_bytes(np.concatenate([heads, rows.view("u1")], axis=1).tobytes())
    lacodec.encode_file(tmp_path / f"x.{kind}", tmp_path / "x.lac", "vectors", bytes_per_vector=10)
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / f"y.{kind}")
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "z.npy")
    found = np.load(tmp_path / "z.npy")
    assert near(found, rows) and np.array_equal(found, lacodec.decode(tmp_path / "x.lac"))
    if kind != "npy":
        assert (tmp_path / f"y.{kind}").stat().st_size == (tmp_path / f"x.{kind}").stat().st_size
        again = lacodec.encode((tmp_path / f"y.{kind}").read_bytes(), "vectors", bytes_per_vector=1000 if kind == "npy" else 10)
        assert near(lacodec.decode(again), rows)
    assert lacodec.info(tmp_path / "x.lac").identical == "none"


@pytest.mark.parametrize("d", [1, 2, 40])
def test_sorted_vectors_are_smaller_and_the_same_ones(d):
    """The numbers are those of the ordered file where the model is the same: here the sizes differ, and the error shrinks."""
    rows = embeddings(5000, d, unit=False)
    kept, loose = (lacodec.encode(rows, "vectors", bytes_per_vector=d / 2, ordered=ordered) for ordered in (True, False))
    assert lacodec.info(loose).metadata["ordered"] is False
    assert len(loose) <= 1.01 * d / 2 * len(rows)
    found = lacodec.decode(loose)
    one, two = (np.sort(array.astype("f8")[:, 0]) for array in (found, rows))
    assert np.abs(one - two).mean() < 0.3 * two.std()
    if d > 2:
        best = lacodec.decode(kept)
        chosen = rows[::50]
        nearest = [((chosen[:, None] - array[None]) ** 2).sum(axis=2).min(axis=1).mean() for array in (best, found)]
        assert nearest[1] < nearest[0]
    with lacodec.open(loose) as opened:
        assert np.array_equal(opened[4090:4100], found[4090:4100])


@pytest.mark.plain
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1"])
def test_plain_reader(dtype, ordered):
    rows = embeddings(300, 12, unit=dtype == "f4")
    rows = (rows * 20 + 128).clip(0, 255).astype("u1") if dtype == "u1" else rows.astype(dtype)
    rows[7] = rows[7].max() * 3 if dtype == "f8" else rows[7]
    coded = lacodec.encode(rows, "vectors", bytes_per_vector=8, chunk=120, ordered=ordered)
    assert restore(coded).content == b"".join(VECTORS.to_blocks(VECTORS.from_object(lacodec.decode(coded))))


def test_without_a_rate_nothing_is_lost():
    rows = embeddings()
    rows[0, :3] = np.nan, np.inf, -0.0
    coded = lacodec.encode(rows, "vectors")
    assert lacodec.decode(coded).tobytes() == rows.tobytes()
    with lacodec.open(coded) as opened:
        assert opened.header.codec == "arrays"
        assert opened[7:9].tobytes() == rows[7:9].tobytes()
    with lacodec.open(lacodec.encode(rows)) as opened:  # never lossy by itself
        assert opened.header.identical == "bytes"


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((0, 5), "f4"),
        np.zeros((1, 1), "f4"),
        np.ones((9, 4), "f8"),
        np.full((50, 3), 3e38, "f4"),
        np.full((50, 3), 1e-45, "f4"),
        np.full((50, 3), -65504, "f2"),
        np.array([[1.7e308, -1.7e308], [5e-324, 0]] * 40),
        np.eye(200, dtype="f4"),
        np.arange(4000, dtype="f8").reshape(-1, 2) ** 5,
        np.full((70, 4), 255, "u1"),
    ],
)
def test_extremes(rows):
    rate = 1.2 * rows.shape[1]
    try:
        coded = lacodec.encode(rows, "vectors", bytes_per_vector=rate)
    except BadInput as found:
        assert "do not fit" in str(found)
        coded = lacodec.encode(np.tile(rows, (1000, 1)), "vectors", bytes_per_vector=rate)
        rows = np.tile(rows, (1000, 1))
    found = lacodec.decode(coded)
    assert near(found, rows)
    if len(rows):
        scale = np.abs(rows.astype("f8")).max() or 1.0
        assert np.abs(found / scale - rows / scale).max() <= 0.5
    assert restore(coded).content.endswith(found.tobytes())


@given(
    arrays(st.sampled_from(["f2", "f4", "f8", "u1", "i1"]), st.tuples(st.integers(0, 40), st.integers(1, 9))),
    st.floats(0.1, 12),
)
def test_any_numbers(rows, rate):
    try:
        coded = lacodec.encode(rows, "vectors", bytes_per_vector=rate)
    except BadInput as found:
        assert any(text in str(found) for text in ("do not fit", "NaN", "above"))
        return
    assert near(lacodec.decode(coded), rows)


def test_refused():
    rows = embeddings(100)
    for wrong in (
        {"bytes_per_vector": 0},
        {"bytes_per_vector": "32"},
        {"bytes_per_vector": float("nan")},
        {"chunk": 0},
        {"effort": 0},
    ):
        with pytest.raises(BadInput):
            lacodec.codec("vectors", **wrong)
    for value in (rows[0], rows.astype("i4"), rows[None], [1.0], np.zeros((3, 0), "f4")):
        with pytest.raises(BadInput):
            lacodec.encode(value, "vectors", bytes_per_vector=32)
    rows[3, 3] = np.nan
    with pytest.raises(BadInput, match="NaN"):
        lacodec.encode(rows, "vectors", bytes_per_vector=32)
    with pytest.raises(BadInput, match="do not fit into 0.1 bytes each; the least found is"):
        lacodec.encode(embeddings(100), "vectors", bytes_per_vector=0.1)
    with pytest.raises(BadInput, match="use codec 'arrays'"):
        lacodec.encode(embeddings(100), "vectors", bytes_per_vector=1000)
    for data in (b"", b"abc", b"\4\0\0\0" + b"x" * 17):
        with pytest.raises(LacodecError):
            lacodec.encode(data, "vectors", bytes_per_vector=4)
