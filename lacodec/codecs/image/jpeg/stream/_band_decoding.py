"""Decodes scans of one band of one component: coefficients FIRST..LAST, at first or one bit more, with runs of empty bands."""

import numpy as np

from lacodec.codecs.image.jpeg.stream._bits import find, peek, value_of
from lacodec.codecs.image.jpeg.stream._segments import START, STOP
from lacodec.codecs.image.jpeg.stream._sequential import AC, ACROSS, BASE, COUNT, FIRST, HIGH, INTERVAL, LAST, LOW, STEP_Y
from lacodec.codecs.image.jpeg.stream.markers import MAX_AC
from lacodec.kernels.jit import flat_kernel, inlined

LONGEST, HELD = 0x7FFF, 937
"""Blocks of a run at most; bits of a run that libjpeg holds back at most, before it ends the run."""

NO_RUN = -1


@flat_kernel
def decode_bands(words, segments, scan, layout, tables, coefficients, kept, done, stops, claimed, runs, breaks):  # type: ignore[no-untyped-def]
    """Like `decode_blocks`. Returns the number of rows of `runs`, of `breaks`, and of runs that go on beyond HELD.

    kept: int16[64], scratch. Filled: claimed (blocks of its last run beyond a segment's end), breaks (int64[blocks, 2]: the block
    of the scan behind which a run ended without need, and whether it held back more than HELD bits).
    """
    look, long, symbols, _ = tables
    table = layout[0, AC]
    first_k, last_k, refines = scan[FIRST], scan[LAST], scan[HIGH] > 0
    found = broken = beyond = 0
    for i in range(segments.shape[0]):
        first = i * scan[INTERVAL]
        count = min(scan[INTERVAL], scan[COUNT] - first)
        place, limit = np.uint64(segments[i, START]) * np.uint64(8), np.uint64(segments[i, STOP]) * np.uint64(8)
        n = run = held = over = 0  # blocks, those left of a run, bits it holds back, whether these are many
        ended = -1  # the block behind a run that could have been longer
        while n < count:
            at = first + n
            block = coefficients[np.uint64(layout[0, BASE] + at % scan[ACROSS] + at // scan[ACROSS] * layout[0, STEP_Y])]
            k, zeros, after, fresh, inside = first_k, 0, place, False, run > 0
            new_run = NO_RUN
            if refines:
                for j in range(first_k, last_k + 1):
                    kept[np.uint64(j)] = block[np.uint64(j)]
                if not inside:
                    after, k, zeros, new_run, fresh = _refine(
                        words, place, look[table], long[table], symbols[table], block, first_k, last_k, scan[LOW]
                    )
                    if new_run > 0:
                        held = 0
                if after != 0 and (inside or new_run > 0):
                    for j in range(k, last_k + 1):
                        if block[np.uint64(j)] != 0:
                            _correct(block, np.uint64(j), peek(words, after) >> np.uint64(63), scan[LOW])
                            after += np.uint64(1)
                            held += 1
            elif not inside:
                after, zeros, new_run, fresh = _begin(
                    words, place, look[table], long[table], symbols[table], block, first_k, last_k, scan[LOW]
                )
            if after == 0 or after > limit:
                for j in range(first_k, last_k + 1):
                    block[np.uint64(j)] = kept[np.uint64(j)] if refines else 0
                break
            if new_run > 0 and fresh and ended == n:
                breaks[broken, 0], breaks[broken, 1] = at - 1, over
                broken += 1
            if zeros > 0:
                runs[found, 0], runs[found, 1] = at, zeros
                found += 1
            place = after
            n += 1
            if new_run > 0:
                run = new_run
                ended = n + new_run - 1 if new_run < LONGEST else -1
                inside = True
            if inside:
                run -= 1
                over = 1 if held > HELD else 0
                beyond += over if run > 0 else 0
                if not refines and run > 0:
                    skipped = min(run, count - n)
                    n += skipped
                    run -= skipped
        done[i], stops[i], claimed[i] = n, np.int64(place), run
    return found, broken, beyond


@inlined
def _begin(words, place, look, long, symbols, block, k, last, low):  # type: ignore[no-untyped-def]
    """A band at first: (the place behind it, or 0; runs of 16 zeros at its end; a run that begins; whether that is all)."""
    zeros, fresh = np.int64(0), True
    while k <= last:
        top = peek(words, place)
        symbol = find(top, look, long, symbols)
        length, run, size = symbol >> np.uint64(8), symbol >> np.uint64(4) & np.uint64(15), symbol & np.uint64(15)
        if length == 0:
            return np.uint64(0), zeros, np.int64(NO_RUN), False
        place += length
        if size == 0 and run < 15:
            return place + run, zeros, _run(top, length, run), fresh
        fresh = False
        k += np.int64(run)
        if size == 0:
            zeros += 1
        else:
            value = value_of(top, length, size) << low
            if k > last or not -MAX_AC <= value <= MAX_AC:
                return np.uint64(0), zeros, np.int64(NO_RUN), False
            block[np.uint64(k)] = value
            place += size
            zeros = np.int64(0)
        k += 1
    return place, zeros, np.int64(NO_RUN), False


@inlined
def _refine(words, place, look, long, symbols, block, k, last, low):  # type: ignore[no-untyped-def]
    """One bit more: as `_begin`, with the coefficient from which on the run counts in the second place."""
    zeros, fresh = np.int64(0), True
    while k <= last:
        top = peek(words, place)
        symbol = find(top, look, long, symbols)
        length, run, size = symbol >> np.uint64(8), symbol >> np.uint64(4) & np.uint64(15), symbol & np.uint64(15)
        if length == 0 or size > 1:
            return np.uint64(0), k, zeros, np.int64(NO_RUN), False
        place += length
        if size == 0 and run < 15:
            return place + run, k, zeros, _run(top, length, run), fresh
        fresh = False
        place += size
        while k <= last:
            if block[np.uint64(k)] != 0:
                _correct(block, np.uint64(k), peek(words, place) >> np.uint64(63), low)
                place += np.uint64(1)
            else:
                if run == 0:
                    break
                run -= np.uint64(1)
            k += 1
        if size == 0:
            zeros += 1
        else:
            if k > last:
                return np.uint64(0), k, zeros, np.int64(NO_RUN), False
            positive = (top << length) >> np.uint64(63) != 0
            block[np.uint64(k)] = (1 if positive else -1) << low
            zeros = np.int64(0)
        k += 1
    return place, k, zeros, np.int64(NO_RUN), False


@inlined
def _run(top, length, size):  # type: ignore[no-untyped-def]
    """The length of a run of empty bands: a 1 and the `size` bits behind the code."""
    return np.int64(1) << np.int64(size) | (np.int64((top << length) >> (np.uint64(64) - size)) if size > 0 else np.int64(0))


@inlined
def _correct(block, k, bit, low):  # type: ignore[no-untyped-def]
    """Add a bit to the magnitude of a coefficient."""
    step = np.int64(bit) << low
    value = np.int64(block[k])
    block[k] = value + (step if value > 0 else -step)
