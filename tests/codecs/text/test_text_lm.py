"""Codec `text.lm`: round trips with a very small model, the plain reader, and payloads that nobody encoded."""

import contextlib
import io
import os
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.text.codec import Text
from lacodec.codecs.text.lm.choice import language_helps
from lacodec.codecs.text.lm.codec import TextLM
from lacodec.container import stream
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel
from lacodec.io.source import BytesSource
from lacodec.io.streams import PipeSource
from reference import text_lm_codec
from reference.container import read
from tests import languages
from tests.reference.test_text import TEXTS, short_primer
from tests.strength import examples

pytestmark = pytest.mark.usefixtures(short_primer.__name__)
PROSE = (languages.TEXT * 2)[:1500]
ENGLISH = (Path(__file__).parents[3] / "LICENSE").read_bytes()[:6000]
FIGURES = b"".join(b"%d,%d\n" % (i * i % 977, i * 7 % 31) for i in range(300))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(languages.model_file(tmp_path_factory.mktemp("model")))


@pytest.mark.plain
@pytest.mark.parametrize("name", TEXTS)
def test_the_plain_reader_reads_it(path, name):
    text = TEXTS[name]
    encoded = lacodec.encode(text, "text.lm", model=path)
    assert lacodec.decode(encoded) == text
    chunk = read(encoded)[1][0]
    assert text_lm_codec.decode(chunk.payload, len(text), languages.arrays()) == text


@given(text=st.one_of(st.binary(max_size=400), st.text(max_size=150).map(str.encode), st.just(PROSE), st.just(b"\r\n" * 300)))
@examples(25)
def test_round_trips(path, text):
    codec = lacodec.codec("text.lm", model=path)
    assert codec.decode(codec.encode(text)) == text


def test_it_learns_from_the_model(path):
    with_language = len(lacodec.encode(PROSE, "text.lm", model=path))
    assert with_language < len(PROSE)


def test_a_file_names_its_model(path, tmp_path, monkeypatch):
    encoded = lacodec.encode(PROSE, "text.lm", model=path)
    other = languages.model_file(tmp_path, seed=5)
    assert read(encoded)[0]["model_id"] != read(lacodec.encode(PROSE, "text.lm", model=str(other)))[0]["model_id"]
    assert read(encoded)[0]["metadata"] == {"model_bytes": os.path.getsize(path)}
    monkeypatch.setattr("lacodec.codecs.text.shipped._named", {})
    with pytest.raises(MissingModel, match="LACODEC_MODELS"):
        lacodec.decode(encoded)
    monkeypatch.setenv("LACODEC_MODELS", path)
    assert lacodec.decode(encoded) == PROSE


def test_other_files_are_no_models(tmp_path):
    (tmp_path / "a.txt").write_text("no model")
    for name in ("a.txt", "nothing.lac"):
        with pytest.raises(LacodecError):
            lacodec.encode(PROSE, "text.lm", model=str(tmp_path / name))
    with pytest.raises(BadInput):
        lacodec.codec("text.lm", effort=3)


@cache
def encoded_prose(path):
    return TextLM(TextLM.Options(model=path)).encode_block(PROSE)


@pytest.mark.parametrize("seed", range(40))
def test_forged_payloads(path, seed):
    rng = random.Random(seed)
    codec = TextLM(TextLM.Options(model=path))
    payload = bytearray(encoded_prose(path))
    for _ in range(rng.randint(1, 4)):
        payload[rng.randrange(0 if seed % 2 else 9, len(payload))] = rng.randrange(256)
    if seed % 5 == 0:
        del payload[rng.randrange(len(payload)) :]
    with contextlib.suppress(CorruptFile, MissingModel):
        codec.decode_block(bytes(payload), len(PROSE), 0)


@pytest.mark.slow
def test_what_the_model_does_not_help_goes_to_text():
    coder = TextLM()
    assert coder.encode_block(ENGLISH[:500])[0] == 1
    payload = coder.encode_block(FIGURES)
    assert payload == b"\3" + Text(Text.Options(effort=9)).encode_block(FIGURES)
    encoded = lacodec.encode(FIGURES, "text.lm")
    header, (chunk,) = read(encoded)
    assert chunk.payload == payload and header["nested"] == {"text": 1, "bytes": 2}
    assert lacodec.decode(encoded) == FIGURES == text_lm_codec.decode(payload, len(FIGURES), {})


@cache
def encoded_figures():
    return lacodec.encode(FIGURES, "text.lm")


@pytest.mark.parametrize("seed", range(20))
def test_forged_payloads_of_text(seed):
    rng = random.Random(seed)
    header, (chunk,) = stream(BytesSource(encoded_figures()))
    payload = bytearray(chunk.payload)
    for _ in range(rng.randint(1, 4)):
        payload[rng.randrange(1, len(payload))] = rng.randrange(256)
    if seed % 5 == 0:
        del payload[rng.randrange(1, len(payload)) :]
    with contextlib.suppress(LacodecError):
        TextLM().decode_payload(header, bytes(payload), len(FIGURES))


@pytest.mark.slow
def test_effort_9_leads_here_where_the_model_helps(tmp_path):
    for name, data, codec in (("a.txt", ENGLISH, "text.lm"), ("b.txt", FIGURES, "text"), ("c.txt", b"word\n", "text")):
        (tmp_path / name).write_bytes(data)
        coder = lacodec.codec("text", effort=9)
        for encoded in (lacodec.encode(tmp_path / name, effort=9), coder.encode(tmp_path / name), coder.encode(data)):
            assert lacodec.info(encoded).codec == codec and lacodec.decode(encoded) == data
        assert lacodec.info(lacodec.encode(tmp_path / name, effort=8)).codec == "text"
    pipe = PipeSource(io.BytesIO(ENGLISH))
    assert language_helps(pipe) and b"".join(pipe.blocks(1 << 20)) == ENGLISH


def test_codec_text_refuses_it(path):
    payload = TextLM(TextLM.Options(model=path)).encode_block(PROSE)
    with pytest.raises(CorruptFile):
        Text().decode_block(bytes([1]) + payload[9:], len(PROSE), 1)


def test_threads_make_no_difference(path, monkeypatch):
    monkeypatch.setattr(TextLM, "chunk_size", lambda self: 500)
    codec = lacodec.codec("text.lm", model=path)
    assert codec.encode(PROSE, threads=1) == codec.encode(PROSE, threads=2)
    assert codec.decode(codec.encode(PROSE), threads=2) == PROSE
