"""Records by firings and by lasers: when those orders are taken, and what forged ones are answered with."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.pieces import Reader
from lacodec.codecs.points import _firings, _lanes, _records
from lacodec.codecs.points.moving.imitation import nuscenes_sweep
from lacodec.codecs.session import DEFAULT
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

SWEEP = nuscenes_sweep(seed=5, columns=230, share=0.8)
COLUMNS = Columns(("x", "y", "laser_number", "z", "ring"), ("<f4", "<f4", "<i2", "<f4", "<f4"))


def unembed(data, size):
    raise CorruptFile("no bytes here")


def some(count=4700):
    """Points of many bits in firing order, those without a return left out."""
    there = SWEEP[SWEEP[:, 0] ** 2 + SWEEP[:, 1] ** 2 > 4][:count]
    out = np.zeros(len(there), COLUMNS.dtype)
    noise = np.random.default_rng(1).normal(0, 1e-4, (len(there), 3))
    for i, name in enumerate("xyz"):
        out[name] = there[:, i] + noise[:, i]
    out["ring"], out["laser_number"] = there[:, 4], 7 - there[:, 4]
    return out


@pytest.mark.parametrize("effort", [1, 4])
def test_the_order_of_the_lasers_is_taken(effort):
    points = some()
    coded = _lanes.encode_lanes(points, COLUMNS, effort, DEFAULT)
    assert coded[0] == 3
    assert len(coded) < 0.96 * len(_records.encode_records(points, COLUMNS, effort, DEFAULT))
    encoded = lacodec.encode(points, "points", effort=effort)
    assert lacodec.decode(encoded).records.tobytes() == points.tobytes()


def test_lasers_are_told_apart():
    points = some(4200)[["x", "y", "z"]].astype([(name, "<f4") for name in "xyz"])
    columns = Columns(("x", "y", "z"), ("<f4",) * 3)
    coded = _lanes.encode_lanes(points, columns, 4, DEFAULT)
    assert coded[0] == 0
    rng = np.random.default_rng(1)
    assert _lanes.encode_lanes(rng.permutation(points), columns, 4, DEFAULT) is None
    assert _lanes.encode_lanes(points, columns, 3, DEFAULT) is None
    odd = points.copy()
    odd["x"][::100], odd["z"][::77], odd["y"][::99] = np.nan, np.inf, -0.0
    assert lacodec.decode(lacodec.encode(odd, "points", effort=4)).records.tobytes() == odd.tobytes()


def test_firings():
    columns = Columns(("x", "y", "z", "intensity", "ring"), ("<f4",) * 5)
    points = SWEEP.view(columns.dtype).reshape(-1)
    for effort in (1, 4, 9):
        assert _firings.encode_firings(points, columns, effort, DEFAULT)[0] == 32
    for cut in (points[1:], points[:-1], points[:0], points[:31]):
        assert _firings.encode_firings(cut, columns, 9, DEFAULT) is None
    assert len(_firings.encode_firings(points, columns, 1, DEFAULT)) < len(_records.encode_records(points, columns, 1, DEFAULT))
    assert lacodec.decode(lacodec.encode(SWEEP.tobytes(), "points", effort=1)).records.tobytes() == SWEEP.tobytes()


def test_firings_without_rings():
    columns = Columns(("x", "y", "z"), ("<f4",) * 3)
    rng = np.random.default_rng(1)
    azimuth, slopes = np.linspace(0, 6, 300)[:, None], rng.permutation(np.linspace(-0.6, 0.2, 32))
    distance = 12 + 3 * np.sin(3 * azimuth) + rng.normal(0, 0.01, (300, 32))
    places = np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth), distance * slopes], axis=-1)
    points = places.astype(np.float32).reshape(-1, 3).view(columns.dtype).reshape(-1)
    for effort in (1, 2, 3):
        coded = _firings.encode_firings(points, columns, effort, DEFAULT)
        assert coded[0] == 32
        assert len(coded) < 0.9 * len(_records.encode_records(points, columns, effort, DEFAULT))
    assert _firings.encode_firings(points, columns, 4, DEFAULT) is None
    for others in (rng.permutation(points), points[1:], points[:96], points[:0]):
        assert _firings.encode_firings(others, columns, 2, DEFAULT) is None
    odd = points.copy()
    odd["x"][::100], odd["z"][::77], odd["y"][::99] = np.nan, np.inf, -0.0
    assert _firings.encode_firings(odd, columns, 2, DEFAULT)[0] == 32
    assert lacodec.decode(lacodec.encode(odd, "points", effort=2)).records.tobytes() == odd.tobytes()


def test_forged_orders():
    points = some()
    out = np.zeros(len(points), COLUMNS.dtype)
    lanes = _lanes.encode_lanes(points, COLUMNS, 1, DEFAULT)
    firings = _firings._coded(points[:4096], COLUMNS, 32, 1, DEFAULT)
    for source in (1, 6, 255):
        with pytest.raises(CorruptFile, match="tells none"):
            _lanes.decode_lanes(Reader(bytes([source]) + lanes[1:]), COLUMNS, out, unembed)
    for width in (0, 33, 127):
        with pytest.raises(CorruptFile, match="do not make up"):
            _firings.decode_firings(Reader(bytes([width]) + firings[1:]), COLUMNS, out[:4096], unembed)
    rng = np.random.default_rng(2)
    for coded, count, decode in ((lanes, len(points), _lanes.decode_lanes), (firings, 4096, _firings.decode_firings)):
        for _ in range(60):
            forged = bytearray(coded)
            for _ in range(rng.integers(1, 4)):
                forged[rng.integers(0, 300 if rng.random() < 0.7 else len(forged))] = rng.integers(0, 256)
            try:
                decode(Reader(bytes(forged)), COLUMNS, out[:count], unembed)
            except CorruptFile:
                continue
