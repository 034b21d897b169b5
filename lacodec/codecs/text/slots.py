"""Where contexts remember: lines of three slots of bit histories with a record of the last bytes each, and slow probabilities.

A line is a cache line of 64 bytes: three slots of 17 (a check of two bytes, a history for each of the 15 nodes of half a byte),
then three records of 4: the byte that came last, how often in a row, the byte before it, whether there was one. The record of a
byte is that of its first half's slot. (Runs after M. Mahoney's PAQ8; histories and lines are the mixing engine's.)
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing import LINE, SLOT
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import inlined

# The plan: an int64 array, so that one compiled kernel serves every effort.
(CONTEXTS, RUNS, SLOWS, EXPECTS, SELECTS, WIDTH, LINE_BITS, SLOW_BITS, MIX_RATE, FINAL_RATE, MAP_LIMIT, SLOW_LIMIT, APMS,
 APM_RATE, LANGUAGE, DECODING, BASES) = range(17)  # fmt: skip
MAX_CONTEXTS, MAX_SELECTS = 32, 8

FOUND, MIXED = 4, 5
"""Registers behind those of the range coder: contexts known in this half, what the final weights said (`FINALS` of them)."""

RECORD, RECORD_SIZE = 3 * SLOT, 4
SLOW_LINE = 16  # entries: a cache line
_ONE = np.uint64(1)


class Coder(NamedTuple):
    """All state of the bit coder: flat pools, and the tables that kernels read. Made by `state.new_coder`."""

    plan: np.ndarray  # int64[BASES + selects]
    registers: np.ndarray  # int64[MIXED + FINALS]
    stream: np.ndarray  # uint8: coded bytes, written or read
    slots: np.ndarray  # uint8[lines * 64], aligned to cache lines
    where: np.ndarray  # uint64[contexts]: histories of the present half
    records: np.ndarray  # uint64[contexts]: place of the record of the present byte
    runs: np.ndarray  # uint64[contexts * RECORD_SIZE]: that record; a one stands before each byte
    slow: np.ndarray  # uint32[lines * SLOW_LINE]: 22-bit probability, 10-bit count
    slow_at: np.ndarray  # uint64[slows]: line of the present half
    maps: np.ndarray  # uint32[contexts * 256]: probability and count by bit history
    run_maps: np.ndarray  # uint32[contexts * RUN_ROW]: the same by what the record says
    expect_maps: np.ndarray  # uint32[expects * EXPECT_ROW]: the same by how sure an expected byte is
    used: np.ndarray  # uint64[2 * contexts + expects + 1]: entries behind this bit's inputs
    inputs: np.ndarray  # int32[WIDTH]
    weights: np.ndarray  # int32[sets * WIDTH], 16 fractional bits
    final_weights: np.ndarray  # int32[FINALS * 256 * MAX_SELECTS], 16 fractional bits
    outputs: np.ndarray  # int64[MAX_SELECTS]: stretched prediction of every chosen set
    offsets: np.ndarray  # int64[MAX_SELECTS]: where its weights start
    apm: np.ndarray  # uint16[MAX_APMS * APM_ROWS * APM_STEPS], aligned to cache lines
    apm_at: np.ndarray  # uint64[MAX_APMS]: row of the present half
    language: np.ndarray  # int64[512]: a language model's counts of the next byte and of its first bits, see `Reader.tree`
    language_maps: np.ndarray  # uint32[8 * LANGUAGE_ROW]: probability and count by bit of the byte and what it says
    next_state: np.ndarray  # uint8[512]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]


@inlined
def prefetch_slots(coder: Coder, ctx: np.ndarray, slow: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """Ask for the lines of the next half. Those of the second are known one bit before they are needed."""
    near = line_offset(partial, k)
    shift = np.uint64(64 - coder.plan[LINE_BITS])
    for i in range(np.uint64(coder.plan[CONTEXTS])):
        prefetch(coder.slots, ((ctx[i] >> shift) ^ near) * np.uint64(LINE))
    shift = np.uint64(64 - coder.plan[SLOW_BITS])
    for i in range(np.uint64(coder.plan[SLOWS])):
        prefetch(coder.slow, ((slow[i] >> shift) ^ near) * np.uint64(SLOW_LINE))


@inlined
def line_offset(partial: np.uint64, k: np.uint64) -> np.uint64:
    """The second half stays in the memory page of the first; which line depends on the first three bits."""
    first_three = partial >> _ONE if k == 4 else partial
    return np.uint64(0) if k == 0 else (first_three & np.uint64(7)) + _ONE


@inlined
def find_slots(coder: Coder, ctx: np.ndarray, slow: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """Point every context at its slot for the coming half, claiming the least used of three if it has none."""
    slots = coder.slots
    salt = np.uint64(0) if k == 0 else partial * GOLDEN
    shift = np.uint64(64 - coder.plan[LINE_BITS])
    near = line_offset(partial, k)
    reads = k == 0 and coder.plan[RUNS] != 0
    found_count = np.int64(0)
    for i in range(np.uint64(coder.plan[CONTEXTS])):
        check = ctx[i] + salt
        base = ((ctx[i] >> shift) ^ near) * np.uint64(LINE)
        slot = _slot_in_line(slots, base, np.uint8(check), np.uint8(check >> np.uint64(8)))
        place = base + slot * np.uint64(SLOT)
        found_count += np.int64(slots[place + np.uint64(2)] != 0)
        coder.where[i] = place + _ONE
        if reads:
            _read_record(coder, base + np.uint64(RECORD) + np.uint64(RECORD_SIZE) * slot, i)
    coder.registers[FOUND] = found_count
    shift = np.uint64(64 - coder.plan[SLOW_BITS])
    for i in range(np.uint64(coder.plan[SLOWS])):
        coder.slow_at[i] = ((slow[i] >> shift) ^ near) * np.uint64(SLOW_LINE)


@inlined
def _slot_in_line(slots: np.ndarray, base: np.uint64, low: np.uint8, high: np.uint8) -> Any:
    """0 to 2: the slot with this check; if none has it, the least used one, emptied."""
    for s in range(np.uint64(3)):
        place = base + s * np.uint64(SLOT)
        if slots[place] == low and slots[place + _ONE] == high:
            return s
    slot = np.uint64(0)
    least = slots[base + np.uint64(2)]
    if slots[base + np.uint64(SLOT + 2)] < least:
        least = slots[base + np.uint64(SLOT + 2)]
        slot = _ONE
    if slots[base + np.uint64(2 * SLOT + 2)] < least:
        slot = np.uint64(2)
    place = base + slot * np.uint64(SLOT)
    for b in range(SLOT):
        slots[place + np.uint64(b)] = 0
    slots[place] = low
    slots[place + _ONE] = high
    for b in range(RECORD_SIZE):
        slots[base + np.uint64(RECORD) + np.uint64(RECORD_SIZE) * slot + np.uint64(b)] = 0
    return slot


@inlined
def _read_record(coder: Coder, record: np.uint64, i: np.uint64) -> None:
    slots, runs, own = coder.slots, coder.runs, np.uint64(RECORD_SIZE) * i
    coder.records[i] = record
    runs[own] = np.uint64(slots[record]) | np.uint64(256)
    runs[own + _ONE] = np.uint64(slots[record + _ONE])
    runs[own + np.uint64(2)] = np.uint64(slots[record + np.uint64(2)]) | np.uint64(256)
    runs[own + np.uint64(3)] = np.uint64(slots[record + np.uint64(3)])


@inlined
def keep_records(coder: Coder, c: np.uint64) -> None:
    """Enter the byte that came into the record of every context, where records are used."""
    slots = coder.slots
    for i in range(np.uint64(coder.plan[RUNS])):
        at = coder.records[i]
        count = slots[at + _ONE]
        if count and np.uint64(slots[at]) == c:
            slots[at + _ONE] = np.uint8(255) if count == 255 else np.uint8(np.int64(count) + 1)
        else:
            if count:
                slots[at + np.uint64(2)] = slots[at]
                slots[at + np.uint64(3)] = np.uint8(1)
            slots[at] = np.uint8(c)
            slots[at + _ONE] = np.uint8(1)


@inlined
def node_of(partial: np.uint64, k: np.uint64) -> np.uint64:
    """Place of a bit in the tree of its half, 1 to 15."""
    depth = k & np.uint64(3)
    return (partial & ((_ONE << depth) - _ONE)) | (_ONE << depth)
