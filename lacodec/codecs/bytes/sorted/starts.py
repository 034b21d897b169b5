"""First half of the suffix sort: the leftmost smaller suffixes ("LMS") in order, from which all others follow (`induce`).

    bytes -> places -> sorted by eight bytes, then by the bytes up to the next place -> ranks refined until all differ

A place is of type S if its suffix is smaller than the next one, else L; the end of the data counts as the smallest suffix. An LMS
place is S behind L. Source: Nong, Zhang, Chan, "Two efficient algorithms for linear time suffix array construction" (2011); the
refinement is that of Larsson and Sadakane, "Faster suffix sorting" (2007), with keys of two ranks, so that the known depth
triples in every round: n log n in the worst case.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import load64
from lacodec.kernels.jit import flat_kernel, inlined, intrinsic
from lacodec.kernels.llvm import cgutils, ir, types

U: Any = np.uint64
_ZERO, _ONE, _EIGHT = U(0), U(1), U(8)
_DIGITS = 8 * 256
_SMALL = U(20)  # groups up to this size are sorted by insertion


class Work(NamedTuple):
    """What the sort of m places works with. Ranks and values are numbers of places in the order of the data."""

    keys: np.ndarray  # uint64[m]
    values: np.ndarray  # uint32[m]: in the end, the sorted places
    other_keys: np.ndarray  # uint64[m]
    other_values: np.ndarray  # uint32[m]
    ranks: np.ndarray  # uint32[m]: where the group of a place begins in the sorted order
    groups: np.ndarray  # uint32[2, m]: pairs of bounds, of groups that are not sorted yet and of those found in a round
    tallies: np.ndarray  # uint64[2048]


def new_work(m: int) -> Work:
    """Work space for m places: 32 bytes for each."""
    return Work(
        keys=np.empty(m, np.uint64),
        values=np.empty(m, np.uint32),
        other_keys=np.empty(m, np.uint64),
        other_values=np.empty(m, np.uint32),
        ranks=np.empty(m, np.uint32),
        groups=np.empty((2, m), np.uint32),
        tallies=np.empty(_DIGITS, np.uint64),
    )


@intrinsic
def _reversed(typing_context: Any, value: Any) -> Any:
    """The eight bytes of a uint64 in reverse order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(word, [word]), "llvm.bswap.i64")
        return builder.call(function, [arguments[0]])

    return types.uint64(types.uint64), generate


@flat_kernel
def find_starts(data: np.ndarray, size: int, starts: np.ndarray, totals: np.ndarray, larger: np.ndarray) -> Any:
    """Fill the end of starts uint32[size // 2 + 1] with the LMS places, ascending; returns where they begin.

    totals, larger uint64[256], zeros before: how often each byte comes, and how often as type L.
    """
    at, after, smaller = U(starts.size), U(0), False
    for k in range(U(size)):
        i = U(size) - _ONE - k
        symbol = U(data[i])
        totals[symbol] += _ONE
        if k == _ZERO or symbol > after or (symbol == after and not smaller):
            larger[symbol] += _ONE
            if smaller:
                at -= _ONE
                starts[at] = i + _ONE
            smaller = False
        else:
            smaller = True
        after = symbol
    return np.int64(at)


@flat_kernel
def sort_starts(data: np.ndarray, size: int, starts: np.ndarray, work: Work) -> None:
    """Fill work.values with the numbers of the places starts uint32[m], in the order of their suffixes.

    data uint8: `size` bytes and at least 16 zeros.
    """
    m = U(starts.size)
    for k in range(m):  # last place first: of equal keys that reach beyond the end, the shorter suffix is smaller
        x = m - _ONE - k
        work.values[k] = x
        work.keys[k] = _reversed(load64(data, U(starts[x])))
    _sort_range(work, _ZERO, m)
    found, depth, side = _name(data, U(size), starts, work), _ONE, _ZERO
    while found > _ZERO:
        found = _refine(work, side, found, depth, m)
        side ^= _ONE
        depth *= U(3)


@inlined
def _sort_range(work: Work, begin: np.uint64, end: np.uint64) -> None:
    """Sort keys and values[begin:end] by key; stable."""
    if end - begin <= _SMALL:
        for i in range(begin + _ONE, end):
            key, value, j = work.keys[i], work.values[i], U(i)
            while j > begin and work.keys[j - _ONE] > key:
                work.keys[j], work.values[j] = work.keys[j - _ONE], work.values[j - _ONE]
                j -= _ONE
            work.keys[j], work.values[j] = key, value
        return
    _sort_digits(work, begin, end)


@flat_kernel
def _sort_digits(work: Work, begin: np.uint64, end: np.uint64) -> None:
    """The same by the bytes of the keys, the lowest first; bytes that all keys share are skipped."""
    keys, values, other_keys, other_values, tallies = work.keys, work.values, work.other_keys, work.other_values, work.tallies
    count, byte = end - begin, U(255)
    for k in range(U(_DIGITS)):
        tallies[k] = 0
    for i in range(begin, end):
        key = keys[i]
        for digit in range(_EIGHT):
            tallies[(digit << _EIGHT) + ((key >> (digit << U(3))) & byte)] += _ONE
    moved = False
    for digit in range(_EIGHT):
        row, shift = digit << _EIGHT, digit << U(3)
        if tallies[row + ((keys[begin] >> shift) & byte)] == count:
            continue
        place = begin
        for symbol in range(row, row + U(256)):
            here = tallies[symbol]
            tallies[symbol] = place
            place += here
        for i in range(begin, end):
            key = keys[i]
            slot = row + ((key >> shift) & byte)
            place = tallies[slot]
            tallies[slot] = place + _ONE
            other_keys[place] = key
            other_values[place] = values[i]
        keys, other_keys = other_keys, keys
        values, other_values = other_values, values
        moved = not moved
    if moved:
        for i in range(begin, end):
            other_keys[i], other_values[i] = keys[i], values[i]


@inlined
def _name(data: np.ndarray, size: np.uint64, starts: np.ndarray, work: Work) -> np.uint64:
    """Ranks of the places that are sorted by eight bytes, after the rest of their pieces is compared; returns unsorted groups."""
    m, found, begin = U(starts.size), _ZERO, _ZERO
    while begin < m:
        end = begin + _ONE
        while end < m and work.keys[end] == work.keys[begin]:
            end += _ONE
        while begin < end and U(starts[work.values[begin]]) + _EIGHT > size:  # nothing equals what reaches the end
            work.ranks[work.values[begin]] = begin
            begin += _ONE
        if end - begin == _ONE:
            work.ranks[work.values[begin]] = begin
        elif end > begin:
            found = _name_group(data, size, starts, work, begin, end, found)
        begin = end
    return found


@inlined
def _length(size: np.uint64, starts: np.ndarray, x: np.uint64) -> np.uint64:
    """Bytes from a place to the next one, that one's first byte (or the end) included."""
    return (U(starts[x + _ONE]) if x + _ONE < U(starts.size) else size) + _ONE - U(starts[x])


@flat_kernel
def _name_group(
    data: np.ndarray, size: np.uint64, starts: np.ndarray, work: Work, begin: np.uint64, end: np.uint64, found: np.uint64
) -> Any:
    """Ranks of places whose eight bytes are the same. Pieces that end within them are equal, and larger than longer ones."""
    longs = begin
    for i in range(begin, end):
        x = work.values[i]
        if _length(size, starts, U(x)) > _EIGHT:
            work.values[i] = work.values[longs]
            work.values[longs] = x
            longs += _ONE
    _merge_sort(data, size, starts, work, begin, longs)
    first = begin
    for i in range(begin, end):
        if i > first and i <= longs and (i == longs or _compare(data, size, starts, work.values[i - _ONE], work.values[i]) != 0):
            found = _note(work, _ZERO, first, U(i), found)
            first = U(i)
        work.ranks[work.values[i]] = first
    return _note(work, _ZERO, first, end, found)


@inlined
def _note(work: Work, side: np.uint64, begin: np.uint64, end: np.uint64, found: np.uint64) -> np.uint64:
    """Note a group that is not sorted yet; groups of one are. Returns how many are noted."""
    if end - begin > _ONE:
        work.groups[side, found << _ONE] = begin
        work.groups[side, (found << _ONE) + _ONE] = end
        return found + _ONE
    return found


@inlined
def _compare(data: np.ndarray, size: np.uint64, starts: np.ndarray, x: int, y: int) -> int:
    """-1, 0 or 1: the order of two pieces longer than the eight bytes in which they agree; one that goes on is smaller."""
    a, b = U(starts[x]), U(starts[y])
    long, other = _length(size, starts, U(x)), _length(size, starts, U(y))
    both, at = min(long, other), _EIGHT
    while at < both:
        left, right = _reversed(load64(data, a + at)), _reversed(load64(data, b + at))
        rest = both - at
        if rest < _EIGHT:
            left >>= (_EIGHT - rest) << U(3)
            right >>= (_EIGHT - rest) << U(3)
        if left != right:
            return -1 if left < right else 1
        at += _EIGHT
    if a + long > size or b + other > size:  # the end of the data is smaller than any byte
        return -1 if a + long > size else 1
    if long == other:
        return 0
    return -1 if long > other else 1


@flat_kernel
def _merge_sort(data: np.ndarray, size: np.uint64, starts: np.ndarray, work: Work, begin: np.uint64, end: np.uint64) -> None:
    """Sort values[begin:end] by their pieces."""
    values, other = work.values, work.other_values
    width, moved = _ONE, False
    while width < end - begin:
        left = begin
        while left < end:
            middle, right = min(left + width, end), min(left + U(2) * width, end)
            i, j = U(left), U(middle)
            for k in range(left, right):
                if j == right or (i < middle and _compare(data, size, starts, values[i], values[j]) <= 0):
                    other[k] = values[i]
                    i += _ONE
                else:
                    other[k] = values[j]
                    j += _ONE
            left = right
        values, other = other, values
        moved = not moved
        width *= U(2)
    if moved:
        for i in range(begin, end):
            other[i] = values[i]


@flat_kernel
def _refine(work: Work, side: np.uint64, count: np.uint64, depth: np.uint64, m: np.uint64) -> Any:
    """Sort the unsorted groups by the ranks that follow `depth` and twice as many places later; returns how many still are."""
    keys, values, ranks, groups = work.keys, work.values, work.ranks, work.groups
    found, other = _ZERO, side ^ _ONE
    for g in range(count):
        begin, end = U(groups[side, g << _ONE]), U(groups[side, (g << _ONE) + _ONE])
        for i in range(begin, end):
            near, far = U(values[i]) + depth, U(values[i]) + depth * U(2)
            key = U(ranks[near]) + _ONE if near < m else _ZERO
            keys[i] = (key << U(32)) | (U(ranks[far]) + _ONE if far < m else _ZERO)
        _sort_range(work, begin, end)
        first = begin
        for i in range(begin, end):
            if keys[i] != keys[first]:
                found = _note(work, other, first, U(i), found)
                first = U(i)
            ranks[values[i]] = first
        found = _note(work, other, first, end, found)
    return found
