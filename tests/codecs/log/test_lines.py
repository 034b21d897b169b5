"""Efforts 7 to 9: round trips, the stream against a reader in plain Python, and forged payloads."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.log.codec import BYTES, MIXED, STORED
from lacodec.codecs.log.mixed import block, start
from lacodec.codecs.log.mixed.block import decode_lines, encode_lines
from lacodec.container import stream
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from reference import log_lines
from tests.checks import exhaustive
from tests.strength import examples
from tools.log_samples import samples

FORMATS = dict(samples(5, 3000))
MIXTURE = b"".join(log[:260] for log in FORMATS.values()) + bytes(range(256)) + b"\r\nthe end"
ODD = {
    "empty": b"",
    "one": b"7",
    "no final line feed": b"10:00:01 a 1\n10:00:02 a 2",
    "line ends": b"10:00:01 a 1\r\n10:00:02 a 2\n\r\n\n\r10:00:03 a 3\r" * 40,
    "NUL": b"12:00:00.5\0\0id 77\0\n" * 60,
    "Latin-1": "2026-01-01 größer als 5 µs\n".encode("latin-1") * 50,
    "UTF-16": "2026-01-01 12:00:00 line\n".encode("utf-16") * 50,
    "long numbers": b"".join(b"%d %d\n" % (10**i, 10 ** (40 - i) - 1) for i in range(40)) * 3,
    "a long line": b"".join(b"k%d=%d " % (i % 300, i * i) for i in range(30_000)),
    "only line feeds": b"\n" * 5000,
    "only separators": b": [" * 2000,
    "noise": random.Random(3).randbytes(4000),
    "falling clock": b"".join(b"%02d:00:00 up %d.%03d\n" % (23 - i % 24, i * 3600, i) for i in range(300)),
}


@pytest.fixture
def short_primer(monkeypatch):
    """Both sides read a primer of a few sentences only."""
    text = start.primer_text()[:600].copy()
    text.flags.writeable = False
    for module in (start, block):
        monkeypatch.setattr(module, "primer_text", lambda: text)
    monkeypatch.setattr(start, "_kept", {})
    monkeypatch.setattr(log_lines, "primer", text.tobytes)
    monkeypatch.setattr(log_lines, "_primed", {})
    yield
    start._kept.clear()


@pytest.mark.plain
@pytest.mark.parametrize("effort", [7, 9])
@pytest.mark.parametrize("name", ["mixture", *(name for name in ODD if len(ODD[name]) < 4000)])
def test_a_slow_reader_reads_the_same(name, effort, short_primer):
    data = MIXTURE if name == "mixture" else ODD[name][:400]
    assert log_lines.decode(encode_lines(data, effort), len(data)) == data


@pytest.mark.parametrize("name", [*FORMATS, *ODD])
def test_round_trip(name):
    data = FORMATS.get(name, ODD.get(name))
    encoded = lacodec.encode(data, "log", effort=9)
    assert bytes(lacodec.decode(encoded)) == data
    payload = next(iter(stream(BytesSource(encoded))[1])).payload
    assert payload[0] == (MIXED if name in FORMATS else payload[0]) and payload[0] in (STORED, MIXED, BYTES)
    assert len(encoded) <= len(data) + 64 + len(data) // 1000


@pytest.mark.parametrize("effort", [7, 8, 9])
def test_efforts(effort):
    data = b"".join(FORMATS.values())
    payload = encode_lines(data, effort)
    assert payload[0] == effort and encode_lines(data, effort) == payload
    assert decode_lines(payload, len(data)) == data
    assert len(payload) < 0.99 * len(lacodec.encode(data, "bytes", effort=effort))


def test_greater_efforts_are_smaller():
    logs = [log for name, log in samples(6, 30_000) if name in ("database", "calls", "errors", "phone")]
    sizes = [sum(len(encode_lines(log, effort)) for log in logs) for effort in (7, 8, 9)]
    assert sizes[0] > 1.01 * sizes[1] and sizes[1] > 1.002 * sizes[2]


def test_what_it_does_not_suit_is_left_to_bytes():
    prose = b" ".join(random.Random(1).choice([b"the", b"of", b"symbols", b"it's", b"rate"]) for _ in range(3000))
    for data, effort in ((np.arange(9000, dtype="<u4").tobytes(), 9), (prose, 7)):
        size = len(lacodec.encode(data, "log", effort=effort))
        assert size <= len(lacodec.encode(data, "bytes", effort=effort)) + 64
        assert bytes(lacodec.decode(lacodec.encode(data, "log", effort=effort))) == data


@pytest.mark.slow
def test_progress():
    data, told = dict(samples(6, 600_000))["database"], []
    payload = encode_lines(data, 7, told.append)
    assert sum(told) == len(data) and len(told) > 2
    told.clear()
    assert decode_lines(payload, len(data), told.append) == data and sum(told) == len(data)


LINES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(lambda h, n, s: b"%02d:%02d:%02d %s[%d]: %d\n" % (h % 24, h % 60, n % 60, s, n, h * n), st.integers(0, 99999),
                  st.integers(0, 10**20), st.sampled_from([b"a", b"init", b"0x", b"Z"])),
    ),
    max_size=40,
)  # fmt: skip


@given(LINES, st.sampled_from([7, 9]))
@examples(60)
def test_any_lines(lines, effort):
    data = b"".join(lines)
    assert decode_lines(encode_lines(data, effort), len(data)) == data


def fuzzed(rng: random.Random) -> bytes:
    """Parts of logs, cut, repeated, shuffled and with bytes changed."""
    parts = [rng.choice(list(FORMATS.values())) for _ in range(rng.randrange(1, 4))]
    data = bytearray()
    for part in parts:
        begin = rng.randrange(len(part))
        data += part[begin : begin + rng.randrange(900)] * rng.choice((1, 1, 1, 3))
    for _ in range(rng.choice((0, 1, 5, 60))):
        if data:
            data[rng.randrange(len(data))] = rng.choice((0, 10, 13, 32, 48, 57, 90, 95, 255, rng.randrange(256)))
    return bytes(data)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=exhaustive)])
def test_fuzzed_logs(count):
    rng = random.Random(count)
    for i in range(count):
        data = fuzzed(rng)
        assert decode_lines(encode_lines(data, 7 + i % 3), len(data)) == data, i


def test_forged_payloads():
    rng, payload = random.Random(8), encode_lines(MIXTURE[:3000], 9)
    refused = 0
    for _ in range(60):
        damaged = bytearray(payload)
        damaged[rng.randrange(min(len(damaged), rng.choice((2, 40, 9999))))] = rng.randrange(256)
        del damaged[rng.choice((len(damaged), len(damaged), rng.randrange(len(damaged)))) :]
        size = rng.choice((3000, 3000, rng.randrange(6000)))
        try:
            assert len(decode_lines(bytes(damaged), size)) == size
        except CorruptFile:
            refused += 1
    assert refused > 40
    for nothing in (b"", b"\6abc", b"\xff"):
        with pytest.raises(CorruptFile):
            decode_lines(nothing, 5)


def test_truncation_is_noticed():
    payload = encode_lines(FORMATS["json"], 7)
    for stop in range(0, len(payload), 40):
        with pytest.raises(CorruptFile):
            decode_lines(payload[:stop], len(FORMATS["json"]))
