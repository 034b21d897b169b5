"""Contexts of what a block has once: counts of nonzeros, and the difference of DC to what is foretold."""

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.classes import (
    COUNT_SETS,
    COUNTS,
    S64,
    VALUE_FINALS,
    VALUE_MAPS,
    VALUE_SETS,
    VALUES,
    U,
    class_of,
    put,
    upto3,
)
from lacodec.codecs.image.jpeg.model.features import above
from lacodec.codecs.image.jpeg.model.state import INSIDE, LEVELS, MAX_SETS, RECORD, RESIDUAL, SIZES, TOP_ROW, WEIGHT_BITS, State
from lacodec.codecs.image.jpeg.model.vectors import dot_groups
from lacodec.kernels.jit import inlined

_FIRST = (9, 10, 17, 18, 11, 25, 19, 26)  # places inside that foretell how many nonzeros there are
_DC = 63


@inlined
def count_contexts(s: State, y: int, x: int, here: int, part: int) -> None:
    """How many coefficients of a part aren't zero: 64 nodes, so numbers go in steps of four lines."""
    now, up, at = y & U(1), (y + U(1)) & U(1), x + U(1)
    counts, c, whole = s.counts, s.contexts, part == U(INSIDE)
    left, over = counts[now, at - U(1), part], counts[up, at, part]
    corner, right = counts[up, at - U(1), part], counts[up, at + U(1), part]
    inside = S64(0) if whole else counts[now, at, U(INSIDE)]
    mean = (left + over + 1) >> 1
    around = (3 * (left + over) + corner + right + 4) >> 3
    few = mean >> 2 if whole else mean
    luma, beside = _other_counts(s)
    energy = _energy(s, here, part)
    edge = left >> 3 if whole else left if part == U(TOP_ROW) else counts[now, at, U(TOP_ROW)]
    p, q = S64(part) * 64, S64(part) * 32
    put(s, c, COUNTS, 0, (p + mean) * 4)
    put(s, c, COUNTS, 1, ((q + (inside >> 1)) * 16 + (around >> 2 if whole else around)) * 4)
    put(s, c, COUNTS, 2, (p + around) * 4)
    put(s, c, COUNTS, 3, ((q // 2 + (left >> 2 if whole else left)) * 16 + (over >> 2 if whole else over)) * 4)
    put(s, c, COUNTS, 4, (p + energy) * 4)
    put(s, c, COUNTS, 5, ((q + (luma >> 1)) * 16 + few) * 4)
    put(s, c, COUNTS, 6, ((q + (beside >> 1)) * 16 + few) * 4)
    put(s, c, COUNTS, 7, ((q + (energy >> 1)) * 16 + edge) * 4)
    put(s, c, COUNTS, 8, ((q + (inside >> 1)) * 16 + (corner >> 2 if whole else corner)) * 4)
    put(s, c, COUNTS, 9, ((q + (corner >> 1)) * 32 + (right >> 1)) * 4)
    put(s, c, COUNTS, 10, ((q + (energy >> 1)) * 32 + (around >> 1)) * 4)
    put(s, c, COUNTS, 11, (p + inside) * 4)
    kind = s.plan[st.CLASS] * 3 + S64(part)
    s.select[0] = COUNT_SETS + kind * 4
    s.select[1] = COUNT_SETS + 64 + (kind * 16 + min(around >> 1, 15)) * 4
    s.select[2] = COUNT_SETS + 640 + (kind * 16 + ((luma if s.plan[st.CLASS] else energy) >> 2)) * 4
    s.select[MAX_SETS] = (kind * 16 + few) * 4
    s.select[MAX_SETS + 1] = (9 * 16 + kind * 16 + (energy >> 2)) * 4
    s.select[MAX_SETS + 2] = kind * 4


@inlined
def _other_counts(s: State) -> tuple[int, int]:
    """How lively luma is here (0..63); nonzeros of the other chroma component here."""
    luma, beside = S64(0), S64(0)
    if s.plan[st.CLASS] > 0:
        for z in range(U(1), U(28)):
            luma += min(s.luma[z], 3)
    if s.plan[st.CLASS] > 1:
        for z in range(U(1), U(64)):
            beside += S64(s.beside[z] != 0)
    return min(luma >> s.plan[st.LUMA_SHIFT], 63), beside


@inlined
def _energy(s: State, here: int, part: int) -> int:
    """0..63. Inside: class of the low frequencies' sizes around; else nonzeros beside the edge, and in the edge before."""
    before, up = here - U(RECORD), above(s, here)
    energy = S64(0)
    if part == U(INSIDE):
        for k in _FIRST:
            energy += S64(s.records[before + U(SIZES + k)]) + S64(s.records[up + U(SIZES + k)])
        return class_of(s, (energy << 3) // s.quant[U(9)])
    along, across, edge = (U(1), U(8), up) if part == U(TOP_ROW) else (U(8), U(1), before)
    for i in range(U(1), U(8)):
        energy += S64(s.records[here + U(LEVELS) + across + along * i] != 0) * 8
        energy += S64(s.records[edge + U(LEVELS) + along * i] != 0)
    return energy


@inlined
def foretell_dc(s: State, y: int, x: int) -> tuple[int, int, int]:
    """DC by the borders in 256ths, from above, from the left; right after `predict` for it."""
    at = min(s.plan[st.CLASS], 1) * 66 * 32
    scale, shift = s.inverse[U(0)], 24 + WEIGHT_BITS - 8
    over = (dot_groups(s.records, s.starts, s.signed_weights, at + 64 * 32, 0, 4) * scale) >> shift
    side = (dot_groups(s.records, s.starts, s.signed_weights, at + 65 * 32, 0, 4) * scale) >> shift
    both = (dot_groups(s.records, s.starts, s.signed_weights, at, 0, 4) * scale) >> shift
    if x == U(0):
        both = over
        side = over
    elif y == U(0):
        both = side
        over = side
    return both, over, side


@inlined
def residual_contexts(s: State, y: int, x: int, size: int, nonzeros: int, part_of_step: int, odds: int) -> None:
    """The difference of DC. part_of_step: 0..15, what rounding took; odds: how the two predictions differ, in 256ths."""
    kind, c = s.plan[st.CLASS], s.contexts
    now, up, at = y & U(1), (y + U(1)) & U(1), x + U(1)
    rest_left, rest_up = abs(s.counts[now, at - U(1), U(RESIDUAL)]), abs(s.counts[up, at, U(RESIDUAL)])
    corners = abs(s.counts[up, at - U(1), U(RESIDUAL)]) + abs(s.counts[up, at + U(1), U(RESIDUAL)])
    around = class_of(s, ((rest_left + rest_up) * 2 + corners) << 5)
    odd = class_of(s, odds >> 1)
    many = min(nonzeros, 63)
    first = S64(_DC * 64)
    put(s, c, VALUES, 0, first + many)
    put(s, c, VALUES, 1, first + size)
    put(s, c, VALUES, 2, first + odd)
    put(s, c, VALUES, 3, (odd >> 1) * 256 + size * 4 + 3)
    put(s, c, VALUES, 4, first + around)
    put(s, c, VALUES, 5, (_DC * 48 + (around >> 1)) * 16 + (size >> 2))
    put(s, c, VALUES, 6, first + 4 * upto3(rest_left) + upto3(rest_up))
    put(s, c, VALUES, 7, ((around >> 3) * 64 + 48 + (odd >> 2)) * 8 + (many >> 3))
    put(s, c, VALUES, 8, first + part_of_step)
    put(s, c, VALUES, 9, first + (many >> 2))
    put(s, c, VALUES, 10, (_DC * 16 + (odd >> 2)) * 16 + (around >> 2))
    put(s, c, VALUES, 11, 2304 + odd * 32 + (around >> 1))
    s.select[0] = VALUE_SETS + kind * 64 + _DC
    s.select[1] = VALUE_SETS + 448 + kind * 16 + (odd >> 2)
    s.select[2] = VALUE_SETS + 896 + kind * 16 + (around >> 2)
    s.select[MAX_SETS] = VALUE_MAPS + kind * 64 + _DC
    s.select[MAX_SETS + 1] = VALUE_MAPS + 192 + kind * 64 + 48 + (odd >> 2)
    s.select[MAX_SETS + 2] = VALUE_FINALS + kind * 64 + _DC
