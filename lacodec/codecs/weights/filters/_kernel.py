"""Kernels of the coder of bits.

    bits around it, in its filter and in another one --> chances --stretch--> weights of its place --squash--> range coder

All whole numbers: every machine computes the same chances.
"""

from typing import Any

import numpy as np

from lacodec.codecs.weights.filters._state import FAR, INPUTS, LIMIT, NEAR, OWN, PLACES, Coder
from lacodec.entropy.mixing import DECODING, STRETCH_LIMIT, code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.bit_counts import ones
from lacodec.kernels.jit import flat_kernel, inlined

MOST_PLACES = 64  # values of a kernel up to which their places matter
_RATE = np.int64(16)  # log2 of how slowly weights move
_MOST = np.int64(1 << 19)
_U = np.uint64
_S = np.int64


@flat_kernel
def code_number(coder: Coder, number: int, count: int) -> Any:
    """A number below `count`, all as likely; returned when decoding."""
    low, high = _S(0), _S(count)
    while high - low > 1:
        middle = low + (high - low + 1) // 2
        chance = ((high - middle) << 16) // (high - low)
        bit = code_decision(coder.registers, coder.stream, chance, _U(number >= middle), coder.plan[DECODING])
        if bit:
            low = middle
        else:
            high = middle
    return low


@flat_kernel
def code_parents(coder: Coder, parents: np.ndarray) -> None:
    """The parents, i64[n], of all filters but the first one: numbers below n, not their own."""
    count = _S(len(parents))
    for i in range(_S(1), count):
        number = code_number(coder, parents[_U(i)] - _S(parents[_U(i)] > i), count - 1)
        parents[_U(i)] = number + _S(number >= i)


@flat_kernel
def code_rows(
    coder: Coder, bits: np.ndarray, channels: int, height: int, width: int, order: np.ndarray, others: np.ndarray
) -> None:
    """Code filters of `bits`, u8[...] of channels * height * width each.

    order: i64[n], their numbers; others: i64[n], for each a filter coded before, or -1.
    """
    area: Any = _S(height) * _S(width)
    placed = area <= MOST_PLACES
    for k in range(_U(len(order))):
        other = others[k]
        for channel in range(_S(channels)):
            begin = (order[k] * _S(channels) + channel) * area
            like = (other * _S(channels) + channel) * area
            for y in range(_S(height)):
                for x in range(_S(width)):
                    place = _held(y) * _S(NEAR) + _held(x) if placed else _S(0)
                    count = _contexts(coder.used, bits, begin, like if other >= 0 else _S(-1), y, x, height, width, place)
                    at = _U(begin + y * _S(width) + x)
                    bits[at] = _code_bit(coder, place, count, _U(bits[at]))


@inlined
def _held(place: int) -> Any:
    """A place in a row or column, kept below NEAR."""
    return _S(place) if place < NEAR else _S(NEAR - 1)


@inlined
def _contexts(
    used: np.ndarray, bits: np.ndarray, begin: int, like: int, y: int, x: int, height: int, width: int, place: int
) -> Any:
    """The entries of the chances for a bit; how many there are. begin, like: the first bit of its kernel and the other one."""
    at = begin + y * width + x
    left = _S(bits[_U(at - 1)]) if x > 0 else _S(2)
    second = _S(bits[_U(at - 2)]) if x > 1 else _S(2)
    above, before, after, top = _S(2), _S(2), _S(2), _S(2)
    if y > 0:
        over = at - width
        above = _S(bits[_U(over)])
        before = _S(bits[_U(over - 1)]) if x > 0 else _S(2)
        after = _S(bits[_U(over + 1)]) if x + 1 < width else _S(2)
        top = _S(bits[_U(over - width)]) if y > 1 else _S(2)
    near = (place * 3 + left) * 3 + above
    far = (((near * 3 + before) * 3 + after) * 3 + second) * 3 + top
    used[_U(0)], used[_U(1)] = _U(near), _U(far)
    if like < 0:
        return _S(2)
    there = like + y * width + x
    told = _S(bits[_U(there)])
    following = _S(bits[_U(there + 1)]) if x + 1 < width else _S(2)
    if height == 1:
        below = _S(bits[_U(there - 1)]) if x > 0 else _S(2)
    else:
        below = _S(bits[_U(there + width)]) if y + 1 < height else _S(2)
    used[_U(2)] = _U(OWN + near * 18 + (told * 3 + following) * 3 + below)
    used[_U(3)] = _U(FAR + far * 2 + told)
    return _S(4)


@inlined
def _code_bit(coder: Coder, place: int, count: int, bit: np.uint64) -> np.uint64:
    """Predict a bit, code it, learn from it, return it."""
    inputs, weights, used = coder.inputs, coder.weights, coder.used
    base = _U(((PLACES if count > 2 else _S(0)) + place) * INPUTS)
    total = _S(0)
    for i in range(_U(count)):
        entry = coder.shared[used[i]] if i & _U(1) else coder.own[used[i]]
        inputs[i] = _S(coder.stretch[entry >> np.uint32(20)])
        total += inputs[i] * _S(weights[base + i])
    mixed = min(max(total >> 16, _S(-STRETCH_LIMIT)), _S(STRETCH_LIMIT))
    chance = _S(coder.squash[_U(mixed + 3072)])
    bit = code_decision(coder.registers, coder.stream, chance, bit, coder.plan[DECODING])
    error, target = (_S(bit) << 16) - chance, (_S(bit) << 22) - _S(bit)
    for i in range(_U(count)):
        moved = _S(weights[base + i]) + ((inputs[i] * error + (_S(1) << (_RATE - 1))) >> _RATE)
        weights[base + i] = np.int32(min(max(moved, -_MOST), _MOST))
        if i & _U(1):
            coder.shared[used[i]] = learned(coder.shared[used[i]], target, np.uint32(LIMIT), coder.reciprocal)
        else:
            coder.own[used[i]] = learned(coder.own[used[i]], target, np.uint32(LIMIT), coder.reciprocal)
    return bit


@flat_kernel
def span(words: np.ndarray, nearest: np.ndarray, distances: np.ndarray, parents: np.ndarray) -> None:
    """The minimum spanning tree of Hamming distances by Prim's algorithm.

    words: u64[n, words of a filter]; nearest, distances: i64[n], for the work; parents: i64[n], -1 for the first filter.
    """
    count = _U(len(words))
    for i in range(count):
        nearest[i], distances[i] = 0, _S(1) << 62
    newest: Any = _U(0)
    parents[_U(0)] = -1
    distances[_U(0)] = -1  # in the tree
    for _ in range(_U(1), count):
        best: Any = _U(0)
        least: Any = _S(1) << 62
        for i in range(_U(0), count):
            if distances[i] >= 0:
                distance = _S(0)
                for j in range(_U(words.shape[1])):
                    distance += _S(ones(words[i, j] ^ words[newest, j]))
                if distance < distances[i]:
                    distances[i], nearest[i] = distance, _S(newest)
                if distances[i] < least:
                    best, least = i, distances[i]
        parents[best] = nearest[best]
        distances[best] = -1
        newest = best


@flat_kernel
def walk(parents: np.ndarray, first: np.ndarray, following: np.ndarray, order: np.ndarray) -> Any:
    """order: i64[n], the filters of a tree, each after its parent, from filter 0 on; returns how many there are.

    Below n where `parents` (of all but filter 0) are no tree. first, following: i64[n], for the work.
    """
    count = _U(len(parents))
    for k in range(count):
        first[k] = -1
    for k in range(_U(1), count):
        i = count - k
        following[i] = first[_U(parents[i])]
        first[_U(parents[i])] = _S(i)
    done: Any = _U(0)
    node: Any = _S(0)
    while node >= 0:
        order[done] = node
        done += _U(1)
        if first[_U(node)] >= 0:
            node = first[_U(node)]
        else:  # up, until one has a later sibling
            while node > 0 and following[_U(node)] < 0:
                node = parents[_U(node)]
            node = following[_U(node)] if node > 0 else _S(-1)
    return _S(done)
