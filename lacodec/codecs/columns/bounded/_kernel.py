"""The kernel of error-bounded floats: one class of points of one level is predicted, coded and restored, in either direction.

    points known so far --weights--> prediction --+--> value = prediction + residual * step
    their residuals -----> activity --> chances --+    residual: adaptive bits, and raw ones below

All of it in doubles and in one order, so that every machine computes the same.
"""

import numpy as np

from lacodec.codecs.columns.bounded._bits import decide, raw
from lacodec.codecs.columns.bounded._edge import edge_guess
from lacodec.kernels.jit import flat_kernel, inlined

# The plan of a pass: i64[PLAN]. BEHIND: the class has rows; the last two taps are the points before in the row, and the first of
# these counts twice in the activity.
# DOWN, UP: how far the taps of an inner point reach, along each of four axes.
SHAPE, STRIDE, CLASS, EDGE, SET, DECODING, SCALE, BEHIND, WEIGHT = 0, 4, 5, 6, 7, 8, 9, 10, 11
DOWN, UP, PLAN = 12, 16, 20
# Registers: u64[6], between passes.
LOW, SPAN, AT, POOL, FILLED, PLACE = 0, 1, 2, 3, 4, 5

BUCKETS = 40  # of activity
NODES = 64  # chances of a bucket: zero, lengths, upper bits
_SMALL, _LENGTH, _UPPER = 1, 2, 31
LARGEST = 1 << 29  # a residual of this size stands for a value that is stored exactly
_LONGEST = np.uint64(29)
_FULL = 65535  # largest magnitude that is kept for the activity
EIGHTHS = 8  # of a residual, the unit of activity
_HUGE = 1e300

_ZERO, _ONE = np.uint64(0), np.uint64(1)


@flat_kernel
def code_pass(  # type: ignore[no-untyped-def]
    field,
    sizes,
    marks,
    plan,
    taps,
    weights,
    own,
    sides,
    step,
    exact,
    used,
    chances,
    registers,
    words,
    raws,
    reciprocal,
    guesses,
    sums,
):
    """Code the points of one class at one level.

    field: f64[n], known points restored; a coder finds the others as they are. sizes: u16[n], magnitudes of known residuals.
    marks: u8[n], or u8[1] (no marks): marked points are not coded. taps: i64 offsets of known points. own, sides: the same of
    those whose residuals are the activity, in the class and, on both sides, along its axes. exact: f64[...], values without a
    residual; used: i64[1], how many so far. guesses, sums: f64, i64, room for a row.
    """
    n3, s, members, decoding = plan[SHAPE + 3], plan[STRIDE], plan[CLASS], plan[DECODING]
    double = 2 * s
    has_marks = len(marks) > 1
    inverse = 1.0 / step
    first, scale = plan[SET] * BUCKETS * NODES, plan[SCALE]
    behind, last, second = plan[BEHIND], 0.0, 0.0
    if behind:
        last, second = weights[np.uint64(len(taps) - 2)], weights[np.uint64(len(taps) - 1)]
    low, span, at = registers[LOW], registers[SPAN], registers[AT]
    pool, filled, place = registers[POOL], registers[FILLED], registers[PLACE]
    begin = s if members & 1 else np.int64(0)
    inner_from = begin + max(np.int64(0), plan[DOWN + 3] - begin + double - 1) // double * double
    inner_to = n3 - plan[UP + 3]
    for i0 in range(s if members & 8 else 0, plan[SHAPE], double):
        for i1 in range(s if members & 4 else 0, plan[SHAPE + 1], double):
            for i2 in range(s if members & 2 else 0, plan[SHAPE + 2], double):
                row = ((i0 * plan[SHAPE + 1] + i1) * plan[SHAPE + 2] + i2) * n3
                inner = (
                    plan[DOWN] <= i0 < plan[SHAPE] - plan[UP]
                    and plan[DOWN + 1] <= i1 < plan[SHAPE + 1] - plan[UP + 1]
                    and plan[DOWN + 2] <= i2 < plan[SHAPE + 2] - plan[UP + 2]
                )
                if inner:
                    _prepare(field, sizes, row, inner_from, inner_to, double, taps, weights, own, sides, behind, guesses, sums)
                j = _ZERO
                for i3 in range(begin, n3, double):
                    point = np.uint64(row + i3)
                    if inner and inner_from <= i3 < inner_to:
                        guess, activity = guesses[j], sums[j]
                        j += _ONE
                        if behind:
                            guess += second * field[np.uint64(row + i3 - 2 * double)]
                            guess += last * field[np.uint64(row + i3 - double)]
                            activity += 2 * np.int64(sizes[np.uint64(row + i3 - double)])
                    else:
                        guess, activity = edge_guess(field, sizes, plan, i0, i1, i2, i3, plan[WEIGHT])
                    if not (abs(guess) < _HUGE):
                        guess = 0.0
                    if has_marks and marks[point]:
                        field[point] = guess
                        sizes[point] = np.uint16(0)
                        continue
                    residual = np.int64(0)
                    if not decoding:
                        scaled = (field[point] - guess) * inverse
                        residual = np.int64(LARGEST)
                        if abs(scaled) < LARGEST - 1:
                            residual = np.int64(np.floor(scaled + 0.5))
                    bucket = _bucket(np.uint64(activity * scale) >> np.uint64(16))
                    residual, low, span, at, pool, filled, place = _code_residual(
                        residual, bucket, np.uint64(first), chances, low, span, at, words, pool, filled, place, raws,
                        reciprocal, decoding,
                    )  # fmt: skip
                    if abs(residual) < LARGEST:
                        field[point] = guess + np.float64(residual) * step
                        sizes[point] = np.uint16(min(abs(residual), _FULL))
                    else:
                        if used[0] < len(exact):
                            if decoding:
                                field[point] = exact[np.uint64(used[0])]
                            else:
                                exact[np.uint64(used[0])] = field[point]
                        used[0] += 1
                        sizes[point] = np.uint16(_FULL)
    registers[LOW], registers[SPAN], registers[AT] = low, span, at
    registers[POOL], registers[FILLED], registers[PLACE] = pool, filled, place


@inlined
def _prepare(field, sizes, row, inner_from, inner_to, double, taps, weights, own, sides, behind, guesses, sums):  # type: ignore[no-untyped-def]
    """For the inner points of a row: predictions and activities, but for what the point before in the row adds."""
    count = np.uint64(max(np.int64(0), (inner_to - inner_from + double - 1) // double))
    step = np.uint64(double)
    for j in range(count):
        guesses[j] = 0.0
        sums[j] = 0
    for k in range(np.uint64(len(taps) - 2 * behind)):
        weight, begin = weights[k], np.uint64(row + inner_from + taps[k])
        for j in range(count):
            guesses[j] += weight * field[begin + j * step]
    for k in range(np.uint64(len(own))):
        begin = np.uint64(row + inner_from + own[k])
        for j in range(count):
            sums[j] += 2 * np.int64(sizes[begin + j * step])
    for k in range(np.uint64(len(sides))):
        down, up = np.uint64(row + inner_from - sides[k]), np.uint64(row + inner_from + sides[k])
        for j in range(count):  # the smaller one: the other may be of a far coarser level
            sums[j] += np.int64(min(sizes[down + j * step], sizes[up + j * step]))


@inlined
def _bucket(value):  # type: ignore[no-untyped-def]
    """Two buckets an octave of the mean magnitude around, in eighths."""
    if value < np.uint64(2):
        return value
    length = _ZERO
    while value >> length > _ONE:
        length += _ONE
    return min(np.uint64(2) * length + (value >> (length - _ONE) & _ONE), np.uint64(BUCKETS - 1))


@inlined
def _code_residual(  # type: ignore[no-untyped-def]
    residual, bucket, first, chances, low, span, at, words, pool, filled, place, raws, reciprocal, decoding
):
    """A residual: is it zero; of its magnitude without the bits far below what is expected, is that zero; its length in bits, in
    unary; its bits, of which two are modelled. The others, those far below and the sign are raw."""
    below = max(bucket >> _ONE, np.uint64(4)) - np.uint64(4)
    node = first + bucket * np.uint64(NODES)
    size = np.uint64(abs(residual))
    upper, rest = size >> below, below
    zero, low, span, at = decide(chances, node, size == _ZERO, low, span, at, words, reciprocal, decoding)
    if zero:
        return np.int64(0), low, span, at, pool, filled, place
    value, small = _ZERO, False
    if below:
        small, low, span, at = decide(
            chances, node + np.uint64(_SMALL), upper == _ZERO, low, span, at, words, reciprocal, decoding
        )
    if not small:
        length, more = _ZERO, True
        while more and length + below < _LONGEST:
            more, low, span, at = decide(
                chances, node + np.uint64(_LENGTH) + length, upper >> length > _ONE, low, span, at, words, reciprocal, decoding
            )
            length += np.uint64(more)
        value = _ONE
        if length:
            node += np.uint64(_UPPER) + np.uint64(3) * min(length - _ONE, np.uint64(10))
            length -= _ONE
            bit, low, span, at = decide(
                chances, node, (upper >> length & _ONE) != _ZERO, low, span, at, words, reciprocal, decoding
            )
            value = value << _ONE | np.uint64(bit)
            if length:
                length -= _ONE
                node += _ONE + np.uint64(bit)
                bit, low, span, at = decide(
                    chances, node, (upper >> length & _ONE) != _ZERO, low, span, at, words, reciprocal, decoding
                )
                value = value << _ONE | np.uint64(bit)
            rest += length
    bits = size & ((_ONE << rest) - _ONE)
    bits, pool, filled, place = raw(bits, rest, pool, filled, place, raws, decoding)
    negative, pool, filled, place = raw(np.uint64(residual < 0), _ONE, pool, filled, place, raws, decoding)
    found = np.int64(value << rest | bits)
    if negative:
        found = -found
    return found, low, span, at, pool, filled, place
