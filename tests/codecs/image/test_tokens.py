"""Codec `image.tokens`: indices come back, any beginning of a sequence decodes to its first ones, damage never to wrong ones."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec import api
from lacodec.codecs.image.tokens import codec as codec_module
from lacodec.codecs.image.tokens._payload import decode_tokens, encode_tokens, first_tokens
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.testing import check_codec
from reference import tokens_codec
from reference.container import read
from reference.decode import restore
from tests.strength import examples
from tools import golden
from tools.golden import tokens as golden_tokens


def drawn(words, *shape, dtype=np.uint16):
    return np.random.default_rng(words).integers(0, words, shape).astype(dtype)


def first_of(data, tokens):
    """How many tokens a damaged file decodes to; they must be the first ones."""
    try:
        found = lacodec.decode(data)
    except LacodecError as error:
        assert "\n" not in str(error)
        return 0
    assert found.dtype == tokens.dtype and np.array_equal(found, tokens[: len(found)])
    return len(found)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.int64])
def test_contract(dtype):
    values = {"sequence": drawn(200, 32, dtype=dtype), "map": drawn(200, 5, 7, dtype=dtype), "empty": drawn(5, 0, dtype=dtype)}
    check_codec("image.tokens", values)


@pytest.mark.parametrize("digest", [None, 7])
@pytest.mark.parametrize("words", [1, 2, 3, 1000, 1024, 4097])
def test_books(words, digest):
    for count in (70, 1200):
        tokens = drawn(words, count).astype(np.int64)
        payload = encode_tokens(tokens, words, digest)
        assert np.array_equal(decode_tokens(payload, count, words, digest), tokens)


@pytest.mark.parametrize("words", [1, 3, 4096, 1 << 16])
def test_a_sequence_cut_anywhere_gives_its_first_tokens(words):
    tokens = drawn(words, 700, dtype=np.uint32)
    data, before = lacodec.encode(tokens, "image.tokens", book=words), 0
    for size in range(len(data)):
        found = first_of(data[:size], tokens)
        assert found >= before
        before = found
    assert before == 700, "all are there without the last byte, which is not of the payload"


def test_how_many_are_certain():
    """At least those whose bytes are there, without one segment, a check and what the coder looks ahead."""
    tokens = drawn(4096, 700).astype(np.int64)
    payload = encode_tokens(tokens, 4096, 7)
    for size in range(len(payload)):
        found = len(first_tokens(payload[:size], 700, 4096, 7))
        assert found >= (0.8 * size - 110) * 8 / 12.5
        assert not found or size > found * 1.5
    assert len(first_tokens(payload[:40], 700, 4096, 7)) == 17


def test_checks_cost_little():
    for count, more in ((16, 0), (32, 4), (64, 4), (128, 8), (256, 12)):
        tokens = drawn(4096, count)
        plain = len(encode_tokens(tokens.astype(np.int64), 4096, None))
        size = len(lacodec.encode(tokens, "image.tokens", book=4096))
        assert len(encode_tokens(tokens.astype(np.int64), 4096, 7)) - plain in range(more - 1, more + 2)
        assert more < 0.03 * size
    few = drawn(2, 100_000).astype(np.int64)
    assert len(encode_tokens(few, 2, 7)) < len(encode_tokens(few, 2, None)) * 1.006


def test_a_long_sequence_loses_little():
    tokens = drawn(4096, 200_000).astype(np.int64)
    payload = encode_tokens(tokens, 4096, 7)
    assert len(payload) - len(encode_tokens(tokens, 4096, None)) < 0.0007 * len(payload)
    assert np.array_equal(decode_tokens(payload, 200_000, 4096, 7), tokens)
    found = first_tokens(payload[:-1], 200_000, 4096, 7)
    assert len(found) > 200_000 - 11_000 and np.array_equal(found, tokens[: len(found)])


def test_flipped_bits_never_give_a_wrong_token():
    tokens, random = drawn(4096, 256), np.random.default_rng(5)
    data = lacodec.encode(tokens, "image.tokens", book=4096)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(random.integers(8))
        assert first_of(bytes(damaged), tokens) in (0, 256), "damaged and not cut off; the last byte may not matter"
        damaged[at] = int(random.integers(256))
        first_of(bytes(damaged[: len(data) - 1 - at % 5]), tokens)


def test_lost_bytes_never_give_a_wrong_token():
    tokens = drawn(4096, 256)
    data = lacodec.encode(tokens, "image.tokens", book=4096)
    found = [first_of(data[:at] + data[at + lost :], tokens) for lost in (1, 2, 4, 30) for at in range(len(data) - lost)]
    assert max(found) > 150


def test_the_stream_of_another_sequence_gives_no_token():
    one, two = (lacodec.encode(tokens, "image.tokens", book=4096) for tokens in (drawn(4096, 256), drawn(4095, 256)))
    start = len(one) - len(encode_tokens(drawn(4096, 256).astype(np.int64), 4096, 7)) - 1
    for size in (300, 400, len(two)):
        assert first_of(two[:start] + two[start:size], drawn(4095, 256)) > 80
        assert first_of(one[:start] + two[start:size], drawn(4096, 256)) == 0


@examples(150)
@given(st.data())
def test_damage_of_any_kind_never_gives_a_wrong_token(data):
    words = data.draw(st.sampled_from([1, 2, 5, 300, 4096, 1 << 14]))
    count = data.draw(st.integers(1, 400))
    skew = data.draw(st.sampled_from([1.0, 3.0, 20.0]))
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    tokens = (random.random(count) ** skew * words).astype(np.uint32)
    file = lacodec.encode(tokens, "image.tokens", book=words)
    head = file.index(b"tokens") if data.draw(st.booleans()) else 0
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(min(head, len(file)), len(file)))
        new = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([bytes(9), b"\xff" * 9])))
        file = file[:at] + new + file[at + data.draw(st.sampled_from([0, len(new), 1, 7, 60])) :]
    first_of(file[: data.draw(st.integers(0, len(file)))], tokens)
    first_of(file, tokens)


def test_a_sequence_of_several_chunks(monkeypatch):
    monkeypatch.setattr(codec_module, "_MOST", 100)
    tokens = drawn(4096, 250)
    data, before = lacodec.encode(tokens, "image.tokens"), 0
    assert np.array_equal(lacodec.decode(data), tokens)
    for size in range(len(data)):
        found = first_of(data[:size], tokens)
        assert found >= before
        before = found
    assert before == 250
    for at in range(0, len(data), 3):
        first_of(data[:at] + data[at + 1 :], tokens)


@pytest.mark.parametrize("shape", [(256,), (16, 16)])
def test_files(tmp_path, shape):
    tokens = drawn(4096, *shape)
    np.save(tmp_path / "in.npy", tokens)
    api.encode_file(tmp_path / "in.npy", tmp_path / "in.npy.lac", codec="image.tokens")
    api.decode_file(tmp_path / "in.npy.lac", tmp_path / "out.npy")
    assert np.array_equal(np.load(tmp_path / "out.npy"), tokens)


def test_what_is_said_of_a_file_that_was_cut_off():
    tokens = drawn(4096, 256)
    data = lacodec.encode(tokens, "image.tokens", book=4096)
    for size, words in ((len(data) - 2, "only its first 173 of 256"), (len(data) - 1, "but all of its 256")):
        said = f"it is cut off or damaged, {words} tokens are certain"
        assert api.decode_file(io.BytesIO(data[:size]), io.BytesIO()).remark == said
        assert api.check(io.BytesIO(data[:size])).damage == (said,)
        assert api.info(data[:size]).metadata["shape"] == [256]
    with pytest.raises(CorruptFile, match="damaged or cut off; restore the file from a copy"):
        lacodec.decode(data[:110])
    with pytest.raises(CorruptFile, match="damaged or cut off"):
        lacodec.decode(lacodec.encode(tokens.reshape(16, 16), "image.tokens")[:-100])


def test_frequent_words_are_cheap():
    often = np.minimum(np.random.default_rng(1).geometric(0.02, (32, 48)), 1023).astype(np.uint16)
    assert len(lacodec.encode(often, "image.tokens", book=1024)) < 1536 * 10 / 8 * 0.9
    assert len(lacodec.encode(drawn(1024, 32, 48), "image.tokens", book=1024)) < 1536 * 10 / 8 * 1.02 + 100


@pytest.mark.plain
def test_plain_reader_reads_golden_files():
    for setting, name in golden_tokens.WANTED:
        data = (golden.folder_of(golden_tokens) / f"tokens-{setting}-{name}.lac").read_bytes()
        assert restore(data).content == golden_tokens.content(name)


@pytest.mark.plain
def test_plain_reader():
    for tokens in (drawn(4096, 40), drawn(4096, 700), drawn(300, 6, 9), drawn(300, 30, 20)):
        header, chunks = read(lacodec.encode(tokens, "image.tokens"))
        assert np.array_equal(tokens_codec.decode(header, chunks), tokens)


@pytest.mark.parametrize("digest", [None, 7])
def test_hostile_payloads(digest):
    good = encode_tokens(np.arange(64), 64, digest)
    random = np.random.default_rng(1)
    for payload in (b"", good[:-1], good + b"\0", bytes(30), b"\xff" * 30, random.bytes(25), random.bytes(300)):
        assert not len(first_tokens(payload, 24, 64, 7)) or payload == good[:-1]
        try:
            found = decode_tokens(payload, 24, 64, digest)
        except CorruptFile:
            continue
        assert found.min() >= 0 and found.max() < 64


def test_refused():
    for value in (drawn(5, 2, 2, 2), drawn(5, 4).astype(np.float32), np.array([-1]), np.array([1 << 21])):
        with pytest.raises(LacodecError):
            lacodec.encode(value, "image.tokens")
    for book in (0, True, 1 << 21, 4):
        with pytest.raises(BadInput):
            lacodec.encode(np.array([1, 7], np.uint8), "image.tokens", book=book)
