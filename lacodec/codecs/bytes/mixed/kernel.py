"""The loop of the context-mixing byte model: history -> contexts, expected bytes and weight selectors -> engine.

Contexts follow the kinds of M. Mahoney's PAQ8 (orders 0 to 6, words, sparse, columns, records, indirect, match); what they hash
and how lines, fields and token shapes are tracked is lacodec's own.
"""

from typing import NamedTuple

import numpy as np

from lacodec.entropy.mixing import (
    DECODING,
    EXPECTS,
    POSITION,
    READ_AHEAD,
    SELECTS,
    Engine,
    code_symbol,
    finish,
    prefetch_slots,
    start,
)
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

# Kinds of context, by their place in `Model.every`.
(O0, O1, O2, O3, O4, O5, O6, O8, WORD, WORD2, WORD3, WORD_SKIP, SPARSE2, SPARSE23, SPARSE34, SPARSE234, COLUMN,
 RECORD1, RECORD2, RECORD_AT, RECORD_NEAR, INDIRECT1, INDIRECT2, INDIRECT3, MATCHED, SHAPE, FIELD_HEAD,
 FIELD_ABOVE) = range(28)  # fmt: skip
KINDS = 28

# What the model remembers between bytes, by its place in `Model.memory`.
(HISTORY, WORD_NOW, WORD_1, WORD_2, TOKENS, CLASSES, FIELD, HEAD, LINE, LINE_BEFORE, ABOVE) = range(11)
MEMORY = 11

MATCHES = 2
POINTER, LENGTH, MISSES, MINIMUM = range(4)
POSITIONS = 1 << 27  # heads keep the rest of their 32 bits to check the hash
LONGEST = 400  # bytes compared when a match is looked up
FORGET = 8  # misses after which a match is given up
RECENT = 65536

_ODD = np.uint64(0xD6E8FEB86659FD93)
_BYTE = np.uint64(0xFF)
_ONE = np.uint64(1)


class Model(NamedTuple):
    """The byte model's own arrays, beside those of the engine. Made by `_model.new_model`."""

    kinds: np.ndarray  # int64[contexts]: which kind feeds each context of the engine
    every: np.ndarray  # uint64[KINDS]
    ctx: np.ndarray  # uint64[contexts]
    expect: np.ndarray  # int64[2 * MATCHES]
    select: np.ndarray  # int64[MAX_SELECTS + 2]
    memory: np.ndarray  # uint64[MEMORY]
    matches: np.ndarray  # int64[4 * MATCHES]
    heads: np.ndarray  # uint32[MATCHES * 2**k]: hash of the newest bytes -> position after them
    recent: np.ndarray  # uint32[3 * RECENT]: the last bytes that followed a context


@flat_kernel
def code_bytes(
    engine: Engine, model: Model, data: np.ndarray, begin: int, end: int, stride: int, first: bool, last: bool
) -> bool:
    """Code `data[begin:end]`, read when encoding and filled when decoding; what stands before `begin` is known to both sides.

    A block may be coded in slices: `first` starts the coder, `last` flushes it. Returns False, having stopped, when the coder
    left its stream: an encoder that would not shrink, or a decoder of a forged stream.
    """
    if first:
        start(engine)
        forget(model, begin)
    decoding = engine.plan[DECODING]
    limit = engine.stream.size + READ_AHEAD
    selectors, expects = np.uint64(engine.plan[SELECTS]), np.uint64(engine.plan[EXPECTS])
    for at in range(np.uint64(begin), np.uint64(end)):
        prefetch_heads(model, expects)
        fill_contexts(model, data, at, np.uint64(stride))
        prefetch_slots(engine, model.ctx, _ONE, 0)
        follow_matches(model, data, at, expects)
        fill_matched(model, selectors)
        symbol = np.int64(0) if decoding else np.int64(data[at])
        symbol = code_symbol(engine, model.ctx, model.expect, model.select, symbol)
        data[at] = np.uint8(symbol)
        remember(model, data, at, np.uint64(symbol), expects)
        if engine.registers[POSITION] > limit:
            return False
    if last and not decoding:
        finish(engine)
    return True


@inlined
def pair_hash(a: np.uint64, b: np.uint64) -> np.uint64:
    """A well-mixed hash of two numbers."""
    mixed = (np.uint64(a) + np.uint64(b) * GOLDEN) * _ODD
    return (mixed ^ (mixed >> np.uint64(29))) * GOLDEN


@inlined
def forget(model: Model, begin: int) -> None:
    """Start lines, words and matches anew; tables stay, so that a model may be primed."""
    for i in range(MEMORY):
        model.memory[i] = 0
    model.memory[LINE] = np.uint64(begin)
    model.memory[LINE_BEFORE] = np.uint64(begin)
    for m in range(MATCHES):
        for i in range(MINIMUM):
            model.matches[4 * m + i] = 0


@inlined
def head_hash(model: Model, history: np.uint64, m: np.uint64) -> np.uint64:
    """Hash of the newest bytes of a history that match model `m` looks at."""
    bits = np.uint64(model.matches[m * np.uint64(4) + np.uint64(MINIMUM)]) * np.uint64(8)
    return pair_hash(history & ((_ONE << bits) - _ONE), bits)


@inlined
def prefetch_heads(model: Model, expects: np.uint64) -> None:
    """Ask for where the match models will look."""
    slots = np.uint64(model.heads.size // MATCHES)
    for m in range(expects):
        prefetch(model.heads, m * slots + (head_hash(model, model.memory[HISTORY], m) & (slots - _ONE)))


@inlined
def follow_matches(model: Model, data: np.ndarray, at: np.uint64, expects: np.uint64) -> None:
    """Keep each match model at the last place where the newest bytes stood before, and say what it expects."""
    matches, heads, expect = model.matches, model.heads, model.expect
    slots = np.uint64(heads.size // MATCHES)
    for m in range(expects):
        own = m * np.uint64(4)
        minimum = np.uint64(matches[own + np.uint64(MINIMUM)])
        if at >= minimum:
            hashed = head_hash(model, model.memory[HISTORY], m)
            slot = m * slots + (hashed & (slots - _ONE))
            check = (hashed >> np.uint64(32)) & ~np.uint64(POSITIONS - 1) & np.uint64(0xFFFFFFFF)
            if matches[own + np.uint64(LENGTH)] == 0 and (np.uint64(heads[slot]) ^ check) < POSITIONS:
                candidate = np.uint64(heads[slot]) & np.uint64(POSITIONS - 1)
                same = np.uint64(0)
                while same < LONGEST and same < candidate and data[candidate - same - _ONE] == data[at - same - _ONE]:
                    same += _ONE
                if same >= minimum:
                    matches[own + np.uint64(LENGTH)] = np.int64(same)
                    matches[own + np.uint64(POINTER)] = np.int64(candidate)
                    matches[own + np.uint64(MISSES)] = 0
            heads[slot] = np.uint32(at | check)
        pointer = matches[own]
        expect[np.uint64(2) * m] = np.int64(data[np.uint64(pointer)]) if pointer else 0
        length, misses = matches[own + np.uint64(LENGTH)], matches[own + np.uint64(MISSES)]
        if length < 16:
            grade = length >> 1
        elif length < 32:
            grade = 8 + ((length - 16) >> 2)
        else:
            grade = min(12 + ((length - 32) >> 6), 15)
        expect[np.uint64(2) * m + _ONE] = max(grade * 4 + min(misses, 3), 1) if pointer else 0


@inlined
def fill_contexts(model: Model, data: np.ndarray, at: np.uint64, stride: np.uint64) -> None:
    """All kinds of context for the byte at `at` but MATCHED, hashed into `ctx`, and the weight selectors that go with them."""
    every, memory, recent, select = model.every, model.memory, model.recent, model.select
    history = memory[HISTORY]
    c1 = history & _BYTE
    c2 = (history >> np.uint64(8)) & _BYTE
    every[O0] = 0
    for order in range(1, 7):
        every[np.uint64(order)] = history & ((_ONE << np.uint64(8 * order)) - _ONE)
    every[O8] = history

    word = memory[WORD_NOW] + c1
    every[WORD] = pair_hash(memory[WORD_NOW], c1)
    every[WORD2] = pair_hash(word, memory[WORD_1])
    every[WORD3] = pair_hash(every[WORD2], memory[WORD_2])
    every[WORD_SKIP] = pair_hash(word, memory[WORD_2])
    every[SPARSE2] = c2
    every[SPARSE23] = (history >> np.uint64(8)) & np.uint64(0xFFFF)
    every[SPARSE34] = (history >> np.uint64(16)) & np.uint64(0xFFFF)
    every[SPARSE234] = (history >> np.uint64(8)) & np.uint64(0xFFFFFF)

    column = at - memory[LINE]
    over = memory[LINE_BEFORE] + column
    above = np.uint64(data[over]) if over < memory[LINE] else np.uint64(10)
    every[COLUMN] = above | (min(column, _BYTE) << np.uint64(8))
    every[SHAPE] = memory[TOKENS]
    every[FIELD_HEAD] = pair_hash(memory[FIELD] + (memory[HEAD] << np.uint64(8)), history & np.uint64(0xFFFF))
    beside = memory[ABOVE]
    every[FIELD_ABOVE] = c1 << np.uint64(8)
    if beside + _ONE < at:
        every[FIELD_ABOVE] |= np.uint64(data[beside]) | (np.uint64(data[beside + _ONE]) << np.uint64(16))

    record1 = np.uint64(data[at - stride]) if at >= stride else np.uint64(0)
    record2 = np.uint64(data[at - stride * np.uint64(2)]) if at >= stride * np.uint64(2) else np.uint64(0)
    next1 = np.uint64(data[at - stride + _ONE]) if at >= stride and stride > _ONE else np.uint64(0)
    phase = at % stride
    every[RECORD1] = record1 | (c1 << np.uint64(8))
    every[RECORD2] = record1 | (record2 << np.uint64(8)) | (phase << np.uint64(16))
    every[RECORD_AT] = phase | (c1 << np.uint64(16))
    every[RECORD_NEAR] = record1 | (c1 << np.uint64(8)) | (next1 << np.uint64(16)) | (c2 << np.uint64(24))

    every[INDIRECT1] = c1 | (np.uint64(recent[c1]) << np.uint64(8))
    every[INDIRECT2] = (history & np.uint64(0xFFFF)) | (np.uint64(recent[_after2(history)]) << np.uint64(16))
    every[INDIRECT3] = c1 | (np.uint64(recent[_after3(history)]) << np.uint64(8))

    kinds, ctx = model.kinds, model.ctx
    for j in range(np.uint64(kinds.size)):
        kind = np.uint64(kinds[j])
        ctx[j] = pair_hash(every[kind], kind + _ONE)

    select[3] = np.int64(c1)
    select[4] = np.int64(memory[CLASSES] & np.uint64(511))
    select[5] = np.int64(min(column, np.uint64(31)) * np.uint64(8) + (phase & np.uint64(7)))


@inlined
def fill_matched(model: Model, selectors: np.uint64) -> None:
    """What the match models expect, as the last context and as weight selectors; the APM contexts."""
    expect, select, history = model.expect, model.select, model.memory[HISTORY]
    last = np.uint64(model.kinds.size - 1)
    if model.kinds[last] == MATCHED:
        seen = np.uint64(expect[0] + 256 * (expect[1] >> 3)) << np.uint64(8) if expect[1] else np.uint64(0)
        model.ctx[last] = pair_hash((history & _BYTE) | seen, MATCHED + 1)
    select[0] = expect[1]
    select[1] = 0
    select[2] = min(expect[3] >> 3, 7)
    select[selectors] = np.int64(history & _BYTE)
    select[selectors + _ONE] = np.int64(history & np.uint64(0xFFFFFF))


@inlined
def _after2(history: np.uint64) -> np.uint64:
    return np.uint64(RECENT) + (history & np.uint64(0xFFFF))


@inlined
def _after3(history: np.uint64) -> np.uint64:
    return np.uint64(2 * RECENT) + (pair_hash(history & np.uint64(0xFFFFFF), 3) >> np.uint64(48))


@inlined
def remember(model: Model, data: np.ndarray, at: np.uint64, c: np.uint64, expects: np.uint64) -> None:
    """Take in the byte that came: matches, followers, words, token shapes, fields and lines."""
    memory, recent = model.memory, model.recent
    remember_matches(model, c, expects)
    history = memory[HISTORY]
    _follow(recent, history & _BYTE, c)
    _follow(recent, _after2(history), c)
    _follow(recent, _after3(history), c)
    memory[HISTORY] = (history << np.uint64(8)) | c

    kind = byte_class(c)
    memory[CLASSES] = (memory[CLASSES] << np.uint64(3)) | kind
    if kind >= 5:
        memory[WORD_NOW] = pair_hash(memory[WORD_NOW] + (c | np.uint64(32) if kind == 6 else c), 1)
    elif memory[WORD_NOW]:
        memory[WORD_2] = memory[WORD_1]
        memory[WORD_1] = memory[WORD_NOW]
        memory[WORD_NOW] = 0
    _remember_shape(memory, c, kind)
    _remember_field(memory, data, at, c)


@inlined
def remember_matches(model: Model, c: np.uint64, expects: np.uint64) -> None:
    """How each match model did with the byte that came."""
    matches = model.matches
    for m in range(expects):
        own = m * np.uint64(4)
        if matches[own]:
            if model.expect[np.uint64(2) * m] == np.int64(c):
                length = min(matches[own + np.uint64(LENGTH)] + 1, 65535)
                matches[own + np.uint64(LENGTH)] = length
                if length & 15 == 0:
                    matches[own + np.uint64(MISSES)] = max(matches[own + np.uint64(MISSES)] - 1, 0)
            else:
                matches[own + np.uint64(LENGTH)] = 0
                matches[own + np.uint64(MISSES)] += 1
            matches[own] = matches[own] + 1 if matches[own + np.uint64(MISSES)] <= FORGET else 0


@inlined
def _follow(recent: np.ndarray, place: np.uint64, c: np.uint64) -> None:
    recent[place] = ((recent[place] << np.uint32(8)) | np.uint32(c)) & np.uint32(0xFFFF)


@inlined
def byte_class(c: np.uint64) -> np.uint64:
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
def _remember_shape(memory: np.ndarray, c: np.uint64, kind: np.uint64) -> None:
    """The line so far as a pattern: runs of digits and of letters count as one token, punctuation as itself."""
    token = np.uint64(5) if kind == 6 else kind
    if kind == 1:
        memory[TOKENS] = 1
    elif token != (memory[TOKENS] & np.uint64(7)) or token == 3 or token == 0:
        pattern = (memory[TOKENS] << np.uint64(3)) | token
        memory[TOKENS] = (pair_hash(pattern, c) & ~np.uint64(7)) | token if token == 3 else pattern


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
        memory[HEAD] = pair_hash(memory[HEAD], c)
