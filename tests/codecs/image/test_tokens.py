"""Codec `image.tokens`: indices come back, any beginning of a sequence decodes to its first ones, sizes, hostile payloads."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.image.tokens._payload import decode_tokens, encode_tokens, first_tokens
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.testing import check_codec
from reference import tokens_codec
from reference.container import read
from reference.decode import restore
from tools import golden
from tools.golden import tokens as golden_tokens


def drawn(words, *shape, dtype=np.uint16):
    return np.random.default_rng(words).integers(0, words, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.int64])
def test_contract(dtype):
    values = {"sequence": drawn(200, 32, dtype=dtype), "map": drawn(200, 5, 7, dtype=dtype), "empty": drawn(5, 0, dtype=dtype)}
    check_codec("image.tokens", values)


@pytest.mark.parametrize("words", [1, 2, 3, 1000, 1024, 4097])
def test_books(words):
    tokens = drawn(words, 70).astype(np.int64)
    payload = encode_tokens(tokens, words)
    assert np.array_equal(decode_tokens(payload, 70, words), tokens)


@pytest.mark.parametrize("words", [3, 4096])
def test_any_beginning_gives_the_first_tokens(words):
    tokens = drawn(words, 120).astype(np.int64)
    payload, before = encode_tokens(tokens, words), 0
    for size in range(len(payload)):
        found = first_tokens(payload[:size], 120, words)
        assert len(found) >= before and np.array_equal(found, tokens[: len(found)])
        assert len(found) >= int((size - 7) * 8 / np.log2(words)) - 1
        before = len(found)
    assert before >= 120 - 60 / np.log2(words)


def test_a_file_that_was_cut_off(tmp_path):
    tokens = drawn(4096, 256)
    data = lacodec.encode(tokens, "image.tokens", book=4096)
    assert np.array_equal(lacodec.decode(data), tokens)
    for size in (len(data) - 2, len(data) - 150, len(data) - 300):
        found = lacodec.decode(data[:size])
        assert 0 < len(found) < 257 and np.array_equal(found, tokens[: len(found)])
    with pytest.raises(CorruptFile):
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
    for tokens in (drawn(4096, 40), drawn(300, 6, 9)):
        header, chunks = read(lacodec.encode(tokens, "image.tokens"))
        assert np.array_equal(tokens_codec.decode(header, chunks), tokens)


def test_hostile_payloads():
    good = encode_tokens(np.arange(24), 64)
    random = np.random.default_rng(1)
    for payload in (b"", good[:-1], good + b"\0", bytes(30), b"\xff" * 30, random.bytes(25), random.bytes(300)):
        try:
            found = decode_tokens(payload, 24, 64)
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
