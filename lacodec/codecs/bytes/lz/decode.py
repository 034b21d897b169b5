"""The decoder of the LZ codec: a rANS stream and raw bits go in, bytes come out.

It avoids branches that depend on what is decoded: one that goes another way than expected costs as much as four symbols.
Whatever lies beyond an end is read and overwritten instead.
"""

from lacodec.codecs.bytes.lz.encode import LOW
from lacodec.codecs.bytes.lz.layout import (
    FREQ_BITS,
    LENGTH_DETAIL,
    OFFSET_DETAIL,
    REPEATS,
    U,
    length_context,
    load64,
    offset_context,
    run_context,
    store64,
)
from lacodec.kernels.jit import flat_kernel, inlined, kernel

DONE, BROKEN = 0, 1


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

    words u16[stop + padding]; raw u8 with padding, bits of it in use; symbols and spans as fill_lookups made them, tables
    u16[CONTEXTS]. Where offsets count positions behind the same byte: behind u32[2**k], their lists, which begin at begins
    u64[256], and heads, a copy of begins; else an empty behind.
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
