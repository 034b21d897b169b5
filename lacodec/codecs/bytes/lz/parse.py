"""The optimal parse of the LZ codec: candidate matches and prices go in, the cheapest sequences come out.

Dynamic programming over positions, forward. Of every position the cheapest known way to reach it is kept, and the last four
offsets that this way leaves behind; from there it is extended by a literal, by every candidate at many lengths, and by a match,
one literal and the same offset again, a combination whose first part alone would often lose.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    LENGTH_DETAIL,
    OFFSET_DETAIL,
    common_length,
    length_context,
    load64,
    offset_context,
    run_context,
    slot_of,
    trailing_zeros,
)
from lacodec.codecs.bytes.lz.offers import LANES, PRICE_SHIFT, offer_lengths
from lacodec.codecs.bytes.lz.path import FIRST_LENGTH, JUMP, LAST, ONE, Search, arrive, chosen_by, clear, collect, length_prices
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import flat_kernel, inlined

PRICE_UNIT = 64  # prices are in 1/64 bit and include a slot's raw bits
U: Any = np.uint64
_AHEAD = U(8)  # positions between asking for what a match repeats and comparing it


class Node(NamedTuple):
    """A node that is being extended, all uint64."""

    i: int
    position: int  # of the data
    size: int  # nodes of the segment, but for the first
    run: int  # literals before
    offsets: int  # row of the prices of offsets
    nice: int
    edge: int


@flat_kernel
def parse_optimal(s: Search, start: int, stop: int, nice: int, edge: int) -> Any:
    """Cheapest sequences for data[start:stop], at most 2**20 positions; a match of `nice` bytes (below 511) is taken at once.

    Of a match, so many of the shortest and of the longest lengths are tried (a multiple of LANES).

    last[0:4] gives the last four offsets. Fills the end of sequences; returns where they begin and the literals after the last
    match.
    """
    most, origin = U(nice), U(start)
    size = U(stop) - origin
    clear(s, origin, size)
    length_prices(s, most)
    i = U(0)
    while i < size:
        if i > U(0):
            arrive(s, i)
        if i + _AHEAD < size:
            _ask(s, origin, i + _AHEAD)
        _offer_literal(s, origin, i)
        i += _offer_matches(s, origin, i, size, most, U(edge))
    arrive(s, size)
    return collect(s, size)


@inlined
def _price(s: Search, context: int, symbol: int) -> int:
    return U(s.prices[(U(s.tables[context]) << U(8)) + symbol])


@inlined
def _offer(s: Search, node: int, price: int, choice: int) -> None:
    """Keep this way to reach a node if it is the cheapest."""
    s.path[node] = min(U(s.path[node]), (price << U(PRICE_SHIFT)) | choice)


@inlined
def _ask(s: Search, origin: int, i: int) -> None:
    """Ask for what the candidates of node i repeat."""
    for k in range(U(s.first[i]), U(s.first[i + ONE])):
        place = origin + i - (s.found[k] & U(0xFFFFFFFF))
        prefetch(s.data, np.int64(place))
        if s.ranks.size > 0:
            prefetch(s.ranks, np.int64(place))


@inlined
def _before(s: Search, position: int) -> int:
    """The byte before a position."""
    return U(s.data[position - ONE]) if position > U(0) else U(0)


@inlined
def _offer_literal(s: Search, origin: int, i: int) -> None:
    """A literal at node i, whose price is also that of the longer run."""
    position, owner = origin + i, U(s.owner[i])
    run, run_row = i - owner, U(s.tables[run_context(_before(s, origin + owner))]) << U(8)
    recent = U(s.last[owner * LAST])
    guess = U(s.data[position - recent]) if recent <= position else U(0)
    context = guess if run == U(0) else U(256) + _before(s, position)
    price = (s.path[i] >> U(PRICE_SHIFT)) + _price(s, context, U(s.data[position]))
    price += U(s.prices[run_row + slot_of(run + ONE, U(LENGTH_DETAIL))])
    price -= U(s.prices[run_row + slot_of(run, U(LENGTH_DETAIL))])
    _offer(s, i + ONE, price, chosen_by(U(0), U(0)))


@inlined
def _offer_matches(s: Search, origin: int, i: int, size: int, nice: int, edge: int) -> int:
    """All candidates at node i, those at recent distances first; returns how far to go on: mostly to the next node."""
    position, owner, limit = origin + i, U(s.owner[i]), min(size - i, nice)
    run, word = i - owner, load64(s.data, position)
    row = U(s.tables[offset_context(run, _before(s, position))]) << U(8)
    node = Node(i, position, size, run, row, nice, edge)
    longest, choice, far = U(0), U(0), U(0)
    for k in range(LAST):
        distance = U(s.last[owner * LAST + k])
        if distance > position:
            continue
        length = trailing_zeros(load64(s.data, position - distance) ^ word) >> U(3)
        if length == U(8):
            length = common_length(s.data, position - distance, position, length, limit)
        length, shortest = min(length, limit), max(longest + ONE, ONE + U(k > U(0)))
        if length >= shortest:
            _offer_match(s, node, k, k, distance, shortest, length)
            longest, choice, far = length, k, distance
    entry = U(s.first[i])
    for k in range(U(s.first[i + ONE]) - entry):
        found = s.found[entry + k]
        length, distance = min(found >> U(32), limit), found & U(0xFFFFFFFF)
        if length > max(longest, ONE):  # an earlier candidate is cheaper at its lengths
            offset = distance
            if s.ranks.size > 0:
                offset = U(s.ranks[position]) - U(s.ranks[position - distance])
            symbol = LAST + slot_of(offset, U(OFFSET_DETAIL))
            _offer_match(s, node, LAST + k, symbol, distance, max(longest, ONE) + ONE, length)
            longest, choice, far = length, LAST + k, distance
    return ONE if longest < nice else _jump(s, node, longest, far, choice)


@inlined
def _jump(s: Search, node: Node, length: int, distance: int, candidate: int) -> int:
    """Take a match as far as it goes; returns its length."""
    whole = common_length(s.data, node.position - distance, node.position, length, node.size - node.i)
    s.jumps[node.i + whole] = whole
    price = s.path[node.i] >> U(PRICE_SHIFT)
    s.path[node.i + whole] = (price << U(PRICE_SHIFT)) | chosen_by(JUMP, candidate)
    return whole


@inlined
def _offer_match(s: Search, node: Node, candidate: int, symbol: int, distance: int, shortest: int, length: int) -> None:
    """A match in the lengths from `shortest` to `length`."""
    price = (s.path[node.i] >> U(PRICE_SHIFT)) + U(s.prices[node.offsets + symbol])
    row = U(s.rows[length_context(node.run, symbol) - U(FIRST_LENGTH)])
    part = shortest
    while part <= length:
        count = length - part + ONE
        offer_lengths(s.path, node.i + part, s.lengths, row + part, s.restart, price, chosen_by(part, candidate), count)
        part += U(LANES)
        if part == shortest + node.edge and part + node.edge <= length:
            part = length + ONE - node.edge
    second = node.i + length + ONE
    at = node.position + length + ONE
    if second + U(2) > node.size or length >= node.nice:
        return
    if ((load64(s.data, at) ^ load64(s.data, at - distance)) & U(0xFFFF)) == U(0):
        limit = min(node.size - second, node.nice)
        _offer_twice(s, at, second, limit, distance, price + U(s.lengths[row + length]), chosen_by(length, candidate))


@inlined
def _offer_twice(s: Search, at: int, second: int, limit: int, distance: int, price: int, choice: int) -> None:
    """After a match (which costs `price`) and one literal, a second match at the same distance: at node `second`, place `at`."""
    again = common_length(s.data, at - distance, at, U(0), limit)
    literal = U(s.data[at - ONE])
    price += _price(s, run_context(U(s.data[at - U(2)])), ONE)
    price += _price(s, U(s.data[at - ONE - distance]), literal)
    price += _price(s, offset_context(ONE, literal), U(0))
    price += _price(s, length_context(ONE, U(0)), slot_of(again - ONE, U(LENGTH_DETAIL)))
    price += U(s.restart[second + again])
    _offer(s, second + again, price, choice | again)
