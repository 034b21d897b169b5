"""Text -> ids: the byte-pair vocabulary of a tokenizer.json, words by rank, and WordPiece; plain Python, each word once."""

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")  # GPT-2's, nearly
WORDS = re.compile(r"\w+|[^\w\s]")


def by_pairs(tokenizer: Path, text: str) -> np.ndarray:
    """Ids of byte-level BPE with the vocabulary and merges of a `tokenizer.json`, as uint16."""
    model = json.loads(tokenizer.read_text())["model"]
    pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    letters, ids = _letters(), model["vocab"]

    @cache
    def encoded(piece: str) -> list[int]:
        parts = [letters[byte] for byte in piece.encode()]
        while len(parts) > 1:
            _, at = min((ranks.get(pair, len(ranks)), at) for at, pair in enumerate(pairwise(parts)))
            if (parts[at], parts[at + 1]) not in ranks:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [ids[part] for part in parts]

    return _flat(encoded, PIECES.findall(text), np.uint16)


def by_rank(text: str) -> np.ndarray:
    """Each word or sign as its rank by frequency, as uint32."""
    words = WORDS.findall(text)
    order = {word: rank for rank, (word, _) in enumerate(Counter(words).most_common())}
    return np.array([order[word] for word in words], np.uint32)


def word_pieces(vocabulary: Path) -> Callable[[str], list[int]]:
    """A function from text to ids of BERT's WordPiece, lower case, without the marks at both ends."""
    ids = {piece: number for number, piece in enumerate(vocabulary.read_text(encoding="utf-8").split("\n"))}

    @cache
    def encoded(word: str) -> list[int]:
        found, start = [], 0
        while start < len(word):
            stop = next((s for s in range(len(word), start, -1) if ("##" * (start > 0) + word[start:s]) in ids), None)
            if stop is None:
                return [ids["[UNK]"]]
            found.append(ids["##" * (start > 0) + word[start:stop]])
            start = stop
        return found

    return lambda text: [number for word in WORDS.findall(text.lower()) for number in encoded(word)]


def _flat(encoded: Callable[[str], list[int]], pieces: list[str], dtype: type) -> np.ndarray:
    return np.array([number for piece in pieces for number in encoded(piece)], dtype)


def _letters() -> list[str]:
    """GPT-2's letter for each byte: itself where it prints, else the next free one above 255."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]
