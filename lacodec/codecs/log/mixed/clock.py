"""Times and numbers of the line model: the clock of a line, and numbers that are likely to come, spelled as the last one was."""

import numpy as np

from lacodec.codecs.log.mixed.memory import (
    CHAIN,
    CHAIN_VALUE,
    CLOCK,
    CLOCK_STATE,
    CLOCK_WAS,
    COMPARED,
    COMPARED_1,
    COMPARED_2,
    DIGITS,
    GAP,
    LENGTH,
    LENGTH_1,
    LENGTH_2,
    LOOK,
    NUMBER,
    STEP,
    STRIDE,
    TEXT,
    TEXT_AT,
    UNIT,
    VALUE,
    ZERO_PADDED,
    Model,
)
from lacodec.kernels.jit import inlined

_ONE, _TEN = np.uint64(1), np.uint64(10)
_SECOND = np.uint64(1_000_000)
_MOST_DIGITS = 18
_FRACTION = 6
_COLON, _COMMA, _POINT, _ZERO, _NINE = 58, 44, 46, 48, 57


@inlined
def read_clock(memory: np.ndarray) -> None:
    """The first time in a line, from the token that ends: hours:minutes:seconds or ten digits, and a fraction behind it.

    State 0: not found; 1: a fraction may follow; 2: that was the fraction; 3: over.
    """
    digits, length, value, gap, chain = memory[DIGITS], memory[LENGTH], memory[VALUE], memory[GAP], memory[CHAIN]
    memory[CHAIN] = 0
    state = memory[CLOCK_STATE]
    if state == 1 and digits + _ONE >= length and ((gap == _POINT) | (gap == _COMMA)) and digits <= _FRACTION:
        for _ in range(np.uint64(_FRACTION) - digits):
            value *= _TEN
        memory[CLOCK] += value
        memory[CLOCK_STATE] = 2
    elif state:
        memory[CLOCK_STATE] = 3
    elif digits == 2:
        linked = chain and gap == _COLON and length == 2
        memory[CHAIN] = chain + _ONE if linked else _ONE
        memory[CHAIN_VALUE] = memory[CHAIN_VALUE] * np.uint64(60) + value if linked else value
        if memory[CHAIN] == 3:
            memory[CLOCK] = memory[CHAIN_VALUE] * _SECOND + _ONE
            memory[CLOCK_STATE] = 1
    elif digits == 10 and length == 10:
        memory[CLOCK] = value * _SECOND + _ONE
        memory[CLOCK_STATE] = 1


@inlined
def number_unit(stride: np.uint64, now: np.uint64, then: np.uint64, known: np.uint64) -> np.uint64:
    """Microseconds in the unit in which a number grew as the clock did, within 2; 0 for none. Small steps only confirm one."""
    if now <= then or then == 0:
        return np.uint64(0)
    for unit in (1, 1_000, 1_000_000):
        if stride + np.uint64(2) - (now - then) // np.uint64(unit) < 5 and (stride > 2 or known == unit):
            return np.uint64(unit)
    return np.uint64(0)


@inlined
def expect_numbers(model: Model, data: np.ndarray, place: np.uint64, before: np.uint64, at: np.uint64) -> None:
    """Spell what a number here may be: one more stride; and as much more as the clock, or else as the line's last number.

    The second text may have a point in it, and then goes on behind that.
    """
    memory, places, text = model.memory, model.places, model.text
    look = places[place + np.uint64(LOOK)]
    width, unit = look & np.uint64(255), look >> np.uint64(16)
    memory[COMPARED] = memory[COMPARED_1] = memory[LENGTH_1] = 0
    if memory[COMPARED_2] or at - memory[TEXT_AT] >= memory[LENGTH_2]:
        memory[COMPARED_2] = memory[LENGTH_2] = 0
    if width == 0:
        return
    number, stride = places[place + np.uint64(NUMBER)], places[place + np.uint64(STRIDE)]
    if stride:
        memory[LENGTH_1] = _spell(text, np.uint64(0), number + stride, width)
    if memory[LENGTH_2] == 0:
        memory[TEXT_AT] = at
        memory[UNIT] = unit
        if unit and memory[CLOCK] > places[place + np.uint64(CLOCK_WAS)]:
            passed = memory[CLOCK] - places[place + np.uint64(CLOCK_WAS)]
            memory[LENGTH_2] = _spell_clocked(text, data, before, at, number, width, passed, unit)
        elif memory[STEP]:
            memory[LENGTH_2] = _spell(text, np.uint64(TEXT), number + memory[STEP], width)


@inlined
def _spell_clocked(
    text: np.ndarray,
    data: np.ndarray,
    before: np.uint64,
    at: np.uint64,
    number: np.uint64,
    width: np.uint64,
    passed: np.uint64,
    unit: np.uint64,
) -> np.uint64:
    """The last number, which is at `before`, and the time since; of seconds with their fraction, if they had one."""
    end = before + (width & np.uint64(31))
    fraction = np.uint64(0)
    if unit == _SECOND and end < at and data[end] == _POINT:
        while fraction < _FRACTION and end + fraction + _ONE < at:
            digit = data[end + fraction + _ONE]
            if digit < _ZERO or digit > _NINE:
                break
            number = number * _TEN + np.uint64(digit - _ZERO)
            fraction += _ONE
            unit //= _TEN
    least = np.uint64(ZERO_PADDED) + fraction + _ONE if fraction else width
    length = _spell(text, np.uint64(TEXT), number + passed // unit, least)
    if fraction and length:
        for i in range(fraction):
            text[np.uint64(TEXT) + length - i] = text[np.uint64(TEXT) + length - i - _ONE]
        text[np.uint64(TEXT) + length - fraction] = _POINT
        length += _ONE
    return length


@inlined
def _spell(text: np.ndarray, begin: np.uint64, value: np.uint64, width: np.uint64) -> np.uint64:
    """Write a number as digits, of a width if that is of a padded one; returns how many, 0 if they are too many."""
    least = width & np.uint64(31) if width >= ZERO_PADDED else _ONE
    length, rest = np.uint64(0), value
    while length < least or rest:
        length += _ONE
        rest //= _TEN
        if length > _MOST_DIGITS:
            return np.uint64(0)
    rest = value
    for i in range(length):
        quotient = rest // _TEN
        text[begin + length - _ONE - i] = np.uint8(np.uint64(_ZERO) + rest - quotient * _TEN)
        rest = quotient
    return length
