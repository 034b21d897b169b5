"""Templates and columns: every byte comes back, whatever the lines; the plain reader agrees; forged payloads are refused."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.log.codec import Log
from lacodec.codecs.log.columns import encode as encoding
from lacodec.codecs.log.columns import parse as parsing
from lacodec.codecs.log.columns import types
from lacodec.codecs.log.columns.coders import Coder
from lacodec.codecs.log.columns.payload import decode_columns, encode_columns
from lacodec.codecs.log.lines import whole_lines
from lacodec.codecs.pieces import Writer
from lacodec.codecs.session import DEFAULT
from lacodec.container import Header
from lacodec.errors import CorruptFile, LacodecError
from reference import log_columns
from tests.checks import exhaustive
from tests.codecs.log.made_logs import ODD, log, mutant
from tests.strength import examples

HEADER = Header("log", 1, {}, nested={"arrays": 1, "bytes": 2})


def payload_of(data: bytes, effort: int = 3) -> bytes:
    payload = encode_columns(data, effort)
    assert payload is not None
    return payload


@pytest.mark.parametrize("effort", [1, 3, 5, 6])
@pytest.mark.parametrize("name", ODD)
def test_round_trip(name: str, effort: int) -> None:
    payload = payload_of(ODD[name], effort)
    assert decode_columns(payload, len(ODD[name]), HEADER) == ODD[name]
    assert payload_of(ODD[name], effort) == payload


@pytest.mark.plain
@pytest.mark.parametrize("name", [name for name in ODD if len(ODD[name]) < 60_000])
def test_a_plain_reader_reads_the_same(name: str) -> None:
    assert log_columns.decode(payload_of(ODD[name]), len(ODD[name])) == ODD[name]


@pytest.mark.plain
def test_a_plain_reader_reads_every_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_FEW", 40)
    data, used = log(4000), set()
    monkeypatch.setattr(encoding, "type_of", lambda *column: used.add(kept := types.type_of(*column)) or kept)
    assert log_columns.decode(payload_of(data, 2), len(data)) == data
    assert {kept.code for kept in used} == set(range(types.TYPES)) - {types.DISTINCT}


TOKENS = st.sampled_from(
    [
        "word",
        "12",
        "007",
        "1.50",
        "10.0.0.7",
        "23:59:59",
        "00:00:01.250",
        "dead00beef",
        "/usr/lib",
        '"a b"',
        "Jan",
        "=",
        "\r",
        "\0",
        "é",
    ]
)
LINES = st.lists(st.lists(TOKENS, max_size=8).map(" ".join), max_size=60)


@examples(60)
@given(LINES, st.sampled_from(["", "\n"]), st.integers(1, 30))
def test_any_lines(lines: list[str], end: str, times: int) -> None:
    data = ("\n".join(lines * times) + end).encode()
    if data:
        assert decode_columns(payload_of(data, 1), len(data), HEADER) == data


@examples(60)
@given(st.binary(min_size=1, max_size=500))
def test_any_bytes(data: bytes) -> None:
    assert decode_columns(payload_of(data, 1), len(data), HEADER) == data


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=exhaustive)])
def test_fuzzed_logs(count: int) -> None:
    rng = random.Random(count)
    originals = [log(n, n) for n in (3, 40, 700)] + [data for data in ODD.values() if len(data) < 100_000]
    for i in range(count):
        data = mutant(rng.choice(originals), rng)
        assert decode_columns(payload_of(data, (1, 5, 3)[i % 3]), len(data), HEADER) == data


def test_forged_payloads_give_only_our_errors() -> None:
    rng = random.Random(5)
    originals = [(payload_of(data, effort), len(data)) for data in (log(700), ODD["quotes"], ODD["NUL"]) for effort in (1, 5)]
    outcomes = {"error": 0, "decoded": 0}
    for _ in range(600):
        payload, size = rng.choice(originals)
        changed = bytearray(payload)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(changed)) if rng.random() < 0.5 else rng.randrange(min(len(changed), 60))
            changed[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        try:
            found = decode_columns(bytes(changed), size, HEADER)
            assert len(found) == size
            outcomes["decoded"] += 1
        except LacodecError:
            outcomes["error"] += 1
    assert outcomes["error"] > 120


def test_claims_are_refused() -> None:
    payload = payload_of(log(100))
    for size in (0, 10, len(log(100)) - 1, len(log(100)) + 1):
        with pytest.raises(CorruptFile):
            decode_columns(payload, size, HEADER)
    with pytest.raises(CorruptFile):
        decode_columns(payload[:-1], len(log(100)), HEADER)
    with pytest.raises(CorruptFile):
        decode_columns(payload + b"\0", len(log(100)), HEADER)


def test_arranged_hashes_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all lines seem to have one template, they are left to codec `bytes`."""
    monkeypatch.setattr(parsing, "numbered", lambda keys: (np.zeros(len(keys), np.int32), np.zeros(min(1, len(keys)), np.int64)))
    assert encoding.encode(np.frombuffer(log(50), np.uint8), 3) is None


def test_the_default_spends_what_time_a_block_has() -> None:
    """Large texts of a long block get better methods than those of a short one, each time the same."""
    text = b"".join(b"GET /%d/%s\n" % (i * i % 977, b"abcdefgh"[i % 5 :]) for i in range(4000))
    spent = []
    for size in (10_000, 1 << 20, 1 << 20):
        out, coder = Writer(), Coder(5, size, DEFAULT)
        coder.text(out, text)
        spent.append(len(out))
    assert spent[0] > spent[1] == spent[2]


def test_blocks_end_with_lines() -> None:
    data = log(200)
    blocks = list(whole_lines(iter([data[:5000], data[5000:6000], data[6000:]]), 4096))
    assert b"".join(blocks) == data and all(len(block) <= 4096 and block.endswith(b"\n") for block in blocks)
    assert list(whole_lines(iter([b"a" * 10]), 4)) == [b"aaaa", b"aaaa", b"aa"]
    assert list(whole_lines(iter([]), 4)) == []


def test_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Log, "chunk_size", lambda self: 1 << 16)
    data = log(2000) + b"x" * (9 << 14) + b"\n" + log(100)
    encoded = lacodec.encode(data, "log", threads=2, effort=1)
    assert encoded == lacodec.encode(data, "log", threads=1, effort=1) and bytes(lacodec.decode(encoded)) == data
    with lacodec.open(encoded) as opened:
        lines = data.splitlines(keepends=True)
        assert list(opened.lines(10, 13)) == lines[10:13] and list(opened.lines(1999)) == lines[1999:]
        assert bytes(opened[100:200]) == data[100:200] and list(opened.lines(5000)) == []


def test_nothing() -> None:
    assert bytes(lacodec.decode(lacodec.encode(b"", "log"))) == b""
