"""Scan data <-> the same bytes without stuffing and restart markers.

FF 00 -> FF            FF D0..D7 -> the end of a segment            FF and anything else -> the end of the scan
"""

import numpy as np

from lacodec.kernels.jit import flat_kernel

START, STOP, RAW_STOP, RAW_NEXT = range(4)
"""Columns about a segment: where it begins and ends without stuffing, where it ends in the file, and where the next one begins
there (behind its marker)."""

BLOCKS, PAD, CLAIMED, GAP_START, GAP_STOP = range(5)
"""Columns about an odd interval (`record.Odd`); the last two are offsets in the bytes of all gaps."""


@flat_kernel
def unstuff(data, at, clean, segments):  # type: ignore[no-untyped-def]
    """Copy scan data from data[at:] to `clean`; fill a row of `segments` for each piece, at most as many as there are rows.

    Returns the number of pieces.
    """
    place, end, out = np.uint64(at), np.uint64(data.size), np.uint64(0)
    one, two = np.uint64(1), np.uint64(2)
    for i in range(segments.shape[0]):
        segments[i, START] = np.int64(out)
        while place < end:
            byte = data[place]
            clean[out] = byte
            if byte == 255:
                if place + one >= end or data[place + one] != 0:
                    break
                place += one
            place += one
            out += one
        segments[i, STOP], segments[i, RAW_STOP] = np.int64(out), np.int64(place)
        while place + one < end and data[place + one] == 255:
            place += one
        marker = np.int64(data[place + one]) if place + one < end else np.int64(0)
        segments[i, RAW_NEXT] = np.int64(place + two)
        if not 0xD0 <= marker <= 0xD7:
            return i + 1
        place += two
    return segments.shape[0]


@flat_kernel
def count_full(clean, start, stop):  # type: ignore[no-untyped-def]
    """How many bytes of clean[start:stop] are FF."""
    count = np.int64(0)
    for i in range(start, stop):
        count += clean[np.uint64(i)] == 255
    return count


@flat_kernel
def stuff(clean, ends, intervals, odd, odd_intervals, gaps, out):  # type: ignore[no-untyped-def]
    """The inverse of `unstuff`: clean[:ends[-1]] to `out`, with a marker or the gap of an odd interval after each but the last.

    ends: where each interval ends. Returns the bytes written, or -1 if `out` is too small.
    """
    place, at, next_odd = np.uint64(0), np.uint64(0), 0
    one, most = np.uint64(1), np.uint64(out.size)
    for i in range(intervals):
        end = np.uint64(ends[i])
        if place + np.uint64(2) * (end - at) + np.uint64(2) > most:  # exactly only when it could be tight
            exactly = np.int64(place + end - at) + count_full(clean, np.int64(at), np.int64(end)) + 2 * (i + 1 < intervals)
            if exactly > out.size:
                return np.int64(-1)
        while at < end:
            byte = clean[at]
            out[place] = byte
            place += one
            at += one
            if byte == 255:
                out[place] = 0
                place += one
        odd_here = next_odd < odd.shape[0] and odd_intervals[next_odd] == i
        if i + 1 < intervals:
            if odd_here and odd[next_odd, GAP_START] < odd[next_odd, GAP_STOP]:
                if np.int64(place) + odd[next_odd, GAP_STOP] - odd[next_odd, GAP_START] > out.size:
                    return np.int64(-1)
                for j in range(odd[next_odd, GAP_START], odd[next_odd, GAP_STOP]):
                    out[place] = gaps[np.uint64(j)]
                    place += one
            else:
                out[place] = 255
                out[place + one] = 0xD0 + (i & 7)
                place += np.uint64(2)
        if odd_here:
            next_odd += 1
    return np.int64(place)
