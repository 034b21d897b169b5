"""A bit of `narrow`: six contexts' slots and map entries -> one vector of inputs -> three outputs -> APMs -> range coder.

Everything between the slots and the learning stays in registers. What follows from a bit stands in two branches, for one and
zero: the processor goes on with the likely one while the bit is still being decoded.
"""

from typing import Any

import numpy as np

from lacodec.entropy.mixing import (
    APM_REACH,
    APM_ROWS,
    APM_STEP,
    APM_STEPS,
    BASES,
    LINE,
    MAX_SELECTS,
    SLOT,
    STRETCH_LIMIT,
    Engine,
)
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.int_vector import kept_branch, train_weights
from lacodec.kernels.jit import inlined
from lacodec.kernels.narrow_mixer import mix_three, store_pairs, train_three

WIDTH = 16  # inputs
RATES = (100, 6, 1022, 6)
"""Of the mixer, its final weights, the maps and the APMs, as in `mixing_state.new_engine`."""
_MIX_RATE, _FINAL_RATE, _MAP_LIMIT, _APM_RATE = RATES
_BYTE = np.uint64(0xFF)
_ONE = np.uint64(1)
_U8 = np.uint64(8)


@inlined
def find_slot(slots: np.ndarray, one: np.uint64, salt: np.uint64, shift: np.uint64, near: np.uint64) -> Any:
    """(a context's slot for the coming nibble, less one; 1 if it is known), claiming the least used of three if it has none."""
    check = np.uint64(np.uint16(one + salt))
    base = ((one >> shift) ^ near) * np.uint64(LINE)
    first, second, third = _check(slots, base), _check(slots, base + np.uint64(SLOT)), _check(slots, base + np.uint64(2 * SLOT))
    place = base + np.uint64(2 * SLOT)
    if second == check:
        place = base + np.uint64(SLOT)
    if first == check:
        place = base
    if first != check and second != check and third != check:
        place = base
        least = slots[base + np.uint64(2)]
        state = slots[base + np.uint64(SLOT + 2)]
        if state < least:
            least = state
            place = base + np.uint64(SLOT)
        if slots[base + np.uint64(2 * SLOT + 2)] < least:
            place = base + np.uint64(2 * SLOT)
        for b in range(np.uint64(2), np.uint64(SLOT)):
            slots[place + b] = 0
        slots[place] = np.uint8(check)
        slots[place + _ONE] = np.uint8(check >> _U8)
    return place + _ONE, np.int64(slots[place + np.uint64(2)] != 0)


@inlined
def _check(slots: np.ndarray, place: np.uint64) -> np.uint64:
    return np.uint64(slots[place]) | (np.uint64(slots[place + _ONE]) << _U8)


@inlined
def code_bit(
    engine: Engine, both: np.ndarray, where: Any, expect: np.ndarray, c1: np.uint64, row: np.uint64, partial: np.uint64,
    node: np.uint64, k: np.uint64, known: int, bit: np.uint64, low: Any, high: Any, code: Any, position: Any, decoding: bool,
) -> Any:  # fmt: skip
    """Predict the next bit of a symbol, code it, learn from it: (the bit, low, high, code, position).

    both: int32[4096], the two inputs of each 12-bit probability. where: six slots. row: of the second APM. k: bits before this
    one. known: contexts that were seen. The rest: the range coder, as in `mixing.code_decision`.
    """
    plan = engine.plan
    slots, maps = engine.slots, engine.maps
    used = (
        np.uint64(slots[where[0] + node]),
        np.uint64(slots[where[1] + node]) + np.uint64(256),
        np.uint64(slots[where[2] + node]) + np.uint64(512),
        np.uint64(slots[where[3] + node]) + np.uint64(768),
        np.uint64(slots[where[4] + node]) + np.uint64(1024),
        np.uint64(slots[where[5] + node]) + np.uint64(1280),
    )
    read = (maps[used[0]], maps[used[1]], maps[used[2]], maps[used[3]], maps[used[4]], maps[used[5]])
    symbol, bucket = np.uint64(expect[0]) | np.uint64(256), np.uint64(expect[1])
    told = np.int64(0)
    expected = np.uint64(0)
    pair = np.int32(0)
    if (symbol >> (_U8 - k)) == partial and bucket != 0:
        guess = (symbol >> (np.uint64(7) - k)) & _ONE
        expected = bucket * np.uint64(2) + guess
        pair = both[engine.expect_maps[expected] >> np.uint32(20)]
        told = np.int64(guess) + 1
    sets = (
        (expect[1] * 3 + told) * WIDTH, (plan[BASES + 1] + np.int64(partial)) * WIDTH, (plan[BASES + 2] + known) * WIDTH
    )  # fmt: skip
    final_at = partial * np.uint64(MAX_SELECTS)
    store_pairs(
        engine.inputs, both[read[0] >> np.uint32(20)], both[read[1] >> np.uint32(20)], both[read[2] >> np.uint32(20)],
        both[read[3] >> np.uint32(20)], both[read[4] >> np.uint32(20)], both[read[5] >> np.uint32(20)], pair,
    )  # fmt: skip
    total = mix_three(engine.inputs, engine.weights, sets[0], sets[1], sets[2], engine.final_weights, final_at, engine.outputs)
    mixed = min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    p_mix: Any = np.int64(engine.squash[np.uint64(mixed + 3072)])

    apm = engine.apm
    place = np.uint64(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
    step = place // np.uint64(APM_STEP)
    right = np.int64(place - step * np.uint64(APM_STEP))
    apm1 = (((c1 << _U8) | partial) & np.uint64(APM_ROWS - 1)) * np.uint64(APM_STEPS) + step
    apm2 = (row + node) * np.uint64(APM_STEPS) + step
    refined = (np.int64(apm[apm1]) + np.int64(apm[apm2])) * (APM_STEP - right)
    refined += (np.int64(apm[apm1 + _ONE]) + np.int64(apm[apm2 + _ONE])) * right
    p: Any = (2 * p_mix + np.int64(np.uint64(refined) // np.uint64(APM_STEP)) + 2) >> 2
    p = min(max(p, 1), 65535)

    span = high - low
    middle = low + (span >> 16) * p + (((span & 0xFFFF) * p) >> 16)
    if decoding:
        bit = np.uint64(code <= middle)
    near = _ONE if right >= APM_STEP // 2 else np.uint64(0)
    if bit == 1:
        kept_branch()
        high = middle
        _learn(engine, where, used, read, node, expected, sets, final_at, p_mix, apm1 + near, apm2 + near, 1)
    else:
        low = middle + 1
        _learn(engine, where, used, read, node, expected, sets, final_at, p_mix, apm1 + near, apm2 + near, 0)
    while (low ^ high) & 0xFF000000 == 0:
        there = np.uint64(position)
        if decoding:
            byte = np.int64(engine.stream[there]) if there < np.uint64(engine.stream.size) else 0
            code = ((code << 8) & 0xFFFFFFFF) | byte
        elif there < np.uint64(engine.stream.size):
            engine.stream[there] = np.uint8(high >> 24)
        position += 1
        low = (low << 8) & 0xFFFFFFFF
        high = ((high << 8) & 0xFFFFFFFF) | 255
    return bit, low, high, code, position


@inlined
def _learn(
    engine: Engine, where: Any, used: Any, read: Any, node: np.uint64, expected: np.uint64, sets: Any, final_at: np.uint64,
    p_mix: int, apm1: np.uint64, apm2: np.uint64, y: int,
) -> None:  # fmt: skip
    """Teach weights, APMs, maps and slots the bit `y`, a constant."""
    for s in range(np.uint64(3)):
        error = (y << 16) - np.int64(engine.squash[np.uint64(engine.outputs[s] + 3072)])
        train_weights(engine.inputs, engine.weights, sets[s], WIDTH, (error * _MIX_RATE) >> 8)
    train_three(engine.outputs, engine.final_weights, final_at, ((y << 16) - p_mix) * _FINAL_RATE)
    target = (y << 16) - y + (((1 - (y << 1)) << _APM_RATE) >> 1)
    apm = engine.apm
    apm[apm1] += np.uint16((target - np.int64(apm[apm1])) >> _APM_RATE)
    apm[apm2] += np.uint16((target - np.int64(apm[apm2])) >> _APM_RATE)
    goal = np.int64((y << 22) - y)
    slots, next_state = engine.slots, engine.next_state
    for i in range(6):
        engine.maps[used[i]] = learned(read[i], goal, np.uint32(_MAP_LIMIT), engine.reciprocal)
        slots[where[i] + node] = next_state[(used[i] & _BYTE) * np.uint64(2) + np.uint64(y)]
    engine.expect_maps[expected] = learned(engine.expect_maps[expected], goal, np.uint32(1022), engine.reciprocal)
