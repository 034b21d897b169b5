"""The last steps of a segment: coded without words, so that the lanes' start states carry payload instead of nothing.

A step is one symbol for each of the 64 lanes. These kernels take and return the lanes' states; `segments.py` does the rest.
"""

import numpy as np

from lacodec.kernels.jit import kernel

LANES = np.uint64(64)
FITS = np.uint64((1 << 32) - (1 << 16))  # states below leave room for the 2**16 that lifts them into the coder's range
ONE, LANE, SIXTEEN, LOW16 = np.uint64(1), np.uint64(63), np.uint64(16), np.uint64(65535)


@kernel
def encode_tail(rows, states, fresh, spans, freq_bits, most):  # type: ignore[no-untyped-def]
    """Code the last steps of `rows`, from the end, while every state stays below FITS; returns (steps coded, refused).

    states, fresh: u64[64], zeros at first. At most `most` steps. refused: the position of a row that has no frequency, or
    len(rows). spans: u32 frequency << 16 | start, and every row must lie within.
    """
    count = np.uint64(len(rows))
    step = (count + LANE) // LANES
    taken = np.uint64(0)
    while step > taken and taken < most:
        base = (step - taken - ONE) * LANES
        stop = min(base + LANES, count)
        largest = np.uint64(0)
        for i in range(base, stop):
            span = np.uint64(spans[rows[i]])
            freq = span >> SIXTEEN
            if freq == np.uint64(0):
                return taken, i
            x = states[i - base]
            q = x // freq
            x = (q << freq_bits) + (x - q * freq) + (span & LOW16)
            fresh[i - base] = x
            largest = max(largest, x)
        if largest >= FITS:
            break
        for i in range(base, stop):
            states[i - base] = fresh[i - base]
        taken += ONE
    return taken, count


@kernel
def decode_tail(out, begin, states, codes, spans, code_bits, freq_bits, base, index):  # type: ignore[no-untyped-def]
    """Decode out[begin:], begin a multiple of 64, with the look-up in two steps (`Tables.split`); no words are read."""
    slots = np.uint32((ONE << freq_bits) - ONE)
    bits = np.uint32(freq_bits)
    for i in range(begin, np.uint64(len(out))):
        x = states[i & LANE]
        slot = x & slots
        where, row = np.uint64(slot), np.uint64(0)
        if index is not None:
            table = np.uint64(index[i])
            where |= table << freq_bits
            row = table << code_bits
        code = np.uint64(codes[where])
        span = spans[row | code]
        out[i] = code + base
        states[i & LANE] = (span >> np.uint32(16)) * (x >> bits) + (slot - (span & np.uint32(65535)))
