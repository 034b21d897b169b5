"""Pieces of tokenizers as bytes."""

import pytest

from lacodec.errors import BadInput
from lacodec.models.text.causal.vocabulary import vocabulary

BYTE_LEVEL = {
    "model": {"type": "BPE", "vocab": {"<s>": 0, "a": 1, "Ġa": 2, "Ċ": 3, "Ã": 4, "ab": 5, "한": 6, "Ġ": 7}},
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel"}]},
    "added_tokens": [{"id": 0, "content": "<s>", "special": True}, {"id": 8, "content": "  ", "special": False}],
}
SENTENCES = {
    "model": {
        "type": "Unigram",
        "unk_id": 0,
        "vocab": [["<unk>", 0], ["▁", -1], ["▁a", -2], ["<0x41>", -3], ["A", -4], ["<0x0A>", -5]],
    },
    "decoder": {"type": "Sequence", "decoders": [{"type": "Replace"}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
    "added_tokens": None,
}


def test_byte_level_pieces():
    words = vocabulary(BYTE_LEVEL, 9)
    assert dict(zip(words.texts, words.numbers.tolist(), strict=True)) == {
        b"a": 1, b" a": 2, b"\n": 3, b"\xc3": 4, b"ab": 5, b" ": 7, b"  ": 8,
    }  # fmt: skip
    assert [words.texts[i] for i in words.trie.order] == sorted(words.texts)
    assert words.numbers[words.trie.order].tolist() == words.ids.tolist()
    assert b"  " not in vocabulary(BYTE_LEVEL, 8).texts  # a token that the model does not have


def test_sentencepiece_pieces_with_byte_tokens():
    words = vocabulary(SENTENCES, 6)
    assert dict(zip(words.texts, words.numbers.tolist(), strict=True)) == {b" ": 1, b" a": 2, b"A": 4, b"\n": 5}


def test_beginnings_and_cuts():
    words = vocabulary(BYTE_LEVEL, 9)
    nodes = [words.beginning(node) for node in range(len(words.trie.byte))]
    assert set(nodes) == {text[:n] for text in words.texts for n in range(len(text) + 1)}
    assert [words.texts[piece] for piece in words.cut(b" aab?\n")] == [b" a", b"ab", b"\n"]


def test_the_digest_tells_vocabularies_apart():
    other = {**BYTE_LEVEL, "model": {"type": "BPE", "vocab": {**BYTE_LEVEL["model"]["vocab"], "a": 5, "ab": 1}}}
    assert vocabulary(BYTE_LEVEL, 9).digest() == vocabulary(BYTE_LEVEL, 9).digest() != vocabulary(other, 9).digest()


@pytest.mark.parametrize("decoder", [None, {"type": "WordPiece", "prefix": "##"}, {"type": "BPEDecoder", "suffix": "</w>"}])
def test_pieces_that_are_not_bytes(decoder):
    with pytest.raises(BadInput, match="pieces that do not stand for bytes"):
        vocabulary({**BYTE_LEVEL, "decoder": decoder}, 9)


def test_too_few_pieces():
    with pytest.raises(BadInput, match="pieces of text"):
        vocabulary({**BYTE_LEVEL, "model": {"type": "BPE", "vocab": {"a": 1}}, "added_tokens": []}, 9)
