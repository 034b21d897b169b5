"""Sweeps told from the frame before: what it shows, that it pays, and what happens without it."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.pieces import Reader
from lacodec.codecs.points.spinning import payload
from lacodec.codecs.points.spinning.before import Before
from lacodec.codecs.points.spinning.fit import fit
from lacodec.codecs.points.spinning.imitation import kitti_sweep
from lacodec.codecs.points.spinning.motion import find_motion
from lacodec.codecs.session import DEFAULT
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.points import bins
from lacodec.media.points.value import Columns
from reference.points_before import Before as PlainBefore

KITTI = Columns(bins.KITTI, ("<f4",) * 4)
BEFORE, NOW = kitti_sweep(seed=1, step=10), kitti_sweep(seed=2, step=20)
ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e38, 1e-40, 1.0]


def moved(angle, *place):
    place = place or (0, 0, 0)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0, place[0]], [s, c, 0, place[1]], [0, 0, 1, place[2]]])


def records(points):
    return np.ascontiguousarray(points).view(KITTI.dtype).reshape(-1)


def unembed(data, size):
    raise CorruptFile("no bytes here")


def decoded(coded, before=BEFORE):
    out = np.zeros(len(NOW), KITTI.dtype)
    payload.decode(Reader(coded), KITTI, out, unembed, lambda: records(before))
    return out


@pytest.mark.plain
@pytest.mark.parametrize("motion", [moved(0), moved(0.02, -1.1, 0.05, 0.01), moved(3.1, 2, -3, 0.5)])
def test_images_are_those_of_the_reference(motion):
    points = BEFORE[::3, :3].copy()
    rng = np.random.default_rng(1)
    points[rng.integers(0, len(points), 60), rng.integers(0, 3, 60)] = rng.choice(ODD, 60)
    ticks = np.arange(0, 4000, 90)
    image = Before(points, motion).image(ticks)
    plain = PlainBefore([tuple(point) for point in points.tolist()], tuple(motion.ravel().tolist()))
    assert image.tolist() == plain.image(ticks.tolist()) and (image > 0).mean() > 0.05


def test_the_motion_is_found():
    dense = kitti_sweep(seed=3, step=4)
    points = dense[:, :3].astype(np.float64)
    motion = moved(-0.01, 0.7, 0.03, 0.0)
    shifted = (points @ motion[:, :3].T + motion[:, 3]).astype(np.float32)
    sweep = fit(np.rint(points * 1000).astype(np.int64), payload.kitti())
    found = find_motion(shifted, sweep)
    back = (shifted @ found.motion[:, :3].T + found.motion[:, 3])[:: len(points) // 50]
    assert np.abs(back - points[:: len(points) // 50])[:, 2].max() < 0.2
    assert found.motion[0, 3] == pytest.approx(-0.7, abs=0.1)


@pytest.mark.parametrize("effort", [4, 9])
def test_it_pays(effort):
    alone = payload.encode(records(NOW), KITTI, effort, DEFAULT)
    coded = payload.encode(records(NOW), KITTI, effort, DEFAULT, records(BEFORE))
    assert coded[2] == 1 and alone[2] == 0 and len(coded) < len(alone)
    assert decoded(coded).tobytes() == NOW.tobytes()


@pytest.mark.parametrize("kind", ["nothing", "noise", "odd", "one"])
def test_a_useless_frame_before_is_not_used(kind):
    rng = np.random.default_rng(1)
    before = {
        "nothing": BEFORE[:0],
        "noise": rng.normal(0, 20, BEFORE.shape),
        "odd": rng.choice(ODD, BEFORE.shape),
        "one": BEFORE[:1],
    }[kind]
    coded = payload.encode(records(NOW), KITTI, 5, DEFAULT, records(before.astype(np.float32)))
    assert coded[2] == 0 and decoded(coded, None).tobytes() == NOW.tobytes()


def test_files(tmp_path):
    place, other = tmp_path / "0000000000.bin", tmp_path / "other.bin"
    place.write_bytes(BEFORE.tobytes())
    other.write_bytes((BEFORE * np.float32(0.5)).tobytes())
    encoded = lacodec.encode(NOW.tobytes(), "points", reference=place)
    assert lacodec.decode(encoded, base=place).source.read(0, 1 << 40) == NOW.tobytes()
    with pytest.raises(BadInput, match="needs its base.*0000000000.bin"):
        lacodec.decode(encoded).source.read(0, 1 << 40)
    with pytest.raises(BadInput, match="needs its base.*0000000000.bin"):
        lacodec.decode(encoded, base=other).source.read(0, 1 << 40)
    with pytest.raises(BadInput, match="effort of 4"):
        lacodec.encode(NOW.tobytes(), "points", reference=place, effort=3)
    with pytest.raises(BadInput, match="give the path"):
        lacodec.encode(NOW.tobytes(), "points", reference=3)
    source = tmp_path / "now.lac"
    source.write_bytes(encoded)
    found = lacodec.info(source)
    assert found.metadata["base"]["name"] == "0000000000.bin" and "reference" not in found.options


def test_forged_sections_give_only_our_errors():
    coded = payload.encode(records(NOW), KITTI, 5, DEFAULT, records(BEFORE))
    rng = np.random.default_rng(2)
    for _ in range(120):
        forged = bytearray(coded)
        for _ in range(rng.integers(1, 4)):
            forged[rng.integers(0, 700 if rng.random() < 0.7 else len(forged))] = rng.integers(0, 256)
        try:
            decoded(bytes(forged), rng.choice(ODD, (50, 4)).astype(np.float32))
        except CorruptFile:
            continue
    for value in (np.nan, np.inf, 1e5):
        with pytest.raises(CorruptFile, match="impossible motion"):
            decoded(coded[:3] + np.float64(value).tobytes() + coded[11:])
    with pytest.raises(CorruptFile, match="unknown way"):
        decoded(coded[:2] + bytes([2]) + coded[3:])
    for size in range(0, len(coded), 997):
        with pytest.raises(CorruptFile):
            decoded(coded[:size])
