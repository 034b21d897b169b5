"""Kernels of trellises: the best path by Viterbi's algorithm, decoding row by row, and the grids and values that numbers tell.

A state runs down each column; odd ones have the second grid. It is that of Ungerboeck's code of 8 states (1982), with the parity
checks 13 and 4 (octal).
"""

import numpy as np

from lacodec.codecs.weights.quantised._kernel import CLASSES, MOST
from lacodec.entropy.rans_dispatch import decode_search, decode_split
from lacodec.kernels.jit import helper, kernel

STATES = 8
_ZERO, _ONE = 0o13 >> 1, 0o4 >> 1
_FAR = 1e300


@helper
def following(state, number):  # type: ignore[no-untyped-def]
    """The state after a number."""
    return (state >> 1) ^ ((state & 1) * _ZERO) ^ ((number & 1) * _ONE)


@kernel
def second_of(numbers, out):  # type: ignore[no-untyped-def]
    """out u8[rows, columns]: 1 where numbers are of the second grid."""
    states = np.zeros(numbers.shape[1], np.uint8)
    for i in range(len(numbers)):
        for j in range(numbers.shape[1]):
            out[i, j] = states[j] & np.uint8(1)
            states[j] = following(np.int64(states[j]), np.int64(numbers[i, j]))


@kernel
def add_grids(states, classes):  # type: ignore[no-untyped-def]
    """classes u8[columns] of a row: CLASSES more for numbers of the second grid. states u8[columns]."""
    for j in range(len(states)):
        classes[j] += np.uint8(CLASSES) * (states[j] & np.uint8(1))


@kernel
def advance(states, numbers):  # type: ignore[no-untyped-def]
    """The states after a row of numbers, i16[columns]."""
    for j in range(len(states)):
        states[j] = following(np.int64(states[j]), np.int64(numbers[j]))


@kernel
def decode_rows(  # type: ignore[no-untyped-def]
    numbers, classes, states, first, lanes, words, at, stop, codes, ends, code_bits, freq_bits, lowest,
    buckets, modes, stride, shift, spans, values,
):  # fmt: skip
    """Fill rows of `numbers` i16[...], which begin with symbol `first` of a rANS stream; returns the new position in `words`.

    classes u8[...]: of contexts, becoming those of the tables; states u8[columns]. The rest is that of `decode_split` and
    `decode_search`; without codes only the latter is used, for fewer than 8 lanes.
    """
    columns, mask = np.uint64(len(states)), np.uint64(len(lanes) - 1)
    for row in range(np.uint64(0), np.uint64(len(numbers)), columns):
        for j in range(columns):
            classes[row + j] += np.uint8(CLASSES) * (states[j] & np.uint8(1))
        begin, end = row, row + columns
        if len(codes):
            middle = min(end, begin + ((np.uint64(0) - (first + begin)) & np.uint64(7)))
            at = decode_search(
                numbers, begin, middle, first, lanes, mask, words, at, stop, buckets, modes, stride, shift, spans, values,
                freq_bits, classes,
            )  # fmt: skip
            if at > stop:
                return at
            begin, at = decode_split(
                numbers, middle, end, first, lanes, mask, words, at, stop, codes, ends, code_bits, freq_bits, lowest, classes
            )
        at = decode_search(
            numbers, begin, end, first, lanes, mask, words, at, stop, buckets, modes, stride, shift, spans, values, freq_bits,
            classes,
        )  # fmt: skip
        if at > stop:
            return at
        for j in range(columns):
            states[j] = following(np.int64(states[j]), np.int64(numbers[row + j]))
    return at


@helper
def _kind(number, second):  # type: ignore[no-untyped-def]
    return 2 * second + np.int64(abs(number) > 1)


@kernel
def restore(numbers, steps, moves, out):  # type: ignore[no-untyped-def]
    """out f32: the values of numbers, of `steps` f32[columns].

    moves f32[6]: of sizes 0, 1 and more in the first grid, then in the second; there that of 0 is 1, which gives 0.
    """
    states = np.zeros(numbers.shape[1], np.uint8)
    for i in range(len(numbers)):
        for j in range(numbers.shape[1]):
            number, second = np.int64(numbers[i, j]), np.int64(states[j] & np.uint8(1))
            size = abs(number)
            place = np.float32(2 * size - second) + moves[np.uint64(3 * second + min(size, np.int64(2)))]
            out[i, j] = (-place if number < 0 else place) * steps[j]
            states[j] = following(np.int64(states[j]), number)


@kernel
def outside(values, numbers, sums):  # type: ignore[no-untyped-def]
    """sums f64[2, 4]: how far values f32 lie outside of their places, by kind, and how many there are; not for 0 and MOST."""
    states = np.zeros(numbers.shape[1], np.uint8)
    for i in range(len(numbers)):
        for j in range(numbers.shape[1]):
            state, number = np.int64(states[j]), np.int64(numbers[i, j])
            states[j] = following(state, number)
            if 0 < abs(number) < MOST:
                size = np.float64(values[i, j]) * (-1.0 if number < 0 else 1.0)
                kind = _kind(number, state & 1)
                sums[0, kind] += size - np.float64(2 * abs(number) - (state & 1))
                sums[1, kind] += 1.0


@helper
def _candidate(value, which, bits, price, second, parity):  # type: ignore[no-untyped-def]
    """(cost, number) of the best number of a parity in a grid: the nearest two, and the least."""
    size = abs(value)
    sign = -1 if value < 0 else 1
    below = np.int64((size + second) * 0.5)
    upper = min(below + ((below + parity) & 1), MOST - parity)
    best, least = 0, _FAR
    for k in range(3):
        number = upper if k == 0 else max(upper - 2, parity) if k == 1 else parity
        error = size - np.float64(2 * number - (second if number > 0 else 0))
        cost = error * error + price * np.float64(bits[which + CLASSES * second, MOST + sign * number])
        if cost < least:
            best, least = sign * number, cost
    return least, best


@helper
def _choose_path(values, classes, column, bits, price, numbers, choices, taken):  # type: ignore[no-untyped-def]
    """Numbers of a column. choices i16[rows, 4], taken u8[rows]: for the work."""
    total, other, costs = np.empty(STATES), np.empty(STATES), np.empty(4)
    total[:] = _FAR
    total[0] = 0.0
    for i in range(len(values)):
        value, which = np.float64(values[i, column]), np.int64(classes[i, column])
        for kind in range(4):
            costs[kind], choices[i, kind] = _candidate(value, which, bits, price, kind >> 1, kind & 1)
        ways = 0
        for state in range(STATES):
            second = 2 * (state >= STATES // 2)
            zero = total[_before(state, 0)] + costs[second]
            one = total[_before(state, 1)] + costs[second + 1]
            if one < zero:
                zero = one
                ways |= 1 << state
            other[state] = zero
        taken[i] = ways
        total, other = other, total
    best = 0
    for state in range(1, STATES):
        if total[state] < total[best]:
            best = state
    for k in range(len(values)):
        at = len(values) - 1 - k
        parity = (np.int64(taken[at]) >> best) & 1
        numbers[at, column] = choices[at, 2 * (best >= STATES // 2) + parity]
        best = _before(best, parity)


@helper
def _before(state, parity):  # type: ignore[no-untyped-def]
    """The state that a number of this parity leads from to `state`: an even one to the lower half, else an odd one."""
    start = state ^ (parity * _ONE)
    return 2 * start if start < STATES // 2 else 2 * (start ^ _ZERO) + 1


@kernel
def choose_paths(values, classes, first, stop, bits, price, numbers):  # type: ignore[no-untyped-def]
    """numbers i16 of columns first..stop for `values` f32 in steps: least (error)^2 + price * bits.

    classes u8: tables by contexts; bits f32[2 * CLASSES, 2 * MOST + 1] of each number in each, those of the second grid behind.
    """
    choices, taken = np.empty((len(values), 4), np.int16), np.empty(len(values), np.uint8)
    for j in range(first, stop):
        _choose_path(values, classes, j, bits, price, numbers, choices, taken)


@kernel
def choose_paths_fed(work, classes, first, stop, square, bits, price, moves, numbers, errors):  # type: ignore[no-untyped-def]
    """Like `choose_paths`; errors of a column are taken from those after it, up to `stop`. errors f32[rows, stop - first]."""
    choices, taken = np.empty((len(work), 4), np.int16), np.empty(len(work), np.uint8)
    for j in range(first, stop):
        _choose_path(work, classes, j, bits, price, numbers, choices, taken)
        state = 0
        for i in range(len(work)):
            number = np.int64(numbers[i, j])
            size = np.float32(0)
            if number != 0:
                size = np.float32(2 * abs(number) - (state & 1)) + moves[_kind(number, state & 1)]
            state = following(state, number)
            error = work[i, j] - (-size if number < 0 else size)
            errors[i, j - first] = error
            for k in range(j + 1, stop):
                work[i, k] -= error * square[j, k]
