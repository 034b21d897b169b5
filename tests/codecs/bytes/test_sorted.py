"""Block sorting: the transform against a naive one, round trips, the plain reader, hard inputs, damaged payloads."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.codecs.bytes.sorted import block, transform
from lacodec.codecs.bytes.sorted.block import bwt_decode, bwt_encode
from lacodec.errors import CorruptFile
from reference import bytes_sorted
from tests.checks import inputs
from tests.strength import examples

RNG = random.Random(11)


def fibonacci(size: int) -> bytes:
    a, b = b"a", b"ab"
    while len(b) < size:
        a, b = b, b + a
    return b[:size]


def de_bruijn(symbols: int, order: int) -> bytes:
    """Every word of the order once (Fredricksen and Maiorana's Lyndon words)."""
    words, word = bytearray(), [0]
    while word:
        if order % len(word) == 0:
            words += bytes(word)
        word = [word[i % len(word)] for i in range(order)]
        while word and word[-1] == symbols - 1:
            word.pop()
        if word:
            word[-1] += 1
    return bytes(words)


CALLS = b"".join(b"\xe8" + (70_000 - 9 * i & 0xFFFFFFFF).to_bytes(4, "little") + RNG.randbytes(i % 5) for i in range(400))
CASES = {name: data for name, data in inputs(6000).items() if data} | {
    "zeros at the end": b"\0\1" * 30 + bytes(20) + b"\1\0" * 9,
    "long pieces": b"".join(bytes([9, *[0] * (20 + i % 3), 1 + i % 2]) for i in range(200)),
    "fibonacci": fibonacci(5000),
    "de bruijn": de_bruijn(3, 7),
    "period 300": random.Random(2).randbytes(300) * 20,
    "calls": CALLS,
    "runs": b"".join(bytes([i % 3]) * (i % 40) for i in range(300)),
}


def naive(data: bytes) -> tuple[bytes, int]:
    order = sorted(range(len(data) + 1), key=lambda place: data[place:])
    return bytes(data[place - 1] for place in order if place), order.index(0)


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def check(data: bytes) -> bytes:
    payload = bwt_encode(array(data))
    assert bwt_decode(payload, len(data)).tobytes() == data
    assert bytes_sorted.decode(payload, len(data)) == data
    return payload


@pytest.mark.parametrize("name", CASES)
def test_round_trip(name: str) -> None:
    payload = check(CASES[name])
    assert bwt_encode(array(CASES[name])) == payload


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name]) < 7000])
def test_the_transform_is_the_naive_one(name: str) -> None:
    found, rows = transform.transform(array(CASES[name]))
    assert (found.tobytes(), rows[0]) == naive(CASES[name])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 14)), min_size=1, max_size=60))
@examples(300)
def test_any_runs(runs: list[tuple[int, int]]) -> None:
    data = b"".join(bytes([symbol]) * count for symbol, count in runs)
    found, rows = transform.transform(array(data))
    assert (found.tobytes(), rows[0]) == naive(data)
    check(data)


@given(st.binary(min_size=1, max_size=300))
@examples(150)
def test_any_bytes(data: bytes) -> None:
    check(data)


def test_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "MAX_SIZE", 5000)
    monkeypatch.setattr(bytes_sorted, "PART", 5000)
    for data in (CASES["text"] * 4, CASES["random"] * 2 if "random" in CASES else RNG.randbytes(12_000), bytes(10_000)):
        check(data)


@pytest.mark.parametrize(
    "data",
    [
        bytes(1 << 20),
        b"ab" * (1 << 19),
        fibonacci(1 << 20),
        de_bruijn(2, 20),
        RNG.randbytes(1 << 18) * 4,
        b"aaaaaaab" * (1 << 17),
    ],
    ids=["zeros", "period 2", "fibonacci", "de bruijn", "copies", "period 8"],
)
def test_hard_inputs_take_no_longer(data: bytes) -> None:
    """All are sorted in n log n: seconds at most, where a sort that compares suffixes would take minutes."""
    bwt_encode(array(b"compile this first"))
    begin = time.process_time()
    payload = bwt_encode(array(data))
    assert time.process_time() - begin < 60
    assert bwt_decode(payload, len(data)).tobytes() == data


def test_damage() -> None:
    data = CASES.get("text", CALLS)
    payload = bwt_encode(array(data))
    for at in range(len(payload)):
        for damaged in (payload[:at], payload[:at] + bytes([payload[at] ^ 1 << at % 8]) + payload[at + 1 :]):
            try:
                assert bwt_decode(damaged, len(data)).size == len(data)
            except CorruptFile:
                continue
    for wrong in (b"", b"\1" + payload[1:], payload + bytes(20)):
        with pytest.raises(CorruptFile):
            bwt_decode(wrong, len(data))
