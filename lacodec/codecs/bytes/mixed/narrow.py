"""The loop of `kernel.code_bytes` for effort 5, whose six contexts, one match model and three sets of weights are few enough to
be kept in registers.

The same bytes come out in about three quarters of the time: only what these contexts need is computed and remembered, bits are
coded by `narrow_bits`, and memory is asked for early: the slots of the next byte while its last bit is open, for both values, and
probabilities two bits ahead.
"""

from functools import cache
from typing import Any

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import (
    HISTORY,
    O1,
    O2,
    O3,
    O4,
    O6,
    RECORD2,
    WORD,
    WORD_NOW,
    Model,
    byte_class,
    follow_matches,
    forget,
    head_hash,
    pair_hash,
    remember_matches,
)
from lacodec.codecs.bytes.mixed.narrow_bits import RATES, code_bit, find_slot
from lacodec.entropy.mixing import (
    APM_ROWS,
    APM_STEPS,
    CODE,
    DECODING,
    EXPECTS,
    HIGH,
    LINE,
    LINE_BITS,
    LOW,
    MIX_RATE,
    POSITION,
    READ_AHEAD,
    SELECTS,
    Engine,
    finish,
    start,
)
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

TEXT = (O1, O2, O3, O4, O6, WORD)
BINARY = (O1, O2, O3, O4, O6, RECORD2)

_ODD = np.uint64(0xD6E8FEB86659FD93)
_BYTE = np.uint64(0xFF)
_ONE = np.uint64(1)
_TWO = np.uint64(2)
_U8 = np.uint64(8)


def is_narrow(engine: Engine, model: Model) -> bool:
    """Whether `code_narrow` can take the place of `code_bytes`."""
    shape = (engine.plan[EXPECTS], engine.plan[SELECTS], *engine.plan[MIX_RATE : MIX_RATE + len(RATES)])
    return tuple(model.kinds) in (TEXT, BINARY) and shape == (1, 3, *RATES)


@cache
def both_inputs() -> np.ndarray:
    """int32[4096]: the inputs that a 12-bit probability makes, 16 bits each: stretched (below) and linear."""
    stretch = mixing_tables()[1].astype(np.int32)
    linear = (np.arange(stretch.size, dtype=np.int32) - 2048) >> 1
    return (stretch & 0xFFFF) | (linear << 16)


@flat_kernel
def code_narrow(
    engine: Engine, model: Model, both: np.ndarray, data: np.ndarray, begin: int, end: int, stride: int, first: bool, last: bool
) -> bool:
    """As `kernel.code_bytes`; `engine.outputs` is int32[4] or more. both: of `both_inputs`."""
    if first:
        start(engine)
        forget(model, begin)
    registers, slots, apm, memory = engine.registers, engine.slots, engine.apm, model.memory
    decoding = engine.plan[DECODING] != 0
    limit = engine.stream.size + READ_AHEAD
    text = np.uint64(model.kinds[5]) == np.uint64(WORD)
    shift = np.uint64(64 - engine.plan[LINE_BITS])
    step = np.uint64(stride)
    low, high, code, position = registers[LOW], registers[HIGH], registers[CODE], registers[POSITION]
    for at in range(np.uint64(begin), np.uint64(end)):
        history, word = memory[HISTORY], memory[WORD_NOW]
        ctx = _contexts(data, at, step, history, word, text)
        follow_matches(model, data, at, _ONE)
        symbol = np.uint64(0) if decoding else np.uint64(data[at])
        partial = _ONE
        for half in range(2):
            salt = np.uint64(0) if half == 0 else partial * GOLDEN
            near = np.uint64(0) if half == 0 else ((partial >> _ONE) & np.uint64(7)) + _ONE
            row = _row(history, salt)
            # Each is counted before the next one is found, which may claim the same slot.
            place0, known0 = find_slot(slots, ctx[0], salt, shift, near)
            place1, known1 = find_slot(slots, ctx[1], salt, shift, near)
            place2, known2 = find_slot(slots, ctx[2], salt, shift, near)
            place3, known3 = find_slot(slots, ctx[3], salt, shift, near)
            place4, known4 = find_slot(slots, ctx[4], salt, shift, near)
            place5, known5 = find_slot(slots, ctx[5], salt, shift, near)
            where = (place0, place1, place2, place3, place4, place5)
            known = known0 + known1 + known2 + known3 + known4 + known5
            node = _ONE
            for k in range(np.uint64(4)):
                _ask_apms(apm, history & _BYTE, partial, row, node)
                if k == 3:
                    if half == 0:
                        _ask_slots(slots, ctx, shift, (partial & np.uint64(7)) + _ONE)
                        _ask_row(apm, _row(history, partial * _TWO * GOLDEN))
                        _ask_row(apm, _row(history, (partial * _TWO + _ONE) * GOLDEN))
                    else:
                        # Encoders know which of both it is, but take the same way.
                        _ask_next(engine, model, data, at, step, shift, text, partial * _TWO & _BYTE)
                        _ask_next(engine, model, data, at, step, shift, text, (partial * _TWO & _BYTE) + _ONE)
                bits = np.uint64(4) * np.uint64(half) + k
                given = (symbol >> (np.uint64(7) - bits)) & _ONE
                bit, low, high, code, position = code_bit(
                    engine, both, where, model.expect, history & _BYTE, row, partial, node, bits, known, given,
                    low, high, code, position, decoding,
                )  # fmt: skip
                partial = partial * _TWO + bit
                node = node * _TWO + bit
        c = partial & _BYTE
        data[at] = np.uint8(c)
        remember_matches(model, c, _ONE)
        memory[HISTORY] = (history << _U8) | c
        memory[WORD_NOW] = _grown(word, c)
        if position > limit:
            break
    registers[LOW], registers[HIGH], registers[CODE], registers[POSITION] = low, high, code, position
    if position > limit:
        return False
    if last and not decoding:
        finish(engine)
    return True


@inlined
def _contexts(data: np.ndarray, at: np.uint64, stride: np.uint64, history: np.uint64, word: np.uint64, text: bool) -> Any:
    """The six contexts for the byte at `at`, as `kernel.fill_contexts` makes them."""
    c1 = history & _BYTE
    if text:
        sixth = pair_hash(pair_hash(word, c1), WORD + 1)
    else:
        record1 = np.uint64(data[at - stride]) if at >= stride else np.uint64(0)
        record2 = np.uint64(data[at - stride * _TWO]) if at >= stride * _TWO else np.uint64(0)
        sixth = pair_hash(record1 | (record2 << _U8) | ((at % stride) << np.uint64(16)), RECORD2 + 1)
    return (
        pair_hash(c1, O1 + 1),
        pair_hash(history & np.uint64(0xFFFF), O2 + 1),
        pair_hash(history & np.uint64(0xFFFFFF), O3 + 1),
        pair_hash(history & np.uint64(0xFFFFFFFF), O4 + 1),
        pair_hash(history & np.uint64(0xFFFFFFFFFFFF), O6 + 1),
        sixth,
    )


@inlined
def _grown(word: np.uint64, c: np.uint64) -> np.uint64:
    """The word so far, with a byte more; 0 when it ends."""
    kind = byte_class(c)
    return pair_hash(word + (c | np.uint64(32) if kind == 6 else c), 1) if kind >= 5 else np.uint64(0)


@inlined
def _row(history: np.uint64, salt: np.uint64) -> np.uint64:
    """First row of a nibble in the second APM."""
    hashed = ((history & np.uint64(0xFFFFFF)) + salt) * _ODD
    return (hashed >> np.uint64(52)) * np.uint64(16) + np.uint64(APM_ROWS)


@inlined
def _ask_next(
    engine: Engine, model: Model, data: np.ndarray, at: np.uint64, stride: np.uint64, shift: np.uint64, text: bool, c: np.uint64
) -> None:
    """Ask for what the byte after this one needs first, if this one is `c`."""
    history = (model.memory[HISTORY] << _U8) | c
    ctx = _contexts(data, at + _ONE, stride, history, _grown(model.memory[WORD_NOW], c), text)
    _ask_slots(engine.slots, ctx, shift, np.uint64(0))
    _ask_row(engine.apm, _row(history, np.uint64(0)))
    _ask_row(engine.apm, c << _U8)
    prefetch(model.heads, head_hash(model, history, np.uint64(0)) & np.uint64(model.heads.size // 2 - 1))


@inlined
def _ask_slots(slots: np.ndarray, ctx: Any, shift: np.uint64, near: np.uint64) -> None:
    for one in ctx:
        prefetch(slots, ((one >> shift) ^ near) * np.uint64(LINE))


@inlined
def _ask_row(apm: np.ndarray, row: np.uint64) -> None:
    """Ask for the first two bits of a nibble."""
    for i in range(_ONE, np.uint64(4)):
        prefetch(apm, (row + i) * np.uint64(APM_STEPS))


@inlined
def _ask_apms(apm: np.ndarray, c1: np.uint64, partial: np.uint64, row: np.uint64, node: np.uint64) -> None:
    """Ask for the rows of the bit after the next one, whichever way both go: four neighbours in each map."""
    first = ((c1 << _U8) | (partial * np.uint64(4))) & np.uint64(APM_ROWS - 1)
    for i in range(np.uint64(4)):
        prefetch(apm, (first + i) * np.uint64(APM_STEPS))
    if node < 4:
        for i in range(np.uint64(4)):
            prefetch(apm, (row + node * np.uint64(4) + i) * np.uint64(APM_STEPS))
