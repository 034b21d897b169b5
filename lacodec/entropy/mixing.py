"""Context-mixing engine: adaptive binary coding of 8-bit symbols from hashed contexts.

    contexts -> slots (bit histories) -> maps -> stretch --> weight sets -> final weights -> APMs -> range coder
    expected symbols (match models) -------------^

A codec keeps its own loop (`_kernel.py`): for every symbol it fills `ctx` (one hash per context), `expect` (symbols that it
thinks come next, with a confidence) and `select` (which weights to use) and calls `code_symbol`, which codes and learns in one
pass, in either direction. All arithmetic is on integers, so every machine computes the same predictions. The structure follows
M. Mahoney's PAQ8 and lpaq ("Adaptive weighing of context models for lossless data compression", 2005); states, tables and
constants are our own.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing_maps import learn_contexts, learned, predict_contexts
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import dot_product, prefetch, train_weights
from lacodec.kernels.jit import flat_kernel, inlined

# The plan: an int64 array, so that one compiled kernel serves every configuration.
CONTEXTS, EXPECTS, SELECTS, WIDTH, LINE_BITS, MIX_RATE, FINAL_RATE, MAP_LIMIT, APM_RATE, DECODING, BASES = range(11)
MAX_CONTEXTS, MAX_EXPECTS, MAX_SELECTS = 32, 8, 8

# Registers.
LOW, HIGH, CODE, POSITION, FOUND, APM_ROW = range(6)

READ_AHEAD = 3  # bytes that a decoder has read past the end of its stream when all symbols are out

LINE = 64  # bytes: three slots
SLOT = 17  # check (2), 15 bit-history states of one nibble
EXPECT_BUCKETS = 64
APM_STEPS, APM_STEP = 32, 192  # a row of an APM fills a cache line
APM_REACH = 2975  # stretch beyond which its last step holds
APM_ROWS = 65536
STRETCH_LIMIT = 3071
UNSEEN = np.uint32((1 << 31) | 1023)  # a map entry that stays at one half: 1023 is the count that never learns
_ODD = np.uint64(0xD6E8FEB86659FD93)


class Engine(NamedTuple):
    """All state of one coder: flat pools, and the tables that the kernels read. Made by `mixing_state.new_engine`."""

    plan: np.ndarray  # int64[BASES + selects]
    registers: np.ndarray  # int64[6]
    stream: np.ndarray  # uint8: coded bytes, written or read
    slots: np.ndarray  # uint8[lines * 64], aligned to cache lines
    where: np.ndarray  # uint64[contexts]: slot of the present nibble
    maps: np.ndarray  # uint32[contexts * 256]: 22-bit probability, 10-bit count, by bit-history state
    expect_maps: np.ndarray  # uint32[expects * 128]: the same by bucket and expected bit
    used: np.ndarray  # uint64[contexts + expects]: map entries of this bit's inputs
    inputs: np.ndarray  # int32[WIDTH]
    weights: np.ndarray  # int32[sets * WIDTH], 16 fractional bits
    final_weights: np.ndarray  # int32[256 * MAX_SELECTS], 16 fractional bits
    outputs: np.ndarray  # int64[MAX_SELECTS]: stretched prediction of every chosen set
    offsets: np.ndarray  # int64[MAX_SELECTS]: where its weights start
    apm: np.ndarray  # uint16[2 * APM_ROWS * APM_STEPS], aligned to cache lines
    next_state: np.ndarray  # uint8[512]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]


@flat_kernel
def code_symbol(engine: Engine, ctx: np.ndarray, expect: np.ndarray, select: np.ndarray, symbol: int) -> Any:
    """Code one 8-bit symbol, learn from it and return it.

    ctx: uint64[contexts], well-mixed hashes. expect: int64[2 * expects], (symbol, bucket 1..63 or 0 for none).
    select: int64[selects + 2]: the weight set that each selector chooses, below its size; the last two are the APM contexts, a
    byte and any number. To the first three selectors the engine adds the first expected symbol, the bits coded so
    far, and how many contexts are known.
    """
    partial = np.uint64(1)
    for k in range(8):
        if k == 0 or k == 4:
            _find_slots(engine, ctx, select, partial, k)
        elif k == 3:
            prefetch_slots(engine, ctx, partial, k)
        _prefetch_apms(engine, select, partial, np.uint64(k))
        bit = (np.uint64(symbol) >> np.uint64(7 - k)) & np.uint64(1)
        partial = partial * np.uint64(2) + _code_bit(engine, expect, select, partial, np.uint64(k), bit)
    return np.int64(partial & np.uint64(255))


@inlined
def prefetch_slots(engine: Engine, ctx: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """Ask for the cache lines of the next nibble's slots. The second nibble's are known one bit before they are needed."""
    shift = np.uint64(64 - engine.plan[LINE_BITS])
    near = _line_offset(partial, k)
    for i in range(np.uint64(engine.plan[CONTEXTS])):
        prefetch(engine.slots, ((ctx[i] >> shift) ^ near) * np.uint64(LINE))


@inlined
def _line_offset(partial: np.uint64, k: np.uint64) -> np.uint64:
    """The second nibble stays in the memory page of the first; which line depends on the first three bits."""
    first_three = partial >> np.uint64(1) if k == 4 else partial
    return np.uint64(0) if k == 0 else (first_three & np.uint64(7)) + np.uint64(1)


@inlined
def _find_slots(engine: Engine, ctx: np.ndarray, select: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """Point every context at its slot for the coming nibble, claiming the least used of three if it has none."""
    n = np.uint64(engine.plan[CONTEXTS])
    slots, where = engine.slots, engine.where
    salt = np.uint64(0) if k == 0 else partial * GOLDEN
    row = (np.uint64(select[engine.plan[SELECTS] + 1]) + salt) * _ODD
    engine.registers[APM_ROW] = np.int64(row >> np.uint64(52)) * 16
    shift = np.uint64(64 - engine.plan[LINE_BITS])
    near = _line_offset(partial, k)
    found_count = np.int64(0)
    for i in range(n):
        check = ctx[i] + salt
        low, high = np.uint8(check), np.uint8(check >> np.uint64(8))
        base = ((ctx[i] >> shift) ^ near) * np.uint64(LINE)
        if slots[base] == low and slots[base + np.uint64(1)] == high:
            place = base
        elif slots[base + np.uint64(SLOT)] == low and slots[base + np.uint64(SLOT + 1)] == high:
            place = base + np.uint64(SLOT)
        elif slots[base + np.uint64(2 * SLOT)] == low and slots[base + np.uint64(2 * SLOT + 1)] == high:
            place = base + np.uint64(2 * SLOT)
        else:
            place = base
            least = slots[base + np.uint64(2)]
            second = slots[base + np.uint64(SLOT + 2)]
            if second < least:
                least = second
                place = base + np.uint64(SLOT)
            if slots[base + np.uint64(2 * SLOT + 2)] < least:
                place = base + np.uint64(2 * SLOT)
            for b in range(SLOT):
                slots[place + np.uint64(b)] = 0
            slots[place] = low
            slots[place + np.uint64(1)] = high
        found_count += np.int64(slots[place + np.uint64(2)] != 0)
        where[i] = place + np.uint64(1)
    engine.registers[FOUND] = found_count


@inlined
def _code_bit(
    engine: Engine, expect: np.ndarray, select: np.ndarray, partial: np.uint64, k: np.uint64, bit: np.uint64
) -> np.uint64:
    """Predict the next bit of a symbol, code it, learn from it, return it. `partial`: a one, then the bits before it."""
    plan = engine.plan
    n, m = np.uint64(plan[CONTEXTS]), np.uint64(plan[EXPECTS])
    node = _node(partial, k)
    apm_at2 = np.uint64(APM_ROWS + engine.registers[APM_ROW] + np.int64(node)) * np.uint64(APM_STEPS)
    apm_at1 = ((np.uint64(select[plan[SELECTS]]) << np.uint64(8) | partial) & np.uint64(APM_ROWS - 1)) * np.uint64(APM_STEPS)

    predict_contexts(engine.where, engine.slots, engine.maps, engine.used, engine.inputs, engine.stretch, node, n)
    told = _predict_expected(engine, expect, partial, k, n, m)
    p_mix, mixed = _mix(engine, select, partial, told)

    # Adaptive probability maps refine the result.
    apm = engine.apm
    one = np.uint64(1)
    position = np.uint64(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
    step = position // np.uint64(APM_STEP)
    right = np.int64(position - step * np.uint64(APM_STEP))
    at1, at2 = apm_at1 + step, apm_at2 + step
    p1 = np.int64(apm[at1]) * (APM_STEP - right) + np.int64(apm[at1 + one]) * right
    p2 = np.int64(apm[at2]) * (APM_STEP - right) + np.int64(apm[at2 + one]) * right
    p = (2 * p_mix + np.int64(np.uint64(p1 + p2) // np.uint64(APM_STEP)) + 2) >> 2
    p = min(max(p, 1), 65535)
    bit = code_decision(engine.registers, engine.stream, p, bit, plan[DECODING])

    # Learn.
    y = np.int64(bit)
    _train(engine, partial, (y << 16) - p_mix, y)
    rate = plan[APM_RATE]
    target = (y << 16) - y + (((1 - (y << 1)) << rate) >> 1)
    near = one if right >= APM_STEP // 2 else np.uint64(0)
    apm[at1 + near] += np.uint16((target - np.int64(apm[at1 + near])) >> rate)
    apm[at2 + near] += np.uint16((target - np.int64(apm[at2 + near])) >> rate)
    learn_contexts(
        engine.where, engine.slots, engine.maps, engine.used, engine.next_state, engine.reciprocal, node, n, bit, plan[MAP_LIMIT]
    )
    for i in range(m):
        entry = engine.used[n + i]
        engine.expect_maps[entry] = learned(engine.expect_maps[entry], (y << 22) - y, np.uint32(1022), engine.reciprocal)
    return bit


@inlined
def _prefetch_apms(engine: Engine, select: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """Ask for the APM rows of the bit after this one, whichever way this one goes: they are neighbours."""
    first = ((np.uint64(select[engine.plan[SELECTS]]) << np.uint64(8)) | (partial * np.uint64(2))) & np.uint64(APM_ROWS - 1)
    prefetch(engine.apm, first * np.uint64(APM_STEPS))
    prefetch(engine.apm, (first + np.uint64(1)) * np.uint64(APM_STEPS))
    node = _node(partial, k) * np.uint64(2)
    if node < 16:
        second = np.uint64(APM_ROWS + engine.registers[APM_ROW]) + node
        prefetch(engine.apm, second * np.uint64(APM_STEPS))
        prefetch(engine.apm, (second + np.uint64(1)) * np.uint64(APM_STEPS))


@inlined
def _node(partial: np.uint64, k: np.uint64) -> np.uint64:
    """Place of a bit in the tree of its nibble, 1 to 15."""
    depth = k & np.uint64(3)
    return (partial & ((np.uint64(1) << depth) - np.uint64(1))) | (np.uint64(1) << depth)


@inlined
def _predict_expected(engine: Engine, expect: np.ndarray, partial: np.uint64, k: np.uint64, n: np.uint64, m: np.uint64) -> Any:
    """Two inputs for each expected symbol that the bits so far agree with. Returns 0, or 1 + the first one's bit."""
    inputs = engine.inputs
    told = np.int64(0)
    for i in range(m):
        symbol = np.uint64(expect[np.uint64(2) * i]) | np.uint64(256)
        bucket = np.uint64(expect[np.uint64(2) * i + np.uint64(1)])
        at = np.uint64(2) * (n + i)
        if (symbol >> (np.uint64(8) - k)) == partial and bucket != 0:
            guess = (symbol >> (np.uint64(7) - k)) & np.uint64(1)
            entry = i * np.uint64(128) + bucket * np.uint64(2) + guess
            p = np.int64(engine.expect_maps[entry] >> np.uint32(20))
            engine.used[n + i] = entry
            inputs[at] = np.int32(engine.stretch[p])
            inputs[at + np.uint64(1)] = np.int32((p - 2048) >> 1)
            if i == 0:
                told = np.int64(guess) + 1
        else:
            engine.used[n + i] = np.uint64(0)  # bucket 0 is a dummy
            inputs[at] = 0
            inputs[at + np.uint64(1)] = 0
    return told


@inlined
def _mix(engine: Engine, select: np.ndarray, partial: np.uint64, told: int) -> Any:
    """Every chosen set of weights makes a prediction; the final weights mix those. Returns (16-bit probability, its stretch)."""
    plan = engine.plan
    width, sets = plan[WIDTH], np.uint64(plan[SELECTS])
    outputs, offsets, final = engine.outputs, engine.offsets, engine.final_weights
    offsets[0] = (select[0] * 3 + told) * width
    offsets[1] = (plan[BASES + 1] + select[1] * 256 + np.int64(partial)) * width
    offsets[2] = (plan[BASES + 2] + select[2] * (MAX_CONTEXTS + 1) + engine.registers[FOUND]) * width
    for s in range(np.uint64(3), sets):
        offsets[s] = (plan[np.uint64(BASES) + s] + select[s]) * width
    at = partial * np.uint64(MAX_SELECTS)
    total = np.int64(0)
    for s in range(sets):
        dot = dot_product(engine.inputs, engine.weights, offsets[s], width) >> 6
        dot = min(max(dot, -STRETCH_LIMIT), STRETCH_LIMIT)
        outputs[s] = dot
        total += dot * np.int64(final[at + s])
    mixed: Any = min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    return np.int64(engine.squash[np.uint64(mixed + 3072)]), mixed


@inlined
def _train(engine: Engine, partial: np.uint64, final_error: int, y: int) -> None:
    """Move all weights used for this bit down the gradient of its coding cost."""
    width, sets, rate = engine.plan[WIDTH], np.uint64(engine.plan[SELECTS]), engine.plan[MIX_RATE]
    outputs, final = engine.outputs, engine.final_weights
    scaled = final_error * engine.plan[FINAL_RATE]
    at = partial * np.uint64(MAX_SELECTS)
    for s in range(sets):
        output = outputs[s]
        error = (y << 16) - np.int64(engine.squash[np.uint64(output + 3072)])
        train_weights(engine.inputs, engine.weights, engine.offsets[s], width, (error * rate) >> 8)
        w = np.int64(final[at + s]) + ((output * scaled + (1 << 19)) >> 20)
        final[at + s] = np.int32(min(max(w, -(1 << 20)), 1 << 20))


@inlined
def code_decision(registers: np.ndarray, stream: np.ndarray, p: int, bit: np.uint64, decoding: int) -> np.uint64:
    """Carry-less binary range coder with 32-bit bounds; p: 16-bit probability of a one."""
    low, high = registers[LOW], registers[HIGH]
    span = high - low
    middle = low + (span >> 16) * p + (((span & 0xFFFF) * p) >> 16)
    if decoding:
        bit = np.uint64(registers[CODE] <= middle)
    if bit:
        high = middle
    else:
        low = middle + 1
    while (low ^ high) & 0xFF000000 == 0:
        at = np.uint64(registers[POSITION])
        if decoding:
            byte = np.int64(stream[at]) if at < np.uint64(stream.size) else 0
            registers[CODE] = ((registers[CODE] << 8) & 0xFFFFFFFF) | byte
        elif at < np.uint64(stream.size):
            stream[at] = np.uint8(high >> 24)
        registers[POSITION] = np.int64(at) + 1
        low = (low << 8) & 0xFFFFFFFF
        high = ((high << 8) & 0xFFFFFFFF) | 255
    registers[LOW], registers[HIGH] = low, high
    return bit


@flat_kernel
def start(engine: Engine) -> None:
    """Set the range coder's registers; a decoder reads its first four bytes."""
    registers = engine.registers
    registers[LOW] = 0
    registers[HIGH] = 0xFFFFFFFF
    registers[POSITION] = 0
    registers[CODE] = 0
    if engine.plan[DECODING]:
        for at in range(4):
            byte = np.int64(engine.stream[at]) if at < engine.stream.size else 0
            registers[CODE] = (registers[CODE] << 8) | byte
        registers[POSITION] = 4


@flat_kernel
def finish(engine: Engine) -> None:
    """Flush the encoder: one byte settles every bit, since the bounds differ in their first and zeros are read after the end."""
    registers = engine.registers
    if registers[POSITION] < engine.stream.size:
        engine.stream[registers[POSITION]] = np.uint8(registers[HIGH] >> 24)
    registers[POSITION] += 1
