"""Sweeps of a moving car: what the fit finds, and what damaged and forged ones are answered with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs import embedded
from lacodec.codecs.pieces import Reader
from lacodec.codecs.points.moving import _sweep, payload
from lacodec.codecs.points.moving._place_kernel import poses
from lacodec.codecs.points.moving.imitation import nuscenes_sweep
from lacodec.codecs.points.moving.sensor import azimuth_of, azimuths, elevations, times
from lacodec.codecs.session import DEFAULT
from lacodec.container import Header
from lacodec.container import Reader as Container
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.points import bins
from lacodec.media.points.value import Columns
from reference.points_moving import Tables, pose
from tests.strength import examples

NUSCENES = Columns(bins.NUSCENES, ("<f4",) * 5)
SWEEP = nuscenes_sweep(seed=3, columns=250, share=0.3)
ODD = [0.0, -0.0, 1e-45, -1e-40, 3e38, float("inf"), float("nan"), 0.1, -71.25, 1e3]


def records(points):
    return np.ascontiguousarray(points, np.float32).view(NUSCENES.dtype).reshape(-1)


def unembed(data, size):
    return embedded.unembed("bytes", data, size, Header("points", 1, {}, nested={"bytes": 2}))


def method_of(encoded):
    """Of a sweep that begins the file."""
    reader = Container(BytesSource(encoded))
    return reader.chunk(0).payload[3]  # after the lead, 0, and a count of two bytes


def check(points, effort=5):
    encoded = lacodec.encode(np.ascontiguousarray(points).tobytes(), "points", effort=effort)
    assert lacodec.decode(encoded).source.read(0, 1 << 40) == points.tobytes()
    return encoded


def test_tables_are_the_nearest_singles():
    tables = Tables()
    assert np.array_equal(azimuths(), np.array(tables.azimuths)) and np.array_equal(elevations(), np.array(tables.elevations))
    angles = np.radians(np.arange(36000) / 100)
    assert np.abs(azimuths() - np.stack([np.cos(angles), np.sin(angles)], axis=1)).max() < 4e-8


def test_poses_are_those_of_the_reference():
    rng = np.random.default_rng(1)
    lines = rng.normal(0, 0.3, (4, 12))
    clock = times(40, 5, 3)
    out = np.empty((40, 12))
    poses(lines, np.repeat(np.arange(4), 10), clock, out)
    for i in range(40):
        rows, place = pose(lines[i // 10].tolist(), float(clock[i]) * 1e-4)
        assert out[i].tolist() == [*rows[0], *rows[1], *rows[2], *place]
        turn = out[i, :9].reshape(3, 3)
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-14)


def test_azimuths_of_a_column():
    assert azimuth_of(np.array([100]), np.array([33]), np.array([0]))[0] == 100
    assert azimuth_of(np.array([35990]), np.array([34]), np.array([15]))[0] == (35990 + 26) % 36000


@pytest.mark.parametrize("effort", [4, 9])
def test_a_sweep_is_found(effort):
    encoded = check(SWEEP, effort)
    assert method_of(encoded) == 3
    coordinates = lacodec.encode(np.ascontiguousarray(SWEEP[:, :3]), "points", effort=effort)
    assert 8 * len(coordinates) < 8 * len(SWEEP)


def test_efforts_without_a_fit():
    assert method_of(check(SWEEP, 1)) == 7


def test_a_sweep_on_no_lattice_that_is_found(monkeypatch):
    monkeypatch.setattr(_sweep, "frame_of", lambda xyz: None)
    encoded = check(SWEEP)
    coordinates = lacodec.encode(np.ascontiguousarray(SWEEP[:, :3]), "points", effort=4)
    assert method_of(encoded) == 3 and 8 * len(coordinates) < 32 * len(SWEEP)


@examples(8)
@given(st.data())
def test_damaged_sweeps(data):
    points = SWEEP[: 32 * data.draw(st.integers(200, 250))].copy()
    for _ in range(data.draw(st.integers(0, 30))):
        row, column = data.draw(st.integers(0, len(points) - 1)), data.draw(st.integers(0, 4))
        points[row, column] = data.draw(st.sampled_from(ODD[: data.draw(st.sampled_from([5, 10]))]))
    if data.draw(st.booleans()):
        points = points[data.draw(st.integers(0, 31)) :]
    check(points)


@pytest.mark.parametrize("kind", ["noise", "still", "nothing", "shuffled", "no lattice", "all return", "one ring"])
def test_what_is_no_sweep(kind):
    rng = np.random.default_rng(1)
    points = SWEEP.copy()
    if kind == "noise":
        points[:, :3] = rng.normal(0, 20, (len(points), 3))
    elif kind == "still":
        points[:, :3] = np.tile(points[:32, :3], (250, 1))
    elif kind == "nothing":
        points[:, :3] = 0
    elif kind == "shuffled":
        points = rng.permutation(points)
    elif kind == "no lattice":
        points[:, :3] += rng.normal(0, 1e-3, (len(points), 3)).astype(np.float32)
    elif kind == "all return":
        points = nuscenes_sweep(seed=4, columns=220, share=1.0)
    else:
        points[points[:, 4] != 7, :3] = 0
    check(points)


def test_forged_sections_give_only_our_errors():
    coded = payload.encode(records(SWEEP), NUSCENES, 5, DEFAULT)
    out = np.zeros(len(SWEEP), NUSCENES.dtype)
    payload.decode(Reader(coded), NUSCENES, out, unembed)
    assert out.tobytes() == SWEEP.tobytes()
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        forged = bytearray(coded)
        for _ in range(rng.integers(1, 4)):
            forged[rng.integers(0, 500 if rng.random() < 0.7 else len(forged))] = rng.integers(0, 256)
        try:
            payload.decode(Reader(bytes(forged)), NUSCENES, np.zeros(len(SWEEP), NUSCENES.dtype), unembed)
        except CorruptFile:
            refused += 1
    assert refused > 80
    for size in range(0, len(coded), 211):
        with pytest.raises(CorruptFile):
            payload.decode(Reader(coded[:size]), NUSCENES, np.zeros(len(SWEEP), NUSCENES.dtype), unembed)
    for at, value in ((1, 12), (2, 25)):
        with pytest.raises(CorruptFile, match="clock"):
            payload.decode(Reader(coded[:at] + bytes([value]) + coded[at + 1 :]), NUSCENES, out, unembed)
    for number, value in ((0, 3.0), (9, 1e7), (12, float("nan")), (15, 1e-20), (18, -5.0), (27, float("inf"))):
        at = 3 + 8 * number
        forged = coded[:at] + np.float64(value).tobytes() + coded[at + 8 :]
        with pytest.raises(CorruptFile, match="impossible map"):
            payload.decode(Reader(forged), NUSCENES, out, unembed)


@pytest.mark.parametrize("kind", ["negative zero", "too large", "parts", "no number", "other rings"])
def test_other_intensities_and_rings(kind):
    points = SWEEP.copy()
    if kind == "other rings":
        points[40, 4] = 9
    else:
        points[33, 3] = {"negative zero": -0.0, "too large": 256, "parts": 0.5, "no number": np.nan}[kind]
    assert method_of(check(points)) == 3


def test_intensities_without_rings():
    array = np.ascontiguousarray(SWEEP[:, :4])
    encoded = lacodec.encode(array.tobytes(), "points", columns="x,y,z,intensity")
    assert method_of(encoded) == 3 and lacodec.decode(encoded).source.read(0, 1 << 40) == array.tobytes()


def test_intensities_by_rings_pay():
    spoilt = SWEEP.copy()
    spoilt[33, 3] = 0.5  # so that they go through the coder of any column
    assert len(check(SWEEP)) < 0.95 * len(check(spoilt))


def test_forged_columns():
    coded = payload.encode(records(SWEEP), NUSCENES, 5, DEFAULT)
    xyz = Columns(bins.NUSCENES[:3], ("<f4",) * 3)
    at = len(payload.encode(records(SWEEP)[["x", "y", "z"]], xyz, 5, DEFAULT)) - 1
    out = np.zeros(len(SWEEP), NUSCENES.dtype)
    assert coded[at] == 3
    with pytest.raises(CorruptFile, match="columns"):
        payload.decode(Reader(coded[:at] + bytes([4]) + coded[at + 1 :]), NUSCENES, out, unembed)
    with pytest.raises(CorruptFile, match="columns"):
        payload.decode(Reader(coded), xyz, np.zeros(len(SWEEP), xyz.dtype), unembed)
    rng = np.random.default_rng(3)
    for _ in range(100):
        forged = bytearray(coded)
        for place in rng.integers(at + 1, len(coded), 2):
            forged[place] = rng.integers(0, 256)
        try:
            payload.decode(Reader(bytes(forged)), NUSCENES, out, unembed)
        except CorruptFile:
            continue
