"""Candidate matches of the optimal parse, from the suffix array: exact, and quicker than searching for them.

    suffixes in order -> bytes shared with the one before -> intervals of suffixes that share so many -> walk up from each place

An interval's suffixes share `shared` bytes; intervals lie within each other. Every place walks from its deepest interval to the
root, learns of each interval which place passed last, and leaves its own number: the nearest match of every length. Links of
places that were passed are shortened as they are followed, so that walks stay short.
Source: E. Biggers, the LCP-interval tree of wimlib (2014-2015); Karkkainen, Manzini and Puglisi, "Permuted longest-common-prefix
array" (2009).

A reference is an interval's number (24 bits) under the bytes it shares (8 bits, so at most 255). In `deepest` (by place) it is
the deepest interval that is not passed on yet; in `above` (by interval) it is the interval around this one, or, without upper
bits, the place that passed last.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import PADDING, common_length, load64
from lacodec.codecs.bytes.sorted.transform import MAX_SIZE, sort_suffixes
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
_Z, _ONE = U(0), U(1)
CANDIDATES = 26  # most matches that find_matches keeps for a position
_LEAST = U(3)  # bytes that an interval shares; shorter matches are found by their hash
_NUMBER = U((1 << 24) - 1)
_SHARED = U(0xFF000000)
_BITS = U(24)
_DEEPEST = U(255)
_AHEAD = U(24)
WINDOW = MAX_SIZE


class Tree(NamedTuple):
    """The intervals of a window of up to 2**24 bytes, as `find_matches` goes through it."""

    deepest: np.ndarray  # uint32[n + padding]
    above: np.ndarray  # uint32[n + 1]
    pairs: np.ndarray  # uint32[65536]: last place of two bytes, plus 1


def new_tree(data: np.ndarray, start: int, size: int) -> Tree:
    """The tree of data[start : start + size] of padded bytes."""
    array = sort_suffixes(data[start : start + size])
    shared, above = np.empty(size + int(_AHEAD), np.uint32), np.zeros(size + 1, np.uint32)
    measure_shared(data[start:], array, size, shared)
    deepest = np.zeros(size + int(_AHEAD), np.uint32)
    build_tree(array, size, shared, deepest, above)
    return Tree(deepest, above, np.zeros(1 << 16, np.uint32))


@flat_kernel
def measure_shared(data: np.ndarray, array: np.ndarray, size: int, shared: np.ndarray) -> None:
    """Fill shared uint32[size]: by place, the bytes that its suffix shares with the one sorted before; at most 255, 0 for few."""
    n, before, none = U(size), U(size), U(size)
    for i in range(n):
        prefetch(shared, np.int64(U(array[i + _AHEAD]) & _NUMBER))
        place = U(array[i]) & _NUMBER
        shared[place] = before
        before = place
    length = _Z
    for place in range(n):
        prefetch(data, np.int64(min(U(shared[place + _AHEAD]), n)))
        before = U(shared[place])
        if before == none:
            length = _Z
        else:
            length = common_length(data, before, place, length, n - max(before, place))
        shared[place] = min(length, _DEEPEST) if length >= _LEAST else _Z
        length -= U(length > _Z)


@flat_kernel
def build_tree(array: np.ndarray, size: int, shared: np.ndarray, deepest: np.ndarray, above: np.ndarray) -> None:
    """Fill deepest and above from the suffixes in order. The open intervals are kept in above[size], below those in use."""
    n, used = U(size), _ONE
    # Open intervals lie within each other: each one's entry in `above` is the one around it already.
    top = _Z
    place = U(array[_Z]) & _NUMBER
    for i in range(_ONE, n):
        prefetch(shared, np.int64(U(array[i + _AHEAD]) & _NUMBER))
        prefetch(deepest, np.int64(U(array[i + _AHEAD]) & _NUMBER))
        following = U(array[i]) & _NUMBER
        depth = U(shared[following]) << _BITS
        inner = top & _SHARED
        if depth > inner:
            fresh = depth | used
            above[used] = top
            used += _ONE
            top = fresh
        deepest[place] = top
        while depth < (top & _SHARED):
            closed = top & _NUMBER
            outer = U(above[closed])
            if depth > (outer & _SHARED):
                fresh = depth | used
                above[used] = outer
                above[closed] = fresh
                used += _ONE
                outer = fresh
            top = outer
        place = following
    deepest[place] = top


@flat_kernel
def find_matches(
    data: np.ndarray, window: int, start: int, stop: int, nice: int, tree: Tree, shift: int, first: np.ndarray, found: np.ndarray
) -> None:
    """Candidates for positions start..stop of data uint8[size + PADDING]: the nearest match of every length worth having.

    tree: that of data[window:], gone through up to `start`. shift: 0, or 1 where the bytes before a match must agree, too.
    Fills found uint64 (length << 32 | distance; both rise) and first uint32[stop - start + 1], where each position's begin.
    Lengths up to `nice`.
    """
    at, end = _Z, U(data.size - PADDING)
    for position in range(U(start), U(stop)):
        first[position - U(start)] = at
        if position < U(window) + U(shift):
            continue
        place = position - U(window) - U(shift)
        limit = min(end - position, U(nice)) + U(shift)
        at = _climb(data[window:], tree, place, limit, U(shift), found, at)
    first[U(stop) - U(start)] = at


@inlined
def _ask_ahead(deepest: np.ndarray, above: np.ndarray, place: np.uint64) -> None:
    """Have the beginnings of the next walks in the caches: a step of each at a time, for what they need is found step by step."""
    prefetch(above, np.int64(U(deepest[place + _AHEAD]) & _NUMBER))
    link = U(above[U(deepest[place + _AHEAD * U(2) // U(3)]) & _NUMBER])
    prefetch(above if link & _SHARED else deepest, np.int64(link & _NUMBER))
    link = U(above[U(deepest[place + _AHEAD // U(3)]) & _NUMBER])
    link = U(above[link & _NUMBER]) if link & _SHARED else U(deepest[link])
    prefetch(above, np.int64(link & _NUMBER))


@inlined
def _climb(
    data: np.ndarray, tree: Tree, place: np.uint64, limit: np.uint64, shift: np.uint64, found: np.ndarray, at: np.uint64
) -> np.uint64:
    """Note the matches of one place, less `shift` bytes, and pass on; returns where the next ones are noted."""
    deepest, above, pairs = tree.deepest, tree.above, tree.pairs
    _ask_ahead(deepest, above, place)
    pair = load64(data, place) & U(0xFFFF)
    near = U(pairs[pair])
    pairs[pair] = place + _ONE
    reference = U(deepest[place])
    deepest[place] = 0
    around = U(above[reference & _NUMBER])
    while around & _SHARED:  # no place has passed here: no match
        above[reference & _NUMBER] = place
        reference = around
        around = U(above[reference & _NUMBER])
    begin, nearest = at, U(1 << 32)
    if around == _Z:
        if reference & _SHARED:
            above[reference & _NUMBER] = place
    else:
        other = around
        while True:
            around = U(deepest[other])
            while around > reference:
                other = U(above[around & _NUMBER])
                around = U(deepest[other])
            above[reference & _NUMBER] = place
            deepest[other] = reference
            if place - other < nearest and at - begin < U(CANDIDATES - 1):
                length, nearest = reference >> _BITS, place - other
                if length == _DEEPEST:
                    length = common_length(data, other, place, length, limit)
                found[at] = ((min(length, limit) - shift) << U(32)) | nearest
                at += _ONE
            if around == _Z:
                break
            reference = around
            other = U(above[reference & _NUMBER])
    if shift == _Z and limit > _ONE and near != _Z and place + _ONE - near < nearest:
        found[at] = (U(2) << U(32)) | (place + _ONE - near)
        at += _ONE
    left, right = begin, at
    while left + _ONE < right:
        right -= _ONE
        found[left], found[right] = found[right], found[left]
        left += _ONE
    return at
