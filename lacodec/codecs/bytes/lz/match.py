"""Match finders of the LZ codec: bytes go in, candidate matches (for the optimal parse) or sequences (lazy parse) come out.

A match at a position is (length, distance): data[p : p + length] equals data[p - distance : ...]. All byte arrays are padded.
"""

import numpy as np

from lacodec.codecs.bytes.lz.layout import REPEATS, U, common_length, leading_zeros, load64, move_to_front
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import helper, kernel

# The lazy parse values a match at 4 per byte (about the cost of a literal in bits), less its distance's bits and the following.
_MATCH_COST, _REPEAT_COST = 9, 2
_PATIENCE = 2  # how much better a match must be for each position that it begins later
_LONG = 256  # a match of this length is taken immediately


@kernel
def parse_lazy(data, size, depth, hash_bits, heads, chain, mask, last, sequences):  # type: ignore[no-untyped-def]
    """Greedy parse of data u8[size + padding] that looks two positions ahead before it takes a match.

    heads u32[2**hash_bits] and chain u32[mask + 1] start as zeros, the last offsets u64[4] as ones. Fills sequences u32[3 * n]:
    literals before, length, distance. Returns (entries filled, literals after the last match).
    """
    one, shift = U(1), U(64 - hash_bits)
    size = U(size)
    at, anchor, position, inserted = U(0), U(0), U(0), U(0)
    while position + U(8) < size:
        length, distance, gain = _best(data, size, position, depth, shift, heads, chain, mask, last)
        inserted = position + one
        if length == U(0):
            position += one + ((position - anchor) >> U(8))
            continue
        ahead = one
        while ahead <= U(2) and length < U(_LONG) and position + ahead + U(8) < size:
            later, later_distance, later_gain = _best(data, size, position + ahead, depth, shift, heads, chain, mask, last)
            inserted = position + ahead + one
            if later > U(0) and later_gain > gain + np.int64(_PATIENCE * ahead):
                position += ahead
                length, distance, gain = later, later_distance, later_gain
                ahead = U(0)
            ahead += one
        while position > anchor and distance < position and data[position - one] == data[position - one - distance]:
            position -= one
            length += one
        length = common_length(data, position - distance, position, length, size - position)
        sequences[at] = position - anchor
        sequences[at + one] = length
        sequences[at + U(2)] = distance
        at += U(3)
        move_to_front(last, distance)
        position += length
        anchor = position
        while inserted + U(8) < size and inserted < position:
            hashed = _chain_hash(load64(data, inserted), shift)
            chain[inserted & mask] = heads[hashed]
            heads[hashed] = inserted + one
            inserted += one
    return at, size - anchor


@helper
def _chain_hash(word, shift):  # type: ignore[no-untyped-def]
    """By seven bytes: the lazy parse gains little from shorter matches, and its few steps then reach further back."""
    return ((word << U(8)) * GOLDEN) >> shift


@helper
def _best(data, size, position, depth, shift, heads, chain, mask, last):  # type: ignore[no-untyped-def]
    """Insert a position into its chain; (length, distance, gain) of the match there that saves most, length 0 for none."""
    one = U(1)
    limit = size - position
    length, distance, gain = U(0), U(0), np.int64(0)
    word = load64(data, position)
    for k in range(U(REPEATS)):
        if last[k] <= position and ((load64(data, position - last[k]) ^ word) & U(0xFFFFFF)) == U(0):
            new = common_length(data, position - last[k], position, U(3), limit)
            new_gain = np.int64(new << U(2)) - np.int64(U(_REPEAT_COST) + k)
            if new_gain > gain:
                length, distance, gain = new, last[k], new_gain
    hashed = _chain_hash(word, shift)
    current = U(heads[hashed])
    chain[position & mask] = current
    heads[hashed] = position + one
    left = U(depth)
    while current != U(0) and left != U(0) and length < limit and position + one - current <= mask:
        left -= one
        other = current - one
        # only a match that agrees in the four bytes up to the one after the best so far can be longer
        end = max(length, U(3)) - U(3)
        if (load64(data, other + end) ^ load64(data, position + end)) & U(0xFFFFFFFF) == U(0):
            new = common_length(data, other, position, U(0), limit)
            if new > length:
                new_gain = np.int64(new << U(2)) - np.int64(U(63) - leading_zeros(position - other)) - _MATCH_COST
                if new_gain > gain:
                    length, distance, gain = new, position - other, new_gain
        current = U(chain[other & mask])
    return length, distance, gain
