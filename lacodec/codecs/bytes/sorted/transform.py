"""The Burrows-Wheeler transform of a block, and back.

    bytes -> suffixes in order -> byte before each (transform), row of the whole data, rows where chains of the inverse begin

M. Burrows and D. J. Wheeler, "A block-sorting lossless data compression algorithm" (1994). The inverse follows CHAINS paths
through the data at a time, each to the beginning of its own part, because a single one would wait for memory at every byte.
"""

from typing import Any

import numpy as np

from lacodec.codecs.bytes.sorted.induce import AHEAD, induce_larger, induce_smaller, take_transform
from lacodec.codecs.bytes.sorted.starts import find_starts, new_work, sort_starts
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import flat_kernel

MAX_SIZE = 1 << 24
CHAINS = 8
_SPLIT_FROM = 1 << 12  # bytes; smaller blocks are one chain
_PADDING = 32
U: Any = np.uint64
_ZERO, _ONE = U(0), U(1)


def chain_ends(size: int) -> list[int]:
    """Where the parts of the data end that have a chain each, but for the last one."""
    return [size * k // CHAINS & ~255 for k in range(1, CHAINS)] if size >= _SPLIT_FROM else []


def transform(data: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The transform uint8[n] of uint8[n], 1 to 2**24 bytes, and rows: of the whole data, then of every chain end.

    The row of the whole data has no byte in the transform, and the others are counted without it.
    """
    size = len(data)
    array = sort_suffixes(data)
    ends = np.array(chain_ends(size), np.uint64)
    result, rows = np.empty(size, np.uint8), np.zeros(len(ends), np.uint64)
    result[0] = data[-1]
    whole = take_transform(array, size, ends, result, rows)
    return result, [int(whole), *map(int, rows)]


def sort_suffixes(data: np.ndarray) -> np.ndarray:
    """The suffix array of uint8[n], 1 to 2**24 bytes: uint32[n + AHEAD], places in the lower 24 bits, above the byte before.

    Before the first place stands the first byte. Behind the n entries are zeros.
    """
    size = len(data)
    padded = np.zeros(size + _PADDING, np.uint8)
    padded[:size] = data
    totals, larger = np.zeros(256, np.uint64), np.zeros(256, np.uint64)
    starts = np.empty(size // 2 + 1, np.uint32)
    starts = starts[int(find_starts(padded, size, starts, totals, larger)) :]
    work = new_work(len(starts))
    if len(starts):
        sort_starts(padded, size, starts, work)
    array = np.zeros(size + int(AHEAD), np.uint32)
    begins = np.zeros(257, np.uint64)
    begins[1:] = np.cumsum(totals)
    heads, tails = begins[:256].copy(), begins[1:].copy()
    induce_larger(padded, size, starts, work.values, begins, heads, array)
    induce_smaller(padded, begins, heads, tails, array)
    return array


def inverse(transformed: np.ndarray, rows: list[int]) -> np.ndarray:
    """uint8[n] for the results of `transform`; CorruptFile for rows that cannot be."""
    size = len(transformed)
    ends = [0, *chain_ends(size), size]
    whole, starts = rows[0], [*rows[1:], 0]
    if not 1 <= whole <= size or len(starts) != len(ends) - 1 or max(starts) >= size:
        raise CorruptFile("a transformed block names rows that it does not have")
    steps = np.empty(size, np.uint32)
    link(transformed, np.cumsum(np.bincount(transformed, minlength=256)).astype(np.uint64), whole, steps)
    out = np.empty(size, np.uint8)
    follow(steps, np.array(starts, np.uint64), np.array(ends, np.uint64), out)
    return out


@flat_kernel
def link(transformed: np.ndarray, after: np.ndarray, whole: int, steps: np.ndarray) -> None:
    """Fill steps uint32[n]: the byte of each row (8 bits) and above it the row whose suffix begins with that byte.

    after uint64[256]: bytes up to each symbol, itself included; used up.
    """
    size = U(transformed.size)
    for k in range(size):
        i = size - _ONE - k
        symbol = U(transformed[i])
        row = after[symbol]
        after[symbol] = row - _ONE
        steps[i] = ((row - U(row >= U(whole)) if row != U(whole) else _ZERO) << U(8)) | symbol


@flat_kernel
def follow(steps: np.ndarray, rows: np.ndarray, ends: np.ndarray, out: np.ndarray) -> None:
    """Write the parts of out uint8[n] backwards, chain after chain byte by byte. rows uint64[chains], ends uint64[chains + 1]."""
    chains, longest = U(rows.size), _ZERO
    for k in range(chains):
        longest = max(longest, ends[k + _ONE] - ends[k])
    for i in range(longest):
        for k in range(chains):
            if ends[k] + i < ends[k + _ONE]:
                step = U(steps[rows[k]])
                out[ends[k + _ONE] - _ONE - i] = step & U(255)
                rows[k] = step >> U(8)
