"""Pieces in the order of their bytes, as a trie: all pieces with one beginning are neighbours, and a byte narrows them down."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Trie(NamedTuple):
    """Nodes are beginnings of pieces; node 0 is the empty one. Children of a node are neighbours, by byte."""

    order: NDArray[np.int32]  # [pieces]: piece numbers by their bytes
    rank: NDArray[np.int32]  # [pieces]: the inverse
    first: NDArray[np.int32]  # [nodes]: rank of the first piece with this beginning; the beginning itself, if it is a piece
    end: NDArray[np.int32]  # [nodes]: rank behind the last one
    piece: NDArray[np.int32]  # [nodes]: the piece that is this beginning, or -1
    child: NDArray[np.int32]  # [nodes + 1]: first child of each node
    byte: NDArray[np.uint8]  # [nodes]: last byte of the beginning


def trie(texts: list[bytes]) -> Trie:
    """The trie of pieces, all different and none empty."""
    order = sorted(range(len(texts)), key=texts.__getitem__)
    nodes = [(0, len(texts), 0)]  # first, end, length; breadth first, so that children are neighbours
    piece, byte, child = [-1], [0], [0]
    at = 0
    while at < len(nodes):
        first, end, length = nodes[at]
        child[at] = len(nodes)
        i = first + (piece[at] >= 0)
        while i < end:
            symbol = texts[order[i]][length]
            begin = i
            while i < end and texts[order[i]][length] == symbol:
                i += 1
            nodes.append((begin, i, length + 1))
            byte.append(symbol)
            child.append(0)
            whole = len(texts[order[begin]]) == length + 1
            piece.append(order[begin] if whole else -1)
        at += 1
    rank = np.empty(len(texts), np.int32)
    rank[order] = np.arange(len(texts))
    ranges = np.array(nodes, np.int32)
    return Trie(
        np.array(order, np.int32),
        rank,
        np.ascontiguousarray(ranges[:, 0]),
        np.ascontiguousarray(ranges[:, 1]),
        np.array(piece, np.int32),
        np.array([*child, len(nodes)], np.int32),
        np.array(byte, np.uint8),
    )
