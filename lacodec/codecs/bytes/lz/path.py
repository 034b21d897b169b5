"""The nodes of the optimal parse: what is kept of every position, and the way back through them.

Of a position, `path` has how it is reached at the least price; of those at which a match ends, `last` has the four offsets that
this way leaves behind. Which way that is, is known when the parse arrives there.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.bytes.lz.layout import (
    CONTEXT_BASES,
    CONTEXTS,
    LENGTH,
    LENGTH_DETAIL,
    MAX_TABLES,
    REPEATS,
    run_context,
    slot_of,
)
from lacodec.codecs.bytes.lz.offers import CANDIDATE_SHIFT, FAR, LANES, LENGTH_SHIFT, PRICE_SHIFT
from lacodec.kernels.jit import inlined

U: Any = np.uint64
ONE = U(1)
LAST = U(REPEATS)  # entries of `last` for a node
FIRST_LENGTH = int(CONTEXT_BASES[LENGTH])
JUMP = U((1 << 9) - 1)  # length of a node that says: see `jumps`
_ORIGIN_PRICE = 1 << 16  # so that no sum of differences falls below zero
_LENGTH, _CANDIDATE = JUMP, U((1 << 5) - 1)  # all their bits


class Search(NamedTuple):
    """What a segment of n bytes is parsed with: what is known of it, and work space."""

    data: np.ndarray  # uint8: all bytes, padded
    ranks: np.ndarray  # uint32: of all positions, see `layout`; empty where they are the positions themselves
    first: np.ndarray  # uint32[n + 1]: candidates of each position, as find_matches filled it
    found: np.ndarray  # uint64: length << 32 | distance of each candidate, likewise
    prices: np.ndarray  # uint32[tables * 256]
    tables: np.ndarray  # uint16[CONTEXTS]
    lengths: np.ndarray  # uint32[MAX_TABLES * (nice + 1) + LANES]: price of every length in each row of match lengths
    rows: np.ndarray  # uint32[CONTEXTS - FIRST_LENGTH]: where in `lengths` the row of each context begins
    path: np.ndarray  # uint64[n + 1 + LANES]: nodes, see `offers`
    restart: np.ndarray  # uint32[n + 1 + LANES]: price of the run length 0 after a match that ends there
    jumps: np.ndarray  # uint32[n + 1]: length of the match by which a node is reached, where it is too long for the node
    owner: np.ndarray  # uint32[n + 1]: where the last match before a node ended, on the way to it
    last: np.ndarray  # uint32[4 * (n + 1)]: the last four offsets, of nodes at which a match ends
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
        lengths=np.empty(MAX_TABLES * (nice + 1) + LANES, np.uint32),
        rows=np.empty(CONTEXTS - FIRST_LENGTH, np.uint32),
        path=np.empty(n + 1 + LANES, np.uint64),
        restart=np.empty(n + 1 + LANES, np.uint32),
        jumps=np.empty(n + 1, np.uint32),
        owner=np.empty(n + 1, np.uint32),
        last=np.empty(int(LAST) * (n + 1), np.uint32),
        sequences=np.empty(3 * n + 3, np.uint32),
    )


@inlined
def clear(s: Search, origin: int, size: int) -> None:
    """No node but the first has been reached."""
    s.path[0], s.owner[0] = U(_ORIGIN_PRICE) << U(PRICE_SHIFT), 0
    for k in range(size + U(LANES)):
        s.path[k + ONE] = U(FAR)
    for k in range(size):
        s.restart[k + ONE] = s.prices[U(s.tables[run_context(U(s.data[origin + k]))]) << U(8)]


@inlined
def length_prices(s: Search, nice: int) -> None:
    """Fill `lengths` and `rows`."""
    first_row, end_row = U(s.tables[CONTEXTS - 1]), U(0)
    for context in range(U(FIRST_LENGTH), U(CONTEXTS)):
        first_row, end_row = min(first_row, U(s.tables[context])), max(end_row, U(s.tables[context]) + ONE)
    for row in range(end_row - first_row):
        for k in range(nice):
            price = s.prices[((first_row + row) << U(8)) + slot_of(k, U(LENGTH_DETAIL))]
            s.lengths[row * (nice + ONE) + k + ONE] = price
    for context in range(U(FIRST_LENGTH), U(CONTEXTS)):
        s.rows[context - U(FIRST_LENGTH)] = (U(s.tables[context]) - first_row) * (nice + ONE)


@inlined
def chosen_by(length: int, candidate: int) -> int:
    """The part of a node below its price: by a match of this length with this candidate, or by a literal (0)."""
    return ((_LENGTH - length) << U(LENGTH_SHIFT)) | (candidate << U(CANDIDATE_SHIFT))


@inlined
def _length(node: int) -> int:
    return _LENGTH - ((node >> U(LENGTH_SHIFT)) & _LENGTH)


@inlined
def arrive(s: Search, i: int) -> None:
    """Work out what node i has behind it from the node before it on its cheapest way."""
    node = U(s.path[i])
    length, again = _length(node), node & _LENGTH
    if length == U(0):
        s.owner[i] = s.owner[i - ONE]
        return
    if length == JUMP:
        length = U(s.jumps[i])
    there = i - length - again - U(again > U(0))
    before, here = U(s.owner[there]) * LAST, i * LAST
    candidate = (node >> U(CANDIDATE_SHIFT)) & _CANDIDATE
    if candidate < LAST:
        distance = U(s.last[before + candidate])
    else:
        distance = U(s.found[U(s.first[there]) + candidate - LAST]) & U(0xFFFFFFFF)
    s.last[here] = distance
    moved = True
    for k in range(LAST - ONE):
        moved = moved and U(s.last[before + k]) != distance
        s.last[here + k + ONE] = s.last[before + k + (U(0) if moved else ONE)]
    s.owner[i] = i


@inlined
def collect(s: Search, size: int) -> Any:
    """Walk the cheapest way back from the end."""
    path, sequences = s.path, s.sequences
    top = U(len(sequences))
    at, i, run, tail = top, size, U(0), U(0)
    while i > U(0):
        node = U(path[i])
        length, again, distance = _length(node), node & _LENGTH, U(s.last[i * LAST])
        if length == U(0):
            run += ONE
            i -= ONE
            continue
        if length == JUMP:
            length = U(s.jumps[i])
        if at == top:
            tail = run
        else:
            sequences[at] = run
        run = U(0)
        if again != U(0):
            at -= U(3)
            sequences[at], sequences[at + ONE], sequences[at + U(2)] = 1, again, distance
            i -= again + ONE
        at -= U(3)
        sequences[at + ONE], sequences[at + U(2)] = length, distance
        i -= length
    if at == top:
        return at, run
    sequences[at] = run
    return at, tail
