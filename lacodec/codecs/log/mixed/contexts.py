"""What the line model tells the engine before each byte: expected bytes, contexts and weight selectors."""

from typing import Any

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.kernel import pair_hash
from lacodec.codecs.log.mixed.memory import (
    ABOVE,
    ABOVE_RUN,
    BESIDE,
    BESIDE_RUN,
    COMPARED,
    COMPARED_1,
    COMPARED_2,
    COUNT,
    EARLIER,
    ELSEWHERE,
    HISTORY_WAS,
    ITEM_1,
    ITEM_2,
    ITEM_3,
    KEY_TEMPLATE,
    LAST_VARIABLE,
    LENGTH,
    LENGTH_1,
    LENGTH_2,
    OUTCOMES,
    PLACE_NOW,
    PREFIX,
    SAME,
    SHAPED,
    SHAPED_RUN,
    TEXT,
    TEXT_AT,
    TOKEN,
    TOKEN_WAS,
    UNIT,
    Model,
)
from lacodec.kernels.jit import inlined

# Kinds of context, by their place in `Model.every` behind those of the byte model.
(LAST_VALUE, VALUE_BESIDE, KEY_LINE, ITEMS_1, ITEMS_3, NUMBER_AT, DIGIT, CARRY, EXPECTED, OUTCOME, LINE_OUTCOMES,
 SHAPE_AT) = range(mk.KINDS, mk.KINDS + 12)  # fmt: skip
KINDS = mk.KINDS + 12

# Expected bytes: at the same prefix; two match models; at the same prefix behind the same token; a number; where the token was
# before, in this line or elsewhere; in the line above; at the same shape of line.
EXPECTS = 8
(BY_PREFIX, BY_MATCH_1, BY_MATCH_2, BY_TOKEN, BY_SHAPE, BY_NUMBER, BY_COPY, BY_LINE) = range(EXPECTS)

SELECTORS = (27 * 6, 6, 8, 256, 512, 256, 256, 256)
"""Agreement of expected bytes; how the token compares; length of the match; last byte; last classes; history of the place;
token and place in it; match and the token beside."""

_ONE = np.uint64(1)


@inlined
def fill_expected(model: Model, data: np.ndarray, at: np.uint64) -> None:
    """Expected bytes, each with a bucket that says how far to trust it."""
    memory, told, text = model.memory, model.told, model.text
    for i in range(2 * EXPECTS):
        told[i] = 0
    length = memory[LENGTH]
    state: Any = np.int64(0)
    if length:
        state = 2 if memory[COMPARED] else 1
    history = np.int64(model.places[memory[PLACE_NOW] + np.uint64(HISTORY_WAS)])
    if memory[SAME]:
        told[2 * BY_PREFIX] = np.int64(data[memory[SAME]])
        told[2 * BY_PREFIX + 1] = max((history & 15) * 4 + state, 1)
    for i in range(4):
        told[2 * BY_MATCH_1 + i] = model.expect[i]
    _tell(told, data, BY_TOKEN, memory[BESIDE], memory[BESIDE_RUN], state)
    _tell(told, data, BY_SHAPE, memory[SHAPED], memory[SHAPED_RUN], state)
    _tell(told, data, BY_LINE, memory[ABOVE], memory[ABOVE_RUN], state)
    if length < memory[LENGTH_1] and memory[COMPARED_1] == 0:
        told[2 * BY_NUMBER] = np.int64(text[length])
        told[2 * BY_NUMBER + 1] = 1 + (history & 15) * 2 + np.int64(length > 0)
    k = at - memory[TEXT_AT]
    if k < memory[LENGTH_2] and memory[COMPARED_2] == 0 and (memory[UNIT] or told[2 * BY_NUMBER + 1] == 0):
        told[2 * BY_NUMBER] = np.int64(text[np.uint64(TEXT) + k])
        told[2 * BY_NUMBER + 1] = np.int64(33 + min(k, np.uint64(7))) + (8 if memory[UNIT] else 0)
    if memory[EARLIER]:
        told[2 * BY_COPY] = np.int64(data[memory[EARLIER]])
        told[2 * BY_COPY + 1] = np.int64(1 + min(length, np.uint64(6)) + memory[ELSEWHERE] * np.uint64(8)) + 16 * (history & 3)


@inlined
def _tell(told: np.ndarray, data: np.ndarray, which: int, pointer: np.uint64, run: np.uint64, state: int) -> None:
    if pointer:
        told[2 * which] = np.int64(data[pointer])
        grade: Any = np.int64(run)
        if run >= 32:
            grade = min(11 + (grade >> 5), 15)
        elif run >= 8:
            grade = 8 + (grade >> 3)
        told[2 * which + 1] = max(grade * 4 + state, 1)


@inlined
def _after(data: np.ndarray, place: np.uint64, more: int, at: np.uint64) -> np.uint64:
    return np.uint64(data[place + np.uint64(more)]) if place and place + np.uint64(more) < at else np.uint64(0)


@inlined
def fill_contexts(model: Model, data: np.ndarray, at: np.uint64) -> None:
    """The numbers of the line model's kinds of context. Needs the expected bytes."""
    every, memory, told = model.every, model.memory, model.told
    place, prefix, token, length = memory[PLACE_NOW], memory[PREFIX], memory[TOKEN], memory[LENGTH]
    here = pair_hash(prefix, token)
    every[LAST_VALUE] = pair_hash(here, model.places[place + np.uint64(TOKEN_WAS)] + _ONE)
    every[VALUE_BESIDE] = pair_hash(here, memory[LAST_VARIABLE] + np.uint64(2))
    every[KEY_LINE] = pair_hash(here, memory[KEY_TEMPLATE] + np.uint64(3))
    every[ITEMS_1] = pair_hash(token, memory[ITEM_1])
    every[ITEMS_3] = pair_hash(pair_hash(every[ITEMS_1], memory[ITEM_2]), memory[ITEM_3])
    every[SHAPE_AT] = pair_hash(pair_hash(memory[mk.TOKENS], memory[ITEM_1]), min(length, np.uint64(31)))

    same = memory[SAME]
    near = np.uint64(0)  # the text at the same prefix
    for i in range(4):
        near |= _after(data, same, i, at) << np.uint64(8 * i)
    first, compared = near & np.uint64(255), memory[COMPARED]
    next_digit = np.uint64(model.text[length]) if length < memory[LENGTH_1] else np.uint64(0)
    order = compared | (memory[COMPARED_1] << np.uint64(2)) | (memory[COMPARED_2] << np.uint64(4))
    state = compared * np.uint64(2) + np.uint64(length > 0)
    short = min(length, np.uint64(255))
    every[NUMBER_AT] = pair_hash(
        prefix, (near & np.uint64(0xFFFF)) | (next_digit << np.uint64(16)) | (order << np.uint64(24)) | (short << np.uint64(32))
    )
    every[DIGIT] = (near & np.uint64(0xFFFFFF)) | (state << np.uint64(24)) | (short << np.uint64(32))
    every[CARRY] = (
        first | (near & np.uint64(0xFFFF0000)) | (state << np.uint64(8)) | (min(memory[COUNT], np.uint64(255)) << np.uint64(32))
    )
    every[CARRY] |= (memory[OUTCOMES] & np.uint64(3)) << np.uint64(40)
    expected = state
    for i in range(EXPECTS):
        if i != BY_MATCH_2:
            expected = (expected << np.uint64(8)) | np.uint64(told[2 * i])
    every[EXPECTED] = expected
    history = model.places[place + np.uint64(HISTORY_WAS)]
    every[OUTCOME] = first | (history << np.uint64(8)) | (state << np.uint64(16)) | (min(length, np.uint64(15)) << np.uint64(24))
    every[LINE_OUTCOMES] = pair_hash(
        prefix, first | ((memory[OUTCOMES] & np.uint64(255)) << np.uint64(8)) | (state << np.uint64(16))
    )


@inlined
def fill_selectors(model: Model) -> None:
    """Weight selectors (the byte model has set those of the last byte and of classes), what matches expect, contexts of APMs."""
    memory, told, select = model.memory, model.told, model.select
    c1 = np.int64(memory[mk.HISTORY] & np.uint64(255))
    kinds = np.uint64(model.kinds.size)
    seen = 256 + told[2 * BY_MATCH_1] + 512 * (told[2 * BY_MATCH_1 + 1] >> 3) if told[2 * BY_MATCH_1 + 1] else 0
    model.ctx[kinds - _ONE] = pair_hash(np.uint64(c1) | (np.uint64(seen) << np.uint64(8)), mk.MATCHED + 1)
    agree, best = np.int64(0), c1
    for i in (BY_MATCH_1, BY_TOKEN, BY_LINE):
        agree *= 3
        if told[2 * i + 1]:
            agree += 1 if told[2 * i] == told[2 * BY_PREFIX] else 2
    for i in range(EXPECTS):
        if told[2 * i + 1]:
            best = told[2 * i]
            break
    length = memory[LENGTH]
    state = np.int64(memory[COMPARED] * np.uint64(2)) + np.int64(length > 0)
    match = told[2 * BY_MATCH_1 + 1]
    select[0] = agree * 6 + state
    select[1] = state
    select[2] = min(match >> 3, 7)
    select[5] = np.int64(model.places[memory[PLACE_NOW] + np.uint64(HISTORY_WAS)])
    select[6] = np.int64(min(memory[COUNT], np.uint64(31)) * np.uint64(8) + min(length, np.uint64(7)))
    select[7] = match * 4 + min(told[2 * BY_TOKEN + 1] >> 4, 3)
    select[8] = best
    select[9] = np.int64(pair_hash(model.every[EXPECTED], 19) >> np.uint64(1))
