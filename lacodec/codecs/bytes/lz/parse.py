"""The optimal parse of the LZ codec: candidate matches and prices go in, the cheapest sequences come out.

Dynamic programming over positions, forward. Of every position the cheapest known way to reach it is kept, with the last four
offsets that this way leaves behind; from there it is extended by a literal, by every candidate at many lengths, and by a match,
one literal and the same offset again, a combination whose first part alone would often lose.
"""

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    CONTEXTS,
    LENGTH_DETAIL,
    OFFSET_DETAIL,
    REPEATS,
    U,
    common_length,
    helper,
    length_context,
    load64,
    offset_context,
    run_context,
    slot_of,
)
from lacodec.kernels.jit import kernel

PRICE_UNIT = 64  # prices are in 1/64 bit and include a slot's raw bits
_EDGE = 16  # a match is tried at its shortest and its longest lengths, not at those between
_FAR = 0xFFFFFFFF
_ORIGIN_PRICE = 1 << 16  # so that no sum of differences falls below zero


@kernel
def parse_optimal(data, start, stop, first, found, prices, tables, nice, lengths, path, restart, state, sequences):  # type: ignore[no-untyped-def]
    """Cheapest sequences for data[start:stop] (u8, padded), at most 2**20 positions.

    first, found: as find_matches filled them. prices u32[tables * 256], tables u16[CONTEXTS]. A match of `nice` bytes is taken at
    once. Work space: lengths u32[MAX_TABLES * (nice + 1)], path u32[4 * (n + 1)], restart u32[n + 1] and state u32[8 * (n + 1)];
    state[0:6] gives the last four offsets, the literals just before and the context of their run. Fills the end of sequences
    u32[3 * m]; returns where they begin and the literals after the last match.
    """
    one = U(1)
    nice = U(nice)
    origin = U(start)
    size = U(stop) - origin
    for k in range(U(4), (size + one) << U(2), U(4)):
        path[k] = _FAR
    path[0], path[1], path[2], path[3] = _ORIGIN_PRICE, 0, 0, 0
    for k in range(size):  # cost of the run length 0 after a match that ends at k + 1
        restart[k + one] = prices[U(tables[run_context(U(data[origin + k]))]) << U(8)]
    first_row = _length_prices(prices, tables, nice, lengths)
    i = U(0)
    while i < size:
        node, here = i << U(2), i << U(3)
        if i > U(0):
            _arrive(data, origin, i, path, state)
        position = origin + i
        base = np.int64(path[node])
        run, run_row = U(state[here + U(4)]), U(tables[state[here + U(5)]]) << U(8)
        before = U(data[position - one]) if position > U(0) else U(0)
        guess = U(data[position - U(state[here])]) if U(state[here]) <= position else U(0)
        context = guess if run == U(0) else U(256) + before
        cost = base + _price(prices, tables, context, U(data[position]))
        cost += np.int64(prices[run_row + slot_of(run + one, U(LENGTH_DETAIL))])
        cost -= np.int64(prices[run_row + slot_of(run, U(LENGTH_DETAIL))])
        _offer(path, node + U(4), cost, U(0), U(0), U(0))

        limit = min(size - i, nice)
        context = offset_context(run, before)
        candidate, candidates = U(first[i]), U(first[i + one])
        longest, longest_distance = U(0), U(0)
        for k in range(U(REPEATS) + candidates - candidate):
            if k < U(REPEATS):
                distance = U(state[here + k])
                if distance > position:
                    continue
                length = common_length(data, position - distance, position, U(0), limit)
                symbol = k
            else:
                entry = found[candidate + k - U(REPEATS)]
                distance = entry & U(0xFFFFFFFF)
                length = min(entry >> U(32), limit)
                symbol = U(REPEATS) + slot_of(distance, U(OFFSET_DETAIL))
            shortest = max(longest + one, one + U(k > U(0)))  # an earlier candidate is cheaper at its lengths
            if length < shortest:
                continue
            longest, longest_distance = length, distance
            cost = base + _price(prices, tables, context, symbol)
            row = (U(tables[length_context(run, symbol)]) - first_row) * (nice + one)
            part = shortest
            while part <= length:
                end = i + part
                _offer(path, end << U(2), cost + np.int64(lengths[row + part]) + np.int64(restart[end]), part, distance, U(0))
                part += one
                if part == shortest + U(_EDGE) and part + U(_EDGE) < length:
                    part = length - U(_EDGE)
            # a literal and the same distance again, where at least two bytes agree there
            again = position + length + one
            if (
                length < nice
                and i + length + U(3) <= size
                and ((load64(data, again) ^ load64(data, again - distance)) & U(0xFFFF)) == U(0)
            ):
                _extend_twice(
                    data, origin, i, size, length, distance, cost + np.int64(lengths[row + length]), nice, prices, tables, path
                )
        if longest >= nice:
            length = common_length(data, position - longest_distance, position, longest, size - i)
            end = (i + length) << U(2)
            path[end], path[end + one], path[end + U(2)], path[end + U(3)] = base, length, longest_distance, 0
            i += length
        else:
            i += one
    return _collect(size, path, sequences)


@helper
def _length_prices(prices, tables, nice, lengths):  # type: ignore[no-untyped-def]
    """Fill lengths u32[rows * (nice + 1)], the price of every length in each row of match lengths; returns the first such row."""
    one = U(1)
    first_row, end_row = U(tables[CONTEXTS - 1]), U(0)
    for context in range(length_context(U(0), U(0)), U(CONTEXTS)):
        first_row, end_row = min(first_row, U(tables[context])), max(end_row, U(tables[context]) + one)
    for row in range(end_row - first_row):
        for k in range(nice):
            lengths[row * (nice + one) + k + one] = prices[((first_row + row) << U(8)) + slot_of(k, U(LENGTH_DETAIL))]
    return first_row


@helper
def _price(prices, tables, context, symbol):  # type: ignore[no-untyped-def]
    return np.int64(prices[(U(tables[context]) << U(8)) + symbol])


@helper
def _offer(path, node, cost, length, distance, again):  # type: ignore[no-untyped-def]
    """Keep this way to reach a node if it is the cheapest: a match or literal (length 0), `again` with a second match."""
    if cost < np.int64(path[node]):
        path[node] = cost
        path[node + U(1)] = length
        path[node + U(2)] = distance
        path[node + U(3)] = again


@kernel(inline="always")
def _arrive(data, origin, i, path, state):  # type: ignore[no-untyped-def]
    """Work out the state of node i from the node before it on its cheapest way."""
    one = U(1)
    node, here = i << U(2), i << U(3)
    length, distance, again = U(path[node + one]), U(path[node + U(2)]), U(path[node + U(3)])
    if length == U(0):
        there = here - U(8)
        for k in range(U(6)):
            state[here + k] = state[there + k]
        state[here + U(4)] += one
        return
    there = (i - length) << U(3)
    if again != U(0):
        there -= (one + again) << U(3)
    state[here] = distance
    moved = True
    for k in range(U(REPEATS) - one):
        moved = moved and U(state[there + k]) != distance
        state[here + k + one] = state[there + k + (U(0) if moved else one)]
    state[here + U(4)] = 0
    state[here + U(5)] = run_context(U(data[origin + i - one]))


@helper
def _extend_twice(data, origin, i, size, length, distance, cost, nice, prices, tables, path):  # type: ignore[no-untyped-def]
    """Offer a match at node i in its full length (which costs `cost`), one literal and a second match at the same distance."""
    one = U(1)
    second = i + length + one
    at = origin + second
    again = common_length(data, at - distance, at, U(0), min(size - second, nice))
    literal = U(data[at - one])
    cost += _price(prices, tables, run_context(U(data[at - U(2)])), one)
    cost += _price(prices, tables, U(data[at - one - distance]), literal)
    cost += _price(prices, tables, offset_context(one, literal), U(0))
    cost += _price(prices, tables, length_context(one, U(0)), slot_of(again - one, U(LENGTH_DETAIL)))
    cost += _price(prices, tables, run_context(U(data[at + again - one])), U(0))
    _offer(path, (second + again) << U(2), cost, length, distance, again)


@helper
def _collect(size, path, sequences):  # type: ignore[no-untyped-def]
    """Walk the cheapest way back from the end."""
    one = U(1)
    top = U(len(sequences))
    at, i, run, tail = top, size, U(0), U(0)
    while i > U(0):
        node = i << U(2)
        length, distance, again = U(path[node + one]), U(path[node + U(2)]), U(path[node + U(3)])
        if length == U(0):
            run += one
            i -= one
            continue
        if at == top:
            tail = run
        else:
            sequences[at] = run
        run = U(0)
        if again != U(0):
            at -= U(3)
            sequences[at], sequences[at + one], sequences[at + U(2)] = 1, again, distance
            i -= again + one
        at -= U(3)
        sequences[at + one], sequences[at + U(2)] = length, distance
        i -= length
    if at == top:
        return at, run
    sequences[at] = run
    return at, tail
