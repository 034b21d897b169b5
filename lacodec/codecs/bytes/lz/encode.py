"""Encoding loops of the LZ codec: sequences to symbols, symbols to a rANS stream; `decode` reads both.

Why not `lacodec.entropy.rans`: the table of a symbol depends on the bytes decoded just before it, so the decoder has to put the
text together while it decodes. Two 32-bit states take turns; words of 16 bits; tables of 2**FREQ_BITS.
"""

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    FREQ_BITS,
    LENGTH_DETAIL,
    OFFSET_DETAIL,
    REPEATS,
    U,
    extra_bits,
    helper,
    length_context,
    load64,
    move_to_front,
    offset_context,
    run_context,
    slot_of,
    store64,
)
from lacodec.kernels.jit import kernel

LOW = 1 << 16  # both states start here and must end here


@kernel
def symbolise(data, ranks, position, sequences, tail, last, contexts, symbols, raw, bit):  # type: ignore[no-untyped-def]
    """Symbols and contexts of sequences u32[3 * n] and a tail of literals, for data u8 from `position` on.

    ranks u32: of all positions, see `layout`; empty where they are the positions themselves. Fills contexts u16, symbols u8 and,
    from bit number `bit` on, raw u8 (zeros, padded). last u64[4], the last four distances, is brought up to date. Returns
    (symbols, bit number behind the last raw bit).
    """
    one = U(1)
    at, position, bit = U(0), U(position), U(bit)
    for i in range(U(0), U(len(sequences)) + one, U(3)):
        final = i == U(len(sequences))
        run = U(tail) if final else U(sequences[i])
        if not final:
            before = U(data[position - one]) if position > U(0) else U(0)
            symbol = slot_of(run, U(LENGTH_DETAIL))
            contexts[at], symbols[at] = run_context(before), symbol
            at += one
            bit = _put(raw, bit, run, extra_bits(symbol, U(LENGTH_DETAIL)))
        for k in range(run):
            if k > U(0):
                contexts[at] = U(256) + U(data[position - one])
            else:
                contexts[at] = U(data[position - last[0]]) if last[0] <= position else U(0)
            symbols[at] = data[position]
            at += one
            position += one
        if final:
            break
        length, distance = U(sequences[i + one]), U(sequences[i + U(2)])
        symbol = move_to_front(last, distance)
        offset = U(ranks[position]) - U(ranks[position - distance]) if ranks.size > 0 else distance
        extra = U(0)
        if symbol == U(REPEATS):
            slot = slot_of(offset, U(OFFSET_DETAIL))
            symbol += slot
            extra = extra_bits(slot, U(OFFSET_DETAIL))
        contexts[at], symbols[at] = offset_context(run, U(data[position - one]) if position > U(0) else U(0)), symbol
        at += one
        bit = _put(raw, bit, offset, extra)
        slot = slot_of(length - one, U(LENGTH_DETAIL))
        contexts[at], symbols[at] = length_context(run, symbol), slot
        at += one
        bit = _put(raw, bit, length - one, extra_bits(slot, U(LENGTH_DETAIL)))
        position += length
    return at, bit


@helper
def _put(raw, bit, value, extra):  # type: ignore[no-untyped-def]
    """Append the lowest `extra` bits (at most 32) of a value."""
    byte = bit >> U(3)
    value &= (U(1) << extra) - U(1)
    store64(raw, byte, load64(raw, byte) | (value << (bit & U(7))))
    return bit + extra


@kernel
def encode_symbols(contexts, symbols, tables, freqs, starts, states, words):  # type: ignore[no-untyped-def]
    """Code symbols u8[n] with the tables u16[CONTEXTS] of their contexts u16[n]; freqs, starts u32[tables * 256].

    states u64[2] begin as LOW. Fills the end of words u16[n + 4], in the order of decoding; returns where they begin.
    """
    one = U(1)
    at = U(len(words))
    n = U(len(symbols))
    for k in range(n):
        i = n - one - k
        row = (U(tables[contexts[i]]) << U(8)) + U(symbols[i])
        freq = U(freqs[row])
        state = states[i & one]
        if state >= freq << U(32 - FREQ_BITS):
            at -= one
            words[at] = state & U(0xFFFF)
            state >>= U(16)
        high = U(np.uint32(state) // np.uint32(freq))
        states[i & one] = (high << U(FREQ_BITS)) + state - high * freq + U(starts[row])
    for k in range(U(2)):
        state = states[one - k]
        at -= U(2)
        words[at], words[at + one] = state >> U(16), state & U(0xFFFF)
    return at
