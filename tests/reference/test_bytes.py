"""Codec `bytes` by `reference/`: methods, efforts, profiles and filters that no golden file has."""

import random

import numpy as np
import pytest

import lacodec
from lacodec.codecs.bytes.filters import apply_filter
from lacodec.codecs.bytes.mixed import block, start
from reference import bytes_filters, bytes_mixed
from reference.decode import restore
from tests.checks import inputs

RNG = random.Random(7)
CODE = b"".join(b"\xe8" + (70_000 - 9 * i).to_bytes(4, "little") + RNG.randbytes(i % 5) for i in range(400))
SAMPLES = b"".join((abs(i * 41 % 3000 - 1500) * 16 + i * i % 7).to_bytes(2, "little") for i in range(900))
BINARY = {
    "records": b"".join(i.to_bytes(2, "little") + RNG.randbytes(1) + b"\0\7\xff" for i in range(350)),
    "bytes apart": bytes((i // 3 * 2 + 60 * (i % 3) + RNG.randrange(2)) & 255 for i in range(2000)),
    "calls": CODE,
    "far lines": bytes(range(7)) * 300,
}
TEXTS = {
    "fields": b"".join(b"%d\t%s: %d, %d;\n" % (i, (b"ok", b"LATE", b"\xc3\xa4")[i % 3], i * i, 7 * i % 10) for i in range(60)),
    "words": b" ".join(RNG.choice([b"the", b"Rate", b"of", b"symbols", b"1998", b"it's"]) for _ in range(250)),
    "one": b"a",
}


@pytest.fixture
def short_primer(monkeypatch):
    """Both sides read a primer of a few sentences only."""
    text = start.primer_text()[:600].copy()
    text.flags.writeable = False
    for module in (start, block):
        monkeypatch.setattr(module, "primer_text", lambda: text)
    monkeypatch.setattr(start, "_kept", {})
    monkeypatch.setattr(bytes_mixed, "primer", text.tobytes)
    monkeypatch.setattr(bytes_mixed, "_primed", {})
    yield
    start._kept.clear()


def read_method(data: bytes, effort: int) -> tuple[bytes, bytes]:
    """(content by the reference, first bytes of the payload)."""
    encoded = lacodec.encode(data, "bytes", effort=effort)
    from reference.container import read

    return restore(encoded).content, read(encoded)[1][0].payload[:4]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("effort", range(5, 10))
def test_binary(name, effort):
    content, head = read_method(BINARY[name], effort)
    assert content == BINARY[name] and head[:3] == bytes([3, effort, 0])


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("effort", range(5, 10))
def test_text(name, effort, short_primer):
    content, head = read_method(TEXTS[name], effort)
    assert content == TEXTS[name] and (name == "one" or head[:3] == bytes([3, effort, 1]))


def test_two_texts_after_the_same_primer(short_primer):
    for _ in range(2):
        assert [read_method(text, 6)[0] for text in TEXTS.values()] == list(TEXTS.values())


@pytest.mark.parametrize("number", range(bytes_filters.FILTERS))
def test_filters_in_a_payload(number, monkeypatch):
    monkeypatch.setattr(block, "_choose_filter", lambda data: number)
    data = CODE[:400] if number == 7 else SAMPLES[:401]
    content, head = read_method(data, 7)
    assert content == data and list(head) == [3, 7, 0, number]


@pytest.mark.parametrize("number", range(bytes_filters.FILTERS))
def test_all_filters(number):
    for size in (0, 1, 2, 3, 5, 6, 9, 1000, 1001):
        data = random.Random(size).choices((0, 1, 0xE8, 0xE9, 255, 77), k=size)
        filtered = apply_filter(np.array(data, np.uint8), number).tobytes()
        assert bytes_filters.undo(filtered, number) == bytes(data)


@pytest.mark.parametrize("effort", [1, 2, 3, 4])
def test_low_efforts(effort):
    for name, data in inputs(1500).items():
        assert restore(lacodec.encode(data, "bytes", effort=effort)).content == data, name


def test_more_than_a_chunk():
    data = bytes(1 << 20) + b"end" * 99
    assert restore(lacodec.encode(data, "bytes", effort=1)).content == data
