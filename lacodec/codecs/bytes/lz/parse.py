"""The optimal parse of the LZ codec: candidate matches and prices go in, the cheapest sequences come out.

Dynamic programming over positions, forward. Of every position the cheapest known way to reach it is kept, with the last four
offsets that this way leaves behind; from there it is extended by a literal, by every candidate at many lengths, and by a match,
one literal and the same offset again, a combination whose first part alone would often lose.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    CONTEXTS,
    LENGTH_DETAIL,
    MAX_TABLES,
    OFFSET_DETAIL,
    REPEATS,
    common_length,
    length_context,
    load64,
    offset_context,
    run_context,
    slot_of,
)
from lacodec.kernels.jit import flat_kernel, inlined

PRICE_UNIT = 64  # prices are in 1/64 bit and include a slot's raw bits
_FAR = 0xFFFFFFFF
_ORIGIN_PRICE = 1 << 16  # so that no sum of differences falls below zero
U: Any = np.uint64
S64: Any = np.int64
_ONE = U(1)
# A node of `path`: the cheapest price at which it is reached, and how: by a literal (length 0) or a match of this length and
# distance; after which, if `again` is not 0, came a literal and a match of that length at the same distance.
_NODE = U(4)
_LENGTH, _DISTANCE, _AGAIN = U(1), U(2), U(3)
# A node of `state`: the last four offsets, the literals just before, the context of their run.
_STATE = U(8)
_RUN, _RUN_CONTEXT = U(4), U(5)


class Search(NamedTuple):
    """What a segment of n bytes is parsed with: what is known of it, and work space."""

    data: np.ndarray  # uint8: all bytes, padded
    ranks: np.ndarray  # uint32: of all positions, see `layout`; empty where they are the positions themselves
    first: np.ndarray  # uint32[n + 1]: candidates of each position, as find_matches filled it
    found: np.ndarray  # uint64: length << 32 | distance of each candidate, likewise
    prices: np.ndarray  # uint32[tables * 256]
    tables: np.ndarray  # uint16[CONTEXTS]
    lengths: np.ndarray  # uint32[MAX_TABLES * (nice + 1)]: price of every length in each row of match lengths
    path: np.ndarray  # uint32[4 * (n + 1)]
    restart: np.ndarray  # uint32[n + 1]: price of the run length 0 after a match that ends there
    state: np.ndarray  # uint32[8 * (n + 1)]
    sequences: np.ndarray  # uint32[3 * m]: the result, in its end


def new_search(data: np.ndarray, ranks: np.ndarray, first: np.ndarray, found: np.ndarray, nice: int) -> Search:
    """A search of the segments that `first` has room for; it still lacks prices and tables."""
    n = len(first) - 1
    return Search(
        data=data,
        ranks=ranks,
        first=first,
        found=found,
        prices=np.empty(0, np.uint32),
        tables=np.empty(0, np.uint16),
        lengths=np.empty(MAX_TABLES * (nice + 1), np.uint32),
        path=np.empty(int(_NODE) * (n + 1), np.uint32),
        restart=np.empty(n + 1, np.uint32),
        state=np.empty(int(_STATE) * (n + 1), np.uint32),
        sequences=np.empty(3 * n + 3, np.uint32),
    )


@flat_kernel
def parse_optimal(s: Search, start: int, stop: int, nice: int, edge: int) -> Any:
    """Cheapest sequences for data[start:stop], at most 2**20 positions; a match of `nice` bytes is taken at once.

    Of a match, so many of the shortest and of the longest lengths are tried.

    state[0:6] gives the last four offsets, the literals just before and the context of their run. Fills the end of sequences;
    returns where they begin and the literals after the last match.
    """
    most, origin = U(nice), U(start)
    size = U(stop) - origin
    _clear(s, origin, size)
    first_row = _length_prices(s, most)
    i = U(0)
    while i < size:
        if i > U(0):
            _arrive(s, origin, i)
        _offer_literal(s, origin, i)
        longest, distance = _offer_matches(s, origin, i, size, most, first_row, U(edge))
        if longest >= most:
            i += _jump(s, origin, i, size, longest, distance)
        else:
            i += _ONE
    return _collect(s, size)


@inlined
def _clear(s: Search, origin: int, size: int) -> None:
    """No node but the first has been reached."""
    for k in range(_NODE, (size + _ONE) * _NODE, _NODE):
        s.path[k] = _FAR
    s.path[0], s.path[1], s.path[2], s.path[3] = _ORIGIN_PRICE, 0, 0, 0
    for k in range(size):
        s.restart[k + _ONE] = s.prices[U(s.tables[run_context(U(s.data[origin + k]))]) << U(8)]


@inlined
def _length_prices(s: Search, nice: int) -> int:
    """Fill `lengths`; returns the first row of match lengths in `prices`."""
    first_row, end_row = U(s.tables[CONTEXTS - 1]), U(0)
    for context in range(length_context(U(0), U(0)), U(CONTEXTS)):
        first_row, end_row = min(first_row, U(s.tables[context])), max(end_row, U(s.tables[context]) + _ONE)
    for row in range(end_row - first_row):
        for k in range(nice):
            price = s.prices[((first_row + row) << U(8)) + slot_of(k, U(LENGTH_DETAIL))]
            s.lengths[row * (nice + _ONE) + k + _ONE] = price
    return first_row


@inlined
def _price(s: Search, context: int, symbol: int) -> int:
    return S64(s.prices[(U(s.tables[context]) << U(8)) + symbol])


@inlined
def _offer(s: Search, node: int, cost: int, length: int, distance: int, again: int) -> None:
    """Keep this way to reach a node if it is the cheapest."""
    if cost < S64(s.path[node]):
        s.path[node] = cost
        s.path[node + _LENGTH] = length
        s.path[node + _DISTANCE] = distance
        s.path[node + _AGAIN] = again


@inlined
def _arrive(s: Search, origin: int, i: int) -> None:
    """Work out the state of node i from the node before it on its cheapest way."""
    path, state = s.path, s.state
    node, here = i * _NODE, i * _STATE
    length, distance, again = U(path[node + _LENGTH]), U(path[node + _DISTANCE]), U(path[node + _AGAIN])
    if length == U(0):
        there = here - _STATE
        for k in range(U(6)):
            state[here + k] = state[there + k]
        state[here + _RUN] += _ONE
        return
    there = (i - length) * _STATE
    if again != U(0):
        there -= (_ONE + again) * _STATE
    state[here] = distance
    moved = True
    for k in range(U(REPEATS) - _ONE):
        moved = moved and U(state[there + k]) != distance
        state[here + k + _ONE] = state[there + k + (U(0) if moved else _ONE)]
    state[here + _RUN] = 0
    state[here + _RUN_CONTEXT] = run_context(U(s.data[origin + i - _ONE]))


@inlined
def _offer_literal(s: Search, origin: int, i: int) -> None:
    """A literal at node i, whose price is also that of the longer run."""
    position, here = origin + i, i * _STATE
    run, run_row = U(s.state[here + _RUN]), U(s.tables[s.state[here + _RUN_CONTEXT]]) << U(8)
    guess = U(s.data[position - U(s.state[here])]) if U(s.state[here]) <= position else U(0)
    context = guess if run == U(0) else U(256) + _before(s, position)
    cost = S64(s.path[i * _NODE]) + _price(s, context, U(s.data[position]))
    cost += S64(s.prices[run_row + slot_of(run + _ONE, U(LENGTH_DETAIL))])
    cost -= S64(s.prices[run_row + slot_of(run, U(LENGTH_DETAIL))])
    _offer(s, (i + _ONE) * _NODE, cost, U(0), U(0), U(0))


@inlined
def _before(s: Search, position: int) -> int:
    """The byte before a position."""
    return U(s.data[position - _ONE]) if position > U(0) else U(0)


@inlined
def _offer_matches(s: Search, origin: int, i: int, size: int, nice: int, first_row: int, edge: int) -> Any:
    """All candidates at node i, those at recent distances first; returns length and distance of the longest."""
    position, run = origin + i, U(s.state[i * _STATE + _RUN])
    base, context = S64(s.path[i * _NODE]), offset_context(run, _before(s, position))
    candidates = U(s.first[i + _ONE]) - U(s.first[i])
    longest, longest_distance = U(0), U(0)
    for k in range(U(REPEATS) + candidates):
        length, distance, symbol = _candidate(s, origin, i, k, min(size - i, nice))
        shortest = max(longest + _ONE, _ONE + U(k > U(0)))  # an earlier candidate is cheaper at its lengths
        if length < shortest:
            continue
        longest, longest_distance = length, distance
        cost = base + _price(s, context, symbol)
        row = (U(s.tables[length_context(run, symbol)]) - first_row) * (nice + _ONE)
        part = shortest
        while part <= length:
            end = i + part
            _offer(s, end * _NODE, cost + S64(s.lengths[row + part]) + S64(s.restart[end]), part, distance, U(0))
            part += _ONE
            if part == shortest + edge and part + edge < length:
                part = length - edge
        if length < nice:
            _offer_twice(s, origin, i, size, length, distance, cost + S64(s.lengths[row + length]), nice)
    return longest, longest_distance


@inlined
def _candidate(s: Search, origin: int, i: int, k: int, limit: int) -> Any:
    """Length (0: none), distance and offset symbol of candidate k at node i."""
    position = origin + i
    if k < U(REPEATS):
        distance = U(s.state[i * _STATE + k])
        length = common_length(s.data, position - distance, position, U(0), limit) if distance <= position else U(0)
        return length, distance, k
    entry = s.found[U(s.first[i]) + k - U(REPEATS)]
    distance = entry & U(0xFFFFFFFF)
    offset = distance
    if s.ranks.size > 0:
        offset = U(s.ranks[position]) - U(s.ranks[position - distance])
    return min(entry >> U(32), limit), distance, U(REPEATS) + slot_of(offset, U(OFFSET_DETAIL))


@inlined
def _offer_twice(s: Search, origin: int, i: int, size: int, length: int, distance: int, cost: int, nice: int) -> None:
    """A match at node i in its full length (which costs `cost`), one literal and a second match at the same distance,
    where at least two bytes agree there."""
    second = i + length + _ONE
    at = origin + second
    if second + U(2) > size or ((load64(s.data, at) ^ load64(s.data, at - distance)) & U(0xFFFF)) != U(0):
        return
    again = common_length(s.data, at - distance, at, U(0), min(size - second, nice))
    literal = U(s.data[at - _ONE])
    cost += _price(s, run_context(U(s.data[at - U(2)])), _ONE)
    cost += _price(s, U(s.data[at - _ONE - distance]), literal)
    cost += _price(s, offset_context(_ONE, literal), U(0))
    cost += _price(s, length_context(_ONE, U(0)), slot_of(again - _ONE, U(LENGTH_DETAIL)))
    cost += _price(s, run_context(U(s.data[at + again - _ONE])), U(0))
    _offer(s, (second + again) * _NODE, cost, length, distance, again)


@inlined
def _jump(s: Search, origin: int, i: int, size: int, length: int, distance: int) -> int:
    """Take a match at node i as far as it goes; returns its length."""
    position = origin + i
    whole = common_length(s.data, position - distance, position, length, size - i)
    end = (i + whole) * _NODE
    s.path[end], s.path[end + _LENGTH], s.path[end + _DISTANCE], s.path[end + _AGAIN] = s.path[i * _NODE], whole, distance, 0
    return whole


@inlined
def _collect(s: Search, size: int) -> Any:
    """Walk the cheapest way back from the end."""
    path, sequences = s.path, s.sequences
    top = U(len(sequences))
    at, i, run, tail = top, size, U(0), U(0)
    while i > U(0):
        node = i * _NODE
        length, distance, again = U(path[node + _LENGTH]), U(path[node + _DISTANCE]), U(path[node + _AGAIN])
        if length == U(0):
            run += _ONE
            i -= _ONE
            continue
        if at == top:
            tail = run
        else:
            sequences[at] = run
        run = U(0)
        if again != U(0):
            at -= U(3)
            sequences[at], sequences[at + _ONE], sequences[at + U(2)] = 1, again, distance
            i -= again + _ONE
        at -= U(3)
        sequences[at + _ONE], sequences[at + U(2)] = length, distance
        i -= length
    if at == top:
        return at, run
    sequences[at] = run
    return at, tail
