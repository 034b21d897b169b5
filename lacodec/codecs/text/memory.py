"""What the text model remembers: bytes -> characters -> words and sentences; brackets, token shapes, fields and lines.

Characters are those of UTF-8; bytes that are none count one by one. A folded character is in lower case, and a line end is a
space, so that a phrase is the same at the start of a sentence and across two lines.
"""

from typing import Any

import numpy as np

from lacodec.codecs.text.model import (
    ABOVE,
    BRACKETS,
    CHAR_1,
    CHAR_2,
    CHAR_3,
    CHAR_4,
    CLASSES,
    CODE_POINT,
    FIELD,
    FIRST_WORD,
    FOLDED_1,
    FOLDED_8,
    HEAD,
    HISTORY,
    LETTERS,
    LETTERS_1,
    LINE,
    LINE_BEFORE,
    MARK,
    NEED,
    PARTIAL,
    RAW_1,
    RAW_4,
    TOKENS,
    WORD_1,
    WORD_2,
    WORD_NOW,
    WORDS,
    Model,
    after2,
    after3,
    after_word,
    hashed,
)
from lacodec.kernels.jit import inlined

_ONE = np.uint64(1)
_EIGHT = np.uint64(8)
_BYTE = np.uint64(0xFF)
_SPACE = np.uint64(32)


@inlined
def remember(model: Model, data: np.ndarray, at: np.uint64, c: np.uint64) -> None:
    """Take in the byte at `at`."""
    memory, recent = model.memory, model.recent
    history = memory[HISTORY]
    _follow(recent, after2(history), c)
    _follow(recent, after3(history), c)
    memory[HISTORY] = (history << _EIGHT) | c
    kind = _byte_class(c)
    memory[CLASSES] = (memory[CLASSES] << np.uint64(3)) | kind
    _remember_shape(memory, c, kind)
    _remember_field(memory, data, at, c)
    _remember_byte(memory, recent, c)


@inlined
def _follow(recent: np.ndarray, place: np.uint64, c: np.uint64) -> None:
    recent[place] = ((recent[place] << np.uint32(8)) | np.uint32(c)) & np.uint32(0xFFFF)


@inlined
def _byte_class(c: np.uint64) -> np.uint64:
    """0 control, 1 line end, 2 space, 3 punctuation, 4 digit, 5 lower case, 6 upper case, 7 beyond ASCII."""
    if c >= 97 and c <= 122:
        return np.uint64(5)
    if c >= 128:
        return np.uint64(7)
    if c >= 65 and c <= 90:
        return np.uint64(6)
    if c >= 48 and c <= 57:
        return np.uint64(4)
    if c == 32:
        return np.uint64(2)
    if c == 10:
        return np.uint64(1)
    return np.uint64(3) if c > 32 else np.uint64(0)


@inlined
def _remember_byte(memory: np.ndarray, recent: np.ndarray, c: np.uint64) -> None:
    """Bytes to characters: a lead byte says how many follow; what breaks off counts as a character, and so does a stray byte."""
    if c < 128 or c >= 192:
        if memory[NEED]:
            _take_character(memory, recent, memory[PARTIAL])
        memory[NEED] = 0
        memory[PARTIAL] = 0
        if c < 128:
            _take_character(memory, recent, c)
        else:
            memory[NEED] = _ONE if c < 224 else np.uint64(2) if c < 240 else np.uint64(3)
            memory[PARTIAL] = c
            memory[CODE_POINT] = c & (np.uint64(31) if c < 224 else np.uint64(15) if c < 240 else np.uint64(7))
    elif memory[NEED]:
        memory[NEED] -= _ONE
        memory[PARTIAL] = (memory[PARTIAL] << _EIGHT) | c
        memory[CODE_POINT] = (memory[CODE_POINT] << np.uint64(6)) | (c & np.uint64(63))
        if memory[NEED] == 0:
            memory[PARTIAL] = 0
            _take_character(memory, recent, memory[CODE_POINT])
    else:
        _take_character(memory, recent, c)


@inlined
def _take_character(memory: np.ndarray, recent: np.ndarray, x: np.uint64) -> None:
    for i in range(RAW_4, RAW_1, -1):
        memory[np.uint64(i)] = hashed(memory[np.uint64(i) - _ONE], x + _ONE)
    memory[RAW_1] = hashed(0, x + _ONE)
    memory[CHAR_4] = memory[CHAR_3]
    memory[CHAR_3] = memory[CHAR_2]
    memory[CHAR_2] = memory[CHAR_1]
    memory[CHAR_1] = x
    y = _fold(x)
    for i in range(FOLDED_8, FOLDED_1, -1):
        memory[np.uint64(i)] = hashed(memory[np.uint64(i) - _ONE], y + _ONE)
    memory[FOLDED_1] = hashed(0, y + _ONE)
    if _is_letter(y):
        memory[WORD_NOW] = hashed(memory[WORD_NOW] + y, 1)
        memory[LETTERS] += _ONE
        return
    if memory[WORD_NOW]:
        _end_word(memory, recent)
    if y != _SPACE:
        _remember_mark(memory, y)


@inlined
def _fold(x: np.uint64) -> np.uint64:
    """Lower case of Latin, Greek, Cyrillic and Armenian letters; a line end is a space."""
    if x < 128:
        if x >= 65 and x <= 90:
            return x | np.uint64(32)
        return _SPACE if x == 10 or x == 13 else x
    if (x >= 0x410 and x <= 0x42F) or (x >= 0x391 and x <= 0x3A9) or (x >= 0xC0 and x <= 0xDE):
        return x + np.uint64(32)
    if x >= 0x400 and x <= 0x40F:
        return x + np.uint64(80)
    if x >= 0x531 and x <= 0x556:
        return x + np.uint64(48)
    return x | _ONE if x >= 0x100 and x <= 0x17F else x


@inlined
def _is_letter(y: np.uint64) -> Any:
    """Of a folded character: anything beyond ASCII that is no known punctuation."""
    if y < 128:
        return y >= 97 and y <= 122
    if y < 0xC0 or y == 0xF7 or (y >= 0x2000 and y < 0x2070) or (y >= 0x3000 and y < 0x3040):
        return False
    return y < 0xFF00 or y >= 0xFF40


@inlined
def _end_word(memory: np.ndarray, recent: np.ndarray) -> None:
    recent[after_word(memory)] = np.uint32(memory[WORD_NOW] >> np.uint64(32))
    if memory[WORDS] == 0:
        memory[FIRST_WORD] = memory[WORD_NOW]
    memory[WORDS] += _ONE
    memory[WORD_2] = memory[WORD_1]
    memory[WORD_1] = memory[WORD_NOW]
    memory[LETTERS_1] = min(memory[LETTERS], _BYTE)
    memory[WORD_NOW] = 0
    memory[LETTERS] = 0


@inlined
def _remember_mark(memory: np.ndarray, y: np.uint64) -> None:
    """The last mark, whether a word stood in the sentence before it, the end of a sentence, open brackets and quotes."""
    memory[MARK] = y + np.uint64(256) * min(memory[WORDS], _ONE)
    if y == 46 or y == 33 or y == 63 or y == 0x3002:
        memory[WORDS] = 0
        memory[FIRST_WORD] = 0
    open_now = memory[BRACKETS]
    if y == 40 or y == 91 or y == 123 or y == 60 or y == 0x201C or (y == 34 and open_now & _BYTE != 34):
        memory[BRACKETS] = (open_now << _EIGHT) | (y & _BYTE)
    elif y == 41 or y == 93 or y == 125 or y == 62 or y == 0x201D or y == 34:
        memory[BRACKETS] = open_now >> _EIGHT


@inlined
def _remember_shape(memory: np.ndarray, c: np.uint64, kind: np.uint64) -> None:
    """The line so far as a pattern: runs of digits and of letters count as one token, punctuation as itself."""
    token = np.uint64(5) if kind == 6 else kind
    if kind == 1:
        memory[TOKENS] = 1
    elif token != (memory[TOKENS] & np.uint64(7)) or token == 3 or token == 0:
        pattern = (memory[TOKENS] << np.uint64(3)) | token
        memory[TOKENS] = (hashed(pattern, c) & ~np.uint64(7)) | token if token == 3 else pattern


@inlined
def _remember_field(memory: np.ndarray, data: np.ndarray, at: np.uint64, c: np.uint64) -> None:
    """Which field of the line this is, how the line began, and the same field one line above."""
    if memory[ABOVE]:
        memory[ABOVE] = min(memory[ABOVE] + _ONE, at)
    if c == 10:
        memory[LINE_BEFORE] = memory[LINE]
        memory[LINE] = at + _ONE
        memory[ABOVE] = memory[LINE_BEFORE]
        memory[FIELD] = 0
        memory[HEAD] = 0
    elif c == 44 or c == 32 or c == 9 or c == 58 or c == 124 or c == 59:
        memory[FIELD] += _ONE
        place = memory[ABOVE]
        # The field above may be longer or shorter: it ends at the next separator of the same kind, if one is near.
        if place and data[place - _ONE] != c:
            limit = min(place + np.uint64(40), memory[LINE])
            while place < limit and data[place - _ONE] != c:
                place += _ONE
            if place < limit:
                memory[ABOVE] = place
    elif memory[FIELD] == 0:
        memory[HEAD] = hashed(memory[HEAD], c)
