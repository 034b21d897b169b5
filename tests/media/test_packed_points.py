"""Files of packed and written points: read as records, written again byte for byte, or left to codec `bytes`."""

import io
import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.points import laz, spelling
from lacodec.media.points._lzf_kernel import unpack
from lacodec.media.points.files import POINTS
from lacodec.media.points.forms import pieces_of
from lacodec.media.points.lzf import _WRITERS, _packed
from lacodec.media.points.value import Form, PointCloud
from reference.points_forms import lzf
from tests.strength import examples
from tools.golden import points as golden


def cloud(data, name="<bytes>"):
    return POINTS.from_source(BytesSource(data, name))


def written(found):
    return b"".join(pieces_of(found))


def pcd(lines, fields="x y z", sizes="4 4 4", types="F F F", end="\n"):
    head = f"VERSION 0.7\nFIELDS {fields}\nSIZE {sizes}\nTYPE {types}\nWIDTH {len(lines)}\nHEIGHT 1\nPOINTS {len(lines)}\n"
    return (head + "DATA ascii\n" + "\n".join(lines) + end).encode()


@pytest.mark.parametrize("writer", _WRITERS)
def test_lzf(writer):
    rng = random.Random(1)
    some = bytes(rng.choices(b"abc", k=400)) + rng.randbytes(200) + bytes(700) + b"the end of it" * 60
    for data in (b"", b"a", b"abc", bytes(3), bytes(265), bytes(300), some, some * 20, *(some[:i] for i in range(500, 520))):
        packed = _packed(np.frombuffer(data, np.uint8), *writer)
        assert packed.tobytes() == lzf(data, *writer)
        out = np.empty(len(data), np.uint8)
        assert unpack(packed, out) == len(packed) and out.tobytes() == data


@examples(150)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_forged_lzf(data, size):
    assert -1 <= unpack(np.frombuffer(data, np.uint8), np.empty(size, np.uint8)) <= len(data)


def test_packed_pcd():
    data = golden.content("packed")
    found = cloud(data)
    assert (found.format, found.count, found.form.name) == ("pcd", 300, "pcd compressed") and written(found) == data
    assert np.isnan(found["y"][40]) and found["y"][0] * 64 == round(found["y"][0] * 64)
    at = found.offset
    for place, value in ((at, 1 << 31), (at, 5), (at + 4, 3601), (at + 4, 0xFFFFFFFF)):
        forged = bytearray(data)
        struct.pack_into("<I", forged, place, value)
        with pytest.raises(UnsupportedFile):
            cloud(bytes(forged))
    with pytest.raises(UnsupportedFile, match="unknown writer"):
        literal = data[:at] + struct.pack("<II", 3600 + 113, 3600)
        rows = np.ascontiguousarray(found.records).view("<f4").reshape(-1, 3).T.tobytes()
        cloud(literal + b"".join(bytes([len(rows[i : i + 32]) - 1]) + rows[i : i + 32] for i in range(0, 3600, 32)))
    for recipe in (b"", b"\x20\x01", b"\x0d\x01\x01"):
        with pytest.raises(CorruptFile):
            written(PointCloud(found.source, "pcd", found.columns, found.offset, found.count, Form("pcd compressed", recipe)))


def test_fields_of_several_numbers_are_packed_together():
    head = b"VERSION 0.7\nFIELDS a b\nSIZE 2 4\nTYPE U F\nCOUNT 3 1\nWIDTH 2\nHEIGHT 1\nPOINTS 2\nDATA binary_compressed\n"
    fields = struct.pack("<6H2f", 1, 2, 3, 4, 5, 6, 0.5, 1.5)
    packed = lzf(fields, 13, 1)
    data = head + struct.pack("<II", len(packed), len(fields)) + packed
    found = cloud(data)
    assert found["a1"].tolist() == [2, 5] and found["b"].tolist() == [0.5, 1.5] and written(found) == data


@pytest.mark.parametrize("name", ["text", "lines"])
def test_text(name):
    found = cloud(golden.content(name))
    assert written(found) == golden.content(name)
    assert found.form.name == "text" and found.columns.types[:3] == ("<f4",) * 3


def test_what_text_says():
    found = cloud(golden.content("text"))
    assert found["rgba"][:3].tolist() == [0, 70000, 140000] and found["rgba"][90] == 5 and np.isnan(found["x"][90])
    assert found.columns.types[3] == "<u4" and (found.format, found.count) == ("pcd", 200)
    mesh = cloud(golden.content("lines"))
    assert (mesh.format, mesh.count, mesh.columns.names) == ("obj", 150, ("x", "y", "z"))


@examples(60)
@given(st.data())
def test_any_spelling(data):
    """Numbers as programs print them, some of them in another way."""
    how = data.draw(
        st.lists(st.sampled_from(["{:.6g}", "{:.8g}", "{:.3f}", "{!r}", "{:.17g}", "{:e}", "{:.0f}"]), min_size=3, max_size=3)
    )
    end = data.draw(st.sampled_from(["\n", "", "\r\n", " \n"]))
    values = st.floats(width=32) if data.draw(st.booleans()) else st.floats(-100, 100)
    rows = data.draw(st.lists(st.tuples(values, values, values), min_size=1, max_size=40))
    lines = [" ".join(one.format(value) for one, value in zip(how, row, strict=True)) for row in rows]
    for _ in range(data.draw(st.integers(0, 2))):
        lines[data.draw(st.integers(0, len(lines) - 1))] = data.draw(
            st.sampled_from(["1 2", "a b c", "9" * 40 + " 1 2", "1e5 +2 .5", "1 2 3 4", ""])
        )
    for content in (pcd(lines, end=end), pcd([line + end.strip("\n") for line in lines])):
        try:
            found = cloud(content)
        except UnsupportedFile:
            continue
        assert written(found) == content and len(found) == len(rows)


def test_text_of_another_kind():
    some = [f"{i} {i / 4} {i / 8}" for i in range(100)]
    for lines in ([f"{i:05d} 1 2" if i % 2 else f"{i} 1 2" for i in range(100)], ["1 2"], ["x y z"], some[:50] + ["-"] * 50):
        with pytest.raises(UnsupportedFile):
            cloud(pcd(lines))
    with pytest.raises(UnsupportedFile, match="ends before"):
        cloud(pcd(some).replace(b"POINTS 100", b"POINTS 1000"))
    with pytest.raises(UnsupportedFile):
        cloud(b"ply\nformat ascii 1.0\nelement vertex 1000000000\nproperty float x\nend_header\n1\n")
    assert cloud(pcd(some)).columns.types == ("<f4",) * 3


@pytest.mark.parametrize(
    ("pieces", "formats"),
    [
        ((b"", b"\n"), ("g99",)),
        ((b"", b"\n"), ("s",)),
        ((b"", b" "), ("r",)),
        ((b"\n", b"\n"), ("r",)),
        ((b"", b" " * 999 + b"\n"), ("r",)),
        ((b"\n",), ("r",)),
    ],
)
def test_forged_spelling(pieces, formats):
    with pytest.raises(CorruptFile, match="impossible"):
        spelling.Spelling(pieces, formats)


def test_forged_notes():
    found = cloud(golden.content("text"))
    data = found.source.read(0, 1 << 20)
    for recipe, source in (
        (b"\xff" * 8, data),
        (b"\x05", data),
        (found.form.recipe, data[:-3]),
        (b"", data),
        (b"\x01", data + b"\x80"),
    ):
        with pytest.raises(CorruptFile):
            written(PointCloud(BytesSource(source), "pcd", found.columns, found.offset, found.count, Form("text", recipe)))


def test_the_codec_by_the_name_of_the_file(tmp_path):
    content = "".join(f"{i / 8} {i / 4} {i % 7}\n" for i in range(900)).encode()
    for name, codec in (("a.xyz", "points"), ("a.txt", "text"), ("a.obj", "points")):
        (tmp_path / name).write_bytes(content)
        lacodec.encode_file(tmp_path / name, tmp_path / "x.lac", force=True)
        lacodec.decode_file(tmp_path / "x.lac", tmp_path / "out", force=True)
        found = lacodec.info(tmp_path / "x.lac")
        assert (found.codec, found.identical) == (codec, "bytes") and (tmp_path / "out").read_bytes() == content


def test_parts_of_text(tmp_path):
    (tmp_path / "a.pcd").write_bytes(golden.content("text"))
    lacodec.encode_file(tmp_path / "a.pcd", tmp_path / "x.lac", effort=1)
    with lacodec.open(tmp_path / "x.lac") as opened:
        assert opened["rgba", 1:3].tolist() == [70000, 140000] and opened.shape == (200,)
    said = lacodec.info(tmp_path / "x.lac")
    assert said.metadata["stored as"] == "text" and said.original_size == len(golden.content("text"))


LAS = {0: 20, 1: 28, 2: 26, 3: 34, 6: 30, 7: 36, 8: 38}


def laz_file(kind, extra=0, count=700, behind=b"", ends=()):
    """ends: of chunks with sizes of their own, in points."""
    lazrs = pytest.importorskip("lazrs")
    width = LAS[kind] + extra
    points = np.zeros((count, width), np.uint8)
    for axis in range(3):
        points[:, 4 * axis : 4 * axis + 4] = (
            (np.arange(count, dtype="<i4")[:, None] * (axis + 3) % 501).view(np.uint8).reshape(count, 4)
        )
    points[:, width - 1] = np.arange(count) % 5
    vlr = lazrs.LazVlr.new_for_compression(kind, extra, bool(ends))
    packing = bytes(vlr.record_data())
    head = bytearray(375)
    head[:4], head[24:26], head[104] = b"LASF", b"\1\4", kind | 128
    struct.pack_into("<HII", head, 94, 375, 375 + 54 + len(packing), 1)
    struct.pack_into("<H", head, 105, width)
    struct.pack_into("<6d", head, 131, 0.01, 0.01, 0.5, 10.0, 0.0, -1.0)
    struct.pack_into("<Q", head, 247, count)
    out = io.BytesIO()
    out.write(bytes(head) + b"\0\0" + b"laszip encoded\0\0" + struct.pack("<HH", 22204, len(packing)) + bytes(32) + packing)
    packer = lazrs.LasZipCompressor(out, vlr)
    parts = np.split(points, ends[:-1])
    for i, part in enumerate(parts):
        packer.compress_many(part.reshape(-1))
        if i + 1 < len(parts):
            packer.finish_current_chunk()
    packer.done()
    data = bytearray(out.getvalue())
    if behind:
        struct.pack_into("<QI", data, 235, len(data), 1)
    return bytes(data) + behind, points


@pytest.mark.parametrize("kind", LAS)
def test_laz(kind):
    for extra, behind in ((0, b""), (3, b"records behind the points")):
        data, points = laz_file(kind, extra, behind=behind)
        found = cloud(data)
        assert (found.format, found.count) == ("laz", 700) and found.records.tobytes() == points.tobytes()
        assert written(found) == data
        assert found.xyz[1].tolist() == [10.03, 0.04, 1.5]


def test_laz_through_files(tmp_path):
    data, _ = laz_file(3, behind=b"!" * 99)
    (tmp_path / "a.laz").write_bytes(data)
    lacodec.encode_file(tmp_path / "a.laz", tmp_path / "x.lac")
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "b.laz")
    assert lacodec.info(tmp_path / "x.lac").identical == "points" and (tmp_path / "b.laz").read_bytes() == data
    assert POINTS.difference(BytesSource(data), BytesSource(data)) is None


def test_offsets_in_laz_are_moved():
    """Where another version of the library packs the same points to another size."""
    data, _ = laz_file(6, behind=b"behind")
    found = cloud(data)
    moved = PointCloud(
        found.source, "laz", found.columns, found.offset, found.count, Form("laz", (len(data) - 16).to_bytes(8, "little"))
    )
    again = bytearray(data)
    struct.pack_into("<Q", again, 235, len(data) - 6 + 10)
    assert written(moved) == bytes(again)


def test_chunks_with_sizes_of_their_own(monkeypatch):
    """As in COPC, where an index says where each chunk is."""
    data, points = laz_file(6, behind=b"an index", ends=(17, 31, 400, 700))
    found = cloud(data)
    assert found.records.tobytes() == points.tobytes() and written(found) == data
    monkeypatch.setattr(laz, "_POINTS", 19)  # chunks end within blocks
    assert written(cloud(data)) == data
    content = found.source.read(0, 1 << 20)
    end = int.from_bytes(found.form.recipe[:8], "little")
    for recipe, source in (
        (found.form.recipe[:8], content),
        (found.form.recipe, content[:-4] + bytes(4)),
        (found.form.recipe, content[:-1]),
        (found.form.recipe[:8] + b"\xff" * 8, content),
        ((end + 1).to_bytes(8, "little") + found.form.recipe[8:], content),
    ):
        with pytest.raises(CorruptFile):
            written(PointCloud(BytesSource(source), "laz", found.columns, found.offset, found.count, Form("laz", recipe)))
    with pytest.raises(UnsupportedFile, match="no layers"):
        cloud(laz_file(3, ends=(300, 700))[0])


@pytest.mark.parametrize("ends", [(), (20, 700)])
def test_damaged_laz(ends):
    data, _ = laz_file(6 if ends else 3, ends=ends)
    rng = random.Random(3)
    for at in [*range(94, 112), *rng.choices(range(375, len(data)), k=60)]:
        forged = bytearray(data)
        forged[at] ^= 1 << rng.randrange(8)
        try:
            found = cloud(bytes(forged))
        except UnsupportedFile:
            continue
        assert written(found) == bytes(forged)
    for size in range(0, len(data), 41):
        with pytest.raises(UnsupportedFile):
            POINTS.from_source(BytesSource(b"LASF" + data[4:size].ljust(200, b"\0")))


def feather(packing="lz4", **more):
    pa = pytest.importorskip("pyarrow")
    columns = {
        "x": np.arange(300, dtype="f2") / 8,
        "intensity": np.arange(300) % 200,
        "laser_number": np.arange(300) % 64,
        **more,
    }
    kinds = {"intensity": "u1", "laser_number": "u1"}
    table = pa.table({name: np.asarray(values, kinds.get(name)) for name, values in columns.items()})
    out = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=packing)
    with pa.ipc.new_file(out, table.schema.with_metadata({"a": "b"}), options=options) as file:
        for batch in table.to_batches(max_chunksize=120):
            file.write_batch(batch)
    return out.getvalue()


@pytest.mark.parametrize("packing", ["lz4", "zstd", None])
def test_feather(packing):
    data = feather(packing)
    found = cloud(data)
    assert (found.format, found.count, found.columns.types) == ("arrow", 300, ("<f2", "|u1", "|u1"))
    assert written(found) == data and POINTS.difference(BytesSource(data), BytesSource(data)) is None
    assert len(found.ring(5)) == 5 and lacodec.info(lacodec.encode(data, "points", effort=1)).identical == "points"


def test_other_feather_files():
    for more in ({"name": ["a"] * 300}, {"hole": np.ma.masked_array(np.zeros(300), [True] * 300)}):
        with pytest.raises(UnsupportedFile):
            pa = pytest.importorskip("pyarrow")
            out = io.BytesIO()
            table = pa.table({"x": np.zeros(300), **{k: pa.array(v, from_pandas=True) for k, v in more.items()}})
            with pa.ipc.new_file(out, table.schema) as file:
                file.write_table(table)
            cloud(out.getvalue())
    with pytest.raises(UnsupportedFile):
        cloud(feather()[:200])
    found = cloud(feather())
    for recipe in (b"\xff" * 8, b"\x03", b""):
        with pytest.raises(CorruptFile):
            written(PointCloud(found.source, "arrow", found.columns, 0, found.count, Form("arrow", recipe)))


def test_clouds_of_columns():
    made = lacodec.PointCloud.from_columns({"x": [0.5, 1], "y": np.zeros(2), "z": [1.0, -0.0], "ring": np.array([3, 4], "u1")})
    found = lacodec.decode(lacodec.encode(made))
    assert found.columns == made.columns and found.records.tobytes() == made.records.tobytes()
    assert found.xyz.tolist() == [[0.5, 0, 1], [1, 0, 0]] and found.ring(4)["x"].tolist() == [1.0]
    for wrong in ({}, {"x": [1], "y": [1, 2]}, {"x": [[1]]}, {"x": ["a"]}, {"x": [1j]}):
        with pytest.raises(BadInput):
            lacodec.PointCloud.from_columns(wrong)
    with pytest.raises(BadInput, match="tells rings"):
        lacodec.PointCloud.from_columns({"x": [1]}).ring(1)
