"""`_segments_run` for CPUs with AVX-512: the same bytes, faster."""

import numpy as np

from lacodec.entropy import _rans_avx512 as wide
from lacodec.entropy._segments_run import (
    END,
    GOOD,
    HEAD,
    LANES,
    ONE,
    SEGMENT,
    START,
    WORDS,
    ZERO,
    close_segment,
    encode_end,
    open_segment,
    put_segment,
    refused,
)
from lacodec.kernels.jit import kernel


@kernel
def decode_direct(out, words, begins, lut, codes, spans, code_bits, freq_bits, base):  # type: ignore[no-untyped-def]
    """See `_segments_run.decode_direct`."""
    states = np.empty(64, np.uint32)
    for s in range(np.uint64(len(begins)) - ONE):
        part = out[s * SEGMENT : min((s + ONE) * SEGMENT, np.uint64(len(out)))]
        count, end = np.uint64(len(part)), begins[s + ONE]
        main = open_segment(words, begins[s], count, states)
        if main > count:
            return s, START
        i, at = wide.decode_direct(
            part, ZERO, main, states, words, begins[s] + HEAD, end + LANES, lut, freq_bits, np.int64(base), None
        )
        if i != main or at != end:
            return s, WORDS
        if not close_segment(part, main, states, codes, spans, code_bits, freq_bits, base):
            return s, END
    return np.uint64(len(begins)) - ONE, GOOD


@kernel
def decode_split(out, words, begins, codes, spans, code_bits, freq_bits, base):  # type: ignore[no-untyped-def]
    """See `_segments_run.decode_split`."""
    states = np.empty(64, np.uint32)
    for s in range(np.uint64(len(begins)) - ONE):
        part = out[s * SEGMENT : min((s + ONE) * SEGMENT, np.uint64(len(out)))]
        count, end = np.uint64(len(part)), begins[s + ONE]
        main = open_segment(words, begins[s], count, states)
        if main > count:
            return s, START
        i, at = wide.decode_split(
            part, ZERO, main, states, words, begins[s] + HEAD, end + LANES,
            codes, spans, code_bits, freq_bits, np.int64(base), None,
        )  # fmt: skip
        if i != main or at != end:
            return s, WORDS
        if not close_segment(part, main, states, codes, spans, code_bits, freq_bits, base):
            return s, END
    return np.uint64(len(begins)) - ONE, GOOD


@kernel
def encode(values, reciprocals, small, freq_bits, words, sizes):  # type: ignore[no-untyped-def]
    """See `_segments_run.encode`; tables of 11 bits or more, which do not need `reciprocals`."""
    lanes, fresh, states = np.zeros(64, np.uint64), np.zeros(64, np.uint64), np.empty(64, np.uint32)
    scratch, least = np.empty(SEGMENT + LANES, np.uint16), np.empty(64, np.uint32)
    at = ZERO
    for s in range(np.uint64(len(sizes))):
        first = s * SEGMENT
        rows = values[first : min(first + SEGMENT, np.uint64(len(values)))]
        main, taken, bad = encode_end(rows, lanes, fresh, small, freq_bits, states)
        if bad < np.uint64(len(rows)):
            return ZERO, first + bad
        _, place = wide.encode_rows(rows, ZERO, main, states, small, freq_bits, scratch, np.uint64(len(scratch)), least)
        for k in range(np.uint64(16)):
            if least[k] == np.uint32(0):
                return ZERO, first + refused(rows, main, small)
        at = put_segment(words, at, states, taken, scratch, place)
        sizes[s] = np.uint64(len(scratch)) - place
    return at, np.uint64(len(values))
