"""Records that are mirror images of earlier ones, small files as bytes, tables of las."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.points import _mirrored, _table
from lacodec.codecs.points.numbers import encode_numbers
from lacodec.codecs.session import DEFAULT
from lacodec.errors import CorruptFile
from lacodec.media.points import las_head
from lacodec.media.points.forms import pieces_of
from lacodec.media.points.value import Columns
from reference.points_codec import las_columns
from tools.golden import points as golden


def halves(kind="<f4", count=400, axis="x"):
    rng = np.random.default_rng(1)
    points = np.zeros(2 * count, [("i", "u1"), *((name, kind) for name in "xyz")])
    for name in "xyz":
        points[name][:count] = rng.normal(size=count)
    points["i"][:count] = rng.integers(0, 99, count)
    points[axis][5:9], points["z"][7] = 0.0, np.nan
    points[count:] = points[:count]
    points[axis][count:] = -points[axis][count:]
    return points


@pytest.mark.parametrize(("kind", "axis"), [("<f4", "x"), (">f8", "y"), ("<f2", "z")])
def test_halves(kind, axis):
    points = halves(kind, axis=axis)
    coded = lacodec.encode(points, "points", effort=5)
    assert lacodec.decode(coded).records.tobytes() == points.tobytes()
    half = len(lacodec.encode(points[:400], "points", effort=5))
    assert half < len(coded) < 1.15 * half


def test_what_is_not_mirrored():
    rng = np.random.default_rng(2)
    columns = Columns(("x", "y", "z"), ("<f4",) * 3)
    points = rng.normal(size=(300, 3)).astype("<f4").view(columns.dtype).reshape(-1)
    whole = Columns(("x", "y", "z"), ("<i4",) * 3)
    for records, kinds in (
        (points, columns),
        (points.view(whole.dtype), whole),
        (points, Columns(("x", "y", "w"), ("<f4",) * 3)),
    ):
        assert _mirrored.encode_mirrored(records, kinds, None, None) is None


def test_forged_images():
    from lacodec.codecs.pieces import Reader, Writer

    columns = Columns(("x", "y", "z"), ("<f4", "<f4", "<i4"))
    for axis, distances in ((3, [0, 0]), (2, [0, 0]), (0, [1, 0]), (0, [0, 1, 1]), (0, [0, 9])):
        out = Writer()
        out.write(bytes([axis]))
        out.piece(encode_numbers(np.array(distances, np.uint32), 5, DEFAULT))
        out.write(bytes([0]))
        with pytest.raises(CorruptFile):
            _mirrored.decode_mirrored(
                Reader(bytes(out.data)), columns, np.zeros(len(distances), columns.dtype), None, lambda *_: None
            )


@pytest.mark.parametrize("name", ["mesh", "polygons", "lines"])
def test_meshes(name):
    data = golden.content(name)
    for effort in (1, 5):
        found = lacodec.decode(lacodec.encode(data, "points", effort=effort))
        assert b"".join(pieces_of(found)) == data and len(found["x"]) == found.count


def test_small_files_are_hardly_larger_than_bytes():
    """Records that tell nothing more as columns are coded with what is before them."""
    data = golden.content("las")[:229] + golden.content("las")[229:][: 36 * 12]
    data = data[:107] + (12).to_bytes(4, "little") + data[111:]
    assert len(lacodec.encode(data, "points", effort=5)) < len(lacodec.encode(data, "bytes", effort=9)) + 60


def test_tables_of_las():
    for point_format in range(11):
        size = las_head.columns_of(point_format, 99).size
        found = las_head.columns_of(point_format, size)
        assert (list(found.names), list(found.types)) == las_columns(point_format, size)
        assert las_head.columns_of(las_head.format_of(found), size) == found
    assert las_head.columns_of(11, 99) is None and las_head.columns_of(0, 19) is None and las_head.columns_of(0, 5000) is None
    assert las_head.format_of(Columns(("x",), ("<f4",))) is None
    from lacodec.container.types import Header

    for table in (b"\0\0\5\x0b\x20", b"\0\0\5\0\5", b"\0\0\6"):
        with pytest.raises(CorruptFile):
            _table.table_of(Header("points", 5, {}, metadata={_table.TABLE: table}))
