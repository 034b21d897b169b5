"""Coding loops of the LZ codec: sequences to symbols, symbols to a rANS stream, and the decoder of both.

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
from lacodec.kernels.jit import flat_kernel, inlined, kernel

LOW = 1 << 16  # both states start here and must end here
DONE, BROKEN = 0, 1


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


@kernel
def fill_lookups(freqs, symbols, spans):  # type: ignore[no-untyped-def]
    """Fill symbols u8[tables << FREQ_BITS] and spans u32[tables * 256] (start, frequency) from freqs u32[tables, 256]."""
    at = U(0)
    for t in range(U(freqs.shape[0])):
        start = at
        for symbol in range(U(256)):
            freq = U(freqs[t, symbol])
            spans[(t << U(8)) | symbol] = ((at - start) << U(12)) | freq
            for _ in range(freq):
                symbols[at] = symbol
                at += U(1)


# What follows avoids branches that depend on what is decoded: a branch that goes the other way than expected costs as much as
# four symbols. Whatever lies beyond the end is read and overwritten instead.


@inlined
def _next(state, words, at, symbols, spans, table):  # type: ignore[no-untyped-def]
    """Decode one symbol: (symbol, state, at)."""
    slot = state & U((1 << FREQ_BITS) - 1)
    symbol = U(symbols[(table << U(FREQ_BITS)) + slot])
    span = U(spans[(table << U(8)) + symbol])
    state = (state >> U(FREQ_BITS)) * (span & U(0xFFF)) + slot - (span >> U(12))
    filled, low = (state << U(16)) | U(words[at]), state < U(LOW)
    return symbol, filled if low else state, at + U(low)


@inlined
def _value(slot, detail, window):  # type: ignore[no-untyped-def]
    """The value of a slot whose raw bits are the lowest of a window, and their number (the alphabets keep it below 26)."""
    group = slot >> detail
    some = U(group > U(0))
    extra = group - some
    upper = (slot & ((U(1) << detail) - U(1))) | (some << detail)
    return (upper << extra) | (window & ((U(1) << extra) - U(1))), extra


@inlined
def _window(raw, bit):  # type: ignore[no-untyped-def]
    """At least 57 raw bits from number `bit` on."""
    return load64(raw, bit >> U(3)) >> (bit & U(7))


@flat_kernel
def decode_symbols(out, size, sequences, words, stop, raw, bits, symbols, spans, tables, behind, begins, heads):  # type: ignore[no-untyped-def]
    """Decode into out u8[size + padding]: DONE, or BROKEN as soon as the stream contradicts itself.

    words u16[stop + padding]; raw u8 with padding, bits of it in use; lookups as fill_lookups made them, rows u32[CONTEXTS]:
    where those of each context begin. Where offsets count positions behind the same byte: behind u32[2**k], their lists, which
    begin at begins u64[256], and heads, a copy of begins; else an empty behind.
    """
    one = U(1)
    size, stop, bits = U(size), U(stop), U(bits)
    state = (U(words[0]) << U(16)) | U(words[1])
    other = (U(words[2]) << U(16)) | U(words[3])
    if state < U(LOW) or other < U(LOW):
        return BROKEN
    at, bit, position, before = U(4), U(0), U(0), U(0)
    first, second, third, fourth = one, one, one, one
    left, listed, room = U(sequences), behind.size > 0, U(behind.size) - one
    while True:
        if at > stop or bit > bits:
            return BROKEN
        run = size - position
        if left > U(0):
            symbol, state, at = _next(state, words, at, symbols, spans, U(tables[run_context(before)]))
            state, other = other, state
            run, extra = _value(symbol, U(LENGTH_DETAIL), _window(raw, bit))
            bit += extra
            if run > size - position:
                return BROKEN
        if run > U(0):
            context = U(out[position - first]) if first <= position else U(0)
            for _ in range(run):
                if listed:
                    _list(out, position, one, before, behind, heads, room)
                before, state, at = _next(state, words, at, symbols, spans, U(tables[context]))
                state, other = other, state
                if at > stop:
                    return BROKEN
                out[position] = before
                position += one
                context = U(256) + before
        if left == U(0):
            break
        left -= one
        symbol, state, at = _next(state, words, at, symbols, spans, U(tables[offset_context(run, before)]))
        state, other = other, state
        slot, state, at = _next(state, words, at, symbols, spans, U(tables[length_context(run, symbol)]))
        state, other = other, state
        window, explicit = _window(raw, bit), symbol >= U(REPEATS)
        distance, extra = _value(symbol - U(REPEATS) if explicit else U(0), U(OFFSET_DETAIL), window)
        length, more = _value(slot, U(LENGTH_DETAIL), window >> extra)
        bit += extra + more
        length += one
        if listed:
            count = heads[before] - begins[before]
            if explicit and distance - one >= count:
                return BROKEN
            distance = position - U(behind[(heads[before] - distance) & room])
        recent = second if symbol > U(0) else first
        recent = third if symbol > one else recent
        recent = fourth if symbol > U(2) else recent
        fourth = third if symbol > U(2) else fourth
        third = second if symbol > one else third
        second = first if symbol > U(0) else second
        first = distance if explicit else recent
        if length > size - position or first > position or first == U(0):
            return BROKEN
        after = _copy(out, position, first, length)
        if listed:
            _list(out, position, length, before, behind, heads, room)
        before = after
        position += length
    return DONE if state == U(LOW) and other == U(LOW) and at == stop and bit <= bits < bit + U(8) else BROKEN


@inlined
def _list(out, position, count, before, behind, heads, room):  # type: ignore[no-untyped-def]
    """Enter positions in the lists of the bytes before them. A list that is too short (forged) goes on in the next one."""
    for i in range(position, position + count):
        at = heads[before]
        heads[before] = at + U(1)
        behind[at & room] = i
        before = U(out[i])


@inlined
def _copy(out, position, distance, length):  # type: ignore[no-untyped-def]
    """Repeat what lies `distance` before; writes up to 31 bytes beyond. Returns the last byte of it."""
    source, end = position - distance, position + length
    last = U(out[source + length - U(1)])
    if distance >= U(8):
        while True:
            store64(out, position, load64(out, source))
            store64(out, position + U(8), load64(out, source + U(8)))
            position += U(16)
            source += U(16)
            if position >= end:
                break
    else:
        while position < end:
            out[position] = out[source]
            position += U(1)
            source += U(1)
    return last if length <= distance else U(out[end - U(1)])
