"""The LZ codec: round trips, the stream against a slow reader of it in plain Python, and damaged payloads."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.codecs.bytes.lz import block
from lacodec.codecs.bytes.lz.behind import pack_rooms, unpack_rooms
from lacodec.codecs.bytes.lz.block import decode_sequences, lz_decode, lz_encode
from lacodec.codecs.bytes.lz.layout import extra_bits, slot_of
from lacodec.codecs.bytes.lz.pack import MAX_LEVEL, make_freqs
from lacodec.errors import BadInput, CorruptFile
from reference import bytes_lz
from tests.checks import inputs
from tests.strength import examples

CASES = {
    **{name: data for name, data in inputs(6000).items() if data},
    "period 8": b"12345678" * 900,
    "period 300": random.Random(2).randbytes(300) * 20,
    "records": b"".join(bytes([i % 7, 0, 255, i % 251]) for i in range(2000)),
    "blocks that differ in a byte": b"".join(random.Random(3).randbytes(200) + bytes([i % 256]) for i in range(30)),
    "match at the end": b"the end. " + random.Random(4).randbytes(50) + b"the end. ",
}


def encoded(data: bytes, effort: int) -> bytes:
    return lz_encode(np.frombuffer(data, np.uint8), effort)


@pytest.mark.parametrize("effort", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_round_trip(name: str, effort: int) -> None:
    data = CASES[name]
    payload = encoded(data, effort)
    assert lz_decode(payload, len(data)).tobytes() == data
    assert encoded(data, effort) == payload
    assert len(payload) <= len(data) + 400  # what does not shrink is stored by the codec `bytes`


@pytest.mark.plain
@pytest.mark.parametrize("effort", [2, 3])
@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name]) < 10_000])
def test_a_slow_reader_reads_the_same(name: str, effort: int) -> None:
    data = CASES[name]
    assert bytes_lz.decode_filtered(encoded(data, effort), len(data)) == data


@pytest.fixture
def always_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offsets count positions behind the same byte, whatever the data."""
    monkeypatch.setattr(block, "_BEHIND_FROM", 1)
    monkeypatch.setattr(block, "is_text", lambda data: True)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("always_behind")
def test_offsets_behind_the_same_byte(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = CASES[name]
    monkeypatch.setattr(block, "_SAMPLE", 0)
    payload = encoded(data, 3)
    assert payload[1] == 1
    assert lz_decode(payload, len(data)).tobytes() == data
    if len(data) < 10_000:
        assert bytes_lz.decode_filtered(payload, len(data)) == data


def test_text_has_smaller_offsets() -> None:
    rng = random.Random(5)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(3000)]
    data = b" ".join(words[min(int(rng.expovariate(0.004)), 2999)] for _ in range(60_000))
    assert encoded(data, 3)[1] == 1 and encoded(data, 2)[1] == 0
    assert lz_decode(encoded(data, 3), len(data)).tobytes() == data


def test_calls_are_filtered() -> None:
    rng = random.Random(7)
    data = b"".join(b"\xe8" + (70_000 - 9 * i & 0xFFFFFFFF).to_bytes(4, "little") + rng.randbytes(i % 5) for i in range(400))
    payload = encoded(data, 2)
    assert payload[0] == 7 and lz_decode(payload, len(data)).tobytes() == data


@given(st.lists(st.integers(0, 1 << 22), min_size=256, max_size=256))
def test_rooms(counts: list[int]) -> None:
    packed = pack_rooms(np.array(counts, np.uint64))
    rooms, used = unpack_rooms(packed + b"rest", sum(counts))
    assert used == len(packed)
    assert all(count <= room <= count + count // 8 + 1 for count, room in zip(counts, rooms.tolist(), strict=True))
    with pytest.raises(CorruptFile):
        unpack_rooms(packed[:-1], sum(counts))
    if sum(counts) > 10_000:
        with pytest.raises(CorruptFile, match="larger"):
            unpack_rooms(packed, sum(counts) // 2)


@given(st.binary(min_size=1, max_size=400), st.sampled_from([2, 3]))
@examples(200)
def test_any_bytes(data: bytes, effort: int) -> None:
    assert lz_decode(encoded(data, effort), len(data)).tobytes() == data


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(1, 300)), max_size=60), st.sampled_from([2, 3]))
@examples(100)
def test_any_repeats(moves: list[tuple[int, int, int]], effort: int) -> None:
    rng = random.Random(len(moves))
    data = bytearray(b".")
    for fresh, length, distance in moves:
        data += rng.randbytes(fresh)
        for _ in range(length if distance <= len(data) else 0):
            data.append(data[-distance])
    assert lz_decode(encoded(bytes(data), effort), len(data)).tobytes() == data


@pytest.mark.parametrize("effort", [2, 3])
def test_more_than_a_segment(effort: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "WINDOW", 1 << 19)
    rng = np.random.default_rng(5)
    part = rng.integers(0, 4, 200_000, np.uint8)
    data = np.concatenate([part, rng.integers(0, 256, 900_000, np.uint8), part, np.zeros(100_000, np.uint8), part])
    payload = lz_encode(data, effort)
    assert len(payload) < 1_200_000
    assert (lz_decode(payload, len(data)) == data).all()


def test_effort_three_is_smaller() -> None:
    sizes = [(len(encoded(data, 2)), len(encoded(data, 3))) for data in CASES.values()]
    assert sum(three for _, three in sizes) < sum(two for two, _ in sizes)


def test_input_may_be_read_only_or_strided() -> None:
    data = np.arange(4000, dtype=np.uint32).astype(np.uint8)
    assert (lz_decode(lz_encode(data[::2], 2), 2000) == data[::2]).all()


def test_payload_may_be_a_memoryview() -> None:
    payload = encoded(CASES["text"], 2)
    assert lz_decode(memoryview(b"." + payload)[1:], len(CASES["text"])).tobytes() == CASES["text"]


def test_bad_arguments() -> None:
    with pytest.raises(BadInput, match="effort"):
        lz_encode(np.zeros(9, np.uint8), 4)
    with pytest.raises(BadInput, match="are possible"):
        lz_encode(np.broadcast_to(np.uint8(0), (1 << 26) + 1), 2)


@pytest.mark.parametrize("effort", [2, 3])
@pytest.mark.parametrize("name", ["text", "table", "huge run", "short random", "seven", "period 300"])
def test_damaged_payloads(name: str, effort: int) -> None:
    data = CASES[name]
    payload = encoded(data, effort)
    rng = random.Random(6)
    refused = 0
    for _ in range(150):
        damaged = bytearray(payload)
        action = rng.random()
        if action < 0.7:
            for _ in range(rng.choice((1, 1, 4))):
                damaged[rng.randrange(min(len(damaged), rng.choice((6, 100, 1 << 30))))] = rng.randrange(256)
        elif action < 0.85:
            del damaged[rng.randrange(len(damaged)) :]
        else:
            damaged[rng.randrange(len(damaged)) :] = rng.randbytes(rng.randint(1, 20))
        size = rng.choice((len(data), len(data), rng.randrange(1, 9000)))
        try:
            assert len(lz_decode(bytes(damaged), size)) == size
        except CorruptFile:
            refused += 1
    assert refused > 75


@given(st.binary(max_size=80), st.integers(0, 3000))
@examples(200)
def test_noise_as_payload(payload: bytes, size: int) -> None:
    for decode in (lz_decode, decode_sequences):
        try:
            assert len(decode(payload, size)) == size
        except CorruptFile as error:
            assert str(error)


@pytest.mark.parametrize("size", [-1, (1 << 26) + 1, 1 << 60])
def test_impossible_sizes(size: int) -> None:
    with pytest.raises(CorruptFile, match="chunk"):
        lz_decode(encoded(b"abcabc" * 9, 2), size)


def test_truncation_is_noticed() -> None:
    payload = encoded(CASES["table"], 3)
    for stop in range(0, len(payload), 7):
        with pytest.raises(CorruptFile):
            lz_decode(payload[:stop], len(CASES["table"]))


def test_slots_cover_all_values() -> None:
    for detail in (2, 3):
        for value in [*range(300), 1000, 65535, 65536, (1 << 26) - 1, 1 << 26]:
            slot = int(slot_of(np.uint64(value), np.uint64(detail)))
            extra = int(extra_bits(np.uint64(slot), np.uint64(detail)))
            low = slot if slot < 1 << detail else ((slot & (1 << detail) - 1) | 1 << detail) << extra
            assert low <= value < low + (1 << extra)
            assert slot < (200 if detail == 3 else 108)


@given(st.lists(st.integers(0, MAX_LEVEL), min_size=256, max_size=256))
@examples(100)
def test_frequencies_sum_up(levels: list[int]) -> None:
    freqs = make_freqs(np.array([levels], np.uint8))[0]
    assert freqs.sum() == 2048
    present = np.array(levels) > 0
    assert (freqs[present] > 0).all()
    assert not present.any() or (freqs[~present] == 0).all()
