"""Codec `points`: packed and written points held to the contract, and points whose order is given up."""

import numpy as np
import pytest

import lacodec
from lacodec.cli._main import main
from lacodec.codecs.points._order import places
from lacodec.codecs.points.spinning.imitation import kitti_sweep
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.media.points.files import POINTS, sorted_records
from lacodec.media.points.forms import pieces_of
from lacodec.media.points.lzf import packed_cloud
from lacodec.testing import check_codec
from tools.golden import points as golden

ODD = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-40, 3e38, 1.5, 0.1, 70.001], np.float32)


def cloud(data):
    return POINTS.from_source(BytesSource(data))


def same(original, found):
    return b"".join(pieces_of(found)) == original


def test_contract_of_forms():
    values = {name: golden.content(name) for name in ("packed", "text", "lines")}
    values["no points"] = b"".join(pieces_of(packed_cloud(np.zeros((0, 3), np.float32))))
    values["one point"] = b"".join(pieces_of(packed_cloud(np.ones((1, 3), np.float32))))
    check_codec("points", values, same=same, effort=1)


def scattered(count=6_000):
    rng = np.random.default_rng(5)
    points = np.zeros(count, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("i", "u1")])
    at = rng.integers(0, 500, (count, 2)) / 500
    points["x"], points["y"], points["z"] = at[:, 0], at[:, 1], np.round(np.sin(at[:, 0] * 9) * at[:, 1], 3)
    points["i"] = at[:, 0] * 200
    points[:99] = points[200]
    for i, name in enumerate("xyz"):
        points[name][300 + 20 * i : 311 + 20 * i] = ODD
    return points


def test_any_order(tmp_path):
    points = scattered()
    np.save(tmp_path / "a.npy", points)
    sizes = {}
    for any_order in (False, True):
        out = tmp_path / f"{any_order}.lac"
        lacodec.encode_file(tmp_path / "a.npy", out, "points", effort=4, any_order=any_order)
        sizes[any_order] = out.stat().st_size
        found = lacodec.decode(out)
        assert (found.records.tobytes() == points.tobytes()) is not any_order
        assert sorted_records(found) == np.sort(points.view("S13")).tobytes()
    said = lacodec.info(tmp_path / "True.lac")
    assert (said.identical, said.metadata["order"]) == ("points", "given up") and sizes[True] < 0.8 * sizes[False]


def test_the_command(tmp_path, capsys):
    np.save(tmp_path / "a.npy", scattered(500))
    paths = [str(tmp_path / name) for name in ("a.npy", "x.lac", "b.npy")]
    assert main(["encode", "--codec", "points", "--any-order", paths[0], "-o", paths[1]]) == 0
    assert main(["decode", paths[1], "-o", paths[2]]) == 0 and main(["info", paths[1]]) == 0
    said = capsys.readouterr().out
    assert said.count("identical points") == 3 and "given up" in said
    assert np.sort(np.load(paths[2]).view("S13")).tobytes() == np.sort(scattered(500).view("S13")).tobytes()


def test_any_order_keeps_what_is_shorter_in_its_own():
    sweep = kitti_sweep(seed=4, step=25)
    assert lacodec.decode(lacodec.encode(sweep, "points", any_order=True)).records.tobytes() == sweep.tobytes()


def test_what_has_to_keep_its_order():
    organised = golden.content("pcd").replace(b"HEIGHT 1", b"HEIGHT 2")
    named = {"faces": golden.content("ply"), "lines": golden.content("text"), "rows and columns": organised}
    for what, data in named.items():
        with pytest.raises(BadInput, match=what):
            lacodec.encode(data, "points", any_order=True)
    with pytest.raises(BadInput, match="no columns"):
        lacodec.encode(np.zeros(3, "<f4,<i2"), "points", any_order=True)
    with pytest.raises(BadInput, match="any_order must be"):
        lacodec.encode(scattered(999), "points", any_order=1)


def test_differences_are_found():
    las = golden.content("las")
    found = cloud(las)
    swapped, other, behind = (bytearray(las) for _ in range(3))
    width = found.columns.size
    swapped[found.offset : found.offset + 2 * width] = las[found.offset + width :][:width] + las[found.offset :][:width]
    other[found.offset] ^= 1
    behind[-1] ^= 1
    wanted = {bytes(swapped): None, bytes(other): "some points differ", bytes(behind): "bytes behind the points differ"}
    wanted[las[:-1]] = "bytes behind the points differ"
    wanted[las[:100] + b"!" + las[101:]] = "bytes before the points differ"
    wanted[golden.content("pcd")] = "it has other columns, or more or fewer points"
    for data, difference in wanted.items():
        assert POINTS.difference(BytesSource(las), BytesSource(data)) == difference


def test_places_on_the_curve():
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    records = np.zeros(65, [(name, "<f4") for name in "xyz"])
    for i, name in enumerate("xyz"):
        records[name][:64] = grid[:, 2 - i]
    records["y"][64] = np.nan
    order = np.argsort(places(records), kind="stable")
    assert order[-1] == 64 and np.argsort(places(records[:1])).tolist() == [0]
    first = records[order[:8]]
    assert {tuple(point) for point in first.tolist()} == {(x, y, z) for x in range(2) for y in range(2) for z in range(2)}
    whole = np.zeros(3, [(name, "<i4") for name in "xyz"])
    assert places(whole).tolist() == [0, 0, 0] and places(whole[:0]).tolist() == []


def test_frames_are_told_from_each_other():
    """Eight frames together, each told from the one before; then the next eight."""
    sweep = kitti_sweep(seed=5, step=40)[:900]
    frames = [sweep[i:] for i in range(9)]
    encoded = lacodec.encode(frames, "points", effort=4)
    alone = len(lacodec.encode(sweep, "points", effort=4))
    assert lacodec.decode(encoded).records.tobytes() == b"".join(frame.tobytes() for frame in frames)
    assert len(encoded) < 9 * alone
    with lacodec.open(encoded) as opened:
        for i in (0, 7, 8):
            assert opened[f"frame {i}"].tobytes() == frames[i].tobytes()


def test_records_that_repeat():
    """What is no numbers is coded as bytes, where that is shorter."""
    rng = np.random.default_rng(1)
    points = rng.integers(-(1 << 31), 1 << 31, (9, 3), np.int64).astype("<i4")[rng.integers(0, 9, 3000)]
    coded = lacodec.encode(points, "points", effort=5)
    assert len(coded) < len(lacodec.encode(points, "arrays", effort=7)) + 100
    assert lacodec.decode(coded).records.tobytes() == points.tobytes()


def test_sequences():
    frames = [kitti_sweep(seed=i, step=25)[: 2500 - 100 * i] for i in range(3)]
    frames.insert(1, frames[0][:0])
    encoded = lacodec.encode(frames, "points", effort=1, verify=True)
    alone = sum(len(lacodec.encode(frame, "points", effort=1)) for frame in frames)
    found = lacodec.decode(encoded)
    assert found.frames == tuple(map(len, frames)) and len(encoded) < alone + 400
    with lacodec.open(encoded) as opened:
        for i, frame in enumerate(frames):
            assert found.frame(i).tobytes() == frame.tobytes() == opened[f"frame {i}"].tobytes()
        assert opened["frame 2", 5:9].tobytes() == frames[2][5:9].tobytes() and opened["frame 3"][-1]["x"] == frames[3][-1, 0]
        for name in ("frame 4", "frame", "frame -1", "frame 99999999"):
            with pytest.raises(BadInput):
                opened[name]
    assert lacodec.info(encoded).metadata["frames"] == [2500, 0, 2400, 2300]
    assert lacodec.decode(lacodec.encode(found)).frames == found.frames
    for wrong in ([], [frames[0], frames[0][:, :3]]):
        with pytest.raises(BadInput, match="same columns"):
            lacodec.encode(wrong, "points")
    with pytest.raises(BadInput, match="no frame"):
        found.frame(4)
    with pytest.raises(BadInput, match="belong to frames"):
        lacodec.encode(found, any_order=True)


def test_rings_that_a_column_tells():
    data = golden.content("lasers")
    found = lacodec.decode(lacodec.encode(data, "points", effort=4, verify=True))
    assert same(data, found) and found.ring(3)["laser_number"].tolist() == [3] * len(found.ring(3)) and len(found.ring(3)) > 100
    big = found.records.astype([("x", ">f2"), ("y", ">f2"), ("z", ">f2"), ("ring", ">i2")])
    big["ring"] -= 5
    assert lacodec.decode(lacodec.encode(big, "points", effort=2, verify=True)).records.tobytes() == big.tobytes()
    alone = np.zeros(9, [("ring", "u1")])
    assert lacodec.decode(lacodec.encode(alone, "points")).records.tobytes() == alone.tobytes()
    many = np.zeros(3000, [("ring", "<u4"), ("x", "<f4")])
    many["ring"] = np.arange(3000)
    assert lacodec.decode(lacodec.encode(many, "points")).records.tobytes() == many.tobytes()
