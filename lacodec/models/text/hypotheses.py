"""Hypotheses about pieces: beginnings that the bytes so far may be, what each expects next, and which byte followed which.

A `reader` here is anything with the fields that are used: `state`, `cumulative`, `live`, `followers` and `tree` of
`predict.Reader`, whatever it is that remembers.
"""

from typing import Any

import numpy as np

from lacodec.kernels.jit import inlined
from lacodec.models.text.trie import Trie

WEIGHT_BITS = 26
"""Counts of the 256 bytes add up to about 2^26."""

_STEP, _MOST = 32, 1 << 13  # of followers
_FLOOR = 1 << (WEIGHT_BITS - 10)  # weight of what follows the last byte, always

# State, by place in `Reader.state`.
KIND, LENGTH, KNOWN, LIVE, LOST, LAST, STEPS = range(7)
STATES = 7

# A hypothesis, by place in a row of `Reader.live`.
MEMORY, NODE, WEIGHT = range(3)
_U = np.uint64


@inlined
def child_of(trie: Trie, node: np.uint64, byte: np.uint8) -> np.uint64:
    """The child of a node by this byte, or 0."""
    low, high = _U(trie.child[node]), _U(trie.child[node + _U(1)])
    while low < high:
        middle = (low + high) >> _U(1)
        if trie.byte[middle] < byte:
            low = middle + _U(1)
        else:
            high = middle
    return low if low < _U(trie.child[node + _U(1)]) and trie.byte[low] == byte else _U(0)


@inlined
def keep_continued(trie: Trie, reader: Any, byte: np.uint8, begin: np.uint64) -> np.uint64:
    """How many hypotheses are left after a byte: from number `begin` on, those end of which it is no continuation."""
    live, kept = reader.live, begin
    for i in range(begin, np.uint64(reader.state[LIVE])):
        node = np.uint64(live[i, NODE])
        own = reader.cumulative[np.uint64(live[i, MEMORY])]
        child = child_of(trie, node, byte)
        if child == 0:
            continue
        part = own[np.uint64(trie.end[child])] - own[np.uint64(trie.first[child])]
        whole = own[np.uint64(trie.end[node])] - own[np.uint64(trie.first[node])]
        live[kept, MEMORY] = live[i, MEMORY]
        live[kept, NODE] = np.int64(child)
        live[kept, WEIGHT] = np.int64(np.uint64(live[i, WEIGHT]) * part // max(whole, np.uint64(1))) + 1
        kept += np.uint64(1)
    return kept


@inlined
def learn_follower(reader: Any, byte: int) -> None:
    """Which byte followed the last one."""
    last, followers = _U(reader.state[LAST]), reader.followers
    followers[last, _U(byte)] += _STEP
    followers[256, last] += _STEP
    if followers[256, last] > _MOST:
        total = np.int32(0)
        for i in range(_U(256)):
            followers[last, i] = (followers[last, i] + 1) >> 1
            total += followers[last, i]
        followers[256, last] = total
    reader.state[LAST] = byte


@inlined
def count_bytes(trie: Trie, reader: Any) -> None:
    """Counts of the next byte, by all hypotheses, and by the last byte for those that were not followed."""
    tree, live = reader.tree, reader.live
    last = _U(reader.state[LAST])
    lost = (reader.state[LOST] + _FLOOR) // np.int64(reader.followers[256, last])
    for i in range(_U(256)):
        tree[_U(256) + i] = 1 + lost * np.int64(reader.followers[last, i])
    for i in range(_U(reader.state[LIVE])):
        node = _U(live[i, NODE])
        own = reader.cumulative[_U(live[i, MEMORY])]
        weight = _U(live[i, WEIGHT])
        whole = max(own[_U(trie.end[node])] - own[_U(trie.first[node])], _U(1))
        for child in range(_U(trie.child[node]), _U(trie.child[node + _U(1)])):
            part = own[_U(trie.end[child])] - own[_U(trie.first[child])]
            tree[_U(256) + _U(trie.byte[child])] += np.int64(weight * part // whole)
    for i in range(_U(255)):
        place = _U(255) - i
        tree[place] = tree[_U(2) * place] + tree[_U(2) * place + _U(1)]
