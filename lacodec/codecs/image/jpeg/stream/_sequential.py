"""Huffman coding of blocks with all their coefficients, and of DC alone: scans in the order of MCUs.

words <--decode_blocks, encode_blocks--> coefficients. Values are those of the final picture; scans of some bits shift them.
"""

import numpy as np

from lacodec.codecs.image.jpeg.stream._bits import SLACK, category, code_of, find, peek, present, put, value_of
from lacodec.codecs.image.jpeg.stream._segments import BLOCKS, PAD, START, STOP
from lacodec.codecs.image.jpeg.stream.markers import MAX_AC, MAX_DC
from lacodec.kernels.bit_counts import trailing_zeros
from lacodec.kernels.jit import flat_kernel, inlined

BASE, STEP_X, STEP_Y, SLOT, DC, AC = range(6)
"""Columns about a block of an MCU: its place (in blocks) in the first MCU, steps from there, its predictor, its tables."""

ACROSS, COUNT, INTERVAL, FIRST, LAST, HIGH, LOW, PAD_BIT, OTHER_RULE = range(9)
"""A scan: MCUs across, blocks in all, blocks between restarts, band of coefficients, bits, default padding, rule (`record`)."""

ZERO_RUN = np.uint64(0xF0)


@flat_kernel
def decode_blocks(words, segments, scan, layout, tables, coefficients, predicted, done, stops, runs):  # type: ignore[no-untyped-def]
    """Decode as many blocks of each segment as its interval has and as are whole. Returns how many rows of `runs` were filled.

    coefficients: int16[blocks, 64]. predicted: int64[4], scratch. Filled: done, stops (int64 per segment: blocks, place of the
    bit behind them), runs (int64[blocks, 2]: block of the scan, runs of 16 zeros behind its last coefficient).
    """
    look, long, symbols, _ = tables
    per_mcu, refines = layout.shape[0], scan[HIGH] > 0
    low, found = scan[LOW], 0
    for i in range(segments.shape[0]):
        first = i * scan[INTERVAL]
        count = min(scan[INTERVAL], scan[COUNT] - first)
        place, limit = np.uint64(segments[i, START]) * np.uint64(8), np.uint64(segments[i, STOP]) * np.uint64(8)
        predicted[:] = 0
        part, mcu = 0, first // per_mcu
        x, y = mcu % scan[ACROSS], mcu // scan[ACROSS]
        n = 0
        while n < count:
            at = np.uint64(layout[part, BASE] + x * layout[part, STEP_X] + y * layout[part, STEP_Y])
            block, slot = coefficients[at], layout[part, SLOT]
            before = predicted[slot]
            zeros = np.int64(0)
            if refines:
                after = place + np.uint64(1)
                bit = peek(words, place) >> np.uint64(63)
            else:
                dc, ac = layout[part, DC], layout[part, AC]
                after, value = _decode_dc(words, place, look[dc], long[dc], symbols[dc])
                predicted[slot] += value
                if after != 0 and scan[LAST] > 0:
                    after, zeros = _decode_ac(words, after, look[ac], long[ac], symbols[ac], block)
            level = predicted[slot] << low
            if after == 0 or after > limit or not -MAX_DC <= level <= MAX_DC:
                if scan[LAST] > 0:
                    block[:] = 0
                predicted[slot] = before
                break
            if refines:
                block[0] |= np.int16(bit << np.uint64(low))
            else:
                block[0] = level
            if zeros:
                runs[found, 0], runs[found, 1] = first + n, zeros
                found += 1
            place = after
            n += 1
            part += 1
            if part == per_mcu:
                part = 0
                x += 1
                if x == scan[ACROSS]:
                    x = 0
                    y += 1
        done[i], stops[i] = n, np.int64(place)
    return found


@inlined
def _decode_dc(words, place, look, long, symbols):  # type: ignore[no-untyped-def]
    """(the place behind a difference, or 0; the difference)."""
    top = peek(words, place)
    symbol = find(top, look, long, symbols)
    length, size = symbol >> np.uint64(8), symbol & np.uint64(255)
    if length == 0 or size > 11:
        return np.uint64(0), np.int64(0)
    if size == 0:
        return place + length, np.int64(0)
    return place + length + size, value_of(top, length, size)


@inlined
def _decode_ac(words, place, look, long, symbols, block):  # type: ignore[no-untyped-def]
    """(the place behind the coefficients 1..63, or 0; runs of 16 zeros behind the last that is not 0)."""
    k, zeros = np.uint64(1), np.int64(0)
    while k < 64:
        top = peek(words, place)
        symbol = find(top, look, long, symbols)
        length, size = symbol >> np.uint64(8), symbol & np.uint64(15)
        if size != 0:
            k += symbol >> np.uint64(4) & np.uint64(15)
            value = value_of(top, length, size)
            if k > 63 or value > MAX_AC or value < -MAX_AC:
                return np.uint64(0), np.int64(0)
            block[k] = value
            place += length + size
            k += np.uint64(1)
            zeros = np.int64(0)
        elif symbol & np.uint64(255) == ZERO_RUN:
            k += np.uint64(16)
            zeros += 1
            place += length
        elif length != 0 and symbol & np.uint64(255) == 0:
            place += length
            break
        else:
            return np.uint64(0), np.int64(0)
    return place, zeros


@flat_kernel
def encode_blocks(words, scan, layout, tables, coefficients, quads, predicted, odd, odd_intervals, runs, intervals, ends):  # type: ignore[no-untyped-def]
    """The inverse: fill `words`, and `ends` with the bytes before the end of each of `intervals`. Returns 0, or -1 on failure.

    quads: the coefficients, uint64[blocks, 16]. odd, odd_intervals, runs: what differs from the rule, in order.
    """
    _, _, _, codes = tables
    per_mcu, refines, low = layout.shape[0], scan[HIGH] > 0, scan[LOW]
    at, held, free = np.uint64(0), np.uint64(0), np.int64(64)
    most = np.uint64(max(0, words.size - SLACK))
    next_run = next_odd = 0
    for i in range(intervals):
        first = i * scan[INTERVAL]
        count, pad = min(scan[INTERVAL], scan[COUNT] - first), -scan[PAD_BIT]
        if next_odd < odd.shape[0] and odd_intervals[next_odd] == i:
            count, pad = min(count, odd[next_odd, BLOCKS]), odd[next_odd, PAD]
            next_odd += 1
        predicted[:] = 0
        part, mcu = 0, first // per_mcu
        x, y = mcu % scan[ACROSS], mcu // scan[ACROSS]
        for n in range(count):
            if at > most:
                return np.int64(-1)
            where = np.uint64(layout[part, BASE] + x * layout[part, STEP_X] + y * layout[part, STEP_Y])
            block = coefficients[where]
            level = np.int64(block[0]) >> low
            if refines:
                at, held, free = put(words, at, held, free, level & 1, np.int64(1))
            else:
                slot = layout[part, SLOT]
                good, at, held, free = _encode_dc(words, at, held, free, codes[layout[part, DC]], level - predicted[slot])
                predicted[slot] = level
                if not good:
                    return np.int64(-1)
            if scan[LAST] > 0:
                zeros = np.int64(0)
                if next_run < runs.shape[0] and runs[next_run, 0] == first + n:
                    zeros = runs[next_run, 1]
                    next_run += 1
                mask = present(quads[where])
                good, at, held, free = _encode_ac(words, at, held, free, codes[layout[part, AC]], block, mask, zeros)
                if not good:
                    return np.int64(-1)
            part += 1
            if part == per_mcu:
                part = 0
                x += 1
                if x == scan[ACROSS]:
                    x = 0
                    y += 1
        at, held, free = fill_byte(words, at, held, free, pad)
        ends[i] = np.int64(at) * 8 + (64 - free) // 8
    words[at] = held << np.uint64(free) if free < 64 else np.uint64(0)
    return np.int64(0)


@inlined
def fill_byte(words, at, held, free, pad):  # type: ignore[no-untyped-def]
    """Append the last bits of `pad` up to the end of the byte; returns (at, held, free)."""
    count = free & 7
    return put(words, at, held, free, pad & ((1 << count) - 1), count)


@inlined
def _encode_dc(words, at, held, free, codes, value):  # type: ignore[no-untyped-def]
    """(whether there is a code, at, held, free) after a difference."""
    size = category(min(abs(value), 65535))
    code = code_of(codes, size)
    if code == 0 or size > 11:
        return False, at, held, free
    bits = (value + (value >> 63)) & ((1 << size) - 1)
    at, held, free = put(words, at, held, free, (code & 0xFFFF) << size | bits, (code >> 16) + size)
    return True, at, held, free


@inlined
def _encode_ac(words, at, held, free, codes, block, mask, zeros):  # type: ignore[no-untyped-def]
    """(whether all codes exist, at, held, free) after the coefficients 1..63 of `mask`, and `zeros` more runs of 16 zeros."""
    good = True
    mask &= ~np.uint64(1)
    next_k = np.int64(1)
    while mask != 0:
        k = trailing_zeros(mask)
        mask &= mask - np.uint64(1)
        value = np.int64(block[k])
        run = np.int64(k) - next_k
        next_k = np.int64(k) + 1
        while run > 15:
            zero_run = code_of(codes, ZERO_RUN)
            good &= zero_run != 0
            at, held, free = put(words, at, held, free, zero_run & 0xFFFF, zero_run >> 16)
            run -= 16
        size = category(min(abs(value), 32767))
        code = code_of(codes, run << 4 | size)
        good &= code != 0
        bits = (value + (value >> 63)) & ((np.int64(1) << size) - 1)
        at, held, free = put(words, at, held, free, (code & 0xFFFF) << size | bits, (code >> 16) + size)
    for _ in range(zeros):
        zero_run = code_of(codes, ZERO_RUN)
        good &= zero_run != 0
        at, held, free = put(words, at, held, free, zero_run & 0xFFFF, zero_run >> 16)
        next_k += 16
    if next_k < 64:
        code = code_of(codes, 0)
        good &= code != 0
        at, held, free = put(words, at, held, free, code & 0xFFFF, code >> 16)
    return good, at, held, free
