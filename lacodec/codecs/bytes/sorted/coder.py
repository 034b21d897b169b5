"""The second stage of block sorting: the bytes of a transform, coded bit by bit with chances that adapt.

    bits of a byte -> chances (recent, after the last byte, two bytes ...) -> average -> step table -> range coder
    behind LONG equal bytes: how many more follow, as a number

The chances and the refinement follow I. Muravyov's BCM (public domain, 2008-2022), whose idea it is that a transform needs
little more than frequencies of the last few bytes. Here rates begin fast, pairs of bytes count, and long runs are numbers.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import leading_zeros
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S: Any = np.int64
_Z, _ONE = U(0), U(1)

LOW, HIGH, CODE, POSITION, LAST, BEFORE, RUN, DISTINCT = range(8)  # registers
LONG = 32  # equal bytes after which the length of the rest of a run is coded
RUN_CONTEXTS = 32 * 64
_STEPS = U(17)
_PAIR_BITS = 12
_MASK = U(0xFFFFFFFF)
_TOP = U(0xFF000000)
_SLOWEST = U(16)


class Coder(NamedTuple):
    """State of one coder. Chances are those of a one."""

    registers: np.ndarray  # uint64[7]
    stream: np.ndarray  # uint8: coded bytes, read or written; what does not fit is only counted
    recent: np.ndarray  # uint64[256], by the bits of the byte so far: 16 bits
    after: np.ndarray  # uint32[65536], by the last byte and these bits: 16 bits, 6 more, and a count of 10
    steps: np.ndarray  # uint16[3 * 256 * 17], by run (none, some, long) and these bits: refined chances at 17 averages
    pairs: np.ndarray  # uint32[2**20], by the last two bytes that differ (hashed to 12 bits) and these bits; as `after`
    runs: np.ndarray  # uint32[RUN_CONTEXTS]: chances of the bits of lengths, as `after`
    reciprocal: np.ndarray  # uint64[17]: 65536 / (n + 3/2)


def new_coder(stream: np.ndarray) -> Coder:
    """A coder that has seen nothing."""
    return Coder(
        registers=np.array([0, 0xFFFFFFFF, 0, 0, 0, 0, 0, 0], np.uint64),
        stream=stream,
        recent=np.full(256, 1 << 15, np.uint64),
        after=np.full(1 << 16, 1 << 31, np.uint32),
        steps=np.tile(np.minimum(np.arange(17) << 12, 65535).astype(np.uint16), 3 * 256),
        pairs=np.full(1 << _PAIR_BITS + 8, 1 << 31, np.uint32),
        runs=np.full(RUN_CONTEXTS, 1 << 31, np.uint32),
        reciprocal=np.array([65536 * 2 // (2 * n + 3) for n in range(17)], np.uint64),
    )


@inlined
def _code(c: Coder, bit: np.uint64, chance: np.uint64, low: np.uint64, high: np.uint64, decoding: bool) -> Any:
    """One decision: (bit, low, high)."""
    middle = low + ((high - low) * chance >> U(16))
    if decoding:
        bit = U(c.registers[CODE] <= middle)
    if bit:
        high = middle
    else:
        low = middle + _ONE
    while (low ^ high) & _TOP == _Z:
        at = c.registers[POSITION]
        c.registers[POSITION] = at + _ONE
        if decoding:
            byte = U(c.stream[at]) if at < U(c.stream.size) else _Z
            c.registers[CODE] = ((c.registers[CODE] << U(8)) & _MASK) | byte
        elif at < U(c.stream.size):
            c.stream[at] = low >> U(24)
        low = (low << U(8)) & _MASK
        high = ((high << U(8)) & _MASK) | U(255)
    return bit, low, high


@inlined
def _learn(slots: np.ndarray, at: np.uint64, bit: np.uint64, reciprocal: np.ndarray) -> None:
    slot = U(slots[at])
    count, chance = slot & U(1023), slot >> U(10)
    rate = reciprocal[count]
    if bit:
        chance += ((U(1 << 22) - _ONE - chance) * rate) >> U(16)
    else:
        chance -= (chance * rate) >> U(16)
    slots[at] = (chance << U(10)) | min(count + _ONE, _SLOWEST)


@flat_kernel
def code_bytes(c: Coder, data: np.ndarray, start: int, stop: int, size: int, decoding: bool) -> Any:
    """Code data[start:stop] of uint8[size], or a few bytes more. Returns where it ended, or -1 at a run that does not fit."""
    registers, recent, after, steps = c.registers, c.recent, c.after, c.steps
    low, high = registers[LOW], registers[HIGH]
    last, before, run = registers[LAST], registers[BEFORE], registers[RUN]
    i = U(start)
    distinct = registers[DISTINCT]
    while i < U(stop):
        symbol = U(data[i])
        node = _ONE
        pair = ((((last << U(8)) | distinct) * GOLDEN) >> U(64 - _PAIR_BITS)) << U(8)
        kind = U(run > U(2)) if run < U(LONG) else U(2)
        for k in range(U(8)):
            bit = (symbol >> (U(7) - k)) & _ONE
            near, other = (last << U(8)) | node, (before << U(8)) | node
            first = recent[node]
            both = pair | node
            average = first * U(6) + U(after[near] >> np.uint32(16)) * U(5)
            average += U(after[other] >> np.uint32(16)) * U(2) + U(c.pairs[both] >> np.uint32(16)) * U(3)
            average >>= U(4)
            step = ((kind << U(8)) | node) * _STEPS + (average >> U(12))
            left, right = U(steps[step]), U(steps[step + _ONE])
            part = average & U(4095)
            refined = (left * (U(4096) - part) + right * part) >> U(12)
            chance = (refined * U(3) + average) >> U(2)
            chance = min(max(chance, U(32)), U(65504))
            bit, low, high = _code(c, bit, chance, low, high, decoding)
            if bit:
                recent[node] = first + ((U(65535) - first) >> U(2))
                steps[step] = left + ((U(65535) - left) >> U(6))
                steps[step + _ONE] = right + ((U(65535) - right) >> U(6))
            else:
                recent[node] = first - (first >> U(2))
                steps[step] = left - (left >> U(6))
                steps[step + _ONE] = right - (right >> U(6))
            _learn(after, near, bit, c.reciprocal)
            _learn(c.pairs, both, bit, c.reciprocal)
            node = (node << _ONE) | bit
        symbol = node & U(255)
        if decoding:
            data[i] = symbol
        i += _ONE
        distinct = last if symbol != last else distinct
        run = run + _ONE if symbol == last else _Z
        before = last
        last = symbol
        if run == U(LONG):
            length = _ONE
            if not decoding:
                while i + length - _ONE < U(size) and U(data[i + length - _ONE]) == last:
                    length += _ONE
            width, node = U(63) - leading_zeros(length), _Z
            while node < U(24):
                bit, low, high = _code_run(c, U(width == node), node, low, high, decoding)
                if bit:
                    break
                node += _ONE
            width, total = node, _ONE
            for k in range(width):
                bit = (length >> (width - _ONE - k)) & _ONE
                context = (width << U(6)) + (U(32) + min(k, U(31)) if k > U(3) else total)
                bit, low, high = _code_run(c, bit, U(32) + context, low, high, decoding)
                total = (total << _ONE) | bit
            total -= _ONE
            if total > U(size) - i:
                return S(-1)
            if decoding:
                for k in range(total):
                    data[i + k] = last
            i += total
    registers[LOW], registers[HIGH] = low, high
    registers[LAST], registers[BEFORE], registers[RUN] = last, before, run
    registers[DISTINCT] = distinct
    return S(i)


@inlined
def _code_run(c: Coder, bit: np.uint64, context: np.uint64, low: np.uint64, high: np.uint64, decoding: bool) -> Any:
    chance = min(max(U(c.runs[context] >> np.uint32(16)), U(32)), U(65504))
    bit, low, high = _code(c, bit, chance, low, high, decoding)
    _learn(c.runs, context, bit, c.reciprocal)
    return bit, low, high
