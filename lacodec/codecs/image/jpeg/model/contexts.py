"""Under which contexts a coefficient and its sign are predicted, and which weights mix them."""

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.classes import (
    S64,
    SIGN_FINALS,
    SIGN_MAPS,
    SIGN_SETS,
    SIGNS,
    VALUE_FINALS,
    VALUE_MAPS,
    VALUE_SETS,
    VALUES,
    U,
    class8,
    guess_class,
    put,
    sign_of,
    upto3,
)
from lacodec.codecs.image.jpeg.model.features import above
from lacodec.codecs.image.jpeg.model.state import LEVELS, MAX_SETS, RECORD, State
from lacodec.kernels.jit import inlined

_DC = U(63)


@inlined
def value_contexts(s: State, here: int, i: int, remaining: int, left: int, size: int, inside: int) -> None:
    """A coefficient inside or of an edge, order[i]: one of `left`, of which `remaining` aren't zero; size: class foretold."""
    kind, j, k = s.plan[st.CLASS], S64(i), U(s.order[i])
    r, c = s.records, s.contexts
    up, before = above(s, here) + U(LEVELS) + k, here - U(RECORD) + U(LEVELS) + k
    at_left, at_up = abs(S64(r[before])), abs(S64(r[up]))
    at_corner, at_right = abs(S64(r[up - U(RECORD)])), abs(S64(r[up + U(RECORD)]))
    lower_u, lower_v, lower = _lower(r, here + U(LEVELS) + k, k)
    near = class8((2 * (at_left + at_up) + at_corner + at_right + 1) >> 1)
    own = class8(lower_u + lower_v)
    density = min((remaining * 32) // left, 31)
    z = U(s.zigzag[k])
    part = S64(0) if i < U(49) else S64(1) if i < U(56) else S64(2)
    put(s, c, VALUES, 0, j * 64 + remaining)
    put(s, c, VALUES, 1, j * 64 + size)
    put(s, c, VALUES, 2, (j * 8 + near) * 8 + own)
    put(s, c, VALUES, 3, (density * 64 + size) * 4 + part)
    put(s, c, VALUES, 4, ((j * 4 + upto3(at_left)) * 4 + upto3(at_up)) * 4 + upto3(at_corner))
    put(s, c, VALUES, 6, ((j * 4 + upto3(lower_u)) * 4 + upto3(lower_v)) * 4 + upto3(lower))
    put(s, c, VALUES, 7, (near * 64 + size) * 8 + own)
    put(s, c, VALUES, 8, j * 64 + (inside if part > 0 else density))
    put(s, c, VALUES, 9, (j * 16 + min(s.luma[z], 15)) * 4 + upto3(abs(s.beside[z])))
    put(s, c, VALUES, 10, ((j * 4 + upto3(at_right)) * 4 + upto3(own >> 1)) * 16 + (size >> 2))
    s.select[0] = VALUE_SETS + kind * 64 + j
    s.select[1] = VALUE_SETS + 256 + kind * 64 + size
    s.select[2] = VALUE_SETS + 512 + (kind * 8 + near) * 16 + min(remaining, 15)
    s.select[MAX_SETS] = VALUE_MAPS + kind * 64 + j
    s.select[MAX_SETS + 1] = VALUE_MAPS + 192 + kind * 64 + size
    s.select[MAX_SETS + 2] = VALUE_FINALS + kind * 64 + j


@inlined
def _lower(r: np.ndarray, level: int, k: int) -> tuple[int, int, int]:
    """Sizes of levels at lower frequencies of the block, or beside an edge, where they are known; k: natural place."""
    u, v = k & U(7), k >> U(3)
    if u == U(0) or v == U(0):
        along, across = (U(8), U(1)) if u == U(0) else (U(1), U(8))
        two = abs(S64(r[level - along - along])) if k > along + along else S64(0)
        one, beside = abs(S64(r[level - along])), abs(S64(r[level + across]))
        return (beside, one, two) if u == U(0) else (one, beside, two)
    return abs(S64(r[level - U(1)])), abs(S64(r[level - U(8)])), abs(S64(r[level - U(9)]))


@inlined
def guess_contexts(s: State, i: int, size: int, guess: int, signed: bool) -> None:
    """The contexts that know the guess: before the sign by its size, after it, turned so that the sign is plus, by all of it."""
    g = guess_class(s, guess)
    node = g + 16 if signed else abs(g - 16)
    put(s, s.contexts, VALUES, 5, (S64(i) * 48 + node) * 16 + (size >> 2))
    put(s, s.contexts, VALUES, 11, size * 48 + node)


@inlined
def sign_contexts(s: State, here: int, i: int, size: int, from_above: int, from_left: int) -> None:
    """The sign of order[i], guessed in two parts."""
    kind, j, k = s.plan[st.CLASS], S64(i), U(s.order[i])
    r, c, level = s.records, s.sign_contexts, here + U(LEVELS) + k
    up, before = above(s, here) + U(LEVELS) + k, here - U(RECORD) + U(LEVELS) + k
    g, by_above, by_left = guess_class(s, from_above + from_left), guess_class(s, from_above), guess_class(s, from_left)
    at_left, at_up = sign_of(S64(r[before])), sign_of(S64(r[up]))
    at_corner, at_right = sign_of(S64(r[up - U(RECORD)])), sign_of(S64(r[up + U(RECORD)]))
    u, v = k & U(7), k >> U(3)
    lower_u = sign_of(S64(r[level - U(1)])) if u > U(0) else S64(1)
    lower_v = sign_of(S64(r[level - U(8)])) if v > U(0) else S64(1)
    lower = sign_of(S64(r[level - U(9)])) if u > U(0) and v > U(0) else S64(1)
    beside = sign_of(s.beside[U(s.zigzag[k])])
    put(s, c, SIGNS, 0, j * 32 + g)
    put(s, c, SIGNS, 1, (size * 2 + S64(i == _DC)) * 32 + g)
    put(s, c, SIGNS, 2, ((j * 3 + at_left) * 3 + at_up) * 3 + at_corner)
    put(s, c, SIGNS, 3, ((by_above >> 1) * 16 + (by_left >> 1)) * 2 + S64(i == _DC))
    put(s, c, SIGNS, 4, ((j * 3 + lower_u) * 3 + lower_v) * 3 + lower)
    put(s, c, SIGNS, 5, (j * 3 + beside) * 3 + at_right)
    put(s, c, SIGNS, 6, j * 32 + by_above)
    put(s, c, SIGNS, 7, j * 32 + by_left)
    put(s, c, SIGNS, 8, (g * 3 + beside) * 16 + (size >> 2))
    put(s, c, SIGNS, 9, (((lower_u * 3 + lower_v) * 3 + at_left) * 3 + at_up) * 16 + (size >> 2))
    put(s, c, SIGNS, 10, (S64(i == _DC) * 32 + by_above) * 32 + by_left)
    put(s, c, SIGNS, 11, (j * 3 + beside) * 32 + g)
    t = s.sign_select
    t[0] = SIGN_SETS + kind * 64 + j
    t[1] = SIGN_SETS + 256 + kind * 64 + size
    t[2] = SIGN_SETS + 512 + kind * 64 + g
    t[MAX_SETS] = SIGN_MAPS + kind * 64 + j
    t[MAX_SETS + 1] = SIGN_MAPS + 192 + kind * 64 + g
    t[MAX_SETS + 2] = SIGN_FINALS + kind * 64 + j
