"""The kernel of error-bounded floats: one class of points of one level is predicted, coded and restored, in either direction.

    points known so far --weights--> prediction --+--> value = prediction + residual * step
    their residuals -----> activity --> chances --+    residual: adaptive bits, and raw ones below

All of it in doubles and in one order, so that every machine computes the same.
"""

import numpy as np

from lacodec.codecs.columns.bounded._bits import decide, raw
from lacodec.codecs.columns.bounded._edge import edge_guess
from lacodec.kernels.jit import flat_kernel, inlined

# The plan of a pass: i64[8]; the decoder's flag is the last.
STRIDE, EDGE, SET, DECODING = 4, 5, 6, 7
# A box: i64[BOX], first indices and ends; its taps, of which the last BEHIND (at most 2) lie before in the row; the points around
# whose residuals are the activity: before in the class, whether also before in the row, and pairs of both sides.
TAPS, TAPS_END, BEHIND, OWN, SIDES, SIDES_END, OWN_ROW, SCALE, BOX = 8, 9, 10, 11, 12, 13, 14, 15, 16
# Registers: u64[6], between passes.
LOW, SPAN, AT, POOL, FILLED, PLACE = 0, 1, 2, 3, 4, 5

BUCKETS = 40  # of activity
NODES = 64  # chances of a bucket: zero, lengths, upper bits
_SMALL, _LENGTH, _UPPER = 1, 2, 31
LARGEST = 1 << 29  # a residual of this size stands for a value that is stored exactly
_LONGEST = np.uint64(29)
_FULL = 65535  # largest magnitude that is kept for the activity
EIGHTHS = 8  # of a residual, the unit of activity
UNIT = 65536
_SCALED = np.uint64(16)  # bits of the unit
_HUGE = 1e300
_TINY = 2.0**-960  # below, terms of a prediction may be denormal, which some processors and settings take for zero

_ZERO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)


@flat_kernel
def code_pass(  # type: ignore[no-untyped-def]
    field, sizes, marks, plan, boxes, taps, weights, around, step, origin, gridded, exact, used, chances, registers, words,
    raws, reciprocal, guesses, sums,
):  # fmt: skip
    """Code the points of one class at one level.

    field: f64[n], known points restored; a coder finds the others as they are. sizes: u16[n], magnitudes of known residuals.
    marks: u8[n], or u8[1] (no marks): marked points are not coded. taps, around: i64, offsets. exact: f64[...], values without a
    residual; used: i64[1], how many so far. guesses, sums: f64, i64, room for a row. gridded: values
    are multiples of the step from `origin` on.
    """
    double, decoding = 2 * plan[STRIDE], plan[DECODING]
    has_marks = len(marks) > 1
    inverse = 1.0 / step
    first = np.uint64(plan[SET] * BUCKETS * NODES)
    low, span, at = registers[LOW], registers[SPAN], registers[AT]
    pool, filled, place = registers[POOL], registers[FILLED], registers[PLACE]
    for b in range(np.uint64(len(boxes))):
        box = boxes[b]
        begin, end = box[3], box[7]
        count = np.uint64((end - begin + double - 1) // double)
        stencil, behind = box[TAPS_END] > box[TAPS], box[BEHIND]
        last = weights[np.uint64(box[TAPS_END] - behind)] if behind > 0 else 0.0
        second = weights[np.uint64(box[TAPS_END] - 1)] if behind > 1 else 0.0
        for i0 in range(box[0], box[4], double):
            for i1 in range(box[1], box[5], double):
                for i2 in range(box[2], box[6], double):
                    row = ((i0 * plan[1] + i1) * plan[2] + i2) * plan[3] + begin
                    _prepare(field, sizes, row, count, double, box, taps, weights, around, guesses, sums)
                    for j in range(count):
                        point = np.uint64(row + np.int64(j) * double)
                        activity = sums[j]
                        if box[OWN_ROW]:
                            activity += 2 * np.int64(sizes[point - np.uint64(double)])
                        if stencil:
                            guess = guesses[j]
                            if behind > 1:
                                guess += second * field[point - np.uint64(2 * double)]
                            if behind > 0:
                                guess += last * field[point - np.uint64(double)]
                        else:
                            guess = edge_guess(field, plan, i0, i1, i2, begin + np.int64(j) * double)
                        if not (_TINY <= abs(guess) < _HUGE):
                            guess = 0.0
                        if gridded:
                            guess = origin + np.floor((guess - origin) * inverse + 0.5) * step
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
                        residual, low, span, at, pool, filled, place = _code_residual(
                            residual, _bucket(np.uint64(activity * box[SCALE]) >> _SCALED), first, chances, low, span, at, words,
                            pool, filled, place, raws, reciprocal, decoding,
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
def _prepare(field, sizes, row, count, double, box, taps, weights, around, guesses, sums):  # type: ignore[no-untyped-def]
    """For a row of a box: predictions and activities, but for what the points before in the row add."""
    if double == 2:  # most points by far: a step that the compiler knows is quicker
        _prepare_row(field, sizes, row, count, _TWO, box, taps, weights, around, guesses, sums)
    else:
        _prepare_row(field, sizes, row, count, np.uint64(double), box, taps, weights, around, guesses, sums)


@inlined
def _prepare_row(field, sizes, row, count, step, box, taps, weights, around, guesses, sums):  # type: ignore[no-untyped-def]
    for j in range(count):
        guesses[j] = 0.0
        sums[j] = 0
    for k in range(np.uint64(box[TAPS]), np.uint64(box[TAPS_END] - box[BEHIND])):
        weight, begin = weights[k], np.uint64(row + taps[k])
        for j in range(count):
            guesses[j] += weight * field[begin + j * step]
    for k in range(np.uint64(box[OWN]), np.uint64(box[SIDES])):
        begin = np.uint64(row + around[k])
        for j in range(count):
            sums[j] += 2 * np.int64(sizes[begin + j * step])
    for k in range(np.uint64(box[SIDES]), np.uint64(box[SIDES_END]), _TWO):
        down, up = np.uint64(row + around[k]), np.uint64(row + around[k + _ONE])
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
    """A residual: is its magnitude without the bits far below what is expected zero; if so, is all of it; else the length of the
    rest in bits, in unary, and its bits, of which two are modelled. The others, those far below and the sign are raw."""
    below = max(bucket >> _ONE, np.uint64(4)) - np.uint64(4)
    node = first + bucket * np.uint64(NODES)
    size = np.uint64(abs(residual))
    upper, rest = size >> below, below
    value, small = _ZERO, below == _ZERO
    if below:
        small, low, span, at = decide(
            chances, node + np.uint64(_SMALL), upper == _ZERO, low, span, at, words, reciprocal, decoding
        )
    if small:
        zero, low, span, at = decide(chances, node, size == _ZERO, low, span, at, words, reciprocal, decoding)
        if zero:
            return np.int64(0), low, span, at, pool, filled, place
    if not small or below == _ZERO:
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
    bits = size & ((_ONE << rest) - _ONE) | np.uint64(residual < 0) << rest
    bits, pool, filled, place = raw(bits, rest + _ONE, pool, filled, place, raws, decoding)
    found = np.int64(value << rest | bits & ((_ONE << rest) - _ONE))
    if bits >> rest:
        found = -found
    return found, low, span, at, pool, filled, place
