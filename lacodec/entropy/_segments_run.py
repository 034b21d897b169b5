"""Many segments in one call: all symbols from one table. `segments.py` has the layout; these kernels do what it does one by one.

A decoding kernel returns (segment, problem): the first segment that is damaged, and how, or the number of segments and GOOD.
The last argument, `wide`, is None, or True for CPUs with AVX-512: only the branch that its type leaves is compiled, so what other
CPUs lack never reaches them. Both write the same bytes.
"""

import numpy as np

from lacodec.entropy import _rans_avx512 as avx512
from lacodec.entropy import _rans_portable as portable
from lacodec.entropy._segments_tail import decode_tail, encode_tail
from lacodec.kernels.jit import kernel

GOOD, START, WORDS, END = range(4)

ZERO, ONE, LANES = np.uint64(0), np.uint64(1), np.uint64(64)
LANE = np.uint64(63)
SEGMENT = np.uint64(65536)
HEAD = np.uint64(129)  # words
MAX_TAIL = np.uint64(64)
LOWEST = np.uint32(1 << 16)


@kernel
def open_segment(words, at, count, states):  # type: ignore[no-untyped-def]
    """Read the states of a segment of `count` symbols at words[at]; returns its main symbols, or count + 1 when it is damaged."""
    least = np.uint32(0xFFFFFFFF)
    for k in range(LANES):
        low, high = words[at + np.uint64(2) * k], words[at + np.uint64(2) * k + ONE]
        states[k] = np.uint32(low) | np.uint32(high) << np.uint32(16)
        least = min(least, states[k])
    tail, steps = np.uint64(words[at + np.uint64(128)]), (count + LANE) // LANES
    if least < LOWEST or tail < ONE or tail > min(steps, MAX_TAIL):
        return count + ONE
    return (steps - tail) * LANES


@kernel
def close_segment(out, main, states, codes, spans, code_bits, freq_bits, base):  # type: ignore[no-untyped-def]
    """Decode the tail, out[main:]; returns whether it ends in zero states."""
    for k in range(LANES):
        states[k] -= LOWEST
    decode_tail(out, main, states, codes, spans, code_bits, freq_bits, base, None)
    left = np.uint32(0)
    for k in range(LANES):
        left |= states[k]
    return left == np.uint32(0)


@kernel
def decode_direct(out, words, begins, lut, codes, spans, code_bits, freq_bits, base, wide):  # type: ignore[no-untyped-def]
    """Fill out, u8[n], from the segments at words[begins[s] : begins[s + 1]] (with a margin of 128 words behind the last).

    lut: `Tables.direct`; codes, spans: `Tables.split`, for the tails. base: the lowest value.
    """
    states = np.empty(64, np.uint32)
    for s in range(np.uint64(len(begins)) - ONE):
        part = out[s * SEGMENT : min((s + ONE) * SEGMENT, np.uint64(len(out)))]
        count, end = np.uint64(len(part)), begins[s + ONE]
        main = open_segment(words, begins[s], count, states)
        if main > count:
            return s, START
        if wide is None:
            i, at = portable.decode_direct(
                part, ZERO, main, ZERO, states, LANE, words, begins[s] + HEAD, end + LANES, lut, freq_bits, np.int64(base), None
            )
        else:
            i, at = avx512.decode_direct(
                part, ZERO, main, states, words, begins[s] + HEAD, end + LANES, lut, freq_bits, np.int64(base), None
            )
        if i != main or at != end:
            return s, WORDS
        if not close_segment(part, main, states, codes, spans, code_bits, freq_bits, base):
            return s, END
    return np.uint64(len(begins)) - ONE, GOOD


@kernel
def decode_split(out, words, begins, codes, spans, code_bits, freq_bits, base, wide):  # type: ignore[no-untyped-def]
    """Like `decode_direct`, with the look-up in two steps."""
    states = np.empty(64, np.uint32)
    for s in range(np.uint64(len(begins)) - ONE):
        part = out[s * SEGMENT : min((s + ONE) * SEGMENT, np.uint64(len(out)))]
        count, end = np.uint64(len(part)), begins[s + ONE]
        main = open_segment(words, begins[s], count, states)
        if main > count:
            return s, START
        if wide is None:
            i, at = portable.decode_split(
                part, ZERO, main, ZERO, states, LANE, words, begins[s] + HEAD, end + LANES,
                codes, spans, code_bits, freq_bits, np.int64(base), None,
            )  # fmt: skip
        else:
            i, at = avx512.decode_split(
                part, ZERO, main, states, words, begins[s] + HEAD, end + LANES,
                codes, spans, code_bits, freq_bits, np.int64(base), None,
            )  # fmt: skip
        if i != main or at != end:
            return s, WORDS
        if not close_segment(part, main, states, codes, spans, code_bits, freq_bits, base):
            return s, END
    return np.uint64(len(begins)) - ONE, GOOD


@kernel
def encode(values, reciprocals, small, freq_bits, words, sizes, wide):  # type: ignore[no-untyped-def]
    """The segments of values (u8, rows of one table), one after the other in words; sizes[s]: words of each without its head.

    small: `Tables.small_spans`. words: u16, room for 130 + n + 64 words per segment of n symbols.
    Returns (words in all, position of a value that has no frequency, or the number of values).
    """
    lanes, fresh, states = np.zeros(64, np.uint64), np.zeros(64, np.uint64), np.empty(64, np.uint32)
    scratch, leasts = np.empty(SEGMENT + LANES, np.uint16), np.empty(64, np.uint32)
    at = ZERO
    for s in range(np.uint64(len(sizes))):
        first = s * SEGMENT
        rows = values[first : min(first + SEGMENT, np.uint64(len(values)))]
        main, taken, bad = encode_end(rows, lanes, fresh, small, freq_bits, states)
        if bad < np.uint64(len(rows)):
            return ZERO, first + bad
        if wide is None:
            _, place, least = portable.encode_fast(
                rows, ZERO, main, ZERO, states, LANE, small, reciprocals, freq_bits, scratch, np.uint64(len(scratch))
            )
        else:
            _, place = avx512.encode_rows(rows, ZERO, main, states, small, freq_bits, scratch, np.uint64(len(scratch)), leasts)
            least = np.uint64(1)
            for k in range(np.uint64(16)):
                least = min(least, np.uint64(leasts[k]))
        if least == ZERO:
            return ZERO, first + refused(rows, main, small)
        at = put_segment(words, at, states, taken, scratch, place)
        sizes[s] = np.uint64(len(scratch)) - place
    return at, np.uint64(len(values))


@kernel
def encode_end(rows, lanes, fresh, small, freq_bits, states):  # type: ignore[no-untyped-def]
    """Code the tail of a segment into states; returns (main symbols, steps of the tail, refused position or len(rows))."""
    for k in range(LANES):
        lanes[k] = ZERO
    taken, bad = encode_tail(rows, lanes, fresh, small, freq_bits, MAX_TAIL)
    for k in range(LANES):
        states[k] = lanes[k] + np.uint64(LOWEST)
    return ((np.uint64(len(rows)) + LANE) // LANES - taken) * LANES, taken, bad


@kernel
def put_segment(words, at, states, taken, scratch, place):  # type: ignore[no-untyped-def]
    """Write a segment to words[at:]; returns the position behind it."""
    for k in range(LANES):
        words[at + np.uint64(2) * k] = states[k] & np.uint32(65535)
        words[at + np.uint64(2) * k + ONE] = states[k] >> np.uint32(16)
    words[at + np.uint64(128)] = taken
    at += HEAD
    count = np.uint64(len(scratch)) - place
    for k in range(count):
        words[at + k] = scratch[place + k]
    return at + count


@kernel
def refused(rows, main, small):  # type: ignore[no-untyped-def]
    """The last of rows[:main] without a frequency."""
    i = main - ONE
    while small[rows[i]] >> np.uint32(16) != np.uint32(0):
        i -= ONE
    return i
