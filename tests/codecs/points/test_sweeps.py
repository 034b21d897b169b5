"""Sweeps of the KITTI sensor: geometry, its inverse, sections, and what forged ones are answered with."""

import math

import numpy as np
import pytest

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.spinning import payload, sections
from lacodec.codecs.points.spinning._grid import from_grid, to_grid
from lacodec.codecs.points.spinning.calibration import RINGS, TICKS, kitti
from lacodec.codecs.points.spinning.fit import fit, predicted
from lacodec.codecs.points.spinning.imitation import kitti_sweep
from lacodec.codecs.session import DEFAULT
from lacodec.errors import CorruptFile
from lacodec.media.points import bins
from lacodec.media.points.value import Columns
from reference.points_sensor import Sensor

KITTI = Columns(bins.KITTI, ("<f4",) * 4)


def numbers(count, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, RINGS, count, np.uint8), rng.integers(0, TICKS, count), rng.integers(0, 60_000, count)


def records(points):
    return np.ascontiguousarray(points).view(KITTI.dtype).reshape(-1)


def unembed(data, size):
    raise CorruptFile("no bytes here")


def no_frame():
    raise CorruptFile("no frame before")


def test_tables_are_the_nearest_doubles():
    ticks = kitti().ticks
    assert ticks[0].tolist() == [1, 0] and ticks[1000].tolist() == [0, 1] and ticks[2000].tolist() == [-1, 0]
    for t in range(0, TICKS, 37):
        assert ticks[t].tolist() == pytest.approx([math.cos(math.pi * t / 2000), math.sin(math.pi * t / 2000)], abs=2e-15)
    assert np.allclose(kitti().rings[:, :2] ** 2 @ [1, 1], 1, atol=1e-15)


def test_places_are_those_of_the_reference():
    ring, tick, count = numbers(2000)
    whole, edges, signs = predicted(ring, tick, count, kitti())
    sensor = Sensor()
    for i in range(len(ring)):
        exact = sensor.place(int(ring[i]), int(tick[i]), int(count[i]))
        assert whole[i].tolist() == [math.floor(value + 0.5) for value in exact]
        assert edges[i].tolist() == [int((value + 0.5 - math.floor(value + 0.5)) * 64) for value in exact]
        assert signs[i].tolist() == [value < 0 for value in exact]


def test_the_fit_finds_what_was_measured():
    points = kitti_sweep(seed=5, step=3)
    whole, off = to_grid(points[:, :3], 1000.0)
    assert not len(off)
    sweep = fit(whole, kitti())
    assert len(sweep.rings) == RINGS and sweep.rings.tolist() == list(range(RINGS))
    again, _, _ = predicted(sweep.ring_of, sweep.ticks, sweep.counts, kitti())
    assert np.array_equal(again, whole)


@pytest.mark.parametrize("kind", ["noise", "shuffled", "scaled", "zeros", "few"])
def test_what_is_no_sweep(kind):
    points = kitti_sweep(seed=5, step=20)
    rng = np.random.default_rng(1)
    if kind == "noise":
        points = rng.normal(0, 30, points.shape).astype(np.float32)
    elif kind == "shuffled":
        points = rng.permutation(points)
    elif kind == "scaled":
        points[:, :3] = np.rint(points[:, :3] * np.array([1, 1, 1.3]) * 1000) / 1000
    elif kind == "zeros":
        points[:] = 0
    else:
        points = points[:20]
    assert payload.encode(records(points), KITTI, 5, DEFAULT) is None


def test_the_grid_keeps_every_bit():
    rng = np.random.default_rng(1)
    whole = rng.integers(-100_000, 100_000, (3000, 3))
    whole[:50, 1] = 0
    xyz = from_grid(whole, rng.integers(0, 2, whole.shape), 1000.0)
    xyz[7, 0], xyz[8, 1], xyz[9] = np.nan, np.inf, 1e-42
    found, off = to_grid(xyz, 1000.0)
    assert off.tolist() == [7, 8, 9]
    again = from_grid(found, np.signbit(xyz), 1000.0)
    again[off] = xyz[off]
    assert again.tobytes() == xyz.tobytes()
    xyz[:100] = np.nan
    assert to_grid(xyz, 1000.0) is None


@pytest.mark.parametrize("effort", [1, 5, 9])
def test_sections(effort):
    points = kitti_sweep(seed=8, step=30)
    coded = payload.encode(records(points), KITTI, effort, DEFAULT)
    out = np.zeros(len(points), KITTI.dtype)
    reader = Reader(coded)
    payload.decode(reader, KITTI, out, unembed, no_frame)
    reader.finish()
    assert out.tobytes() == points.tobytes()
    for size in range(0, len(coded), 97):
        with pytest.raises(CorruptFile):
            payload.decode(Reader(coded[:size]), KITTI, np.zeros(len(points), KITTI.dtype), unembed, no_frame)


@pytest.mark.parametrize("effort", [1, 5])
def test_forged_sections_give_only_our_errors(effort):
    points = kitti_sweep(seed=8, step=100)
    coded = payload.encode(records(points), KITTI, effort, DEFAULT)
    rng = np.random.default_rng(1)
    outcomes = {"decoded": 0, "refused": 0}
    for _ in range(400):
        forged = bytearray(coded)
        for _ in range(rng.integers(1, 4)):
            near_the_front = rng.random() < 0.6
            forged[rng.integers(0, 400 if near_the_front else len(forged))] = rng.integers(0, 256)
        try:
            payload.decode(Reader(bytes(forged)), KITTI, np.zeros(len(points), KITTI.dtype), unembed, no_frame)
            outcomes["decoded"] += 1
        except CorruptFile:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 300


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([(64, 10, 0)], "impossible ring"),
        ([(-1, 10, 0)], "impossible ring"),
        ([(3, 11, 0)], "impossible ring, size"),
        ([(3, 0, 0), (4, 10, 0)], "impossible ring, size"),
        ([(3, 9, 0)], "do not make up"),
        ([(3, 10, 4000)], "impossible ring, size"),
        ([(1, 1, 0)] * 100, "claims 100 runs"),
    ],
)
def test_impossible_runs(runs, message):
    out = Writer()
    out.number(len(runs))
    before = -1
    for ring, size, first in runs:
        out.signed(ring - before)
        out.numbers([size, first])
        before = ring
    with pytest.raises(CorruptFile, match=message):
        sections.read_runs(Reader(bytes(out.data)), 10)


def test_more_points_than_a_turn_has_ticks():
    rings, starts, places, used = np.zeros(1, np.uint8), np.array([0, 5]), np.arange(5), np.arange(5) * 7
    out = Writer()
    sections.write_places(out, rings, starts, places, used)
    found, ticks, _ = sections.read_places(Reader(bytes(out.data)), rings, starts, np.array([0]))
    assert np.array_equal(found, places) and np.array_equal(ticks, used)
    for starts, firsts in ((np.array([0, 6]), [0]), (np.array([0, 5]), [5])):
        with pytest.raises(CorruptFile):
            sections.read_places(Reader(bytes(out.data)), rings, starts, np.array(firsts))


def test_a_sweep_of_equal_ranges():
    ring = np.repeat(np.arange(RINGS, dtype=np.uint8), 40)
    whole, _, _ = predicted(ring, np.tile(np.arange(100, 140), RINGS), np.full(len(ring), 5000), kitti())
    points = np.zeros((len(ring), 4), np.float32)
    points[:, :3] = from_grid(whole, np.zeros(whole.shape), 1000.0)
    encoded = lacodec.encode(points.tobytes(), "points", effort=9)
    assert lacodec.decode(encoded).records.tobytes() == points.tobytes()
