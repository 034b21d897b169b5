"""Adaptive symbols of 0 to 15: cumulative frequencies in a row of 16, coded by rANS (in reverse: an encoder keeps notes).

Two rows are averaged for each symbol, or one row stands twice. Two rANS states take turns, so that one need not wait for the
other; they share the words.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined, intrinsic
from lacodec.kernels.llvm import ir, load, place, splat, types

U: Any = np.uint64
S64: Any = np.int64
SYMBOLS = 16
SCALE_BITS = 15
LOWEST = 1 << 31  # of the rANS state, which grows by 32 bits at a time
LEAST = 16  # frequency that a symbol keeps, about
STATE, OTHER, POSITION, NOTES, BITS, HELD, FREE = range(7)
_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_ROW = ir.VectorType(_I16, SYMBOLS)


class Symbols(NamedTuple):
    """The coder of symbols and of plain bits. In a row, entry i is the frequency of symbols below i, of 2**15."""

    registers: (
        np.ndarray
    )  # uint64[7]: rANS state in turn, the other, next word of `words`, notes so far, next word of `plain`, bits held, how many
    rows: np.ndarray  # int16[rows * 16]
    ages: np.ndarray  # uint8[rows]
    speeds: np.ndarray  # int64[256]: by age, how slowly a row learns
    targets: np.ndarray  # int16[16 * 16]: where a symbol pulls its row
    notes: np.ndarray  # uint32: what an encoder will code: first of its frequencies, number less one
    words: np.ndarray  # uint32: coded symbols, read
    plain: np.ndarray  # uint32: plain bits, 32 at a time, written or read


@intrinsic
def _find(typing_context: Any, rows: Any, one: Any, two: Any, slot: Any) -> Any:
    """Symbol whose share of the mean of two rows holds `slot`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mean = _mean(context, builder, signature, arguments)
        below = builder.icmp_signed("<=", mean, splat(builder, builder.trunc(arguments[3], _I16), _ROW))
        count = builder.ctpop(builder.bitcast(below, _I16))
        return builder.sub(builder.zext(count, _I64), _I64(1))

    return types.uint64(rows, types.uint64, types.uint64, types.uint64), generate


def _mean(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointers = [place(context, builder, signature.args[0], arguments[0], at, _ROW) for at in arguments[1:3]]
    one, two = (load(builder, pointer, 2) for pointer in pointers)
    return builder.lshr(builder.add(one, two), ir.Constant(_ROW, [1] * SYMBOLS))


@intrinsic
def _learn(typing_context: Any, rows: Any, at: Any, targets: Any, target: Any, speed: Any) -> Any:
    """rows[at:at + 16] += (targets[target:target + 16] - rows[at:at + 16]) >> speed"""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        r_array, start, t_array, t_start, slow = arguments
        pointer = place(context, builder, signature.args[0], r_array, start, _ROW)
        row = load(builder, pointer, 2)
        goal = load(builder, place(context, builder, signature.args[2], t_array, t_start, _ROW), 2)
        move = builder.ashr(builder.sub(goal, row), splat(builder, builder.trunc(slow, _I16), _ROW))
        builder.store(builder.add(row, move), pointer).align = 2
        return context.get_dummy_value()

    return types.void(rows, types.uint64, targets, types.uint64, types.int64), generate


@inlined
def code_symbol(c: Symbols, one: int, two: int, symbol: int, decoding: int) -> int:
    """Code a symbol by the mean of two rows (numbers of rows), teach them, return it."""
    a, b = one * U(SYMBOLS), two * U(SYMBOLS)
    state = c.registers[STATE]
    if decoding:
        slot = state & U((1 << SCALE_BITS) - 1)
        symbol = _find(c.rows, a, b, slot)
    low = U((S64(c.rows[a + symbol]) + S64(c.rows[b + symbol])) >> 1)
    high = U(1 << SCALE_BITS)
    if symbol < U(15):
        high = U((S64(c.rows[a + symbol + U(1)]) + S64(c.rows[b + symbol + U(1)])) >> 1)
    _advance(c, low, high - low, state, decoding)
    _learn(c.rows, a, c.targets, symbol * U(SYMBOLS), c.speeds[U(c.ages[one])])
    c.ages[one] += np.uint8(c.ages[one] < 255)
    if one != two:
        _learn(c.rows, b, c.targets, symbol * U(SYMBOLS), c.speeds[U(c.ages[two])])
        c.ages[two] += np.uint8(c.ages[two] < 255)
    return symbol


@inlined
def _advance(c: Symbols, low: int, frequency: int, state: int, decoding: int) -> None:
    if decoding:
        state = frequency * (state >> U(SCALE_BITS)) + (state & U((1 << SCALE_BITS) - 1)) - low
        at, low = c.registers[POSITION], U(state < U(LOWEST))
        state = (state << U(32)) | U(c.words[at]) if low else state
        c.registers[POSITION] = min(at + low, U(c.words.size) - U(1))
        c.registers[STATE], c.registers[OTHER] = c.registers[OTHER], state
    else:
        c.notes[c.registers[NOTES]] = np.uint32((low << U(16)) | (frequency - U(1)))
        c.registers[NOTES] += U(1)


@inlined
def code_plain(c: Symbols, value: int, count: int, decoding: int) -> int:
    """Up to 32 bits as they are."""
    held, free = c.registers[HELD], c.registers[FREE]
    if decoding:
        if free < count:
            at = c.registers[BITS]
            word = U(c.plain[at]) if at < U(c.plain.size) else U(0)
            held |= word << free
            free += U(32)
            c.registers[BITS] = at + U(1)
        value = held & ((U(1) << count) - U(1))
        held >>= count
        free -= count
    else:
        held |= value << free
        free += count
        if free >= U(32):
            c.plain[c.registers[BITS]] = np.uint32(held & U(0xFFFFFFFF))
            c.registers[BITS] += U(1)
            held >>= U(32)
            free -= U(32)
    c.registers[HELD], c.registers[FREE] = held, free
    return value


@inlined
def code_bit(c: Symbols, chances: np.ndarray, at: int, bit: int, decoding: int) -> int:
    """A bit by its own adaptive chance (of a one, in 32768ths)."""
    p = U(chances[at])
    state = c.registers[STATE]
    if decoding:
        bit = U((state & U((1 << SCALE_BITS) - 1)) < p)
    if bit:
        _advance(c, U(0), p, state, decoding)
    else:
        _advance(c, p, U(1 << SCALE_BITS) - p, state, decoding)
    goal = S64(32704) if bit else S64(64)
    chances[at] = np.int16(S64(p) + ((goal - S64(p)) >> 6))
    return bit


@flat_kernel
def write_notes(c: Symbols, words: np.ndarray) -> int:
    """Code all notes, the last one first, into the end of `words`; returns where they start. Four words hold the last states."""
    state, other = U(LOWEST), U(LOWEST)
    at = U(words.size)
    i = c.registers[NOTES]
    while i > U(0):
        i -= U(1)
        note = U(c.notes[i])
        low, frequency = note >> U(16), (note & U(0xFFFF)) + U(1)
        if state >= frequency << U(63 - SCALE_BITS):
            at -= U(1)
            words[at] = np.uint32(state & U(0xFFFFFFFF))
            state >>= U(32)
        whole = state // frequency
        state, other = other, (whole << U(SCALE_BITS)) + (state - whole * frequency) + low
    for _ in range(2):
        at -= U(2)
        words[at] = np.uint32(state >> U(32))
        words[at + U(1)] = np.uint32(state & U(0xFFFFFFFF))
        state, other = other, state
    return S64(at)
