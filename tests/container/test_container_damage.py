import io
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec import api
from lacodec.container import Chunk, Damage, Reader, salvage, stream
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.io.streams import PipeSource
from tests.container.test_container_format import make_chunk, pack, strip
from tests.strength import examples

RNG = random.Random(8)
CHUNKS = [make_chunk(i * 100, i * 100 + 100, RNG.randbytes(100)) for i in range(8)]
FILE = pack(CHUNKS)
INDEX = Reader(BytesSource(FILE)).index


def flipped(data, *offsets):
    changed = bytearray(data)
    for offset in offsets:
        changed[offset] ^= 0x10
    return bytes(changed)


def salvaged(data):
    items = list(salvage(BytesSource(data))[1])
    return [strip(item) for item in items if isinstance(item, Chunk)], [item for item in items if isinstance(item, Damage)]


def test_every_flipped_byte_is_noticed():
    for offset in range(len(FILE)):
        with pytest.raises(LacodecError):
            list(stream(BytesSource(flipped(FILE, offset)))[1])
        with pytest.raises(LacodecError):
            list(stream(PipeSource(io.BytesIO(flipped(FILE, offset))))[1])


def test_every_flipped_byte_of_a_compact_file_is_noticed():
    encoded = lacodec.encode(b"some text, some text, and some more text", effort=1)
    for offset in range(len(encoded)):
        with pytest.raises(LacodecError):
            lacodec.decode(flipped(encoded, offset))


def test_every_truncation_is_noticed():
    for size in range(len(FILE)):
        with pytest.raises(LacodecError):
            list(stream(BytesSource(FILE[:size]))[1])
    for extra in (b"\0", b"x" * 100, FILE):
        with pytest.raises(CorruptFile):
            list(stream(BytesSource(FILE + extra))[1])


@pytest.mark.parametrize("lost", range(len(CHUNKS)))
def test_a_damaged_chunk_names_itself_and_the_others_decode(lost):
    head = INDEX[lost]
    for place in (head.offset + 2, head.payload_offset - 1, head.payload_offset, head.end - 1):
        found, damage = salvaged(flipped(FILE, place))
        assert found == [strip(chunk) for i, chunk in enumerate(CHUNKS) if i != lost]
        assert [(item.sequence, item.covers) for item in damage] == [(lost, head.covers)]
        assert f"chunk {lost} at offset {head.offset} (covers {lost * 100}-{lost * 100 + 100})" in damage[0].message


@pytest.mark.parametrize("lost", range(len(CHUNKS)))
def test_the_same_without_index(lost):
    head = INDEX[lost]
    for place in (head.offset + 2, head.payload_offset - 1, head.payload_offset, head.end - 1):
        found, damage = salvaged(flipped(FILE, place, len(FILE) - 1))  # the footer, too
        assert found == [strip(chunk) for i, chunk in enumerate(CHUNKS) if i != lost]
        assert len(damage) == 1 and damage[0].sequence == lost
        if lost < len(CHUNKS) - 1 or place >= head.payload_offset:
            assert damage[0].covers == head.covers


def test_the_start_of_the_file_may_be_lost():
    found, damage = salvaged(bytes(40) + FILE[40:])
    assert found == [strip(chunk) for chunk in CHUNKS] and not damage


def test_bytes_missing_or_added_in_a_payload():
    at = INDEX[3].payload_offset + 50
    for data in (FILE[:at] + FILE[at + 7 :], FILE[:at] + b"1234567" + FILE[at:], FILE[: at - 300] + FILE[at + 300 :]):
        found, damage = salvaged(data)
        assert len(found) >= 3 and set(found) < {strip(chunk) for chunk in CHUNKS} and damage


@given(st.integers(0, len(FILE)))
@examples(200)
def test_salvage_of_truncated_files(size):
    whole = sum(head.end <= size for head in INDEX)
    try:
        found, damage = salvaged(FILE[:size])
    except LacodecError:
        assert size < INDEX[0].offset
        return
    assert found == [strip(chunk) for chunk in CHUNKS[:whole]]
    assert damage or size == len(FILE) or size > INDEX[-1].end


@given(st.randoms(use_true_random=False))
@examples(400)
def test_salvage_under_any_damage_gives_true_chunks_or_says_so(rng):
    data = bytearray(FILE)
    for _ in range(rng.choice((1, 2, 3))):
        at, count, kind = rng.randrange(len(data)), rng.randrange(1, 300), rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + count]
        elif kind == 2:
            data[at:at] = rng.randbytes(count)
        else:
            del data[max(200, at) :]
        data += bytes(200 - min(200, len(data)))
    try:
        found, damage = salvaged(bytes(data))
    except LacodecError:
        return
    assert found == [strip(chunk) for chunk in CHUNKS if strip(chunk) in found]
    assert len(found) == len(CHUNKS) or damage


def test_a_stored_file_inside_is_not_taken_for_our_chunks():
    inner = lacodec.encode(RNG.randbytes(3 << 20), effort=1)
    outer = lacodec.encode(inner, effort=1)
    for head in Reader(BytesSource(outer)).index:
        items = list(salvage(BytesSource(flipped(outer[:-500], head.payload_offset + 100)))[1])
        assert all(
            item.sequence != 0 or item.content_hash != Reader(BytesSource(inner)).index[0].content_hash
            for item in items[1:]
            if isinstance(item, Chunk)
        )
        assert sum(isinstance(item, Chunk) for item in items) >= 2


def test_decode_salvage_keeps_places(tmp_path):
    data = RNG.randbytes(1 << 20) + bytes(1 << 20) + RNG.randbytes(1 << 20) + b"tail"
    path, back = tmp_path / "x.lac", tmp_path / "x"
    path.write_bytes(flipped(lacodec.encode(data, effort=1), 500_000))
    with pytest.raises(CorruptFile, match=r"x\.lac: chunk 0 at offset \d+ \(covers 0-1048576\)"):
        api.decode_file(path, back)
    assert os.listdir(tmp_path) == ["x.lac"]
    result = api.decode_file(path, back, salvage=True, threads=2)
    assert back.read_bytes() == bytes(1 << 20) + data[1 << 20 :] and len(result.damage) == 1
    tested = api.check(path)
    assert not tested.ok and tested.damage == result.damage and tested.chunks == 3
    with lacodec.open(path) as opened:
        assert opened[2 << 20 :] == data[2 << 20 :]
        with pytest.raises(CorruptFile, match="chunk 0"):
            opened[:10]


def test_test_reports_damage_outside_of_chunks(tmp_path):
    path = tmp_path / "x.lac"
    encoded = lacodec.encode(bytes(3 << 20), effort=1)
    reader = Reader(BytesSource(encoded))
    for place in (1, 15, len(encoded) - 1, len(encoded) - 10, reader.index[-1].end + 70):
        path.write_bytes(flipped(encoded, place))
        try:
            assert not api.check(path).ok
        except LacodecError:
            assert place == 1
    path.write_bytes(encoded)
    assert api.check(path).ok


def test_zeros_behind_a_small_file(tmp_path):
    """From a tape, or a copy by blocks: named, and salvaged whole, even when the payload itself ends in zeros."""
    path, back = tmp_path / "x.lac", tmp_path / "x"
    for content in (b"some text", os.urandom(40) + bytes(7), bytes(100)):
        for zeros in (1, 10, 5000):
            path.write_bytes(lacodec.encode(content) + bytes(zeros))
            with pytest.raises(CorruptFile, match=f"{zeros} byte.* zero follow"):
                api.decode_file(path, back, force=True)
            damage = api.decode_file(path, back, salvage=True, force=True).damage
            assert back.read_bytes() == content and len(damage) == 1 and "follow" in damage[0]
    path.write_bytes(lacodec.encode(b"some text")[:-1] + b"\1" + bytes(5000))
    with pytest.raises(CorruptFile, match="damaged or cut off"):
        api.decode_file(path, back, force=True)
