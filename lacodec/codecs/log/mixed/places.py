"""Places of the line model: what is known of the token that stands behind a prefix, and what that makes us expect of the next."""

from typing import Any

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import POSITIONS, TOKENS, pair_hash
from lacodec.codecs.log.mixed.clock import expect_numbers, number_unit, read_clock
from lacodec.codecs.log.mixed.memory import (
    ABOVE,
    ABOVE_RUN,
    ALIGNED,
    AT,
    BESIDE,
    BESIDE_RUN,
    CLOCK,
    CLOCK_STATE,
    CLOCK_WAS,
    COUNT,
    COUNT_BEFORE,
    DIGITS,
    EARLIER,
    ELSEWHERE,
    FIRST,
    HISTORY_WAS,
    KEY,
    KEY_TEMPLATE,
    LAST_VARIABLE,
    LENGTH,
    LOOK,
    NUMBER,
    OF_KEY,
    OF_SHAPE,
    OF_VARIABLE,
    OUTCOMES,
    PLACE,
    PLACE_NOW,
    PREFIX,
    RECENT_TABLES,
    SAME,
    SAME_RUN,
    SHAPED,
    SHAPED_RUN,
    SOURCE,
    START,
    STEP,
    STRIDE,
    TOKEN,
    TOKEN_WAS,
    TOKENS_KEPT,
    VALUE,
    VARIES,
    ZERO_PADDED,
    Model,
)
from lacodec.kernels.jit import inlined

_ONE, _EIGHT, _LOW = np.uint64(1), np.uint64(8), np.uint64(0xFFFFFFFF)
_ALL_BEFORE = 32  # tokens of the line that are compared with a new one
_MOST_DIGITS = 18
_NEAR = 4  # tokens that the line before may have more or fewer


@inlined
def template_place(model: Model, token: np.uint64) -> np.uint64:
    """Where `templates` has the template of the last line with a token."""
    return pair_hash(token, 15) & np.uint64(model.templates.size - 1)


@inlined
def keep_token(model: Model) -> None:
    """Compare the token that ends with the last one at its place, and keep it: there, in the line, and for where it may come."""
    memory, places = model.memory, model.places
    token = (memory[TOKEN] & ~_ONE) | memory[VARIES]
    place = memory[PLACE_NOW]
    look = places[place + np.uint64(LOOK)]
    width, unit = look & np.uint64(255), look >> np.uint64(16)
    length, value, before = memory[LENGTH], memory[VALUE], places[place + np.uint64(NUMBER)]
    number = memory[DIGITS] == length and length <= _MOST_DIGITS
    outcome = np.uint64(3)
    if places[place + np.uint64(TOKEN_WAS)] == token:
        outcome = np.uint64(0)
    elif number and width:
        outcome = (
            _ONE if value == before + places[place + np.uint64(STRIDE)] else np.uint64(2) if value > before else np.uint64(3)
        )
    read_clock(memory)
    width_now = np.uint64(0)
    if number:
        stride = value - before if width else np.uint64(0)
        if stride:
            memory[STEP] = stride
            unit = number_unit(stride, memory[CLOCK], places[place + np.uint64(CLOCK_WAS)], unit)
        places[place + np.uint64(STRIDE)] = stride
        places[place + np.uint64(NUMBER)] = value
        width_now = length + np.uint64(ZERO_PADDED) if length > 1 and memory[FIRST] == 48 else length
    places[place + np.uint64(CLOCK_WAS)] = memory[CLOCK]
    places[place + np.uint64(TOKEN_WAS)] = token
    places[place + np.uint64(HISTORY_WAS)] = ((places[place + np.uint64(HISTORY_WAS)] << np.uint64(2)) | outcome) & np.uint64(255)
    memory[OUTCOMES] = (memory[OUTCOMES] << np.uint64(2)) | outcome
    back = _keep_in_line(model, token)
    places[place + np.uint64(LOOK)] = width_now | (back << _EIGHT) | (unit << np.uint64(16))
    _note_source(model, place, token)
    _align(model, token)
    if memory[VARIES]:
        memory[LAST_VARIABLE] = token
        memory[KEY_TEMPLATE] = model.templates[template_place(model, token)]


@inlined
def _keep_in_line(model: Model, token: np.uint64) -> np.uint64:
    """Returns how many tokens back in the line the same one was, 0 for not near."""
    memory, line = model.memory, model.line
    count, kept = memory[COUNT], np.uint64(TOKENS_KEPT - 1)
    back: Any = np.uint64(0)
    for j in range(_ONE, min(count, np.uint64(_ALL_BEFORE)) + _ONE):
        if line[(count - j) & kept] == token:
            back = j
            break
    line[count & kept] = token
    line[np.uint64(TOKENS_KEPT) + (count & kept)] = memory[START]
    memory[COUNT] = count + _ONE
    return back


@inlined
def _note_source(model: Model, place: np.uint64, token: np.uint64) -> None:
    """Under which prefix the token was last; the next one at this place may also come from there, of the same key.

    The key of a line is its first token with digits behind the time.
    """
    memory, sources = model.memory, model.sources
    slot = pair_hash(token, 17) & np.uint64(sources.size - 1)
    here = memory[PREFIX]
    if sources[slot] != 0 and sources[slot] != here:
        model.places[place + np.uint64(SOURCE)] = sources[slot]
    sources[slot] = here
    if memory[CLOCK_STATE] == 3 and memory[KEY] == 0 and memory[VARIES]:
        memory[KEY] = token
    _where(model, pair_hash(here, memory[KEY] + np.uint64(5)), OF_KEY, memory[START])


@inlined
def _align(model: Model, token: np.uint64) -> None:
    """Which token of the line before corresponds to the next one: the one behind an equal token, where one is near."""
    memory, line = model.memory, model.line
    before = np.uint64(2 * TOKENS_KEPT)
    expected, count = memory[ALIGNED], memory[COUNT_BEFORE]
    memory[ALIGNED] = expected + _ONE
    if expected < count and line[before + expected] == token:
        return
    for j in range(expected - min(expected, np.uint64(_NEAR)), min(expected + np.uint64(2 * _NEAR), count)):
        if line[before + j] == token:
            memory[ALIGNED] = j + _ONE
            return


@inlined
def begin_token(model: Model, data: np.ndarray, at: np.uint64) -> None:
    """Find the place of the prefix, and what it makes us expect from `at` on."""
    memory, places = model.memory, model.places
    prefix = memory[PREFIX]
    place = (pair_hash(prefix, 16) & np.uint64(places.size // PLACE - 1)) * _EIGHT
    check = prefix & ~_LOW
    if places[place] & ~_LOW != check:
        for i in range(PLACE):
            places[place + np.uint64(i)] = 0
    memory[PLACE_NOW] = place
    before = places[place + np.uint64(AT)] & _LOW
    places[place + np.uint64(AT)] = check | at
    _point(memory, before, SAME, SAME_RUN)
    _point(memory, _where(model, pair_hash(prefix, memory[LAST_VARIABLE] + _ONE), OF_VARIABLE, at), BESIDE, BESIDE_RUN)
    _point(memory, _where(model, pair_hash(memory[TOKENS], 18), OF_SHAPE, at), SHAPED, SHAPED_RUN)
    _point_above(model)
    expect_numbers(model, data, place, before, at)
    back, count = (places[place + np.uint64(LOOK)] >> _EIGHT) & np.uint64(255), memory[COUNT]
    source = places[place + np.uint64(SOURCE)]
    memory[EARLIER] = memory[ELSEWHERE] = 0
    if back and back <= count:
        memory[EARLIER] = model.line[np.uint64(TOKENS_KEPT) + ((count - back) & np.uint64(TOKENS_KEPT - 1))]
    elif source:
        memory[EARLIER] = _where(model, pair_hash(source, memory[KEY] + np.uint64(5)), OF_KEY, np.uint64(0))
        memory[ELSEWHERE] = 1


@inlined
def _point(memory: np.ndarray, found: np.uint64, pointer: int, run: int) -> None:
    """Let a pointer go on from a place that was found; else it stays where it was, if it foretold the last byte."""
    if found:
        memory[pointer] = found
    elif memory[run] == 0:
        memory[pointer] = 0


@inlined
def _point_above(model: Model) -> None:
    memory = model.memory
    if memory[ALIGNED] < memory[COUNT_BEFORE]:
        begin = model.line[np.uint64(3 * TOKENS_KEPT) + memory[ALIGNED]]
        if memory[ABOVE_RUN] == 0 or memory[ABOVE] > begin or memory[ABOVE] == 0:
            memory[ABOVE] = begin
    elif memory[ABOVE_RUN] == 0:
        memory[ABOVE] = 0


@inlined
def _where(model: Model, hashed: np.uint64, table: int, at: np.uint64) -> np.uint64:
    """Where a context was last, 0 for nowhere; unless `at` is 0, note that it is there now."""
    last = model.last
    part = np.uint64(last.size // RECENT_TABLES)
    slot = np.uint64(table) * part + (hashed & (part - _ONE))
    check = (hashed >> np.uint64(32)) & ~np.uint64(POSITIONS - 1) & _LOW
    found = np.uint64(last[slot])
    if at:
        last[slot] = np.uint32(at | check)
    return found & np.uint64(POSITIONS - 1) if (found ^ check) < POSITIONS else np.uint64(0)
