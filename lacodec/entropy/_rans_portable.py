"""Portable rANS kernels: symbols as table rows and lane states go in, words come out, and back.

Both widths share one text: states are u32 with u16 words, or u64 with u32 words. Symbol number g of the stream belongs to lane
g & mask. Words are written from the end of the buffer to its front, so that the decoder reads forward.
"""

import numpy as np

from lacodec.kernels.jit import kernel

ZERO, ONE, TWO = np.uint64(0), np.uint64(1), np.uint64(2)
LOW32 = np.uint64(0xFFFFFFFF)
SEVEN, EIGHT = np.uint64(7), np.uint64(8)
REFUSED = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def encode_rows(rows, begin, end, first, states, mask, spans, freq_bits, words, at, stop):  # type: ignore[no-untyped-def]
    """Code rows[end - 1], ..., rows[begin] while at > stop. rows[0] is symbol number `first` of the stream.

    Returns (i, at): rows[i:end] are coded and the words begin at words[at]; at == REFUSED: rows[i] has no frequency.
    Every row must lie within `spans`, and words[stop:at] must hold one word per row.
    """
    word_bits = np.uint64(words.itemsize * 8)
    room = TWO * word_bits - freq_bits
    i = end
    while i > begin and at > stop:
        i -= ONE
        span = spans[rows[i]]
        freq = span & LOW32
        if freq == ZERO:
            return i, REFUSED
        lane = (first + i) & mask
        x = np.uint64(states[lane])
        if (x >> room) >= freq:
            at -= ONE
            words[at] = x
            x >>= word_bits
        q = x // freq
        states[lane] = (q << freq_bits) + (x - q * freq) + (span >> np.uint64(32))
    return i, at


@kernel
def decode_search(  # type: ignore[no-untyped-def]
    out, begin, end, first, states, mask, words, at, stop, buckets, modes, stride, shift, spans, values, freq_bits, index
):
    """Decode out[begin:end]; out[0] is symbol number `first`. Any table, by bucket and bisection (see `Tables.search`).

    Returns the position after the last word read. A state that wants a word at `stop` gets none; in a stream of one lane this
    is how the start state is reached, with more lanes it is an error that the returned position (> stop) tells.
    """
    word_bits = np.uint64(words.itemsize * 8)
    low = ONE << word_bits
    slots = (ONE << freq_bits) - ONE
    limit = stop + (ONE if mask != ZERO else ZERO)
    for i in range(begin, end):
        lane = (first + i) & mask
        x = np.uint64(states[lane])
        slot = x & slots
        table = np.uint64(index[i]) if index is not None else ZERO
        row = np.uint64(modes[table])
        span = spans[row]
        if slot - (span >> np.uint64(32)) >= span & LOW32:  # below its start, too: that wraps around
            bucket = (slot >> shift) + stride * table
            row = np.uint64(buckets[bucket])
            last = np.uint64(buckets[bucket + ONE])
            while row < last:
                middle = (row + last + ONE) >> ONE
                if (spans[middle] >> np.uint64(32)) <= slot:
                    row = middle
                else:
                    last = middle - ONE
            span = spans[row]
        out[i] = values[row]
        x = (span & LOW32) * (x >> freq_bits) + (slot - (span >> np.uint64(32)))
        refilled = (x << word_bits) | np.uint64(words[at])  # before the test: a branch would be mispredicted
        wanted = x < low
        states[lane] = refilled if wanted and at < stop else x
        at = min(at + np.uint64(wanted), limit)
    return at


@kernel
def decode_direct(out, begin, end, first, states, mask, words, at, stop, lut, freq_bits, base, index):  # type: ignore[no-untyped-def]
    """Decode blocks of 8 with the packed look-up (`Tables.direct`) while their words are there: returns (i, at).

    u32 states, 8 lanes or more; out[begin] belongs to a lane that is a multiple of 8. out[begin:i] is decoded.
    """
    slots = np.uint32((ONE << freq_bits) - ONE)
    bits = np.uint32(freq_bits)
    i = begin
    while i + EIGHT <= end and at + EIGHT <= stop:
        lane = (first + i) & mask
        for k in range(EIGHT):
            x = states[lane + k]
            slot = np.uint64(x & slots)
            if index is not None:
                slot |= np.uint64(index[i + k]) << freq_bits
            entry = lut[slot]
            out[i + k] = np.int32(entry & np.uint32(255)) + base
            x = (entry >> np.uint32(8) & np.uint32(4095)) * (x >> bits) + (entry >> np.uint32(20))
            refilled = (x << np.uint32(16)) | np.uint32(words[at])  # before the test: a branch would be mispredicted
            low = x < np.uint32(65536)
            states[lane + k] = refilled if low else x
            at += np.uint64(low)
        i += EIGHT
    return i, at


@kernel
def decode_split(out, begin, end, first, states, mask, words, at, stop, codes, spans, code_bits, freq_bits, base, index):  # type: ignore[no-untyped-def]
    """Like `decode_direct`, with the look-up in two steps (`Tables.split`)."""
    slots = np.uint32((ONE << freq_bits) - ONE)
    bits = np.uint32(freq_bits)
    i = begin
    while i + EIGHT <= end and at + EIGHT <= stop:
        lane = (first + i) & mask
        for k in range(EIGHT):
            x = states[lane + k]
            slot = x & slots
            if index is not None:
                table = np.uint64(index[i + k])
                code = np.uint64(codes[np.uint64(slot) | table << freq_bits])
                span = spans[code | table << code_bits]
            else:
                code = np.uint64(codes[np.uint64(slot)])
                span = spans[code]
            out[i + k] = np.int32(code) + base
            x = (span >> np.uint32(16)) * (x >> bits) + (slot - (span & np.uint32(65535)))
            refilled = (x << np.uint32(16)) | np.uint32(words[at])  # before the test: a branch would be mispredicted
            low = x < np.uint32(65536)
            states[lane + k] = refilled if low else x
            at += np.uint64(low)
        i += EIGHT
    return i, at


@kernel
def encode_fast(rows, begin, end, first, states, mask, spans, reciprocals, freq_bits, words, at):  # type: ignore[no-untyped-def]
    """Code blocks of 8 rows from rows[end - 1] down; returns (i, at, least): rows[i:end] are coded.

    u32 states, 8 lanes or more; rows[end] would belong to a lane that is a multiple of 8. least: the lowest frequency met;
    0 means that a row had none, and the words are void.
    """
    room = np.uint64(32) - freq_bits
    total = ONE << freq_bits
    shift = np.uint64(32) + freq_bits
    least = total
    i = end
    while i >= begin + EIGHT:
        i -= EIGHT
        lane = (first + i) & mask
        for k in range(EIGHT):
            j = SEVEN - k
            row = rows[i + j]
            span = np.uint64(spans[row])
            freq = span >> np.uint64(16)
            least = min(least, freq)
            x = np.uint64(states[lane + j])
            full = (x >> room) >= freq
            words[at - ONE] = x
            at -= np.uint64(full)
            x = x >> np.uint64(16) if full else x
            q = (x * reciprocals[row]) >> shift
            states[lane + j] = x + (span & np.uint64(65535)) + q * (total - freq)
    return i, at, least


@kernel
def rows_of_values(symbols, offset, origins, sizes, bases, spans, index, rows, outside, limit):  # type: ignore[no-untyped-def]
    """Turn values into table rows: rows[i] = bases[t] + symbols[i] - offset[i] - origins[t], with t = index[i] (< len(bases)).

    A value without a row gets the row bases[t] + sizes[t] (the escape, if there is one), and its position goes to outside[n]
    while n < limit. Returns the number of such values.
    """
    count = ZERO
    t = ZERO
    for i in range(np.uint64(len(symbols))):
        if index is not None:
            t = np.uint64(index[i])
        value = np.int64(symbols[i]) - np.int64(origins[t])
        if offset is not None:
            value -= np.int64(offset[i])
        size = np.uint64(sizes[t])
        row = np.uint64(bases[t]) + min(np.uint64(value), size)
        if np.uint64(value) >= size or (spans[row] & LOW32) == ZERO:
            if count < limit:
                outside[count] = i
            count += ONE
            row = np.uint64(bases[t]) + size
        rows[i] = row
    return count
