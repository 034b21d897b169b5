"""Codec `text` by `reference/`, behind primers of a few sentences, and the stored primers themselves."""

import random

import numpy as np
import pytest

import lacodec
from lacodec.codecs.text import block, primers, setup, start
from reference import text_codec, text_setup
from reference.container import read
from reference.decode import restore
from tests.checks import exhaustive

RNG = random.Random(7)
SHORT = "“Rates of symbols,” said he (twice); the table of 1998 went on. Слово було. 白日依山。\nNOBODY spoke of it again.\n" * 6
TEXTS = {
    "words": b" ".join(RNG.choice([b"the", b"Rate", b"of", b"symbols", b"1998", b"it's", b"(so).", b'"The']) for _ in range(250)),
    "fields": b"".join(b"%d\t%s: %d, %d;\n" % (i, (b"ok", b"LATE", b"\xc3\xa4")[i % 3], i * i, 7 * i % 10) for i in range(60)),
    "line ends": b"".join(b"It is line %d.%s" % (i, b"\n" if i in (3, 30) else b"\r\n") for i in range(40)),
    "scripts": "Князь молча смотрел; ГРАФ Ёжик. Աստուած. Ελλάδα, ŒUVRE, 世界（一）。«𝔊»\u3000".encode() * 4,
    "broken": b" ".join(
        RNG.choice([b"the", b"Rate\xff", b"\xe2\x82", b"of\x80", b"symbols", b"\xf0\x9f it's", b"\xd0\xb0"]) for _ in range(250)
    ),
    "far lines": bytes(range(7, 14)) * 60 + b"<" * 40 + b">" * 50,
    "one": b"a",
}


@pytest.fixture
def short_primer(monkeypatch):
    """Both sides read a primer of a few sentences only, most of it absorbed."""
    text = SHORT.encode()

    def primer_text(primer: int, effort: int) -> np.ndarray:
        return np.frombuffer(text * len(primers.parts_of(primer, effort)), np.uint8)

    for module in (start, block):
        monkeypatch.setattr(module, "primer_text", primer_text)
    monkeypatch.setattr(start, "CODED_END", 150)
    monkeypatch.setattr(text_codec, "CODED_END", 150)
    monkeypatch.setattr(start, "_kept", {})
    monkeypatch.setattr(text_codec, "_primed", {})
    monkeypatch.setattr(text_codec, "part", lambda number: text)
    yield
    start._kept.clear()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("effort", setup.EFFORTS)
def test_text(name, effort, short_primer):
    encoded = lacodec.encode(TEXTS[name], "text", effort=effort)
    assert restore(encoded).content == TEXTS[name]
    assert name == "one" or read(encoded)[1][0].payload[:2] == bytes([1, effort])


def test_two_texts_after_the_same_primer(short_primer):
    for _ in range(2):
        assert [restore(lacodec.encode(text, "text", effort=6)).content for text in TEXTS.values()] == list(TEXTS.values())


@pytest.mark.parametrize("size", [0, 30_000, 500_000, 3_000_000, 9_000_000])
@pytest.mark.parametrize("effort", setup.EFFORTS)
def test_the_same_parts(effort, size):
    plan, other = setup.setup(effort), text_setup.setup(effort, size)
    bits = plan.line_bits(size)
    assert (other.shape.line_bits, other.shape.slow_bits, other.head_bits) == (bits, plan.slow_bits(bits), plan.head_bits(bits))
    assert (other.kinds, other.slow_kinds, other.shape.selectors) == (plan.kinds, plan.slow_kinds, plan.selectors)


def test_the_same_primers():
    assert len(primers.NAMES) == text_setup.PRIMERS
    for primer in range(text_setup.PRIMERS):
        for effort in setup.EFFORTS:
            assert text_setup.parts_of(primer, effort) == primers.parts_of(primer, effort)


@exhaustive
def test_stored_primers():
    """One of them: they take a minute each."""
    assert text_codec.part(9) == start.primer_text(9, 5).tobytes()
