"""Codec `points`: clouds of every kind come back as they are, from objects and from files; and parts of them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lacodec
from lacodec import api
from lacodec.codecs import registry
from lacodec.codecs.points.spinning.imitation import kitti_sweep
from lacodec.container import Reader
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.testing import check_codec
from tests.strength import examples
from tools.golden import points as golden

SWEEP = kitti_sweep(seed=3, step=25)
ODD = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-40, 3e38, 1.5, 0.1, 70.001], np.float32)


def bytes_of(cloud):
    return cloud.source.read(0, 1 << 40)


def same(original, found):
    if isinstance(original, np.ndarray):
        return found.records.tobytes() == original.tobytes()
    return bytes_of(found) == original


def restored(data, **options):
    encoded = lacodec.encode(data, "points", verify=True, **options)
    assert same(data, lacodec.decode(encoded))
    return encoded


@pytest.mark.parametrize("effort", [1, 5, 9])
def test_contract(effort):
    values = {
        "nothing": b"",
        "one point": SWEEP[:1].tobytes(),
        "a sweep": SWEEP[:3000].tobytes(),
        "odd": np.tile(ODD, 16).tobytes(),
        "las": golden.content("las"),
        "records": np.zeros(3, "<f4,>i2,u1"),
    }
    check_codec("points", values, same=same, effort=effort)


@pytest.mark.parametrize("effort", range(1, 10))
def test_sweeps_of_every_effort(effort):
    encoded = restored(SWEEP.tobytes(), effort=effort)
    assert len(encoded) < SWEEP.nbytes / 8
    assert lacodec.encode(SWEEP.tobytes(), "points", effort=effort, threads=2) == encoded


@pytest.mark.parametrize("name", golden.FILES)
def test_files(name, tmp_path):
    (tmp_path / "in").write_bytes(golden.content(name))
    api.encode_file(tmp_path / "in", tmp_path / "x.lac", "points", effort=2)
    assert api.info(tmp_path / "x.lac").identical == "bytes"
    api.decode_file(tmp_path / "x.lac", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == golden.content(name)


@pytest.mark.parametrize(("name", "codec"), [("sweep", "points"), ("rings", "points"), ("las", "points"), ("lattice", "arrays")])
def test_the_codec_by_content(name, codec, tmp_path):
    (tmp_path / "in").write_bytes(golden.content(name))
    api.encode_file(tmp_path / "in", tmp_path / "x.lac", effort=1)
    assert api.info(tmp_path / "x.lac").codec == codec
    api.decode_file(tmp_path / "x.lac", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == golden.content(name)


def test_other_floats_are_no_points(tmp_path):
    rng = np.random.default_rng(1)
    for data in (rng.normal(0, 1, 4096).astype("<f4"), np.zeros(4096, "<f4"), np.arange(4096, dtype="<f4") / 100):
        assert next(registry.by_content(data.tobytes()[:256]), None) is None


@examples(60)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 90), st.integers(1, 7)), elements=st.floats(width=32)),
    st.sampled_from([1, 2, 5]),
)
def test_any_floats(array, effort):
    found = lacodec.decode(lacodec.encode(array, "points", effort=effort))
    assert found.records.tobytes() == array.tobytes()


@examples(40)
@given(st.data())
def test_damaged_sweeps(data):
    """Points that no sensor measured, anywhere in a sweep."""
    points = SWEEP[: data.draw(st.integers(1, 2500))].copy()
    for _ in range(data.draw(st.integers(0, 12))):
        row, column = data.draw(st.integers(0, len(points) - 1)), data.draw(st.integers(0, 3))
        points[row, column] = data.draw(st.sampled_from([*ODD.tolist(), *points[0].tolist()]))
    if data.draw(st.booleans()):
        first = data.draw(st.integers(0, len(points)))
        points = np.roll(points, first, axis=0)
    restored(points.tobytes(), effort=data.draw(st.sampled_from([1, 4])))


@pytest.mark.slow
@pytest.mark.parametrize("effort", [1, 5])
def test_sweeps_in_other_forms(effort):
    shuffled = np.random.default_rng(1).permutation(SWEEP)
    other = SWEEP.copy()
    other[:, :3] *= np.float32(1.1)
    for points in (SWEEP[::-1], SWEEP[::3], shuffled, other, SWEEP[len(SWEEP) // 2 :], np.concatenate([SWEEP, SWEEP[:4000]])):
        restored(np.ascontiguousarray(points).tobytes(), effort=effort)
    doubled = np.repeat(SWEEP[:2000], 2, axis=0)
    restored(doubled.tobytes(), effort=effort)


def test_more_columns_and_other_intensities():
    more = np.zeros(len(SWEEP), [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("i", ">u2"), ("t", "<f8")])
    for i, name in enumerate("xyz"):
        more[name] = SWEEP[:, i]
    more["i"], more["t"] = np.arange(len(SWEEP)) % 700, np.arange(len(SWEEP)) * 1e-6
    restored(more, effort=4)
    loud = SWEEP.copy()
    loud[:, 3] += np.float32(0.001)
    restored(loud.tobytes(), effort=4)


def test_parts():
    points = np.tile(SWEEP, (30, 1))  # several chunks
    encoded = lacodec.encode(points.tobytes(), "points", effort=1)
    assert len(Reader(BytesSource(encoded)).index) > 1
    with lacodec.open(encoded) as opened:
        assert opened.shape == (len(points),) and opened.keys()[1:] == ["x", "y", "z", "intensity"]
        for key in (slice(5, 9), slice(-100_000, None, 7), slice(262_000, 262_300)):
            assert opened[key].tobytes() == points[key].tobytes()
            assert opened["y", key].tobytes() == points[key][:, 1].tobytes()
        assert opened[7]["z"] == points[7, 2] and np.array_equal(opened["x"], points[:, 0])
        for key in ("w", 1.5, ("x", 1, 2)):
            with pytest.raises(BadInput):
                opened[key]


def test_columns_can_be_named():
    data = np.random.default_rng(2).normal(0, 1, (200, 6)).astype("<f4")
    encoded = restored(data.tobytes(), columns="x,y,z,red,green,blue")
    found = lacodec.decode(encoded)
    assert found.columns.names == ("x", "y", "z", "red", "green", "blue") and np.array_equal(found["blue"], data[:, 5])
    with pytest.raises(BadInput, match="no column"):
        found["ring"]
    for wrong in ("x,x", "", "x,,y"):
        with pytest.raises(BadInput, match="columns must be"):
            lacodec.encode(data.tobytes(), "points", columns=wrong)
    with pytest.raises(BadInput, match="no whole number"):
        lacodec.encode(data.tobytes(), "points", columns="x,y,z,w,v,u,t")
    with pytest.raises(BadInput, match="names its columns itself"):
        lacodec.encode(golden.content("las"), "points", columns="x,y")


def test_what_is_not_a_cloud():
    for wrong in (np.zeros((2, 2, 2)), np.zeros(3, "S4"), np.zeros((3, 2), "c8"), "text", [1.0]):
        with pytest.raises((BadInput, UnsupportedFile)):
            lacodec.encode(wrong, "points")
    with pytest.raises(UnsupportedFile, match="whole number of records"):
        lacodec.encode(b"12345" * 3, "points")


def test_arrays_in_and_out():
    out = io.BytesIO()
    np.save(out, SWEEP)
    assert bytes_of(lacodec.decode(lacodec.encode(out.getvalue(), "points", effort=1))) == out.getvalue()
    written = bytes_of(lacodec.decode(lacodec.encode(SWEEP, "points", effort=1)))
    assert np.load(io.BytesIO(written)).tobytes() == SWEEP.tobytes()
    found = lacodec.decode(lacodec.encode(SWEEP, "points", effort=1))
    assert (found.format, len(found)) == ("npy", len(SWEEP)) and np.array_equal(found["intensity"], SWEEP[:, 3])
    assert lacodec.decode(lacodec.encode(found)).records.tobytes() == SWEEP.tobytes()


def test_what_info_says(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.encode(golden.content("las"), "points"))
    found = api.info(tmp_path / "x.lac")
    assert found.metadata["points"] == 500 and found.metadata["columns"]["time"] == "<f8"


@pytest.mark.parametrize("effort", [1, 5])
def test_rounded_coordinates(effort, tmp_path):
    rng = np.random.default_rng(1)
    points = rng.normal(0, 40, (3000, 4)).astype("<f4")
    points[:11, 0], points[20:31, 2], points[40, 1] = ODD, ODD, 1e7
    encoded = lacodec.encode(points.tobytes(), "points", effort=effort, step=0.001, verify=True)
    found = lacodec.decode(encoded)
    with np.errstate(invalid="ignore"):
        apart = np.abs(found.records.view("<f4").reshape(-1, 4).astype(float) - points.astype(float))
    assert np.nanmax(np.where(np.isfinite(points), apart, 0)[:, :3]) <= 0.0005 and (apart[:, :3] > 1e-4).mean() > 0.5
    assert np.array_equal(np.isnan(found["x"]), np.isnan(points[:, 0])) and np.signbit(found["x"][1])
    assert found["intensity"].tobytes() == points[:, 3].tobytes()
    if effort == 5:
        assert len(encoded) < 0.85 * len(lacodec.encode(points.tobytes(), "points", effort=effort))
    (tmp_path / "x.bin").write_bytes(points.tobytes())
    api.encode_file(tmp_path / "x.bin", tmp_path / "x.lac", "points", effort=effort, step=0.001)
    assert api.info(tmp_path / "x.lac").identical == "none" and api.info(tmp_path / "x.lac").options["step"] == 0.001


def test_rounding_leaves_sweeps_as_they_are():
    assert same(SWEEP.tobytes(), lacodec.decode(lacodec.encode(SWEEP.tobytes(), "points", step=0.1)))


def test_steps_that_are_none():
    for wrong in (0, -1, True, "1 mm", float("nan"), float("inf")):
        with pytest.raises(BadInput, match="step must be"):
            lacodec.encode(SWEEP.tobytes(), "points", step=wrong)
    with pytest.raises(BadInput, match="that are floats"):
        lacodec.encode(golden.content("las"), "points", step=0.1)
