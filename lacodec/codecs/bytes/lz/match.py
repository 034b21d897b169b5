"""Match finders of the LZ codec: bytes go in, candidate matches (for the optimal parse) or sequences (lazy parse) come out.

A match at a position is (length, distance): data[p : p + length] equals data[p - distance : ...]. All byte arrays are padded.
"""

import numpy as np

from lacodec.codecs.bytes.lz.layout import REPEATS, U, common_length, leading_zeros, load64, move_to_front
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import helper, kernel

CANDIDATES = 26  # most matches that find_matches keeps for a position

# The lazy parse values a match at 4 per byte (about the cost of a literal in bits), less its distance's bits and the following.
_MATCH_COST, _REPEAT_COST = 9, 2
_PATIENCE = 2  # how much better a match must be for each position that it begins later
_LONG = 256  # a match of this length is taken immediately


@kernel
def find_matches(data, size, start, stop, depth, nice, hash_bits, heads, sons, mask, first, found):  # type: ignore[no-untyped-def]
    """Candidates for positions start..stop of data u8[size + padding]: the nearest match of every length worth having.

    Binary trees of suffixes by 4-byte hash, the newest at the root, at most `depth` nodes visited, lengths up to `nice`; and
    the last place of the same 2 and 3 bytes. heads u32[3, 2**hash_bits], at least 2**16, and sons u32[2 * (mask + 1)] hold
    position + 1 or 0 and live on from call to call.
    Fills found u64 (length << 32 | distance; rising lengths) and first u32[stop - start + 1], where each position's begin.
    """
    by_two, by_three, roots = heads[0], heads[1], heads[2]
    one, shift = U(1), U(64 - hash_bits)
    at = U(0)
    for position in range(U(start), U(stop)):
        first[position - U(start)] = at
        limit = min(U(size) - position, U(nice))
        if limit < U(4):
            continue
        here = position + one
        word = load64(data, position)
        two = word & U(0xFFFF)
        three = ((word & U(0xFFFFFF)) * GOLDEN) >> shift
        four = ((word & U(0xFFFFFFFF)) * GOLDEN) >> shift
        near, near_three, current = U(by_two[two]), U(by_three[three]), U(roots[four])
        by_two[two] = here
        by_three[three] = here
        roots[four] = here
        most = at + U(CANDIDATES)
        best = one
        if near != U(0):
            best = U(2)
            found[at] = (best << U(32)) | (here - near)
            at += one
        if near_three != U(0) and near_three != near and ((load64(data, near_three - one) ^ word) & U(0xFFFFFF)) == U(0):
            best = U(3)
            found[at] = (best << U(32)) | (here - near_three)
            at += one
        smaller, larger = (
            (position & mask) << one,
            ((position & mask) << one) + one,
        )  # where the next smaller / larger suffix goes
        smaller_length, larger_length = U(0), U(0)
        left = U(depth)
        while True:
            if current == U(0) or left == U(0) or here - current > mask:
                sons[smaller] = 0
                sons[larger] = 0
                break
            left -= one
            other = current - one
            length = common_length(data, other, position, min(smaller_length, larger_length), limit)
            if length > best:
                best = length
                at -= U(at == most)
                found[at] = (length << U(32)) | (position - other)
                at += one
            node = (other & mask) << one
            if length == limit:
                sons[smaller] = sons[node]
                sons[larger] = sons[node + one]
                break
            if data[other + length] < data[position + length]:
                sons[smaller] = current
                smaller = node + one
                current = U(sons[smaller])
                smaller_length = length
            else:
                sons[larger] = current
                larger = node
                current = U(sons[larger])
                larger_length = length
    first[U(stop) - U(start)] = at


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
