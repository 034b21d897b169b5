"""Pixels <-> bytes by a walk of a circuit's tree, each message computed once: exact integers, held in doubles.

    state of the node above --moves--> states of this node, given all pixels so far --cumulative--> a pixel's chances, coded
    known pixel --> states of this node; once all below it is known, a message back to the node above

For each node on the path from the first one there are two rows of M numbers: what its states weigh given everything coded so far
(`weights`), and given only the pixels of itself and below (`evidence`). After each step they are scaled by a power of two, so
that the largest is in [2^23, 2^24), rounded down, and at least 1. Products and sums stay below 2^53, so every one is exact, in
whatever order and with whatever instructions a machine computes it. Pixels of LANES pictures are coded side by side.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

LANES = 32
FAILED = -1
MOST_BYTES = 7
"""Bytes that one pixel may take, at most."""

_COUNT_BITS = 20  # circuit.COUNT_BITS
_DROPPED = 8  # bits of the weights when a pixel is coded: sums times counts stay below 2^42
_SCALE = 1023 + 23  # exponent of a double in [2^23, 2^24), as stored
_MANTISSA = 52
_TOP = np.uint64(1 << 56)
_U = np.uint64


@kernel
def walk(pixels, tree, neighbours, steps, cumulative, moves, scratch, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Code pixels u8[n, D], n a multiple of LANES, of which the first `length[1]` count; returns the bytes used, or FAILED.

    tree: order, parents, depths and tables, i32[4, D]. scratch: f64[2, depths, M, LANES]. buffer: u8, for writing MOST_BYTES a
    pixel and 16; length: i64[2]. The others as in `Circuit`.
    """
    order, parents, depths, weights, evidence = tree[0], tree[1], tree[2], scratch[0], scratch[1]
    nodes, states, near = len(order), moves.shape[1], neighbours.shape[1]
    contexts, known, copies = np.zeros(LANES, np.int64), np.zeros((LANES, near), np.int64), np.zeros(near, np.int64)
    coder = np.zeros(3, np.uint64)  # low (decoding: code less low), range, position
    coder[1] = _U(0xFFFFFFFFFFFFFFFF)
    message, scales = np.empty((states, LANES)), np.empty(LANES)
    shares = np.empty((LANES, states), np.int64)
    if decoding:
        for k in range(8):
            coder[0] = (coder[0] << _U(8)) | (_U(buffer[k]) if k < length[0] else _U(0))
        coder[2] = _U(8)
    for start in range(0, length[1], LANES):
        count = min(LANES, length[1] - start)
        for node in range(nodes):
            depth = depths[node]
            if node == 0:
                for j in range(states):
                    weights[0, j, :] = moves[0, 0, j]
            else:
                for below in range(depths[node - 1], depth - 1, -1):
                    _return(below, moves[_above(node - 1, depths[node - 1] - below, parents)], weights, evidence, message, scales)
                _enter(depth, moves[node], weights)
            _settle(weights[depth], scales)
            _share(weights[depth], shares)
            _look_around(pixels, start, neighbours[node], order, steps, contexts, known)
            place, tables = order[node], cumulative[tree[3, node]]
            for lane in range(count):
                value, table = np.int64(pixels[start + lane, place]), tables[contexts[lane]]
                value = _code(value, shares[lane], table, known[lane], copies, coder, buffer, length[0], decoding)
                pixels[start + lane, place] = value
            _observe(pixels, start, place, tables, contexts, known, evidence[depth])
            weights[depth] *= evidence[depth]
            _settle(weights[depth], scales)
    if decoding:
        return np.int64(coder[2]) - 7 if np.int64(coder[2]) == length[0] + 7 else FAILED
    _carry_add(coder, _TOP - _U(1), buffer)
    buffer[np.int64(coder[2])] = np.uint8(coder[0] >> _U(56))
    return np.int64(coder[2]) + 1


@helper
def _above(node, steps, parents):  # type: ignore[no-untyped-def]
    for _ in range(steps):
        node = parents[node]
    return node


@helper
def _enter(depth, moves, weights):  # type: ignore[no-untyped-def]
    """States of a node from those of the one above it."""
    above, here = weights[depth - 1], weights[depth]
    here[:, :] = 0.0
    for k in range(moves.shape[0]):
        for j in range(moves.shape[1]):
            chance = moves[k, j]
            for lane in range(LANES):
                here[j, lane] += chance * above[k, lane]


@helper
def _return(depth, moves, weights, evidence, message, scales):  # type: ignore[no-untyped-def]
    """What all pixels of a node and below tell about the states of the one above it."""
    here = evidence[depth]
    for k in range(moves.shape[0]):
        message[k, :] = 0.0
        for j in range(moves.shape[1]):
            chance = moves[k, j]
            for lane in range(LANES):
                message[k, lane] += chance * here[j, lane]
    _settle(message, scales)
    for rows in (weights[depth - 1], evidence[depth - 1]):
        rows *= message
        _settle(rows, scales)


@helper
def _settle(rows, scales):  # type: ignore[no-untyped-def]
    """Scale each lane so that its largest number is in [2^23, 2^24); whole numbers from 1 on."""
    scales[:] = 1.0
    for k in range(rows.shape[0]):
        for lane in range(LANES):
            scales[lane] = max(scales[lane], rows[k, lane])
    bits = scales.view(np.int64)
    for lane in range(LANES):
        bits[lane] = (1023 + _SCALE - (bits[lane] >> _MANTISSA)) << _MANTISSA
    for k in range(rows.shape[0]):
        for lane in range(LANES):
            rows[k, lane] = max(np.floor(rows[k, lane] * scales[lane]), 1.0)


@helper
def _share(rows, shares):  # type: ignore[no-untyped-def]
    for k in range(rows.shape[0]):
        for lane in range(LANES):
            shares[lane, k] = np.int64(rows[k, lane]) >> _DROPPED


@helper
def _look_around(pixels, start, neighbours, order, steps, contexts, known):  # type: ignore[no-untyped-def]
    """The context of a pixel, how many steps each of its neighbours reaches; and their values (of one that is none: 0)."""
    contexts[:] = 0
    for k in range(len(neighbours)):
        for lane in range(LANES):
            value = np.int64(pixels[start + lane, order[neighbours[k]]]) if neighbours[k] >= 0 else 0
            reached = 0
            for step in steps:
                reached += value >= step
            contexts[lane] = contexts[lane] * (len(steps) + 1) + reached
            known[lane, k] = value


@helper
def _observe(pixels, start, place, tables, contexts, known, evidence):  # type: ignore[no-untyped-def]
    """A pixel's count in each state: at most 2^20, which needs no scaling."""
    near = known.shape[1]
    for lane in range(LANES):
        value, table = np.int64(pixels[start + lane, place]), tables[contexts[lane]]
        for k in range(evidence.shape[0]):
            evidence[k, lane] = np.float64(table[near + value + 1, k] - table[near + value, k])
        for i in range(near):
            if known[lane, i] == value:
                for k in range(evidence.shape[0]):
                    evidence[k, lane] += np.float64(table[i + 1, k] - table[i, k])


@helper
def _weigh(shares, row):  # type: ignore[no-untyped-def]
    """Cumulative count of a symbol, over all states."""
    total = np.int64(0)
    for k in range(len(shares)):
        total += shares[k] * row[k]
    return total


@helper
def _below(value, shares, table, known, copies):  # type: ignore[no-untyped-def]
    """The count of all lower values, but for that of all copies."""
    total = _weigh(shares, table[len(known) + value])
    for i in range(len(known)):
        if known[i] >= value:
            total -= copies[i]
    return total


@helper
def _code(value, shares, table, known, copies, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """One pixel through a range coder of 64 bits. Values lie in order, each with the copies that make it."""
    total = np.int64(0)
    for k in range(len(shares)):
        total += shares[k]
    before = np.int64(0)
    for i in range(len(known)):
        after = _weigh(shares, table[i + 1])
        copies[i], before = after - before, after
    unit = (coder[1] >> _U(_COUNT_BITS)) // _U(total)
    if decoding:
        target = min(np.int64(coder[0] // unit), (total << _COUNT_BITS) - 1)
        value, beyond = np.int64(0), np.int64(len(table) - 1 - len(known))
        while beyond - value > 1:
            middle = (value + beyond) >> 1
            if _below(middle, shares, table, known, copies) <= target:
                value = middle
            else:
                beyond = middle
    low, high = _below(value, shares, table, known, copies), _below(value + 1, shares, table, known, copies)
    if decoding:
        coder[0] -= unit * _U(low)
    else:
        _carry_add(coder, unit * _U(low), buffer)
    coder[1] = unit * _U(high - low)
    while coder[1] < _TOP:
        at = np.int64(coder[2])
        if decoding:
            coder[0] = (coder[0] << _U(8)) | (_U(buffer[at]) if at < length else _U(0))
        else:
            buffer[at] = np.uint8(coder[0] >> _U(56))
            coder[0] <<= _U(8)
        coder[1] <<= _U(8)
        coder[2] += _U(1)
    return value


@helper
def _carry_add(coder, amount, buffer):  # type: ignore[no-untyped-def]
    """Add to the low end; an overflow goes into the bytes already written."""
    before = coder[0]
    coder[0] += amount
    if coder[0] < before:
        at = np.int64(coder[2]) - 1
        while buffer[at] == 255:
            buffer[at] = 0
            at -= 1
        buffer[at] += np.uint8(1)
