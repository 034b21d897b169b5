"""Look-ups by slot for the rANS decoders, filled row by row; `Tables.direct` and `Tables.split` describe their content."""

import numpy as np

from lacodec.kernels.jit import kernel

ONE = np.uint64(1)


@kernel
def fill_direct(freqs, offsets, codes, freq_bits, lut):  # type: ignore[no-untyped-def]
    """lut[t << freq_bits | slot] = (slot - start) << 20 | frequency << 8 | code; codes: u32[rows]. Frequencies below 4096."""
    for t in range(np.uint64(len(offsets)) - ONE):
        at = t << freq_bits
        for row in range(np.uint64(offsets[t]), np.uint64(offsets[t + ONE])):
            entry = np.uint32(freqs[row]) << np.uint32(8) | np.uint32(codes[row])
            for k in range(np.uint32(freqs[row])):
                lut[at] = entry | np.uint32(k) << np.uint32(20)
                at += ONE


@kernel
def fill_split(freqs, offsets, codes, freq_bits, code_bits, by_slot, spans):  # type: ignore[no-untyped-def]
    """by_slot[t << freq_bits | slot] = code; spans[t << code_bits | code] = frequency << 16 | start, of rows in use."""
    for t in range(np.uint64(len(offsets)) - ONE):
        start, base = np.uint64(0), t << freq_bits
        for row in range(np.uint64(offsets[t]), np.uint64(offsets[t + ONE])):
            freq = np.uint64(freqs[row])
            if freq:
                spans[(t << code_bits) | np.uint64(codes[row])] = freq << np.uint64(16) | start
                for slot in range(base + start, base + start + freq):
                    by_slot[slot] = codes[row]
                start += freq


@kernel
def encoder_rows(freqs, freq_bits, spans, small, reciprocals):  # type: ignore[no-untyped-def]
    """`Tables.spans`, `small_spans` and `reciprocals` of one table."""
    start = np.uint64(0)
    top = ONE << (np.uint64(32) + freq_bits)
    for row in range(np.uint64(len(spans))):
        freq = np.uint64(freqs[row]) if row < np.uint64(len(freqs)) else np.uint64(0)
        place = start if row < np.uint64(len(freqs)) else np.uint64(0)
        spans[row] = freq | place << np.uint64(32)
        small[row] = freq << np.uint64(16) | place
        divisor = max(freq, ONE)
        reciprocals[row] = (top + divisor - ONE) // divisor
        start += freq


@kernel
def fill_one(freqs, lut, codes, spans):  # type: ignore[no-untyped-def]
    """`Tables.direct` and `Tables.split` of one table whose row r means r; returns whether `direct` can hold its frequencies."""
    start, fits = np.uint64(0), True
    for row in range(np.uint64(len(freqs))):
        freq = np.uint64(freqs[row])
        if freq:
            spans[row] = freq << np.uint64(16) | start
            entry = np.uint32(freq) << np.uint32(8) | np.uint32(row)
            for k in range(np.uint32(freq)):
                lut[start + np.uint64(k)] = entry | np.uint32(k) << np.uint32(20)
                codes[start + np.uint64(k)] = row
            start += freq
            if freq >= np.uint64(4096):
                fits = False
    return fits


@kernel
def fill_search(freqs, freq_bits, shift, rows):  # type: ignore[no-untyped-def]
    """`Tables.search.rows` of one table: the last row that starts at or before each bucket of 1 << shift slots."""
    buckets, last = np.uint64(len(rows)) - ONE, (ONE << freq_bits) - ONE
    row, end = np.uint64(0), np.uint64(freqs[0])  # rows before `row` + 1 start at or before the slot
    for bucket in range(buckets + ONE):
        slot = min(bucket << shift, last)
        while row + ONE < np.uint64(len(freqs)) and end <= slot:
            row += ONE
            end += np.uint64(freqs[row])
        rows[bucket] = row
