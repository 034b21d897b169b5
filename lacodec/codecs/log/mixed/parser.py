"""The parser of the line model: one pass over the bytes, the same in encoder and decoder.

A line is tokens (runs of letters, digits, "_" and bytes beyond ASCII) and what stands between them. The *prefix* is a hash of the
line so far, in which every token with a digit counts as the same; the prefix of a whole line is its template. A *place* is what
is kept for each prefix: where it last was, and the token that followed. What the parser takes wrongly costs bits, never bytes.
"""

from typing import Any

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import MEMORY, POSITIONS, TOKENS, byte_class, pair_hash
from lacodec.kernels.jit import inlined

# What is known of the line, by its place in `Model.memory` behind that of the byte model.
(PREFIX, TOKEN, LENGTH, PLAIN, VARIES, VALUE, SLOT, START, ITEM_1, ITEM_2, ITEM_3, COUNT, LAST_VARIABLE, KEY_TEMPLATE, TEMPLATE_1,
 TEMPLATE_2, OUTCOMES, DELTA, COMPARED, COMPARED_1, COMPARED_2, LENGTH_1, LENGTH_2, SAME, SAME_RUN, BESIDE, BESIDE_RUN, SEQUEL,
 SEQUEL_RUN, EARLIER, FIRST, ABOVE, ABOVE_RUN, ALIGNED, COUNT_BEFORE, CLOCK,
 CLOCK_STATE, CHAIN, CHAIN_VALUE, GAP, TEXT_AT, UNIT, DIGITS, BLOCK, KEY, SOURCED) = range(MEMORY, MEMORY + 46)  # fmt: skip
LINE_MEMORY = MEMORY + 46

# A place: eight numbers, a cache line.
(AT, SOURCE, NUMBER, STRIDE, CONTENT, HISTORY_, SHAPE, CLOCKED) = range(8)
PLACE = 8
TOKENS_KEPT = 64  # of a line
LOOK_BACK = 32  # tokens of the line that are compared with a new one
TEXT = 32  # bytes for an expected number
ZERO_PADDED = 32  # added to the width of a number that starts with a zero
MOST_DIGITS = 18

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_LOW = np.uint64(0xFFFFFFFF)


@inlined
def forget_line(model: Any, begin: int) -> None:
    for i in range(MEMORY, LINE_MEMORY):
        model.memory[i] = 0
    model.memory[PLAIN] = 1
    model.memory[BLOCK] = np.uint64(begin)


@inlined
def parse(model: Any, data: np.ndarray, at: np.uint64, c: np.uint64) -> None:
    """Take in the byte at `at`."""
    memory = model.memory
    kind = byte_class(c)
    _follow(memory, data, at, c, SAME, SAME_RUN)
    _follow(memory, data, at, c, BESIDE, BESIDE_RUN)
    _follow(memory, data, at, c, SEQUEL, SEQUEL_RUN)
    _follow(memory, data, at, c, ABOVE, ABOVE_RUN)
    _compare_clocked(model, at, c)
    if kind >= 4 or c == 95:
        _grow(model, data, at, c, kind)
    else:
        if memory[LENGTH]:
            _end_token(model)
        memory[GAP] = (memory[GAP] << _EIGHT) | c
        memory[PREFIX] = pair_hash(memory[PREFIX] + c, 11)
        memory[ITEM_1] = pair_hash(memory[ITEM_1] + c, 12)
        if c == 10:
            _end_line(model)
        _begin_token(model, data, at + _ONE)


@inlined
def _follow(memory: np.ndarray, data: np.ndarray, at: np.uint64, c: np.uint64, pointer: int, run: int) -> None:
    if memory[pointer]:
        memory[run] = min(memory[run] + _ONE, np.uint64(255)) if np.uint64(data[memory[pointer]]) == c else np.uint64(0)
        memory[pointer] += _ONE


@inlined
def _compare_clocked(model: Any, at: np.uint64, c: np.uint64) -> None:
    memory = model.memory
    if memory[LENGTH_2] and memory[COMPARED_2] == 0:
        k = at - memory[TEXT_AT]
        if k < memory[LENGTH_2]:
            was = np.uint64(model.text[np.uint64(TEXT) + k])
            memory[COMPARED_2] = np.uint64(0) if was == c else np.uint64(1) if was < c else np.uint64(2)
        else:
            memory[LENGTH_2] = 0


@inlined
def _grow(model: Any, data: np.ndarray, at: np.uint64, c: np.uint64, kind: np.uint64) -> None:
    memory, text = model.memory, model.text
    length = memory[LENGTH]
    if length == 0:
        memory[START] = at
        memory[FIRST] = c
    if memory[COMPARED] == 0 and memory[SAME]:
        was = np.uint64(data[memory[SAME] - _ONE])
        memory[COMPARED] = np.uint64(0) if was == c else np.uint64(1) if was < c else np.uint64(2)
    if memory[COMPARED_1] == 0 and memory[LENGTH_1]:
        was = np.uint64(text[length & np.uint64(TEXT - 1)]) if length < memory[LENGTH_1] else np.uint64(0)
        memory[COMPARED_1] = np.uint64(0) if was == c else np.uint64(1) if was < c else np.uint64(2)
    if memory[EARLIER]:
        memory[EARLIER] = memory[EARLIER] + _ONE if np.uint64(data[memory[EARLIER]]) == c else np.uint64(0)
    memory[TOKEN] = pair_hash(memory[TOKEN] + c, 14)
    memory[LENGTH] = length + _ONE
    if kind == 4:
        memory[VARIES] = 1
        memory[VALUE] = memory[VALUE] * np.uint64(10) + (c - np.uint64(48))
        memory[DIGITS] += _ONE
    else:
        memory[PLAIN] = 0
        if c != 90:
            memory[VALUE] = 0
            memory[DIGITS] = 0


@inlined
def _end_token(model: Any) -> None:
    """Compare the token with the last one at this place, keep it, and look for it in this line and as a key."""
    memory, fields, line = model.memory, model.fields, model.line
    varies = memory[VARIES]
    token = (memory[TOKEN] & ~_ONE) | varies
    place = memory[SLOT]
    length = memory[LENGTH]
    shape = fields[place + np.uint64(SHAPE)]
    width, unit = shape & np.uint64(255), shape >> np.uint64(16)
    value, before = memory[VALUE], fields[place + np.uint64(NUMBER)]
    number = memory[PLAIN] and length <= MOST_DIGITS
    outcome = np.uint64(3)
    if fields[place + np.uint64(CONTENT)] == token:
        outcome = np.uint64(0)
    elif number and width:
        if value == before + fields[place + np.uint64(STRIDE)]:
            outcome = np.uint64(1)
        elif value > before:
            outcome = np.uint64(2)
    width_now = np.uint64(0)
    _read_clock(memory, memory[DIGITS], length, value)
    if number:
        stride = value - before if width else np.uint64(0)
        if stride:
            memory[DELTA] = stride
            unit = _unit(stride, memory[CLOCK], fields[place + np.uint64(CLOCKED)], unit)
        fields[place + np.uint64(STRIDE)] = stride
        fields[place + np.uint64(NUMBER)] = value
        width_now = length + np.uint64(ZERO_PADDED) if length > 1 and memory[FIRST] == 48 else length
    fields[place + np.uint64(CLOCKED)] = memory[CLOCK]
    fields[place + np.uint64(CONTENT)] = token
    fields[place + np.uint64(HISTORY_)] = ((fields[place + np.uint64(HISTORY_)] << np.uint64(2)) | outcome) & np.uint64(255)
    memory[OUTCOMES] = (memory[OUTCOMES] << np.uint64(2)) | outcome
    count = memory[COUNT]
    back = np.uint64(0)
    for j in range(_ONE, min(count, np.uint64(LOOK_BACK)) + _ONE):
        if line[(count - j) & np.uint64(TOKENS_KEPT - 1)] == token:
            back = j
            break
    fields[place + np.uint64(SHAPE)] = width_now | (back << _EIGHT) | (unit << np.uint64(16))
    _note_source(model, place, token, back)
    _align(model, token)
    line[count & np.uint64(TOKENS_KEPT - 1)] = token
    line[np.uint64(TOKENS_KEPT) + (count & np.uint64(TOKENS_KEPT - 1))] = memory[START]
    memory[COUNT] = count + _ONE
    if varies:
        memory[LAST_VARIABLE] = token
        memory[KEY_TEMPLATE] = model.keys[_key_place(model, token)]
    norm = np.uint64(1) if varies else token
    memory[PREFIX] = pair_hash(memory[PREFIX] + norm, 13)
    memory[ITEM_3] = memory[ITEM_2]
    memory[ITEM_2] = memory[ITEM_1]
    memory[ITEM_1] = norm
    memory[TOKEN] = 0
    memory[LENGTH] = 0
    memory[PLAIN] = 1
    memory[VARIES] = 0
    memory[VALUE] = 0
    memory[DIGITS] = 0


@inlined
def _note_source(model: Any, place: np.uint64, token: np.uint64, back: np.uint64) -> None:
    """Where the token was last: another prefix, maybe, of the same key. The next token at this place may come from there too."""
    memory, sources = model.memory, model.sources
    slot = pair_hash(token, 17) & np.uint64(sources.size - 1)
    here = memory[PREFIX]
    if sources[slot] != 0 and sources[slot] != here:
        model.fields[place + np.uint64(SOURCE)] = sources[slot]
    sources[slot] = here
    if memory[CLOCK_STATE] == 3 and memory[KEY] == 0 and memory[VARIES]:
        memory[KEY] = token
    _last(model, pair_hash(here, memory[KEY] + np.uint64(5)), memory[START], np.uint64(2))


@inlined
def _read_clock(memory: np.ndarray, digits: np.uint64, length: np.uint64, value: np.uint64) -> None:
    """The first time in a line, in microseconds plus one: hours:minutes:seconds or ten digits, and a fraction behind it."""
    gap = memory[GAP]
    memory[GAP] = 0
    chain = memory[CHAIN]
    memory[CHAIN] = 0
    if memory[CLOCK_STATE] == 1:
        memory[CLOCK_STATE] = 3
        if digits + _ONE >= length and (gap == 46 or gap == 44) and digits <= 6:
            for _ in range(np.uint64(6) - digits):
                value *= np.uint64(10)
            memory[CLOCK] += value
            memory[CLOCK_STATE] = 2
    elif memory[CLOCK_STATE] == 2:
        memory[CLOCK_STATE] = 3
    elif memory[CLOCK_STATE] == 0:
        if digits == 2:
            linked = chain and gap == 58 and length == 2
            memory[CHAIN] = chain + _ONE if linked else _ONE
            memory[CHAIN_VALUE] = memory[CHAIN_VALUE] * np.uint64(60) + value if linked else value
            if memory[CHAIN] == 3:
                memory[CLOCK] = memory[CHAIN_VALUE] * np.uint64(1000000) + _ONE
                memory[CLOCK_STATE] = 1
        elif digits == 10 and length == 10:
            memory[CLOCK] = value * np.uint64(1000000) + _ONE
            memory[CLOCK_STATE] = 1


@inlined
def _unit(stride: np.uint64, now: np.uint64, then: np.uint64, known: np.uint64) -> np.uint64:
    """Microseconds in the unit in which a number has grown as much as the clock, 0 for none. Small steps only confirm one."""
    if now <= then or then == 0:
        return np.uint64(0)
    passed = now - then
    for unit in (1, 1000, 1000000):
        if stride + np.uint64(2) - passed // np.uint64(unit) < 5 and (stride > 2 or known == unit):
            return np.uint64(unit)
    return np.uint64(0)


@inlined
def _align(model: Any, token: np.uint64) -> None:
    """Which token of the line before corresponds to the next one: the one behind an equal token, where one is near."""
    memory, line = model.memory, model.line
    before = np.uint64(2 * TOKENS_KEPT)
    expected, count = memory[ALIGNED], memory[COUNT_BEFORE]
    memory[ALIGNED] = expected + _ONE
    if expected < count and line[before + expected] == token:
        return
    low = expected - min(expected, np.uint64(4))
    for j in range(low, min(expected + _EIGHT, count)):
        if line[before + j] == token:
            memory[ALIGNED] = j + _ONE
            return


@inlined
def _key_place(model: Any, token: np.uint64) -> np.uint64:
    return pair_hash(token, 15) & np.uint64(model.keys.size - 1)


@inlined
def _end_line(model: Any) -> None:
    memory, line = model.memory, model.line
    memory[TEMPLATE_2] = memory[TEMPLATE_1]
    memory[TEMPLATE_1] = memory[PREFIX]
    for j in range(min(memory[COUNT], np.uint64(TOKENS_KEPT))):
        if line[j] & _ONE:
            model.keys[_key_place(model, line[j])] = memory[PREFIX]
    for j in range(2 * TOKENS_KEPT):
        line[2 * TOKENS_KEPT + j] = line[j]
    memory[COUNT_BEFORE] = min(memory[COUNT], np.uint64(TOKENS_KEPT))
    for i in (ALIGNED, KEY, CLOCK, CLOCK_STATE, CHAIN, GAP, PREFIX, COUNT, OUTCOMES, DELTA, LAST_VARIABLE, KEY_TEMPLATE):
        memory[i] = 0


@inlined
def _begin_token(model: Any, data: np.ndarray, at: np.uint64) -> None:
    """Find the place of the prefix, and what it makes us expect."""
    memory, fields = model.memory, model.fields
    prefix = memory[PREFIX]
    place = (pair_hash(prefix, 16) & np.uint64(fields.size // PLACE - 1)) * _EIGHT
    check = prefix & ~_LOW
    if fields[place] & ~_LOW != check:
        for i in range(PLACE):
            fields[place + np.uint64(i)] = 0
    memory[SLOT] = place
    before = fields[place + np.uint64(AT)] & _LOW
    _point(memory, before, SAME, SAME_RUN)
    fields[place + np.uint64(AT)] = check | at
    _point(memory, _last(model, pair_hash(prefix, memory[LAST_VARIABLE] + _ONE), at, np.uint64(0)), BESIDE, BESIDE_RUN)
    _point(memory, _last(model, memory[TOKENS]*np.uint64(0x9E3779B97F4A7C15), at, _ONE), SEQUEL, SEQUEL_RUN)
    memory[COMPARED] = memory[COMPARED_1] = 0
    memory[LENGTH_1] = 0
    shape = fields[place + np.uint64(SHAPE)]
    width, unit = shape & np.uint64(255), shape >> np.uint64(16)
    if memory[COMPARED_2] or at - memory[TEXT_AT] >= memory[LENGTH_2]:
        memory[COMPARED_2] = memory[LENGTH_2] = 0
    if width:
        number, stride = fields[place + np.uint64(NUMBER)], fields[place + np.uint64(STRIDE)]
        if stride:
            memory[LENGTH_1] = _spell(model.text, np.uint64(0), number + stride, width)
        if memory[LENGTH_2] == 0:
            memory[TEXT_AT] = at
            memory[UNIT] = unit
            clocked = fields[place + np.uint64(CLOCKED)]
            if unit and memory[CLOCK] > clocked:
                _spell_clocked(model, data, before, at, number, width, memory[CLOCK] - clocked)
            elif memory[DELTA]:
                memory[LENGTH_2] = _spell(model.text, np.uint64(TEXT), number + memory[DELTA], width)
    _point_above(model)
    back = (shape >> _EIGHT) & np.uint64(255)
    count = memory[COUNT]
    memory[EARLIER] = 0
    if back and back <= count:
        memory[EARLIER] = model.line[np.uint64(TOKENS_KEPT) + ((count - back) & np.uint64(TOKENS_KEPT - 1))]
    source = fields[place + np.uint64(SOURCE)]
    memory[SOURCED] = 0
    if source and memory[EARLIER] == 0:
        memory[EARLIER] = _last(model, pair_hash(source, memory[KEY] + np.uint64(5)), np.uint64(0), np.uint64(2))
        memory[SOURCED] = 1


@inlined
def _point(memory: np.ndarray, found: np.uint64, pointer: int, run: int) -> None:
    if found:
        memory[pointer] = found
    elif memory[run] == 0:
        memory[pointer] = 0


@inlined
def _point_above(model: Any) -> None:
    memory = model.memory
    aligned = memory[ALIGNED]
    if aligned < memory[COUNT_BEFORE]:
        start = model.line[np.uint64(3 * TOKENS_KEPT) + aligned]
        if memory[ABOVE_RUN] == 0 or memory[ABOVE] > start or memory[ABOVE] == 0:
            memory[ABOVE] = start
    elif memory[ABOVE_RUN] == 0:
        memory[ABOVE] = 0


@inlined
def _last(model: Any, hashed: np.uint64, at: np.uint64, table: np.uint64) -> np.uint64:
    """Where a context was last; unless `at` is 0, note that it is there now."""
    last = model.last
    part = np.uint64(last.size // 3)
    slot = table * part + (hashed & (part - _ONE))
    check = (hashed >> np.uint64(32)) & ~np.uint64(POSITIONS - 1) & np.uint64(0xFFFFFFFF)
    found = np.uint64(last[slot])
    if at:
        last[slot] = np.uint32(at | check)
    return found & np.uint64(POSITIONS - 1) if (found ^ check) < POSITIONS else np.uint64(0)


@inlined
def _spell(text: np.ndarray, begin: np.uint64, value: np.uint64, width: np.uint64) -> np.uint64:
    """Write a number as digits; returns how many, 0 for one that has too many."""
    length = np.uint64(0)
    least = width & np.uint64(31) if width >= ZERO_PADDED else _ONE
    rest = value
    while length < least or rest:
        length += _ONE
        rest //= np.uint64(10)
        if length > MOST_DIGITS:
            return np.uint64(0)
    rest = value
    for i in range(length):
        quotient = rest // np.uint64(10)
        text[begin + length - _ONE - i] = np.uint8(np.uint64(48) + rest - quotient * np.uint64(10))
        rest = quotient
    return length


@inlined
def _spell_clocked(
    model: Any, data: np.ndarray, before: np.uint64, at: np.uint64, number: np.uint64, width: np.uint64, passed: np.uint64
) -> None:
    """Expect a number that grows with the clock: the last one, at `before`, and the time that passed. With its fraction, if any."""
    memory, text = model.memory, model.text
    unit = memory[UNIT]
    end = before + (width & np.uint64(31))
    fraction = np.uint64(0)
    value = number
    if unit == 1000000 and data[end] == 46:
        while fraction < 6 and end + fraction + _ONE < at and data[end + fraction + _ONE] >= 48 and data[end + fraction + _ONE] <= 57:
            value = value * np.uint64(10) + np.uint64(data[end + fraction + _ONE] - 48)
            fraction += _ONE
            unit //= np.uint64(10)
    length = _spell(text, np.uint64(TEXT), value + passed // unit, np.uint64(ZERO_PADDED) + fraction + _ONE if fraction else width)
    if fraction and length:
        for i in range(fraction):
            text[np.uint64(TEXT) + length - i] = text[np.uint64(TEXT) + length - i - _ONE]
        text[np.uint64(TEXT) + length - fraction] = 46
        length += _ONE
    memory[LENGTH_2] = length
