"""Second half of the suffix sort: all suffixes in order, and with them the Burrows-Wheeler transform.

    LMS places in order --left to right--> L places --right to left--> S places; every entry carries the byte before its place

An entry of the suffix array is a place (24 bits) under the byte before it (8 bits), so that the next bucket is known without
looking at the data, and the transform is the upper bytes. Source as `starts`.
"""

from typing import Any

import numpy as np

from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
_ZERO, _ONE = U(0), U(1)
PLACE_BITS = U(24)
_PLACE = U((1 << 24) - 1)
AHEAD = U(24)  # entries between asking for a byte and reading it; arrays are so much longer


@inlined
def _enter(data: np.ndarray, array: np.ndarray, at: np.uint64, place: np.uint64) -> None:
    array[at] = place | (U(data[place - _ONE if place > _ZERO else _ZERO]) << PLACE_BITS)


@inlined
def _ask(data: np.ndarray, array: np.ndarray, at: np.uint64) -> None:
    place = U(array[at]) & _PLACE
    prefetch(data, np.int64(place - U(2) if place > _ONE else _ZERO))


@flat_kernel
def induce_larger(
    data: np.ndarray, size: int, starts: np.ndarray, order: np.ndarray, begins: np.ndarray, heads: np.ndarray, array: np.ndarray
) -> None:
    """Enter the L places. starts uint32[m], order uint32[m]: the LMS places and their order.

    begins uint64[257]: where each byte's entries begin; heads uint64[256], equal to them at first, ends where its S places begin.
    array uint32[size + AHEAD], zeros behind the end.
    """
    last = U(size) - _ONE
    _enter(data, array, heads[data[last]], last)
    heads[data[last]] += _ONE
    k, m = _ZERO, U(order.size)
    for symbol in range(U(256)):
        i = begins[symbol]
        while i < heads[symbol]:
            _ask(data, array, i + AHEAD)
            entry = U(array[i])
            before, place = entry >> PLACE_BITS, entry & _PLACE
            if place > _ZERO and before >= symbol:
                at = heads[before]
                heads[before] = at + _ONE
                _enter(data, array, at, place - _ONE)
            i += _ONE
        while k < m and U(data[starts[order[k]]]) == symbol:
            place = U(starts[order[k]])
            before = U(data[place - _ONE])
            at = heads[before]
            heads[before] = at + _ONE
            _enter(data, array, at, place - _ONE)
            k += _ONE


@flat_kernel
def induce_smaller(data: np.ndarray, begins: np.ndarray, heads: np.ndarray, tails: np.ndarray, array: np.ndarray) -> None:
    """Enter the S places. heads uint64[256]: the ends of the L places; tails uint64[256]: the ends of all at first."""
    for k in range(U(256)):
        symbol = U(255) - k
        i = begins[symbol + _ONE]
        while i > tails[symbol]:
            i -= _ONE
            _ask(data, array, i - min(i, AHEAD))
            entry = U(array[i])
            before, place = entry >> PLACE_BITS, entry & _PLACE
            if place > _ZERO and before <= symbol:
                at = tails[before] - _ONE
                tails[before] = at
                _enter(data, array, at, place - _ONE)
        i = heads[symbol]
        while i > begins[symbol]:
            i -= _ONE
            _ask(data, array, i - min(i, AHEAD))
            entry = U(array[i])
            before, place = entry >> PLACE_BITS, entry & _PLACE
            if place > _ZERO and before < symbol:
                at = tails[before] - _ONE
                tails[before] = at
                _enter(data, array, at, place - _ONE)


@flat_kernel
def take_transform(array: np.ndarray, size: int, ends: np.ndarray, transform: np.ndarray, rows: np.ndarray) -> Any:
    """Fill transform uint8[size] but for its first byte; returns the row of the whole data, and rows uint64[...] those of `ends`.

    Row r + 1 belongs to array[r]; row 0, the empty suffix, is not in the array. The row of the whole data has no byte. ends
    uint64[...]: multiples of 256, ascending; their rows are counted without that row.
    """
    at, whole = _ONE, _ZERO
    for i in range(U(size)):
        entry = U(array[i])
        place = entry & _PLACE
        if place & U(255) == _ZERO:
            for k in range(U(ends.size)):
                if ends[k] == place:
                    rows[k] = at
        if place == _ZERO:
            whole = i + _ONE
        else:
            transform[at] = entry >> PLACE_BITS
            at += _ONE
    return np.int64(whole)
