"""Kernels of codec `weights`: where the pieces of a group lie in a chunk, taken out and put back.

runs: i64[runs, 2], (size, size of its pieces) in bytes; choices: u8, the group of each piece.
"""

import numpy as np

from lacodec.codecs.weights import _vectors as v
from lacodec.kernels.jit import kernel


@kernel
def parse_runs(data, size, runs):  # type: ignore[no-untyped-def]
    """Read pairs of numbers (LEB128) from data, u8[...], to runs; returns (runs, their pieces), or (-1, 0) when they are wrong.

    They must add up to `size` bytes; a piece of 0 bytes stands for the whole run.
    """
    at = count = pieces = 0
    left = np.int64(size)
    pair = np.zeros(2, np.int64)
    while at < len(data):
        for part in range(2):
            number, shift, more = np.int64(0), 0, True
            while more:
                if at == len(data) or shift > 56:
                    return -1, 0
                number |= np.int64(data[at] & 127) << shift
                more = data[at] > 127
                shift += 7
                at += 1
            pair[part] = number
        run, piece = pair[0], pair[1]
        if run <= 0 or run > left or piece < 0 or piece >= run or count >= len(runs) - 1:
            return -1, 0
        piece = piece if piece else run
        runs[count, 0], runs[count, 1] = run, piece
        left -= run
        pieces += (run + piece - 1) // piece
        count += 1
    return (count, pieces) if left == 0 else (-1, 0)


@kernel
def extents(runs, choices, begins, sizes, whole, firsts):  # type: ignore[no-untyped-def]
    """Of each group, i64[groups]: where it begins, its bytes, whether all its pieces lie side by side, bytes of the first one."""
    begins[:] = 0
    sizes[:] = 0
    whole[:] = 1
    firsts[:] = 0
    at = k = 0
    for run in range(len(runs)):
        end, piece = at + runs[run, 0], runs[run, 1]
        while at < end:
            group, size = choices[k], min(piece, end - at)
            if sizes[group] == 0:
                begins[group] = at
                firsts[group] = size
            elif begins[group] + sizes[group] != at:
                whole[group] = 0
            sizes[group] += size
            at += size
            k += 1


@kernel
def gather(data, runs, choices, group, content):  # type: ignore[no-untyped-def]
    """content, u8: the pieces of one group of data, one after the other (see `extents`)."""
    at, k, place = np.uint64(0), 0, np.uint64(0)
    for run in range(len(runs)):
        end, piece = at + np.uint64(runs[run, 0]), np.uint64(runs[run, 1])
        while at < end:
            size = min(piece, end - at)
            if choices[k] == group:
                v.copy_bytes(content, place, data, at, size)
                place += size
            at += size
            k += 1


@kernel
def scatter(content, runs, choices, group, data):  # type: ignore[no-untyped-def]
    """The inverse of `gather`."""
    at, k, place = np.uint64(0), 0, np.uint64(0)
    for run in range(len(runs)):
        end, piece = at + np.uint64(runs[run, 0]), np.uint64(runs[run, 1])
        while at < end:
            size = min(piece, end - at)
            if choices[k] == group:
                v.copy_bytes(data, at, content, place, size)
                place += size
            at += size
            k += 1
