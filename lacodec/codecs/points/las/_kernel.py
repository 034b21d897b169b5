"""The model of las records: one pass over the points.

    returns --> time --> class --> what seldom changes --> z --> x, y --> intensity --> colours
                 |                                    |    ^
                 +--- steps of time and of height, least squares

The pulses of a laser lie on lines: from point to point x and y change by so much for each step of time (the sweep), and by so
much for each step of height (the slope of the beam). Two fits, with a short and a long memory, and the median of the last three
steps predict them; the one that was nearest lately is taken. An error is coded by the table of its expected size. An encoder
records what it would code; `fast.kernel.code_records` codes that backwards.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.points.las import _layout as at
from lacodec.codecs.points.las._coder import Tokens, code, code_place
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
F64: Any = np.float64
LAST_RETURNS, LAST_STEP, LAST_CLASS, LAST_CHANGES = range(4)
SHORT, LONG, MEDIAN = 3, 4, 5  # errors of predictions, after the last three steps
TT, TZ, ZZ, SUMS = 0, 1, 2, 3  # of the squares: time by time, time by height, height by height; then for x and y by both
_MOST = 1 << 24  # of errors that are remembered
_FARTHEST = 1e9  # of predictions
_SHORT_KEEP, _LONG_KEEP = 0.6, 0.95  # tuned on files of the packages laspy and lidR, as all that follows
_SOFT = 4.0  # times the expected error: points that are farther off count for less in the fits
_MUCH = 8  # of a change of colour


class State(NamedTuple):
    """What one coder of a chunk holds."""

    coded: np.ndarray  # int64[COLUMNS]: whether each column is
    values: np.ndarray  # int32[COLUMNS, points], but for times
    times: np.ndarray  # int64[points]
    steps: np.ndarray  # int64[MOST_STEPS]: of time, by number
    found: np.ndarray  # uint16[points]: number of each step, in an encoder
    kinds: np.ndarray  # int64[PLACES]: of returns, by place
    numbers: np.ndarray  # int64[PLACES]: of the return and 16 times how many there are, by place
    last: np.ndarray  # int64[4]
    heights: np.ndarray  # int64[KINDS * GROUNDS, 2]: last z, its error
    levels: np.ndarray  # int64[KINDS, 2]: usual intensity, its error
    colours: np.ndarray  # int64[4]: errors
    moves: np.ndarray  # int64[2, 2, 6]: of x and y, without and with a step of time: three steps, three errors
    squares: np.ndarray  # float64[2, 7]
    guesses: np.ndarray  # float64[2, 2]: of each fit, for x and y
    bins: np.ndarray  # uint8[4096]: of expected errors


@flat_kernel
def encode_points(s: State, t: Tokens, begin: int, end: int) -> None:
    """Record some points of `values`."""
    _code_points(s, t, False, begin, end)


@flat_kernel
def decode_points(s: State, t: Tokens, begin: int, end: int) -> None:
    """Read some points into `values`."""
    _code_points(s, t, True, begin, end)


@inlined
def _code_points(s: State, t: Tokens, decoding: bool, begin: int, end: int) -> None:
    """Two kernels, since one for both ways would not fit into the processor's cache of instructions."""
    for k in range(U(begin), U(end)):
        p = k - U(1) if k > U(0) else U(len(s.values[0]) - 1)
        kind, goes_on = _returns(s, t, decoding, k)
        step = _time(s, t, decoding, k, p, goes_on)
        ground = _class(s, t, decoding, k, kind)
        _steady(s, t, decoding, k, p, goes_on)
        rise = _height(s, t, decoding, k, p, kind, ground)
        if s.coded[at.X] + s.coded[at.Y]:
            _place(s, t, decoding, k, p, step, rise)
        if s.coded[at.INTENSITY]:
            _intensity(s, t, decoding, k, kind)
        if s.coded[at.RED] + s.coded[at.GREEN] + s.coded[at.BLUE] + s.coded[at.INFRARED]:
            _colours(s, t, decoding, k, p, goes_on)


@inlined
def _before(s: State, column: int, k: int, p: int) -> int:
    """The value of the point before; 0 before the first one."""
    return S64(s.values[column, p]) if k > U(0) else S64(0)


@inlined
def _int32(value: int) -> int:
    """The same number modulo 2**32."""
    return S64(np.int32(value))


@inlined
def _bin(s: State, expected: int) -> int:
    """Of an expected error in sixteenths."""
    far = expected >> S64(8)
    return S64(s.bins[U(expected)]) if expected < 4096 else min(S64(s.bins[U(min(far, S64(4095)))]) + 16, S64(at.BINS - 1))


@inlined
def _shift(number: int) -> int:
    """Bits of an error in this bin that are no part of its token."""
    return min(max((number >> 1) - 7, S64(0)), S64(at.COARSEST))


@inlined
def _off(error: int) -> int:
    """The size of an error in sixteenths."""
    return min(abs(error), S64(_MOST)) << 4


@inlined
def _returns(s: State, t: Tokens, decoding: bool, k: int) -> tuple[int, int]:
    """(kind of return, 1 if it is the next one of the pulse before)."""
    place, last = S64(0), s.last[LAST_RETURNS]
    if s.coded[at.RETURNS]:
        place = code_place(t, decoding, at.OF_RETURNS + min(last, S64(31)), S64(s.values[at.RETURNS, k]))
        place &= S64(at.PLACES - 1)
        s.values[at.RETURNS, k] = np.int32(place)
    s.last[LAST_RETURNS] = place
    return s.kinds[U(place)], S64(s.numbers[U(place)] == s.numbers[U(last)] + 1)


@inlined
def _time(s: State, t: Tokens, decoding: bool, k: int, p: int, goes_on: int) -> int:
    """The step of time."""
    if not s.coded[at.TIME]:
        return S64(1) - goes_on
    before = s.times[p] if k > U(0) else S64(0)
    step, place = S64(0), S64(0)
    if not decoding:
        step, place = s.times[k] - before, S64(s.found[k])
    table = at.OF_TIME + 2 * min(s.last[LAST_STEP], S64(31)) + goes_on
    place = code_place(t, decoding, table, place) & S64(at.MOST_STEPS - 1)
    step = s.steps[U(place)] if place else code(t, decoding, at.OF_STEP, S64(at.COARSEST), step)
    s.last[LAST_STEP] = place
    s.times[k] = before + step
    return step


@inlined
def _class(s: State, t: Tokens, decoding: bool, k: int, kind: int) -> int:
    """0 for the most frequent class, else 1."""
    if not s.coded[at.CLASS]:
        return S64(0)
    table = at.OF_CLASS + min(s.last[LAST_CLASS], S64(7)) * at.KINDS + kind
    place = code_place(t, decoding, table, S64(s.values[at.CLASS, k])) & S64(at.PLACES - 1)
    s.values[at.CLASS, k] = np.int32(place)
    s.last[LAST_CLASS] = place
    return min(place, S64(1))


@inlined
def _steady(s: State, t: Tokens, decoding: bool, k: int, p: int, goes_on: int) -> None:
    """Columns that seldom change: which do, and by how much."""
    coded = s.coded
    if not (coded[at.FLAGS] + coded[at.ANGLE] + coded[at.USER] + coded[at.SOURCE]):
        return
    changes = S64(0)
    if not decoding:
        for j in range(U(at.STEADY)):
            column = U(at.FLAGS) + j
            changes |= S64(S64(s.values[column, k]) != _before(s, column, k, p)) << S64(j)
    table = at.OF_CHANGES + S64(s.last[LAST_CHANGES] != 0) + 2 * goes_on
    changes = code_place(t, decoding, table, changes)
    s.last[LAST_CHANGES] = changes
    for j in range(U(at.STEADY)):
        column = U(at.FLAGS) + j
        value = _before(s, column, k, p)
        if (changes >> S64(j)) & 1:
            value = _int32(value + code(t, decoding, at.OF_STEADY + S64(j), S64(0), S64(s.values[column, k]) - value))
        s.values[column, k] = np.int32(value)


@inlined
def _height(s: State, t: Tokens, decoding: bool, k: int, p: int, kind: int, ground: int) -> int:
    """z, told by the last one of a point like this; how much higher it is than the point before."""
    if not s.coded[at.Z]:
        return S64(0)
    which = U(kind + at.KINDS * ground)
    last, expected = s.heights[which, 0], s.heights[which, 1]
    number = _bin(s, expected)
    table = at.OF_Z + S64(which) * at.BINS + number
    error = _int32(code(t, decoding, table, _shift(number), _int32(S64(s.values[at.Z, k]) - last)))
    z = _int32(last + error)
    s.values[at.Z, k] = np.int32(z)
    s.heights[which, 0] = z
    s.heights[which, 1] = expected + ((_off(error) - expected) >> 2)
    return z - _before(s, at.Z, k, p)


@inlined
def _place(s: State, t: Tokens, decoding: bool, k: int, p: int, step: int, rise: int) -> None:
    """x and y."""
    time, height = F64(step), F64(rise)
    _guess(s, time, height)
    moving = U(step != 0)
    surprise, far, usual = S64(0), 0.0, 0.0
    dx, dy = S64(0), S64(0)
    for axis in range(U(2)):
        if not s.coded[U(at.X) + axis]:
            continue
        column = U(at.X) + axis
        moves = s.moves[axis, moving]
        by_short, by_long = _whole(s.guesses[0, axis]), _whole(s.guesses[1, axis])
        median = max(min(moves[0], moves[1]), min(max(moves[0], moves[1]), moves[2]))
        guess, expected = by_short, moves[SHORT]
        if moves[LONG] < expected:
            guess, expected = by_long, moves[LONG]
        if moves[MEDIAN] < expected:
            guess, expected = median, moves[MEDIAN]
        number, before = _bin(s, expected), _before(s, column, k, p)
        table = at.OF_X + S64(moving) * at.BINS
        if axis:
            table = at.OF_Y + (S64(moving) * at.SURPRISES + surprise) * at.BINS
        wanted = _int32(S64(s.values[column, k]) - before - guess)
        error = _int32(code(t, decoding, table + number, _shift(number), wanted))
        move = _int32(guess + error)
        s.values[column, k] = np.int32(before + move)
        off = abs(error) << 4
        surprise = S64(off > expected) + S64(off > 4 * expected)
        far += F64(abs(error))
        usual += F64(expected) * 0.0625
        moves[2], moves[1], moves[0] = moves[1], moves[0], move
        moves[SHORT] += (_off(move - by_short) - moves[SHORT]) >> 1
        moves[LONG] += (_off(move - by_long) - moves[LONG]) >> 1
        moves[MEDIAN] += (_off(move - median) - moves[MEDIAN]) >> 1
        if axis:
            dy = move
        else:
            dx = move
    ratio = far / (usual * _SOFT + 1.0)
    _learn(s, time, height, F64(dx), F64(dy), 1.0 / (1.0 + ratio * ratio))


@inlined
def _whole(guess: float) -> int:
    return S64(np.floor(min(max(guess, -_FARTHEST), _FARTHEST) + 0.5))


@inlined
def _guess(s: State, time: float, height: float) -> None:
    """What both fits say of x and y: by time and height where these can be told apart, else by time."""
    for fit in range(U(2)):
        q = s.squares[fit]
        tt, tz, zz = q[TT], q[TZ], q[ZZ]
        apart = tt * zz - tz * tz
        by_time, by_height, crossed, scale = 1.0, 0.0, 0.0, 0.0
        if apart > 1e-9 * (tt * zz) + 1e-30:
            by_time, by_height, crossed, scale = zz, tt, tz, 1.0 / apart
        elif tt > 1e-30:
            scale = 1.0 / tt
        for axis in range(U(2)):
            times, heights = q[U(SUMS) + U(2) * axis], q[U(SUMS + 1) + U(2) * axis]
            sweep = (times * by_time - heights * crossed) * scale
            slope = (heights * by_height - times * crossed) * scale
            s.guesses[fit, axis] = sweep * time + slope * height


@inlined
def _learn(s: State, time: float, height: float, dx: float, dy: float, weight: float) -> None:
    """Add a point to both fits, which forget."""
    by_time, by_height = weight * time, weight * height
    for fit in range(U(2)):
        q = s.squares[fit]
        keep = _LONG_KEEP if fit else _SHORT_KEEP
        q[TT] = q[TT] * keep + by_time * time
        q[TZ] = q[TZ] * keep + by_time * height
        q[ZZ] = q[ZZ] * keep + by_height * height
        q[SUMS] = q[SUMS] * keep + by_time * dx
        q[SUMS + 1] = q[SUMS + 1] * keep + by_height * dx
        q[SUMS + 2] = q[SUMS + 2] * keep + by_time * dy
        q[SUMS + 3] = q[SUMS + 3] * keep + by_height * dy


@inlined
def _intensity(s: State, t: Tokens, decoding: bool, k: int, kind: int) -> None:
    usual, expected = s.levels[U(kind), 0], s.levels[U(kind), 1]
    number = _bin(s, expected)
    table = at.OF_INTENSITY + kind * at.BINS + number
    error = _int32(code(t, decoding, table, _shift(number), S64(s.values[at.INTENSITY, k]) - usual))
    value = _int32(usual + error)
    s.values[at.INTENSITY, k] = np.int32(value)
    s.levels[U(kind), 0] = (usual + value) >> 1
    s.levels[U(kind), 1] = expected + ((_off(error) - expected) >> 3)


@inlined
def _colours(s: State, t: Tokens, decoding: bool, k: int, p: int, goes_on: int) -> None:
    """Each is told by the point before, and by how those before it changed."""
    told, changed = S64(0), S64(0)
    for j in range(U(4)):
        if not s.coded[U(at.RED) + j]:
            continue
        column = U(at.RED) + j
        before, number = _before(s, column, k, p), _bin(s, s.colours[j])
        table = at.OF_RED + goes_on * at.BINS
        if j:
            table = at.OF_COLOURS + ((S64(j) - 1) * at.TOLD + S64(changed != 0) + S64(abs(told) > _MUCH)) * at.BINS
        wanted = S64(s.values[column, k]) - before - told
        error = _int32(code(t, decoding, table + number, _shift(number), wanted))
        change = _int32(told + error)
        s.values[column, k] = np.int32(before + change)
        s.colours[j] += (_off(error) - s.colours[j]) >> 2
        told = (told + change) >> 1 if j else change
        changed |= change
