"""Files of points: what their headers say, and those that are left to codec `bytes`."""

import numpy as np
import pytest

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.points import bins, pcd, ply
from lacodec.media.points.files import POINTS
from lacodec.media.points.value import Columns
from tools.golden import points as golden


def cloud(data):
    return POINTS.from_source(BytesSource(data))


def test_what_headers_say():
    las, pcd_cloud, faces = (cloud(golden.content(name)) for name in ("las", "pcd", "ply"))
    assert (las.format, las.count, las.offset) == ("las", 500, 229) and las.columns.names[-2:] == ("extra0", "extra1")
    assert las["x"].dtype == "<i4" and las["time"][2] == 100.0 + 2 / 1024
    assert pcd_cloud.columns.types == ("<f4", "<f4", "<f4", "<u4", "<f8") and pcd_cloud["t"][1] == 1.5e9 + 0.25
    assert (faces.format, faces.count) == ("ply", 300) and faces.columns.types[:4] == (">f4", ">f4", ">f4", "|u1")
    assert len(golden.content("ply")) - faces.stop == 1300


def test_fields_of_several_numbers():
    head = b"VERSION 0.7\nFIELDS x f f\nSIZE 4 2 1\nTYPE F U I\nCOUNT 1 3 1\nWIDTH 1\nHEIGHT 1\nPOINTS 1\nDATA binary\n"
    found = cloud(head + bytes(11))
    assert found.columns.names == ("x", "f0", "f1", "f2", "f") and found.columns.types[-1] == "|i1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"DATA binary", b"DATA ascii"),
        (b"DATA binary", b"DATA binary_compressed"),
        (b"DATA binary", b"NOTHING"),
        (b"POINTS 400", b"POINTS 4000"),
        (b"POINTS 400", b"POINTS -4"),
        (b"SIZE 4 4 4 4 8", b"SIZE 4 4 4 4"),
        (b"SIZE 4 4 4 4 8", b"SIZE 4 4 4 4 3"),
        (b"TYPE F", b"TYPE Q"),
        (b"COUNT 1", b"COUNT 0"),
        (b"COUNT 1", b"COUNT 99999"),
        (b"FIELDS", b"FELDS"),
    ],
)
def test_other_pcd_files(old, new):
    assert pcd.sniff(golden.content("pcd"))
    with pytest.raises(UnsupportedFile):
        cloud(golden.content("pcd").replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"binary_big_endian", b"ascii"),
        (b"element vertex 300", b"element vertex 30000"),
        (b"element vertex 300", b"element vertex x"),
        (b"element vertex", b"element edge"),
        (b"property float x", b"property list uchar int x"),
        (b"property float x", b"property quad x"),
        (b"property float x", b"property float y"),
        (b"end_header", b"end"),
    ],
)
def test_other_ply_files(old, new):
    assert ply.sniff(golden.content("ply"))
    with pytest.raises(UnsupportedFile):
        cloud(golden.content("ply").replace(old, new, 1))


@pytest.mark.parametrize(("at", "value"), [(104, 3 | 128), (104, 11), (105, 20), (96, 200), (110, 1)])
def test_other_las_files(at, value):
    data = bytearray(golden.content("las"))
    data[at] = value
    with pytest.raises(UnsupportedFile):
        cloud(bytes(data)[:-1])


def test_records_are_known_by_their_values():
    sweep, rings = golden.content("sweep"), golden.content("rings")
    assert bins.columns_of(sweep[:256]) == bins.KITTI and bins.columns_of(rings[:256]) == bins.NUSCENES
    assert bins.columns_of(sweep[:200]) is None and bins.columns_of(sweep[4:260]) is None
    values = np.frombuffer(sweep[:256], "<f4").copy()
    values[5] += np.float32(1e-4)
    assert bins.columns_of(values.tobytes()) is None


@pytest.mark.parametrize("names", [(), ("x", "x"), ("",)])
def test_impossible_columns(names):
    with pytest.raises(CorruptFile):
        Columns(names, ("<f4",) * len(names))
    with pytest.raises(CorruptFile):
        Columns(("x",), ("<c8",))
