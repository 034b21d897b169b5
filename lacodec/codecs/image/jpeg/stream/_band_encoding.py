"""Encodes scans of one band of one component: the inverse of `_band_decoding`, by the rules of libjpeg where the record has none.

block --new coefficients, each with the bits of earlier ones before it--> words; its empty end joins the run of empty bands,
which is written, with the bits that it holds back, when something else must be
"""

import numpy as np

from lacodec.codecs.image.jpeg.stream._band_decoding import HELD, LONGEST
from lacodec.codecs.image.jpeg.stream._bits import SLACK, category, code_of, present, put
from lacodec.codecs.image.jpeg.stream._segments import BLOCKS, CLAIMED, PAD
from lacodec.codecs.image.jpeg.stream._sequential import (
    AC,
    ACROSS,
    BASE,
    COUNT,
    FIRST,
    HIGH,
    INTERVAL,
    LAST,
    LOW,
    OTHER_RULE,
    PAD_BIT,
    STEP_Y,
    ZERO_RUN,
    fill_byte,
)
from lacodec.kernels.bit_counts import ones, trailing_zeros
from lacodec.kernels.jit import flat_kernel, inlined


@flat_kernel
def encode_bands(words, scan, layout, tables, coefficients, quads, odd, odd_intervals, runs, breaks, intervals, ends):  # type: ignore[no-untyped-def]
    """Fill `words`, and `ends` with the bytes before the end of each of `intervals`. Returns 0, or -1 on failure.

    quads: the coefficients, uint64[blocks, 16].
    """
    codes = tables[3][layout[0, AC]]
    out = np.uint64(0), np.uint64(0), np.int64(64)
    most = np.uint64(max(0, words.size - SLACK))
    next_run = next_odd = next_break = 0
    good = True
    for i in range(intervals):
        first = i * scan[INTERVAL]
        count, pad, claimed = min(scan[INTERVAL], scan[COUNT] - first), -scan[PAD_BIT], np.int64(0)
        if next_odd < odd.shape[0] and odd_intervals[next_odd] == i:
            count, pad, claimed = min(count, odd[next_odd, BLOCKS]), odd[next_odd, PAD], odd[next_odd, CLAIMED]
            next_odd += 1
        run = held = start = start_k = 0
        for n in range(first, first + count):
            where = _place(scan, layout, n)
            block = coefficients[where]
            new, old = _masks(scan, block, quads[where])
            zeros = np.int64(0)
            if next_run < runs.shape[0] and runs[next_run, 0] == n:
                zeros = runs[next_run, 1]
                next_run += 1
            if run > 0 and (zeros > 0 or new != 0):
                good, out = _end_run(words, out, scan, layout, codes, coefficients, quads, run, run, start, start_k)
                run = held = 0
            if out[0] > most or not good:
                return np.int64(-1)
            k = scan[FIRST]
            if zeros > 0 or new != 0:
                good, out, k = _block(words, out, scan, codes, block, new, old, zeros)
            if k > scan[LAST]:
                continue
            if run == 0:
                start, start_k = n, k
            run += 1
            held += int(ones(old >> np.uint64(k)))
            broken = next_break < breaks.shape[0] and breaks[next_break] == n
            next_break += broken
            if run == LONGEST or broken or (held > HELD and scan[OTHER_RULE] == 0):
                done, out = _end_run(words, out, scan, layout, codes, coefficients, quads, run, run, start, start_k)
                good &= done
                run = held = 0
        if run > 0 and good:
            good, out = _end_run(words, out, scan, layout, codes, coefficients, quads, run, run + claimed, start, start_k)
        if not good or out[0] > most:
            return np.int64(-1)
        at, filled, free = fill_byte(words, out[0], out[1], out[2], pad)
        out = at, filled, free
        ends[i] = np.int64(at) * 8 + (64 - free) // 8
    words[out[0]] = out[1] << np.uint64(out[2]) if out[2] < 64 else np.uint64(0)
    return np.int64(0)


@inlined
def _place(scan, layout, n):  # type: ignore[no-untyped-def]
    row = np.int64(np.uint64(n) // np.uint64(scan[ACROSS]))
    return np.uint64(layout[0, BASE] + n - row * scan[ACROSS] + row * layout[0, STEP_Y])


@inlined
def _masks(scan, block, quads):  # type: ignore[no-untyped-def]
    """Which coefficients of the band are coded here for the first time, and which were before; bit k for coefficient k."""
    found = present(quads) & (~np.uint64(0) << np.uint64(scan[FIRST])) & (~np.uint64(0) >> np.uint64(63 - scan[LAST]))
    new, old = np.uint64(0), np.uint64(0)
    if scan[LOW] == 0 and scan[HIGH] == 0:
        return found, old
    left = found
    while left != 0:
        k = trailing_zeros(left)
        left &= left - np.uint64(1)
        magnitude = abs(np.int64(block[k])) >> scan[LOW]
        new |= np.uint64(magnitude == 1 or (magnitude > 1 and scan[HIGH] == 0)) << k
        old |= np.uint64(magnitude > 1 and scan[HIGH] > 0) << k
    return new, old


@inlined
def _put_old(words, out, scan, block, mask):  # type: ignore[no-untyped-def]
    """The next bits of the coefficients in `mask`; `out` behind them."""
    at, held, free = out
    while mask != 0:
        k = trailing_zeros(mask)
        mask &= mask - np.uint64(1)
        at, held, free = put(words, at, held, free, abs(np.int64(block[k])) >> scan[LOW] & 1, np.int64(1))
    return at, held, free


@inlined
def _put_symbol(words, out, codes, symbol, bits, count):  # type: ignore[no-untyped-def]
    """(whether it has a code, `out` behind the symbol and the bits)."""
    code = code_of(codes, symbol)
    at, held, free = put(words, out[0], out[1], out[2], (code & 0xFFFF) << count | bits, (code >> 16) + count)
    return code != 0, (at, held, free)


@inlined
def _below(k):  # type: ignore[no-untyped-def]
    """A mask of the coefficients below `k` (0 to 64)."""
    return ~np.uint64(0) if k > 63 else (np.uint64(1) << np.uint64(k)) - np.uint64(1)


@inlined
def _block(words, out, scan, codes, block, new, old, zeros):  # type: ignore[no-untyped-def]
    """(whether all codes exist, `out` behind the new coefficients, the coefficient from which on the band is empty)."""
    good, run, start, next_k = True, np.int64(0), scan[FIRST], scan[FIRST]
    either, waiting = new | old, old
    while new != 0:
        k = trailing_zeros(either)
        bit = np.uint64(1) << k
        either &= ~bit
        run += np.int64(k) - next_k
        next_k = np.int64(k) + 1
        while run > 15:
            done, out = _put_symbol(words, out, codes, ZERO_RUN, np.int64(0), np.int64(0))
            good &= done
            out = _put_old(words, out, scan, block, waiting & (bit - np.uint64(1)))
            waiting &= ~(bit - np.uint64(1))
            run -= 16
        if new & bit == 0:
            continue
        new &= ~bit
        value = np.int64(block[k])
        size, bits = np.int64(1), np.int64(value > 0)
        if scan[HIGH] == 0:
            magnitude = min(abs(value) >> scan[LOW], 32767)
            size = category(magnitude)
            bits = (~magnitude if value < 0 else magnitude) & ((np.int64(1) << size) - 1)
        done, out = _put_symbol(words, out, codes, run << 4 | size, bits, size)
        good &= done
        out = _put_old(words, out, scan, block, waiting & (bit - np.uint64(1)))
        waiting &= ~(bit - np.uint64(1))
        start, run = next_k, np.int64(0)
    for _ in range(zeros):
        done, out = _put_symbol(words, out, codes, ZERO_RUN, np.int64(0), np.int64(0))
        good &= done
        left = np.int64(16)
        while start <= scan[LAST] and left > 0:
            left -= (old >> np.uint64(start) & np.uint64(1)) == 0
            start += 1
        out = _put_old(words, out, scan, block, waiting & _below(start))
        waiting &= ~_below(start)
    return good, out, start


@inlined
def _end_run(words, out, scan, layout, codes, coefficients, quads, blocks, length, start, start_k):  # type: ignore[no-untyped-def]
    """(whether all went well, `out` behind a run of that length and the bits that its blocks hold back)."""
    size = category(min(length, 65535)) - 1
    good, out = _put_symbol(words, out, codes, size << 4 & 255, length & ((np.int64(1) << size) - 1), size)
    if scan[HIGH] > 0:
        skipped = _below(start_k)
        for n in range(start, start + blocks):
            if out[0] > np.uint64(words.size - SLACK):
                return False, out
            where = _place(scan, layout, n)
            block = coefficients[where]
            _, old = _masks(scan, block, quads[where])
            out = _put_old(words, out, scan, block, old & ~skipped)
            skipped = np.uint64(0)
    return good and length <= LONGEST, out
