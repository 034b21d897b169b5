"""rANS kernels for 64 lanes of 32 bits on CPUs with AVX-512: the same bytes as the portable ones, two to four times as fast.

They take whole blocks of 64 symbols that begin at lane 0 and leave the rest to the portable kernels. A block reads up to 64
words, and 16 beyond: buffers have that margin.
"""

import numpy as np

from lacodec.entropy import _rans_vectors as v
from lacodec.kernels.jit import kernel

BLOCK = np.uint64(64)
A, B, C, D = np.uint64(0), np.uint64(16), np.uint64(32), np.uint64(48)


@kernel
def decode_direct(out, begin, end, states, words, at, stop, lut, freq_bits, base, index):  # type: ignore[no-untyped-def]
    """Decode blocks of out[begin:end] while a whole block's words are there; returns (first symbol not decoded, at)."""
    xa, xb, xc, xd = v.load_lanes(states, A), v.load_lanes(states, B), v.load_lanes(states, C), v.load_lanes(states, D)
    i = begin
    while i + BLOCK <= end and at + BLOCK <= stop:
        xa, at = v.decode_direct(xa, words, at, lut, freq_bits, base, index, out, i)
        xb, at = v.decode_direct(xb, words, at, lut, freq_bits, base, index, out, i + B)
        xc, at = v.decode_direct(xc, words, at, lut, freq_bits, base, index, out, i + C)
        xd, at = v.decode_direct(xd, words, at, lut, freq_bits, base, index, out, i + D)
        i += BLOCK
    v.store_lanes(states, A, xa)
    v.store_lanes(states, B, xb)
    v.store_lanes(states, C, xc)
    v.store_lanes(states, D, xd)
    return i, at


@kernel
def decode_split(out, begin, end, states, words, at, stop, codes, spans, code_bits, freq_bits, base, index):  # type: ignore[no-untyped-def]
    """Like `decode_direct`, with the look-up in two steps."""
    xa, xb, xc, xd = v.load_lanes(states, A), v.load_lanes(states, B), v.load_lanes(states, C), v.load_lanes(states, D)
    i = begin
    while i + BLOCK <= end and at + BLOCK <= stop:
        xa, at = v.decode_split(xa, words, at, codes, spans, code_bits, freq_bits, base, index, out, i)
        xb, at = v.decode_split(xb, words, at, codes, spans, code_bits, freq_bits, base, index, out, i + B)
        xc, at = v.decode_split(xc, words, at, codes, spans, code_bits, freq_bits, base, index, out, i + C)
        xd, at = v.decode_split(xd, words, at, codes, spans, code_bits, freq_bits, base, index, out, i + D)
        i += BLOCK
    v.store_lanes(states, A, xa)
    v.store_lanes(states, B, xb)
    v.store_lanes(states, C, xc)
    v.store_lanes(states, D, xd)
    return i, at


@kernel
def encode_rows(rows, begin, end, states, spans, freq_bits, words, at, least):  # type: ignore[no-untyped-def]
    """Code blocks from rows[end - 1] down to rows[begin]; returns (i, at): rows[i:end] are coded.

    freq_bits: at least `_rans_dispatch.FLOAT_BITS`.
    least: u32[64], lowered to the least frequency that each lane met: 0 means that a row had none, and the words are void.
    """
    xa, xb, xc, xd = v.load_lanes(states, A), v.load_lanes(states, B), v.load_lanes(states, C), v.load_lanes(states, D)
    low = v.all_ones()
    i = end
    while i >= begin + BLOCK:
        i -= BLOCK
        xd, low, at = v.encode_lanes(xd, low, rows, i + D, spans, freq_bits, words, at)
        xc, low, at = v.encode_lanes(xc, low, rows, i + C, spans, freq_bits, words, at)
        xb, low, at = v.encode_lanes(xb, low, rows, i + B, spans, freq_bits, words, at)
        xa, low, at = v.encode_lanes(xa, low, rows, i, spans, freq_bits, words, at)
    v.store_lanes(states, A, xa)
    v.store_lanes(states, B, xb)
    v.store_lanes(states, C, xc)
    v.store_lanes(states, D, xd)
    v.store_lanes(least, A, low)
    return i, at
