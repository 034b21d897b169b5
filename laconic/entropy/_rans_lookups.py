"""Look-ups by slot for the rANS decoders, filled row by row; `Tables.direct` and `Tables.split` say what is in them."""

import numpy as np

from laconic.entropy._jit import kernel

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
