"""Records of las files by pulses: every point format, numbers at their ends, forged payloads, the plain reader."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points import _payload
from lacodec.codecs.points.las import _coder, _layout, columns, payload
from lacodec.codecs.points.las.head import Head, others_of
from lacodec.codecs.points.las.imitation import las_file, las_records
from lacodec.codecs.session import DEFAULT
from lacodec.errors import CorruptFile
from lacodec.media.points import las_head
from lacodec.media.points.value import Columns
from reference import points_codec
from reference.stream import Stream
from tests.strength import examples
from tools.golden import points as golden

ENDS = (0, 1, 127, 128, 255)


def columns_for(point_format: int, extra: int = 0) -> Columns:
    found = las_head.columns_of(point_format, las_records(point_format, 1, 0, extra).itemsize)
    assert found is not None
    return found


def coded(records: np.ndarray, found: Columns, effort: int = 1) -> bytes:
    data = payload.encode_las(records, found, effort, DEFAULT)
    assert data is not None
    return data


def decoded(data: bytes, found: Columns, count: int) -> np.ndarray:
    reader, out = Reader(data), np.full(count, b"\x55" * found.size, f"V{found.size}").view(found.dtype)
    payload.decode_las(reader, found, out, lambda *_: b"")
    reader.finish()
    return out


def check(records: np.ndarray, found: Columns) -> bytes:
    data = coded(records, found)
    assert decoded(data, found, len(records)).tobytes() == records.tobytes()
    return data


def by_plain_reader(data: bytes, found: Columns, count: int) -> bytes:
    stream = Stream(bytes([11]) + data)
    out = points_codec._records(stream, stream.byte(), list(found.names), list(found.types), count, [])
    stream.finish()
    return out


@pytest.mark.parametrize("point_format", range(11))
def test_point_formats(point_format):
    records = las_records(point_format, 700, seed=point_format, extra=point_format % 3)
    found = columns_for(point_format, point_format % 3)
    data = check(records, found)
    assert len(data) < len(_payload._records.encode_records(records, found, 3, DEFAULT))
    assert by_plain_reader(data, found, len(records)) == records.tobytes()


@examples(60)
@given(st.data())
def test_any_bytes(data):
    """Noise, few different bytes, and records that are mostly equal."""
    point_format, count = data.draw(st.integers(0, 10)), data.draw(st.integers(1, 60))
    found = columns_for(point_format, 1)
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    noise = rng.integers(0, 256, (count, found.size), np.uint8)
    if data.draw(st.booleans()):
        noise = np.array(ENDS, np.uint8)[noise % len(ENDS)]
    if data.draw(st.booleans()):
        noise[rng.random(noise.shape) < 0.9] = data.draw(st.sampled_from(ENDS))
    check(np.ascontiguousarray(noise).view(found.dtype).reshape(-1), found)


def leaps(point_format: int, count: int) -> tuple[np.ndarray, Columns]:
    """Numbers at both ends, one after the other."""
    found = columns_for(point_format)
    records = np.zeros(count, found.dtype)
    for i, (name, kind) in enumerate(zip(found.names, found.types, strict=True)):
        if kind[1] != "f":
            ends = np.iinfo(kind)
            records[name] = np.resize(np.array([ends.min, ends.max, 0, ends.max, ends.min + 1])[: 2 + i % 4], count)
    if "time" in found.names:
        records["time"] = np.resize([np.nan, -0.0, np.inf, -np.inf, 5e-324, -1.7e308, 1.7e308], count)
    return records, found


@pytest.mark.parametrize("point_format", [0, 3, 8])
def test_ends(point_format):
    records, found = leaps(point_format, 300)
    data = check(records, found)
    assert by_plain_reader(data, found, len(records)) == records.tobytes()
    check(records[:1], found)
    check(np.repeat(records[3:4], 50), found)


def test_numbers_of_every_size():
    """Those that no token has follow it in pieces."""
    records, found = leaps(1, 128)
    steps = [(1 << i) - (i & 1) for i in range(63)] + [-(1 << i) for i in range(63)] + [5, 6]
    records["time"].view(np.int64)[:] = np.cumsum(steps)
    records["x"] = np.cumsum([(1 << i % 31) * (1 - i % 3) for i in range(128)]).astype("<i4")
    data = check(records, found)
    assert by_plain_reader(data, found, len(records)) == records.tobytes()


def test_blocks_and_room(monkeypatch):
    """Noise takes more records than there is room for at first; where blocks end does not matter."""
    found = columns_for(3)
    noise = np.random.default_rng(1).integers(0, 256, (3000, found.size), np.uint8).view(found.dtype).reshape(-1)
    whole = check(noise, found)
    monkeypatch.setattr(payload, "_BLOCK", 7)
    assert check(noise, found) == whole


def test_times():
    """Decimal ones, bits, more steps than can be counted, few that get numbers."""
    found = columns_for(1)
    records = las_records(1, 9000, seed=5)
    decimals, _, _ = columns.shrink(records, found)
    assert decimals.power <= 6 and len(decimals.steps) > 3
    records["time"] = np.random.default_rng(2).random(len(records))
    noise, _, _ = columns.shrink(records, found)
    assert noise.power == 255 and not len(noise.steps)
    check(records, found)
    records["time"] = np.cumsum(np.random.default_rng(3).integers(0, 800, len(records))) * 0.001
    many, _, _ = columns.shrink(records, found)
    assert len(many.steps) == _layout.MOST_STEPS - 1
    check(records, found)


def test_units():
    found = columns_for(2)
    records = las_records(2, 500, seed=6)
    records["x"] = records["x"] // 25 * 25 + 7
    records["y"] = np.resize([-(1 << 31), (1 << 31) - 2], len(records))
    head, values, _ = columns.shrink(records, found)
    assert head.units[_layout.X][0] == 25 and head.units[_layout.RED] == (256, 0) and head.units[_layout.Z] == (1, 0)
    assert head.units[_layout.Y] == ((1 << 32) - 2, -(1 << 31)) and int(values[_layout.Y].max()) == 1
    check(records, found)


def test_what_is_no_las():
    found = Columns(("x", "y", "z"), ("<i4",) * 3)
    records = np.zeros(9, found.dtype)
    assert payload.encode_las(records, found, 1, DEFAULT) is None
    assert payload.encode_las(np.zeros(0, columns_for(1).dtype), columns_for(1), 1, DEFAULT) is None
    with pytest.raises(CorruptFile):
        payload.decode_las(Reader(b"\0" * 99), found, records, lambda *_: b"")
    assert others_of(columns_for(3)) is None and others_of(columns_for(3, 2)) == Columns(("extra0", "extra1"), ("|u1", "|u1"))


def method_of(records: np.ndarray, found: Columns, effort: int) -> int:
    how = _payload.Encoding(effort, None, DEFAULT, lambda data, _: data)
    return _payload._in_columns(records, found, effort, how.session)[0]


def test_when_it_is_chosen():
    """At efforts 1 to 3 for all but few records, of which the shorter way is taken; at others where it is shorter."""
    found, las = columns_for(1), _payload._LAS
    noise = np.random.default_rng(1).integers(0, 256, (5000, found.size), np.uint8).view(found.dtype).reshape(-1)
    assert [method_of(noise, found, effort) == las for effort in (1, 2, 3, 5)] == [True, True, True, False]
    assert method_of(noise[:4096], found, 1) != las
    assert method_of(las_records(1, 900, seed=7), found, 1) == las


@pytest.mark.parametrize("point_format", [1, 3, 7])
def test_smaller_than_laz(point_format):
    lazrs = pytest.importorskip("lazrs")
    records, packed = las_records(point_format, 8000, seed=8), io.BytesIO()
    packer = lazrs.LasZipCompressor(packed, lazrs.LazVlr.new_for_compression(point_format, 0))
    packer.compress_many(records.view(np.uint8))
    packer.done()
    data = las_file(point_format, records)
    for effort in (1, 2, 3):
        encoded = lacodec.encode(data, "points", effort=effort)
        assert len(encoded) < 0.95 * len(packed.getvalue())
        found = lacodec.decode(encoded)
        assert found.source.read(0, len(data) + 1) == data


@pytest.mark.parametrize("name", ["flight", "strip", "leap"])
def test_parts(name):
    encoded = lacodec.encode(golden.content(name), "points", effort=1)
    whole = lacodec.decode(encoded)
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened["x", 100:200], whole["x"][100:200])
        assert opened[:].tobytes() == whole.records.tobytes()


def forged(write, found: Columns, count: int = 4) -> None:
    out = Writer()
    write(out)
    with pytest.raises(CorruptFile):
        decoded(bytes(out.data), found, count)


def test_forged_heads():
    found = columns_for(1)
    records = las_records(1, 40, seed=9)
    good = coded(records, found)
    head, _, _ = columns.shrink(records, found)
    whole = Writer()
    head.write(whole, found)
    size = len(whole)
    assert Head.read(Reader(good), found).units == head.units
    for change in (
        lambda h: h.units.update({_layout.X: (0, 0)}),
        lambda h: h.units.update({_layout.Z: (1 << 40, 0)}),
        lambda h: h.units.update({_layout.Y: (7, 1 << 50)}),
        lambda h: setattr(h, "power", 10),
        lambda h: setattr(h, "steps", np.zeros(600, np.int64)),
        lambda h: h.places.update({_layout.RETURNS: np.zeros(300, np.uint8)}),
    ):
        other, _, _ = columns.shrink(records, found)
        change(other)
        out = Writer()
        other.write(out, found)
        with pytest.raises(CorruptFile):
            decoded(bytes(out.data) + good[size:], found, len(records))
    forged(lambda out: out.write(b"\2"), found)
    forged(lambda out: out.write(good[: size + 7]), found)
    forged(lambda out: out.write(good[: size + 20]), found)
    for count in (len(records) - 1, len(records) + 1, 100_000):
        with pytest.raises(CorruptFile):
            decoded(good, found, count)


@examples(80)
@given(st.data())
def test_damage_is_seen_or_harmless(data):
    """Whatever the payload: points or CorruptFile, and never past the arrays (kernels are also tested with bounds checks)."""
    point_format = data.draw(st.sampled_from([0, 3, 7, 10]))
    found = columns_for(point_format, 1)
    records = las_records(point_format, 200, seed=10, extra=1)
    bad = bytearray(coded(records, found))
    for _ in range(data.draw(st.integers(1, 4))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    try:
        found_records = decoded(bytes(bad), found, len(records))
    except CorruptFile:
        return
    assert len(found_records) == len(records)


def test_what_stands_for_others_is_in_no_token():
    """Numbers that tokens have are never taken for the mark of those that follow."""
    assert _coder.FAR > 512 << _layout.COARSEST
