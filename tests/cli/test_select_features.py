"""Kernels of `lacodec select` beside plain Python."""

import re

import numpy as np

from lacodec.datasets.selection import features
from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.shingles import shingle_set, shingles_of, words_of

M = (1 << 64) - 1
TEXTS = [
    b"",
    b"a",
    b"The cat's hat, the CAT'S hat; \xc3\xa4 und_1",
    bytes(range(256)) * 3,
    b"one two three four five six seven eight nine " * 9 + b"ten",
]


def grown(word: bytes) -> int:
    value = 0
    for byte in word.lower():
        value = (value + byte + 1) * 0xD6E8FEB86659FD93 & M
        value ^= value >> 32
    return value


def mixed(value: int) -> int:
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & M
    value = (value ^ value >> 27) * 0x94D049BB133111EB & M
    return value ^ value >> 31


def gram_counts(text: bytes) -> np.ndarray:
    counts = np.zeros(1 << 16, np.int64)
    golden, pair = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
    for end in range(1, len(text) + 1):
        for order in range(2, 7):
            gram = int.from_bytes(text[max(0, end - order) : end], "big")
            counts[((gram + order * 0x1234567890ABCDF) * golden & M) >> 48] += 1
    before = 0
    for word in re.findall(rb"[0-9A-Za-z_'\x80-\xff]+(?=[^0-9A-Za-z_'\x80-\xff])", text):
        value = grown(word)
        counts[(value * golden & M) >> 48] += 1
        counts[mixed((value + before * pair) & M) >> 48] += 1
        before = value
    return counts


def token_counts(text: bytes) -> np.ndarray:
    counts = np.zeros(1 << 16, np.int64)
    before = 0
    for token in re.findall(rb"[0-9A-Za-z_\x80-\xff]+|[^0-9A-Za-z_\x80-\xff\t-\r ]+", text):
        value = grown(token)
        counts[mixed(value) >> 48] += 1
        if before:
            counts[mixed((value + before * 0xBF58476D1CE4E5B9) & M) >> 48] += 1
        before = value
    return counts


def test_features_are_those_of_plain_python() -> None:
    for kind, reference in ((features.GRAMS, gram_counts), (features.TOKENS, token_counts)):
        counts = np.zeros(1 << 16, np.int64)
        features.add(Batch(TEXTS), kind, counts)
        assert np.array_equal(counts, sum(reference(text) for text in TEXTS))
        weights = np.random.default_rng(0).random(1 << 16).astype(np.float32)
        expected = [float(reference(text) @ weights.astype(np.float64)) for text in TEXTS]
        assert np.allclose(features.weigh(Batch(TEXTS), kind, weights), expected, rtol=1e-12)


def test_words_and_overlap_are_those_of_plain_python() -> None:
    words = [re.findall(rb"[0-9a-z_\x80-\xff]+", text.lower()) for text in TEXTS]
    target = [b"x " + TEXTS[4][:80], TEXTS[1]]
    inside = {tuple(found[i : i + 8]) for found in map(bytes.split, target) for i in range(max(1, len(found) - 7))}
    shingles = [[tuple(found[i : i + 8]) for i in range(max(1, len(found) - 7))] for found in words]
    seen = words_of(Batch(TEXTS), shingle_set(shingles_of(Batch(target))))
    assert seen.words.tolist() == [len(found) for found in words]
    assert np.allclose(seen.overlap, [sum(s in inside for s in found) / len(found) for found in shingles])
    assert seen.overlap[1] == 1
    assert 0 < seen.overlap[4] < 1


def test_signatures_estimate_what_documents_share() -> None:
    chance = np.random.default_rng(5)
    word = [b"w%d" % i for i in chance.permutation(4000)]
    for shared in (200, 500, 900):
        a, b = word[:1000], word[1000 - shared : 2000 - shared]
        signatures = words_of(Batch([b" ".join(a) + b".", b" ".join(b) + b"."]), shingle_set(np.zeros(0, np.uint64))).signatures
        jaccard = (shared - 2) / (2 * 998 - (shared - 2))
        assert abs((signatures[0] == signatures[1]).mean() - jaccard) < 0.15
