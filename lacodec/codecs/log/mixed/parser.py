"""The parser of the line model: one pass over the bytes, the same in encoder and decoder.

A line is tokens (runs of letters, digits, "_" and bytes beyond ASCII) and separators. The *prefix* is a hash of the line so far,
in which all tokens with digits count as the same; the prefix of a whole line is its template. A *place* is what is kept for a
prefix: where it was last, and which token followed. Where the parser is wrong it costs bits, never bytes. All loops are bounded.
"""

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import byte_class, pair_hash
from lacodec.codecs.log.mixed.memory import (
    ABOVE,
    ABOVE_RUN,
    BESIDE,
    BESIDE_RUN,
    BLOCK,
    COMPARED,
    COMPARED_1,
    COMPARED_2,
    COUNT,
    COUNT_BEFORE,
    DIGITS,
    EARLIER,
    FIRST,
    GAP,
    ITEM_1,
    ITEM_2,
    ITEM_3,
    LENGTH,
    LENGTH_1,
    LENGTH_2,
    LINE_MEMORY,
    MEMORY,
    PER_LINE,
    PREFIX,
    SAME,
    SAME_RUN,
    SHAPED,
    SHAPED_RUN,
    START,
    TEXT,
    TEXT_AT,
    TOKEN,
    TOKENS_KEPT,
    VALUE,
    VARIES,
    Model,
)
from lacodec.codecs.log.mixed.places import begin_token, keep_token, template_place
from lacodec.kernels.jit import inlined

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_UNDERSCORE, _ZULU, _LINE_FEED = 95, 90, 10


@inlined
def forget_line(model: Model, begin: int) -> None:
    """Start lines and tokens anew, at a block that begins there; tables stay, so that a model may be primed."""
    for i in range(MEMORY, LINE_MEMORY):
        model.memory[i] = 0
    model.memory[BLOCK] = np.uint64(begin)


@inlined
def parse(model: Model, data: np.ndarray, at: np.uint64, c: np.uint64) -> None:
    """Take in the byte at `at`."""
    memory = model.memory
    kind = byte_class(c)
    _follow(memory, data, c, SAME, SAME_RUN)
    _follow(memory, data, c, BESIDE, BESIDE_RUN)
    _follow(memory, data, c, SHAPED, SHAPED_RUN)
    _follow(memory, data, c, ABOVE, ABOVE_RUN)
    if memory[LENGTH_2] and memory[COMPARED_2] == 0:
        k = at - memory[TEXT_AT]
        if k < memory[LENGTH_2]:
            memory[COMPARED_2] = _compared(c, np.uint64(model.text[np.uint64(TEXT) + k]))
        else:
            memory[LENGTH_2] = 0
    if kind >= 4 or c == _UNDERSCORE:
        _grow(model, data, at, c, kind)
        return
    if memory[LENGTH]:
        keep_token(model)
        _end_token(memory)
    memory[GAP] = (memory[GAP] << _EIGHT) | c
    memory[PREFIX] = pair_hash(memory[PREFIX] + c, 11)
    memory[ITEM_1] = pair_hash(memory[ITEM_1] + c, 12)
    if c == _LINE_FEED:
        _end_line(model)
    begin_token(model, data, at + _ONE)


@inlined
def _follow(memory: np.ndarray, data: np.ndarray, c: np.uint64, pointer: int, run: int) -> None:
    if memory[pointer]:
        memory[run] = min(memory[run] + _ONE, np.uint64(255)) if np.uint64(data[memory[pointer]]) == c else np.uint64(0)
        memory[pointer] += _ONE


@inlined
def _compared(c: np.uint64, expected: np.uint64) -> np.uint64:
    """0 the same, 1 above, 2 below."""
    return np.uint64(c != expected) + np.uint64(c < expected)


@inlined
def _grow(model: Model, data: np.ndarray, at: np.uint64, c: np.uint64, kind: np.uint64) -> None:
    """Another byte of a token."""
    memory = model.memory
    length = memory[LENGTH]
    if length == 0:
        memory[START] = at
        memory[FIRST] = c
    if memory[COMPARED] == 0 and memory[SAME]:
        memory[COMPARED] = _compared(c, np.uint64(data[memory[SAME] - _ONE]))
    if memory[COMPARED_1] == 0 and memory[LENGTH_1]:
        memory[COMPARED_1] = _compared(c, np.uint64(model.text[length]) if length < memory[LENGTH_1] else np.uint64(0))
    if memory[EARLIER]:
        memory[EARLIER] = memory[EARLIER] + _ONE if np.uint64(data[memory[EARLIER]]) == c else np.uint64(0)
    memory[TOKEN] = pair_hash(memory[TOKEN] + c, 14)
    memory[LENGTH] = length + _ONE
    if kind == 4:
        memory[VARIES] = 1
        memory[VALUE] = memory[VALUE] * np.uint64(10) + (c - np.uint64(48))
        memory[DIGITS] += _ONE
    elif c != _ZULU:  # behind the fraction of a second
        memory[VALUE] = 0
        memory[DIGITS] = 0


@inlined
def _end_token(memory: np.ndarray) -> None:
    """The token becomes a part of the prefix."""
    norm = _ONE if memory[VARIES] else memory[TOKEN] & ~_ONE
    memory[PREFIX] = pair_hash(memory[PREFIX] + norm, 13)
    memory[ITEM_3] = memory[ITEM_2]
    memory[ITEM_2] = memory[ITEM_1]
    memory[ITEM_1] = norm
    for i in (TOKEN, LENGTH, VARIES, VALUE, DIGITS, GAP):
        memory[i] = 0


@inlined
def _end_line(model: Model) -> None:
    """Note the template for each token with digits; the line becomes the line before."""
    memory, line = model.memory, model.line
    for j in range(min(memory[COUNT], np.uint64(TOKENS_KEPT))):
        if line[j] & _ONE:
            model.templates[template_place(model, line[j])] = memory[PREFIX]
    for j in range(2 * TOKENS_KEPT):
        line[2 * TOKENS_KEPT + j] = line[j]
    memory[COUNT_BEFORE] = min(memory[COUNT], np.uint64(TOKENS_KEPT))
    for i in PER_LINE:
        memory[i] = 0
