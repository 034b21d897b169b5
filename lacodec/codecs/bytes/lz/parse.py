"""The optimal parse of the LZ codec: candidate matches and prices go in, the cheapest sequences come out.

Dynamic programming over positions, forward. Of every position the cheapest known way to reach it is kept, and the last four
offsets that this way leaves behind; from there it is extended by a literal, by every candidate at many lengths, and by a match,
one literal and the same offset again, a combination whose first part alone would often lose.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    CONTEXT_BASES,
    CONTEXTS,
    LENGTH,
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
    trailing_zeros,
)
from lacodec.codecs.bytes.lz.offers import CANDIDATE_SHIFT, FAR, LANES, LENGTH_SHIFT, PRICE_SHIFT, offer_lengths
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

PRICE_UNIT = 64  # prices are in 1/64 bit and include a slot's raw bits
_ORIGIN_PRICE = 1 << 16  # so that no sum of differences falls below zero
U: Any = np.uint64
_ONE = U(1)
_LAST = U(REPEATS)  # entries of `last` for a node
_LENGTH, _CANDIDATE = U((1 << 9) - 1), U((1 << 5) - 1)
_JUMP = _LENGTH  # length of a node that says: see `jumps`
_AHEAD = U(8)  # positions between asking for what a match repeats and comparing it
_FIRST_LENGTH = int(CONTEXT_BASES[LENGTH])


class Search(NamedTuple):
    """What a segment of n bytes is parsed with: what is known of it, and work space."""

    data: np.ndarray  # uint8: all bytes, padded
    ranks: np.ndarray  # uint32: of all positions, see `layout`; empty where they are the positions themselves
    first: np.ndarray  # uint32[n + 1]: candidates of each position, as find_matches filled it
    found: np.ndarray  # uint64: length << 32 | distance of each candidate, likewise
    prices: np.ndarray  # uint32[tables * 256]
    tables: np.ndarray  # uint16[CONTEXTS]
    lengths: np.ndarray  # uint32[MAX_TABLES * (nice + 1) + LANES]: price of every length in each row of match lengths
    rows: np.ndarray  # uint32[CONTEXTS - _FIRST_LENGTH]: where in `lengths` the row of each context begins
    path: np.ndarray  # uint64[n + 1 + LANES]: nodes, see `offers`
    restart: np.ndarray  # uint32[n + 1 + LANES]: price of the run length 0 after a match that ends there
    jumps: np.ndarray  # uint32[n + 1]: length of the match by which a node is reached, where it is too long for the node
    owner: np.ndarray  # uint32[n + 1]: where the last match before a node ended, on the way to it
    last: np.ndarray  # uint32[4 * (n + 1)]: the last four offsets, of nodes at which a match ends
    sequences: np.ndarray  # uint32[3 * m]: the result, in its end


class Node(NamedTuple):
    """A node that is being extended, all uint64."""

    i: int
    position: int  # of the data
    size: int  # nodes of the segment, but for the first
    run: int  # literals before
    offsets: int  # row of the prices of offsets
    nice: int
    edge: int


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
        lengths=np.empty(MAX_TABLES * (nice + 1) + LANES, np.uint32),
        rows=np.empty(CONTEXTS - _FIRST_LENGTH, np.uint32),
        path=np.empty(n + 1 + LANES, np.uint64),
        restart=np.empty(n + 1 + LANES, np.uint32),
        jumps=np.empty(n + 1, np.uint32),
        owner=np.empty(n + 1, np.uint32),
        last=np.empty(int(_LAST) * (n + 1), np.uint32),
        sequences=np.empty(3 * n + 3, np.uint32),
    )


@flat_kernel
def parse_optimal(s: Search, start: int, stop: int, nice: int, edge: int) -> Any:
    """Cheapest sequences for data[start:stop], at most 2**20 positions; a match of `nice` bytes (below 511) is taken at once.

    Of a match, so many of the shortest and of the longest lengths are tried (a multiple of LANES).

    last[0:4] gives the last four offsets. Fills the end of sequences; returns where they begin and the literals after the last
    match.
    """
    most, origin = U(nice), U(start)
    size = U(stop) - origin
    _clear(s, origin, size)
    _length_prices(s, most)
    i = U(0)
    while i < size:
        if i > U(0):
            _arrive(s, i)
        if i + _AHEAD < size:
            _ask(s, origin, i + _AHEAD)
        _offer_literal(s, origin, i)
        i += _offer_matches(s, origin, i, size, most, U(edge))
    _arrive(s, size)
    return _collect(s, size)


@inlined
def _clear(s: Search, origin: int, size: int) -> None:
    """No node but the first has been reached."""
    s.path[0], s.owner[0] = U(_ORIGIN_PRICE) << U(PRICE_SHIFT), 0
    for k in range(size + U(LANES)):
        s.path[k + _ONE] = U(FAR)
    for k in range(size):
        s.restart[k + _ONE] = s.prices[U(s.tables[run_context(U(s.data[origin + k]))]) << U(8)]


@inlined
def _length_prices(s: Search, nice: int) -> None:
    """Fill `lengths` and `rows`."""
    first_row, end_row = U(s.tables[CONTEXTS - 1]), U(0)
    for context in range(U(_FIRST_LENGTH), U(CONTEXTS)):
        first_row, end_row = min(first_row, U(s.tables[context])), max(end_row, U(s.tables[context]) + _ONE)
    for row in range(end_row - first_row):
        for k in range(nice):
            price = s.prices[((first_row + row) << U(8)) + slot_of(k, U(LENGTH_DETAIL))]
            s.lengths[row * (nice + _ONE) + k + _ONE] = price
    for context in range(U(_FIRST_LENGTH), U(CONTEXTS)):
        s.rows[context - U(_FIRST_LENGTH)] = (U(s.tables[context]) - first_row) * (nice + _ONE)


@inlined
def _price(s: Search, context: int, symbol: int) -> int:
    return U(s.prices[(U(s.tables[context]) << U(8)) + symbol])


@inlined
def _offer(s: Search, node: int, price: int, choice: int) -> None:
    """Keep this way to reach a node if it is the cheapest."""
    s.path[node] = min(U(s.path[node]), (price << U(PRICE_SHIFT)) | choice)


@inlined
def _by(length: int, candidate: int) -> int:
    """The part of a node below its price: by a match of this length with this candidate, or by a literal (0)."""
    return ((_LENGTH - length) << U(LENGTH_SHIFT)) | (candidate << U(CANDIDATE_SHIFT))


@inlined
def _length(node: int) -> int:
    return _LENGTH - ((node >> U(LENGTH_SHIFT)) & _LENGTH)


@inlined
def _arrive(s: Search, i: int) -> None:
    """Work out what node i has behind it from the node before it on its cheapest way."""
    node = U(s.path[i])
    length, again = _length(node), node & _LENGTH
    if length == U(0):
        s.owner[i] = s.owner[i - _ONE]
        return
    if length == _JUMP:
        length = U(s.jumps[i])
    there = i - length - again - U(again > U(0))
    before, here = U(s.owner[there]) * _LAST, i * _LAST
    candidate = (node >> U(CANDIDATE_SHIFT)) & _CANDIDATE
    if candidate < _LAST:
        distance = U(s.last[before + candidate])
    else:
        distance = U(s.found[U(s.first[there]) + candidate - _LAST]) & U(0xFFFFFFFF)
    s.last[here] = distance
    moved = True
    for k in range(_LAST - _ONE):
        moved = moved and U(s.last[before + k]) != distance
        s.last[here + k + _ONE] = s.last[before + k + (U(0) if moved else _ONE)]
    s.owner[i] = i


@inlined
def _ask(s: Search, origin: int, i: int) -> None:
    """Ask for what the candidates of node i repeat."""
    for k in range(U(s.first[i]), U(s.first[i + _ONE])):
        place = origin + i - (s.found[k] & U(0xFFFFFFFF))
        prefetch(s.data, np.int64(place))
        if s.ranks.size > 0:
            prefetch(s.ranks, np.int64(place))


@inlined
def _before(s: Search, position: int) -> int:
    """The byte before a position."""
    return U(s.data[position - _ONE]) if position > U(0) else U(0)


@inlined
def _offer_literal(s: Search, origin: int, i: int) -> None:
    """A literal at node i, whose price is also that of the longer run."""
    position, owner = origin + i, U(s.owner[i])
    run, run_row = i - owner, U(s.tables[run_context(_before(s, origin + owner))]) << U(8)
    recent = U(s.last[owner * _LAST])
    guess = U(s.data[position - recent]) if recent <= position else U(0)
    context = guess if run == U(0) else U(256) + _before(s, position)
    price = (s.path[i] >> U(PRICE_SHIFT)) + _price(s, context, U(s.data[position]))
    price += U(s.prices[run_row + slot_of(run + _ONE, U(LENGTH_DETAIL))])
    price -= U(s.prices[run_row + slot_of(run, U(LENGTH_DETAIL))])
    _offer(s, i + _ONE, price, _by(U(0), U(0)))


@inlined
def _offer_matches(s: Search, origin: int, i: int, size: int, nice: int, edge: int) -> int:
    """All candidates at node i, those at recent distances first; returns how far to go on: mostly to the next node."""
    position, owner, limit = origin + i, U(s.owner[i]), min(size - i, nice)
    run, word = i - owner, load64(s.data, position)
    row = U(s.tables[offset_context(run, _before(s, position))]) << U(8)
    node = Node(i, position, size, run, row, nice, edge)
    longest, choice, far = U(0), U(0), U(0)
    for k in range(_LAST):
        distance = U(s.last[owner * _LAST + k])
        if distance > position:
            continue
        length = trailing_zeros(load64(s.data, position - distance) ^ word) >> U(3)
        if length == U(8):
            length = common_length(s.data, position - distance, position, length, limit)
        length, shortest = min(length, limit), max(longest + _ONE, _ONE + U(k > U(0)))
        if length >= shortest:
            _offer_match(s, node, k, k, distance, shortest, length)
            longest, choice, far = length, k, distance
    entry = U(s.first[i])
    for k in range(U(s.first[i + _ONE]) - entry):
        found = s.found[entry + k]
        length, distance = min(found >> U(32), limit), found & U(0xFFFFFFFF)
        if length > max(longest, _ONE):  # an earlier candidate is cheaper at its lengths
            offset = distance
            if s.ranks.size > 0:
                offset = U(s.ranks[position]) - U(s.ranks[position - distance])
            symbol = _LAST + slot_of(offset, U(OFFSET_DETAIL))
            _offer_match(s, node, _LAST + k, symbol, distance, max(longest, _ONE) + _ONE, length)
            longest, choice, far = length, _LAST + k, distance
    return _ONE if longest < nice else _jump(s, node, longest, far, choice)


@inlined
def _jump(s: Search, node: Node, length: int, distance: int, candidate: int) -> int:
    """Take a match as far as it goes; returns its length."""
    whole = common_length(s.data, node.position - distance, node.position, length, node.size - node.i)
    s.jumps[node.i + whole] = whole
    price = s.path[node.i] >> U(PRICE_SHIFT)
    s.path[node.i + whole] = (price << U(PRICE_SHIFT)) | _by(_JUMP, candidate)
    return whole


@inlined
def _offer_match(s: Search, node: Node, candidate: int, symbol: int, distance: int, shortest: int, length: int) -> None:
    """A match in the lengths from `shortest` to `length`."""
    price = (s.path[node.i] >> U(PRICE_SHIFT)) + U(s.prices[node.offsets + symbol])
    row = U(s.rows[length_context(node.run, symbol) - U(_FIRST_LENGTH)])
    part = shortest
    while part <= length:
        count = length - part + _ONE
        offer_lengths(s.path, node.i + part, s.lengths, row + part, s.restart, price, _by(part, candidate), count)
        part += U(LANES)
        if part == shortest + node.edge and part + node.edge <= length:
            part = length + _ONE - node.edge
    second = node.i + length + _ONE
    at = node.position + length + _ONE
    if second + U(2) > node.size or length >= node.nice:
        return
    if ((load64(s.data, at) ^ load64(s.data, at - distance)) & U(0xFFFF)) == U(0):
        limit = min(node.size - second, node.nice)
        _offer_twice(s, at, second, limit, distance, price + U(s.lengths[row + length]), _by(length, candidate))


@inlined
def _offer_twice(s: Search, at: int, second: int, limit: int, distance: int, price: int, choice: int) -> None:
    """After a match (which costs `price`) and one literal, a second match at the same distance: at node `second`, place `at`."""
    again = common_length(s.data, at - distance, at, U(0), limit)
    literal = U(s.data[at - _ONE])
    price += _price(s, run_context(U(s.data[at - U(2)])), _ONE)
    price += _price(s, U(s.data[at - _ONE - distance]), literal)
    price += _price(s, offset_context(_ONE, literal), U(0))
    price += _price(s, length_context(_ONE, U(0)), slot_of(again - _ONE, U(LENGTH_DETAIL)))
    price += U(s.restart[second + again])
    _offer(s, second + again, price, choice | again)


@inlined
def _collect(s: Search, size: int) -> Any:
    """Walk the cheapest way back from the end."""
    path, sequences = s.path, s.sequences
    top = U(len(sequences))
    at, i, run, tail = top, size, U(0), U(0)
    while i > U(0):
        node = U(path[i])
        length, again, distance = _length(node), node & _LENGTH, U(s.last[i * _LAST])
        if length == U(0):
            run += _ONE
            i -= _ONE
            continue
        if length == _JUMP:
            length = U(s.jumps[i])
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
