"""The pieces of a tokenizer as bytes, in their order.

tokenizer.json --> token numbers and their bytes --sorted--> trie, and for each rank the token's number

Two kinds are understood: byte-level (GPT-2 and those after it: each character of a token stands for a byte) and those of
SentencePiece (a low line stands for a space, <0x41> for a byte). Special tokens, which stand for no text, have no part in it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput
from lacodec.models.text.trie import Trie, trie

MOST_PIECES = 1 << 19
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "\u2581"
_LONGEST = 256  # bytes of a piece; longer ones are as good as never used


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Pieces, all different. Piece i has the bytes texts[i], and the model knows it as token numbers[i]."""

    texts: list[bytes]
    numbers: NDArray[np.int64]
    trie: Trie
    ids: NDArray[np.int64]  # [pieces]: token number by rank
    parent: NDArray[np.int32]  # [nodes]

    def beginning(self, node: int) -> bytes:
        """The bytes of a node of the trie."""
        found = bytearray()
        while node:
            found.append(self.trie.byte[node])
            node = int(self.parent[node])
        return bytes(reversed(found))

    def cut(self, data: bytes) -> Iterator[int]:
        """Pieces of some bytes, the longest first piece each time; bytes that no piece begins with are left out."""
        at = 0
        while at < len(data):
            node, end, piece = 0, at, -1
            for i in range(at, len(data)):
                node = self._child(node, data[i])
                if not node:
                    break
                if self.trie.piece[node] >= 0:
                    end, piece = i + 1, int(self.trie.piece[node])
            if piece >= 0:
                yield piece
            at = max(end, at + 1)

    def digest(self) -> bytes:
        """SHA-256 of all pieces and their token numbers."""
        digest = hashlib.sha256()
        for text, number in zip(self.texts, self.numbers.tolist(), strict=True):
            digest.update(b"%d %d " % (number, len(text)) + text)
        return digest.digest()

    def _child(self, node: int, byte: int) -> int:
        first, end = self.trie.child[node : node + 2]
        at = first + int(np.searchsorted(self.trie.byte[first:end], byte))
        return int(at) if at < end and self.trie.byte[at] == byte else 0


def vocabulary(tokenizer: Mapping[str, Any], tokens: int) -> Vocabulary:
    """From a tokenizer.json, for a model of so many tokens. Raises BadInput for kinds of pieces that are not understood."""
    found: dict[bytes, int] = {}
    for number, text in sorted(_texts(tokenizer), key=lambda item: (bool(_BYTE.fullmatch(item[1])), item[0])):
        data = _bytes_of(tokenizer, text)
        if data and len(data) <= _LONGEST and 0 <= number < tokens:
            found.setdefault(data, number)
    added = [token for token in tokenizer.get("added_tokens") or [] if not token["special"]]
    for token in added:
        if token["content"] and token["id"] < tokens:
            found.setdefault(token["content"].encode(), token["id"])
    if not 2 <= len(found) <= MOST_PIECES:
        raise BadInput(f"a tokenizer with {len(found)} pieces of text cannot be used (at most {MOST_PIECES})")
    texts, numbers = list(found), np.array(list(found.values()), np.int64)
    tree = trie(texts)
    parent = np.zeros(len(tree.byte), np.int32)
    parent[1:] = np.repeat(np.arange(len(tree.byte)), np.diff(tree.child))
    return Vocabulary(texts, numbers, tree, numbers[tree.order], parent)


def _texts(tokenizer: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Token numbers and their written forms, without special tokens."""
    model = tokenizer["model"]
    listed = model["vocab"]
    pairs = (
        [(number, row[0]) for number, row in enumerate(listed)]
        if isinstance(listed, list)
        else [(n, t) for t, n in listed.items()]
    )
    left_out = {token["id"] for token in tokenizer.get("added_tokens") or []}
    if isinstance(model.get("unk_id"), int):
        left_out.add(model["unk_id"])
    return [(number, text) for number, text in pairs if number not in left_out]


def _bytes_of(tokenizer: Mapping[str, Any], text: str) -> bytes:
    """Of a token; empty if it stands for no text."""
    if _kind(tokenizer) == "ByteLevel":
        letters = _letters()
        return bytes(letters[c] for c in text) if all(c in letters for c in text) else b""
    byte = _BYTE.fullmatch(text)
    return bytes([int(byte[1], 16)]) if byte else text.replace(_SPACE, " ").encode("utf-8", "surrogatepass")


def _kind(tokenizer: Mapping[str, Any]) -> str:
    """ByteLevel or SentencePiece, by what turns tokens into text."""
    decoder = tokenizer.get("decoder") or {}
    steps = [step["type"] for step in decoder.get("decoders") or [decoder] if "type" in step]
    if "ByteLevel" in steps:
        return "ByteLevel"
    if {"ByteFallback", "Metaspace"} & set(steps):
        return "SentencePiece"
    raise BadInput(
        f"its tokenizer ({tokenizer['model'].get('type')}, {' '.join(steps) or 'no decoder'}) has pieces that do not "
        "stand for bytes; byte-level and SentencePiece tokenizers can be used"
    )


@cache
def _letters() -> dict[str, int]:
    """Character -> byte, as byte-level tokenizers write bytes: printable ones of Latin-1 as they are, others from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(other)}
