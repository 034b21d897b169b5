"""Contexts, weight selectors and APM contexts of the next byte, from what the model remembers."""

from typing import Any

import numpy as np

from lacodec.codecs.text import model as tm
from lacodec.codecs.text.model import (
    CHAR_1,
    CHAR_2,
    CHAR_3,
    CHAR_4,
    CLASSES,
    HISTORY,
    LETTERS,
    LETTERS_1,
    LINE,
    LINE_BEFORE,
    NEED,
    PARTIAL,
    WORD_1,
    WORD_2,
    WORD_NOW,
    Model,
    hashed,
)
from lacodec.kernels.jit import inlined

_ONE = np.uint64(1)
_EIGHT = np.uint64(8)
_BYTE = np.uint64(0xFF)
_SLOW = np.uint64(101)  # slow probabilities hash apart from contexts of the same kind


@inlined
def fill_contexts(model: Model, data: np.ndarray, at: np.uint64) -> None:
    """All kinds of context for the byte at `at`, hashed into `ctx` and `slow`."""
    every, memory = model.every, model.memory
    _fill_characters(every, memory)
    _fill_words(every, memory, model.recent)
    _fill_lines(every, memory, data, at)
    history, recent, expect = memory[HISTORY], model.recent, model.expect
    every[tm.BYTES2] = history & np.uint64(0xFFFF)
    every[tm.INDIRECT2] = (history & np.uint64(0xFFFF)) | (np.uint64(recent[tm.after2(history)]) << np.uint64(16))
    every[tm.INDIRECT3] = (history & _BYTE) | (np.uint64(recent[tm.after3(history)]) << _EIGHT)
    seen = np.uint64(expect[0] + 256 * (expect[1] >> 3)) << _EIGHT if expect[1] else np.uint64(0)
    every[tm.MATCHED] = (history & _BYTE) | seen

    partial = memory[PARTIAL] << _EIGHT
    kinds, ctx = model.kinds, model.ctx
    for j in range(np.uint64(kinds.size)):
        kind = np.uint64(kinds[j])
        ctx[j] = hashed(every[kind], (kind + _ONE) | partial)
    slow_kinds, slow = model.slow_kinds, model.slow
    for j in range(np.uint64(slow_kinds.size)):
        kind = np.uint64(slow_kinds[j])
        slow[j] = hashed(every[kind], (kind + _SLOW) | partial)


@inlined
def _fill_characters(every: np.ndarray, memory: np.ndarray) -> None:
    every[tm.R0] = 0
    every[tm.R1] = memory[tm.RAW_1]
    every[tm.R2] = memory[tm.RAW_2]
    every[tm.R3] = memory[tm.RAW_3]
    every[tm.R4] = memory[tm.RAW_4]
    every[tm.N1] = memory[tm.FOLDED_1]
    every[tm.N2] = memory[tm.FOLDED_2]
    every[tm.N4] = memory[tm.FOLDED_4]
    every[tm.N5] = memory[tm.FOLDED_5]
    every[tm.N6] = memory[tm.FOLDED_6]
    every[tm.N8] = memory[tm.FOLDED_8]
    every[tm.SPARSE2] = memory[CHAR_2]
    every[tm.SPARSE23] = memory[CHAR_2] | (memory[CHAR_3] << np.uint64(32))
    every[tm.SPARSE34] = memory[CHAR_3] | (memory[CHAR_4] << np.uint64(32))


@inlined
def _fill_words(every: np.ndarray, memory: np.ndarray, recent: np.ndarray) -> None:
    now = memory[WORD_NOW]
    word = now + memory[tm.RAW_1]
    every[tm.WORD] = word
    every[tm.WORD2] = hashed(word, memory[WORD_1])
    every[tm.WORD3] = hashed(every[tm.WORD2], memory[WORD_2])
    every[tm.WORD_SKIP] = hashed(word, memory[WORD_2])
    every[tm.WORD_LENGTH] = min(memory[LETTERS], _BYTE) | (memory[LETTERS_1] << _EIGHT) | (memory[CHAR_1] << np.uint64(16))
    every[tm.AFTER_WORD] = hashed(now, np.uint64(recent[tm.after_word(memory)]))
    every[tm.PUNCTUATION] = hashed(word, memory[tm.MARK])
    every[tm.SENTENCE] = hashed(word, memory[tm.FIRST_WORD] + min(memory[tm.WORDS], np.uint64(3)))
    every[tm.OPEN] = hashed(memory[tm.BRACKETS], memory[tm.RAW_1])


@inlined
def _fill_lines(every: np.ndarray, memory: np.ndarray, data: np.ndarray, at: np.uint64) -> None:
    history = memory[HISTORY]
    column = at - memory[LINE]
    over = memory[LINE_BEFORE] + column
    above = np.uint64(data[over]) if over < memory[LINE] else np.uint64(10)
    every[tm.COLUMN] = above | (min(column, _BYTE) << _EIGHT)
    every[tm.SHAPE] = memory[tm.TOKENS]
    every[tm.FIELD_HEAD] = hashed(memory[tm.FIELD] + (memory[tm.HEAD] << _EIGHT), history & np.uint64(0xFFFF))
    beside = memory[tm.ABOVE]
    every[tm.FIELD_ABOVE] = (history & _BYTE) << _EIGHT
    if beside + _ONE < at:
        every[tm.FIELD_ABOVE] |= np.uint64(data[beside]) | (np.uint64(data[beside + _ONE]) << np.uint64(16))


@inlined
def fill_selectors(model: Model, at: np.uint64, selectors: np.uint64) -> None:
    """Which weights to use, and the contexts of the APMs."""
    expect, select, memory = model.expect, model.select, model.memory
    history = memory[HISTORY]
    column = at - memory[LINE]
    letters: Any = np.int64(min(memory[LETTERS], np.uint64(15)))
    select[0] = expect[1]
    select[1] = np.int64(min(memory[NEED], np.uint64(2)))
    select[2] = min(expect[3] >> 3, 7)
    select[3] = np.int64(history & _BYTE)
    select[4] = np.int64(memory[CLASSES] & np.uint64(511))
    select[5] = np.int64(min(column, np.uint64(127)) >> np.uint64(2)) * 8 + min(letters, 7)
    select[6] = np.int64((history >> _EIGHT) & _BYTE)
    select[7] = letters * 16 + np.int64(min(memory[LETTERS_1], np.uint64(15)))
    select[selectors] = np.int64(history & _BYTE)
    select[selectors + _ONE] = np.int64(history & np.uint64(0xFFFF))
    select[selectors + np.uint64(2)] = np.int64(history & np.uint64(0xFFFFFF))
    select[selectors + np.uint64(3)] = np.int64(model.every[tm.WORD])
