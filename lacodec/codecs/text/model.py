"""The arrays of the text model, and the numbers by which its parts name their places."""

from typing import NamedTuple

import numpy as np

from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import inlined

# Kinds of context, by their place in `Model.every`.
(R0, R1, R2, R3, R4, N1, N2, N4, N5, N6, N8, BYTES2, WORD, WORD2, WORD3, WORD_SKIP, WORD_LENGTH, AFTER_WORD, PUNCTUATION,
 SENTENCE, OPEN, SPARSE2, SPARSE23, SPARSE34, INDIRECT2, INDIRECT3, COLUMN, SHAPE, FIELD_HEAD, FIELD_ABOVE,
 MATCHED) = range(31)  # fmt: skip
KINDS = 31

# What the model remembers between bytes, by its place in `Model.memory`.
(HISTORY, CLASSES, PARTIAL, NEED, CODE_POINT, CHAR_1, CHAR_2, CHAR_3, CHAR_4, RAW_1, RAW_2, RAW_3, RAW_4, FOLDED_1, FOLDED_2,
 FOLDED_3, FOLDED_4, FOLDED_5, FOLDED_6, FOLDED_7, FOLDED_8, WORD_NOW, WORD_1, WORD_2, LETTERS, LETTERS_1, WORDS, FIRST_WORD,
 MARK, BRACKETS, TOKENS, FIELD, HEAD, LINE, LINE_BEFORE, ABOVE) = range(36)  # fmt: skip
MEMORY = 36

MATCHES = 3
POINTER, LENGTH, MISSES, MINIMUM = range(4)
RECENT = 65536  # places in each table of followers
FOLLOWERS = 3

_ODD = np.uint64(0xD6E8FEB86659FD93)


class Model(NamedTuple):
    """The text model's own arrays, beside those of the coder. Made by `state.new_model`."""

    kinds: np.ndarray  # int64[contexts]: which kind feeds each context of the coder
    slow_kinds: np.ndarray  # int64[slows]: the same of slow probabilities
    every: np.ndarray  # uint64[KINDS]
    ctx: np.ndarray  # uint64[contexts]
    slow: np.ndarray  # uint64[slows]
    expect: np.ndarray  # int64[2 * MATCHES]
    select: np.ndarray  # int64[MAX_SELECTS + MAX_APMS]
    memory: np.ndarray  # uint64[MEMORY]
    matches: np.ndarray  # int64[4 * MATCHES]
    heads: np.ndarray  # uint32[MATCHES * 2**k]: hash of the newest bytes -> position after them
    recent: np.ndarray  # uint32[FOLLOWERS * RECENT]: what followed two bytes, three bytes, and a word the last time


@inlined
def hashed(a: np.uint64, b: np.uint64) -> np.uint64:
    """A 64-bit hash of two numbers."""
    mixed = (np.uint64(a) + np.uint64(b) * GOLDEN) * _ODD
    return (mixed ^ (mixed >> np.uint64(29))) * GOLDEN


@inlined
def after2(history: np.uint64) -> np.uint64:
    """Place of what followed the last two bytes."""
    return history & np.uint64(0xFFFF)


@inlined
def after3(history: np.uint64) -> np.uint64:
    """Place of what followed the last three bytes."""
    return np.uint64(RECENT) + (hashed(history & np.uint64(0xFFFFFF), 3) >> np.uint64(48))


@inlined
def after_word(memory: np.ndarray) -> np.uint64:
    """Place of the word that followed the last word."""
    return np.uint64(2 * RECENT) + (memory[WORD_1] >> np.uint64(48))
