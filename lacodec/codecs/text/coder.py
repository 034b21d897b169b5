"""The bit coder of `text`: bytes, bit by bit from the highest, from contexts that the loop names.

    contexts -> slots: bit histories -> maps ----> 2 inputs each
                       records -> run maps ------> 1 input each  --> mixer: weight sets, final weights, APMs -> range coder
    expected bytes -> maps ----------------------> 2 inputs each
    frequent contexts -> slow probabilities -----> 2 inputs each
    language model (`lm/`) -> maps --------------> 3 inputs

It is made of the parts of the mixing engine (`lacodec.entropy.mixing`), and differs from it in what a context tells: besides a
bit history, which forgets fast, the last two bytes that followed it, and for a few contexts a probability that forgets slowly.
"""

from typing import Any

import numpy as np

from lacodec.codecs.text.mixer import find_rows, mix, prefetch_rows, refine, train, train_apms
from lacodec.codecs.text.slots import (
    CONTEXTS,
    DECODING,
    EXPECTS,
    LANGUAGE,
    MAP_LIMIT,
    RECORD_SIZE,
    RUNS,
    SELECTS,
    SLOW_LIMIT,
    SLOWS,
    Coder,
    find_slots,
    keep_records,
    node_of,
    prefetch_slots,
)
from lacodec.entropy.mixing import code_decision
from lacodec.entropy.mixing_maps import learn_contexts, learned, predict_contexts
from lacodec.kernels.jit import flat_kernel, inlined

RUN_BUCKETS, RUN_ROW = 64, 128  # what a record says, and the bit that it expects
EXPECT_BUCKETS, EXPECT_ROW = 64, 128
LANGUAGE_ROW, LANGUAGE_STEP, LANGUAGE_REACH = 64, 64, 2048
_COUNTED = 1022  # up to where maps of runs and of expected bytes slow down
_LONGEST_RUN = np.uint64(15)
_ONE = np.uint64(1)


@flat_kernel
def code_symbol(coder: Coder, ctx: np.ndarray, slow: np.ndarray, expect: np.ndarray, select: np.ndarray, symbol: int) -> Any:
    """Code one byte, learn from it and return it.

    ctx: uint64[contexts], slow: uint64[slows], well-mixed hashes. expect: int64[2 * expects], (byte, bucket 1..63 or 0 for
    none). select: int64[selects + MAX_APMS]: the weight set that each selector chooses, below its size, then the contexts of the
    APMs. To the first three selectors the coder adds the first expected bit, the bits so far, and how many contexts are known.
    """
    partial = np.uint64(1)
    for k in range(8):
        if k == 0 or k == 4:
            find_slots(coder, ctx, slow, partial, k)
            find_rows(coder, select, partial, k)
        elif k == 3:
            prefetch_slots(coder, ctx, slow, partial, k)
        bit = (np.uint64(symbol) >> np.uint64(7 - k)) & _ONE
        partial = partial * np.uint64(2) + _code_bit(coder, expect, select, partial, np.uint64(k), bit)
    keep_records(coder, partial & np.uint64(255))
    return np.int64(partial & np.uint64(255))


@flat_kernel
def absorb_symbol(coder: Coder, ctx: np.ndarray, slow: np.ndarray, symbol: int) -> None:
    """Let histories, records and slow probabilities take in a byte; nothing is predicted, weighed or coded."""
    partial = np.uint64(1)
    for k in range(8):
        if k == 0 or k == 4:
            find_slots(coder, ctx, slow, partial, k)
        elif k == 3:
            prefetch_slots(coder, ctx, slow, partial, k)
        node = node_of(partial, np.uint64(k))
        bit = (np.uint64(symbol) >> np.uint64(7 - k)) & _ONE
        for i in range(np.uint64(coder.plan[CONTEXTS])):
            at = coder.where[i] + node
            coder.slots[at] = coder.next_state[np.uint64(coder.slots[at]) * np.uint64(2) + bit]
        _learn_slow(coder, node, np.uint64(coder.plan[SLOWS]), np.int64(bit))
        partial = partial * np.uint64(2) + bit
    keep_records(coder, np.uint64(symbol))


@inlined
def _code_bit(
    coder: Coder, expect: np.ndarray, select: np.ndarray, partial: np.uint64, k: np.uint64, bit: np.uint64
) -> np.uint64:
    """Predict the next bit of a byte, code it, learn from it, return it. `partial`: a one, then the bits before it."""
    plan = coder.plan
    n, r, m, d = np.uint64(plan[CONTEXTS]), np.uint64(plan[RUNS]), np.uint64(plan[EXPECTS]), np.uint64(plan[SLOWS])
    start = np.uint64(2) * n + r
    node = node_of(partial, k)
    prefetch_rows(coder, node)
    predict_contexts(coder.where, coder.slots, coder.maps, coder.used, coder.inputs, coder.stretch, node, n)
    _predict_runs(coder.runs, coder.run_maps, coder.used, coder.inputs, coder.stretch, partial, k, n, r)
    told = _predict_expected(coder, expect, partial, k, start, n + r, m)
    _predict_slow(coder, node, start + np.uint64(2) * m, d)
    if plan[LANGUAGE]:
        sure = _predict_language(coder, partial, k, start + np.uint64(2) * (m + d), n + r + m)
        select[np.uint64(plan[SELECTS] - 1)] = sure * 3 + told
    mixed = mix(coder, select, partial, told)
    p, step = refine(coder, mixed, node)
    bit = code_decision(coder.registers, coder.stream, p, bit, plan[DECODING])

    y = np.int64(bit)
    train(coder, select, partial, y)
    train_apms(coder, node, step, y)
    learn_contexts(
        coder.where, coder.slots, coder.maps, coder.used, coder.next_state, coder.reciprocal, node, n, bit, plan[MAP_LIMIT]
    )
    target = (y << 22) - y
    for i in range(r):
        entry = coder.used[n + i]
        coder.run_maps[entry] = learned(coder.run_maps[entry], target, np.uint32(_COUNTED), coder.reciprocal)
    for i in range(m):
        entry = coder.used[n + r + i]
        coder.expect_maps[entry] = learned(coder.expect_maps[entry], target, np.uint32(_COUNTED), coder.reciprocal)
    _learn_slow(coder, node, d, y)
    if plan[LANGUAGE]:
        entry = coder.used[n + r + m]
        coder.language_maps[entry] = learned(coder.language_maps[entry], target, np.uint32(_COUNTED), coder.reciprocal)
    return bit


@inlined
def _predict_runs(
    runs: np.ndarray,
    run_maps: np.ndarray,
    used: np.ndarray,
    inputs: np.ndarray,
    stretch: np.ndarray,
    partial: np.uint64,
    k: np.uint64,
    n: np.uint64,
    r: np.uint64,
) -> None:
    """An input from the byte that came last in a context, or else from the one before it, if the bits so far agree."""
    rest, after = np.uint64(8) - k, np.uint64(7) - k
    for i in range(r):
        own = np.uint64(RECORD_SIZE) * i
        symbol, count, differ = runs[own], min(runs[own + _ONE], _LONGEST_RUN), runs[own + np.uint64(3)]
        bucket = count * np.uint64(2) + differ if count else np.uint64(0)
        if (symbol >> rest) != partial:
            symbol = runs[own + np.uint64(2)]
            bucket = np.uint64(32) + count if differ and (symbol >> rest) == partial else np.uint64(0)
        entry = i * np.uint64(RUN_ROW) + bucket * np.uint64(2) + ((symbol >> after) & _ONE)
        used[n + i] = entry
        inputs[np.uint64(2) * n + i] = np.int32(stretch[run_maps[entry] >> np.uint32(20)])


@inlined
def _predict_expected(
    coder: Coder, expect: np.ndarray, partial: np.uint64, k: np.uint64, start: np.uint64, used: np.uint64, m: np.uint64
) -> Any:
    """Two inputs from `start` on for each expected byte that the bits agree with. Returns 0, or 1 + the first one's bit."""
    told = np.int64(0)
    for i in range(m):
        symbol = np.uint64(expect[np.uint64(2) * i]) | np.uint64(256)
        bucket = np.uint64(expect[np.uint64(2) * i + _ONE])
        entry = np.uint64(0)  # bucket 0 is a dummy
        if (symbol >> (np.uint64(8) - k)) == partial and bucket != 0:
            guess = (symbol >> (np.uint64(7) - k)) & _ONE
            entry = i * np.uint64(EXPECT_ROW) + bucket * np.uint64(2) + guess
            if i == 0:
                told = np.int64(guess) + 1
        coder.used[used + i] = entry
        _put(coder, start + np.uint64(2) * i, coder.expect_maps[entry])
    return told


@inlined
def _predict_slow(coder: Coder, node: np.uint64, start: np.uint64, d: np.uint64) -> None:
    for i in range(d):
        _put(coder, start + np.uint64(2) * i, coder.slow[coder.slow_at[i] + node])


@inlined
def _predict_language(coder: Coder, partial: np.uint64, k: np.uint64, at: np.uint64, used: np.uint64) -> Any:
    """Three inputs from what a language model says of the bit. Returns that in LANGUAGE_ROW steps."""
    tree = coder.language
    p = (tree[np.uint64(2) * partial + _ONE] << 12) // max(tree[partial], 1)
    stretched = np.int64(coder.stretch[np.uint64(min(max(p, 0), 4095))])
    held = min(max(stretched, np.int64(-LANGUAGE_REACH)), np.int64(LANGUAGE_REACH - 1))
    step = (held + LANGUAGE_REACH) // LANGUAGE_STEP
    entry = k * np.uint64(LANGUAGE_ROW) + np.uint64(step)
    coder.used[used] = entry
    coder.inputs[at] = np.int32(held)
    _put(coder, at + _ONE, coder.language_maps[entry])
    return step


@inlined
def _put(coder: Coder, at: np.uint64, entry: np.uint32) -> None:
    """Two inputs from a map's entry."""
    p = np.int64(entry >> np.uint32(20))
    coder.inputs[at] = np.int32(coder.stretch[np.uint64(p)])
    coder.inputs[at + _ONE] = np.int32((p - 2048) >> 1)


@inlined
def _learn_slow(coder: Coder, node: np.uint64, d: np.uint64, y: int) -> None:
    target, limit = (y << 22) - y, np.uint32(coder.plan[SLOW_LIMIT])
    for i in range(d):
        at = coder.slow_at[i] + node
        coder.slow[at] = learned(coder.slow[at], target, limit, coder.reciprocal)
