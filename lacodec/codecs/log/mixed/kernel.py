"""The loop of the line model: parsed lines and the byte model's memory -> contexts, expected bytes, selectors -> engine."""

from typing import NamedTuple

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.kernel import HISTORY, MATCHED, MATCHES, pair_hash
from lacodec.codecs.log.mixed import parser as ps
from lacodec.entropy.mixing import DECODING, MIX_RATE, POSITION, READ_AHEAD, SELECTS, Engine, code_symbol, finish, prefetch_slots, start
from lacodec.kernels.jit import flat_kernel, inlined

# Kinds of context, by their place in `Model.every` behind those of the byte model.
(PREFIX, PREFIX_1, PREFIX_2, PREFIX_LAST, PREFIX_BESIDE, PREFIX_KEY, ITEMS_1, ITEMS_2, ITEMS_3, NUMBER_1, NUMBER_2, NUMBER_3, CARRY,
 EXPECTED, OUTCOME, OUTCOMES, SHAPED_1, SHAPED_2, SHAPED_3) = range(mk.KINDS, mk.KINDS + 19)  # fmt: skip
KINDS = mk.KINDS + 19

EXPECTS = 8
(SAME, MATCH_1, MATCH_2, BESIDE, SEQUEL, NEXT, EARLIER, ABOVE) = range(EXPECTS)

_ONE = np.uint64(1)
_BYTE = np.uint64(255)


class Model(NamedTuple):
    """The byte model's arrays and those of the parser."""

    kinds: np.ndarray
    every: np.ndarray
    ctx: np.ndarray
    expect: np.ndarray
    select: np.ndarray
    memory: np.ndarray
    matches: np.ndarray
    heads: np.ndarray
    recent: np.ndarray
    told: np.ndarray  # int64[2 * EXPECTS]
    fields: np.ndarray  # uint64[PLACE * 2**k]
    last: np.ndarray  # uint32[3 * 2**k]
    sources: np.ndarray  # uint64[2**k]
    keys: np.ndarray  # uint64[2**k]
    line: np.ndarray  # uint64[2 * TOKENS_KEPT]
    text: np.ndarray  # uint8[2 * TEXT]


@flat_kernel
def code_lines(engine: Engine, model: Model, data: np.ndarray, begin: int, end: int, first: bool, last: bool) -> bool:
    """As `code_bytes` of the byte model."""
    if first:
        start(engine)
        mk.forget(model, begin)
        ps.forget_line(model, begin)
    decoding = engine.plan[DECODING]
    limit = engine.stream.size + READ_AHEAD
    matches = np.uint64(MATCHES)
    for at in range(np.uint64(begin), np.uint64(end)):
        engine.plan[MIX_RATE] = _mix_rate(at - model.memory[ps.BLOCK])
        mk.prefetch_heads(model, matches)
        mk.follow_matches(model, data, at, matches)
        _expect(model, data, at)
        _fill_line_contexts(model, data, at)
        mk.fill_contexts(model, data, at, _ONE)
        _fill_matched(model)
        prefetch_slots(engine, model.ctx, _ONE, 0)
        symbol = np.int64(0) if decoding else np.int64(data[at])
        symbol = code_symbol(engine, model.ctx, model.told, model.select, symbol)
        data[at] = np.uint8(symbol)
        mk.remember(model, data, at, np.uint64(symbol), matches)
        ps.parse(model, data, at, np.uint64(symbol))
        if engine.registers[POSITION] > limit:
            return False
    if last and not decoding:
        finish(engine)
    return True


@inlined
def _mix_rate(coded: np.uint64) -> np.int64:
    """Weights learn fast at first."""
    return np.int64(150 + (300 << 16) // ((1 << 16) + (coded & ~np.uint64(1023))))


@inlined
def _grade(run: np.uint64) -> np.int64:
    if run < 8:
        return np.int64(run)
    if run < 32:
        return 8 + np.int64(run >> np.uint64(3))
    return min(11 + np.int64(run >> np.uint64(5)), 15)


@inlined
def _expect(model: Model, data: np.ndarray, at: np.uint64) -> None:
    memory, told, text = model.memory, model.told, model.text
    state = np.int64(0)
    if memory[ps.LENGTH]:
        state = 1 if memory[ps.COMPARED] == 0 else 2
    same, beside, sequel, earlier = memory[ps.SAME], memory[ps.BESIDE], memory[ps.SEQUEL], memory[ps.EARLIER]
    history = np.int64(model.fields[memory[ps.SLOT] + np.uint64(ps.HISTORY_)])
    for i in range(2 * EXPECTS):
        told[i] = 0
    if same:
        told[2 * SAME] = np.int64(data[same])
        told[2 * SAME + 1] = max((history & 15) * 4 + state, 1)
    told[2 * MATCH_1] = model.expect[0]
    told[2 * MATCH_1 + 1] = model.expect[1]
    told[2 * MATCH_2] = model.expect[2]
    told[2 * MATCH_2 + 1] = model.expect[3]
    if beside:
        told[2 * BESIDE] = np.int64(data[beside])
        told[2 * BESIDE + 1] = max(_grade(memory[ps.BESIDE_RUN]) * 4 + state, 1)
    if sequel:
        told[2 * SEQUEL] = np.int64(data[sequel])
        told[2 * SEQUEL + 1] = max(_grade(memory[ps.SEQUEL_RUN]) * 4 + state, 1)
    above = memory[ps.ABOVE]
    if above:
        told[2 * ABOVE] = np.int64(data[above])
        told[2 * ABOVE + 1] = max(_grade(memory[ps.ABOVE_RUN]) * 4 + state, 1)
    length = memory[ps.LENGTH]
    if length < memory[ps.LENGTH_1] and memory[ps.COMPARED_1] == 0:
        told[2 * NEXT] = np.int64(text[length])
        told[2 * NEXT + 1] = 1 + (history & 15) * 2 + np.int64(length > 0)
    clocked = at - memory[ps.TEXT_AT]
    if clocked < memory[ps.LENGTH_2] and memory[ps.COMPARED_2] == 0 and (memory[ps.UNIT] or told[2 * NEXT + 1] == 0):
        told[2 * NEXT] = np.int64(text[np.uint64(ps.TEXT) + clocked])
        told[2 * NEXT + 1] = np.int64(33 + min(clocked, np.uint64(7))) + (8 if memory[ps.UNIT] else 0)
    if earlier:
        told[2 * EARLIER] = np.int64(data[earlier])
        told[2 * EARLIER + 1] = np.int64(1 + min(length, np.uint64(7))) + (8 if memory[ps.SOURCED] else 0) + 16 * (history & 3)


@inlined
def _after(data: np.ndarray, place: np.uint64, more: int, at: np.uint64) -> np.uint64:
    return np.uint64(data[place + np.uint64(more)]) if place and place + np.uint64(more) < at else np.uint64(0)


@inlined
def _fill_line_contexts(model: Model, data: np.ndarray, at: np.uint64) -> None:
    every, memory, told, select = model.every, model.memory, model.told, model.select
    fields = model.fields
    place = memory[ps.SLOT]
    prefix = memory[ps.PREFIX]
    token = memory[ps.TOKEN]
    length = memory[ps.LENGTH]
    history = fields[place + np.uint64(ps.HISTORY_)]
    here = pair_hash(prefix, token)
    t12 = pair_hash(memory[ps.TEMPLATE_1], memory[ps.TEMPLATE_2])
    every[PREFIX] = here
    every[PREFIX_1] = pair_hash(here, memory[ps.TEMPLATE_1])
    every[PREFIX_2] = pair_hash(here, t12)
    every[PREFIX_LAST] = pair_hash(here, fields[place + np.uint64(ps.CONTENT)] + _ONE)
    every[PREFIX_BESIDE] = pair_hash(here, memory[ps.LAST_VARIABLE] + np.uint64(2))
    every[PREFIX_KEY] = pair_hash(here, memory[ps.KEY_TEMPLATE] + np.uint64(3))
    items = pair_hash(token, memory[ps.ITEM_1])
    every[ITEMS_1] = items
    every[ITEMS_2] = pair_hash(items, memory[ps.ITEM_2])
    every[ITEMS_3] = pair_hash(every[ITEMS_2], memory[ps.ITEM_3])
    tokens = memory[mk.TOKENS]
    short = min(length, np.uint64(31)) * np.uint64(4) + memory[ps.COMPARED]
    every[SHAPED_1] = pair_hash(prefix, short)
    every[SHAPED_2] = pair_hash(tokens, short)
    every[SHAPED_3] = pair_hash(pair_hash(tokens, memory[ps.ITEM_1]), min(length, np.uint64(31)))

    same = memory[ps.SAME]
    l0 = _after(data, same, 0, at)
    l1 = _after(data, same, 1, at)
    l2 = _after(data, same, 2, at)
    l3 = _after(data, same, 3, at)
    a = np.uint64(model.text[length]) if length < memory[ps.LENGTH_1] else np.uint64(0)
    clocked = at - memory[ps.TEXT_AT]
    b = np.uint64(model.text[np.uint64(ps.TEXT) + clocked]) if clocked < memory[ps.LENGTH_2] else np.uint64(0)
    order = memory[ps.COMPARED] | (memory[ps.COMPARED_1] << np.uint64(2)) | (memory[ps.COMPARED_2] << np.uint64(4))
    state = memory[ps.COMPARED] * np.uint64(2) + np.uint64(length > 0)
    every[NUMBER_1] = pair_hash(prefix, l0 | (l1 << np.uint64(8)) | (a << np.uint64(16)) | (order << np.uint64(32)) | (length << np.uint64(48)))
    every[NUMBER_2] = l0 | (l1 << np.uint64(8)) | (l2 << np.uint64(16)) | (state << np.uint64(24)) | (min(length, _BYTE) << np.uint64(32))
    every[NUMBER_3] = pair_hash(prefix, l0 | (b << np.uint64(16)) | (order << np.uint64(32)))
    every[CARRY] = l0 | (l2 << np.uint64(8)) | (l3 << np.uint64(16)) | (state << np.uint64(24)) | (min(memory[ps.COUNT], _BYTE) << np.uint64(32)) | ((memory[ps.OUTCOMES] & np.uint64(3)) << np.uint64(40))
    agree = np.int64(0)
    best = np.int64(0)
    for i in range(1, EXPECTS):
        if i == BESIDE or i == MATCH_1 or i == ABOVE:
            agree = agree * 3
            if told[2 * i + 1]:
                agree += 1 if told[2 * i] == told[0] else 2
    for i in range(EXPECTS):
        if best == 0 and told[2 * i + 1]:
            best = told[2 * i]
    expected = np.uint64(told[0]) | (np.uint64(told[2]) << np.uint64(8)) | (np.uint64(told[2 * BESIDE]) << np.uint64(16)) | (np.uint64(told[2 * SEQUEL]) << np.uint64(24)) | (np.uint64(told[2 * NEXT]) << np.uint64(32)) | (np.uint64(told[2 * EARLIER]) << np.uint64(40)) | (np.uint64(told[2 * ABOVE]) << np.uint64(48))
    every[EXPECTED] = pair_hash(expected, state)
    every[OUTCOME] = l0 | (history << np.uint64(8)) | (state << np.uint64(16)) | (min(length, np.uint64(15)) << np.uint64(24))
    every[OUTCOMES] = pair_hash(prefix, l0 | ((memory[ps.OUTCOMES] & np.uint64(255)) << np.uint64(8)) | (state << np.uint64(16)))

    select[0] = agree * 6 + np.int64(state)
    select[1] = np.int64(state)
    select[2] = min(told[2 * MATCH_1 + 1] >> 3, 7)
    select[7] = best
    select[6] = np.int64(min(memory[ps.COUNT], np.uint64(31)) * np.uint64(8) + min(length, np.uint64(7)))


@inlined
def _fill_matched(model: Model) -> None:
    select, told, history = model.select, model.told, model.memory[HISTORY]
    last = np.uint64(model.kinds.size - 1)
    if model.kinds[last] == MATCHED:
        seen = np.uint64(told[2] + 256 * (told[3] >> 3)) << np.uint64(8) if told[3] else np.uint64(0)
        model.ctx[last] = pair_hash((history & mk._BYTE) | seen, MATCHED + 1)
    # 3: c1 and 4: classes from fill_contexts
    fields, memory = model.fields, model.memory
    select[5] = np.int64(fields[memory[ps.SLOT] + np.uint64(ps.HISTORY_)])
    best = select[7]
    select[7] = told[2 * MATCH_1 + 1] * 4 + min(told[2 * BESIDE + 1] >> 4, 3)
    select[8] = best if best else np.int64(history & mk._BYTE)
    select[9] = np.int64(model.every[EXPECTED] & np.uint64(0x7FFFFFFFFFFF))


SELECTORS = (27 * 6, 6, 8, 256, 512, 256, 256, 256)
