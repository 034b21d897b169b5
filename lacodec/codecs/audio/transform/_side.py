"""What is coded besides coefficients: sizes of blocks, angles between two channels, levels of bands."""

from typing import Any

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._decide import decide, mix
from lacodec.codecs.audio.transform._state import Coder
from lacodec.codecs.audio.transform._tables import ANGLES, ENERGY, LOUDEST, SIZES, SLOTS
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
F64: Any = np.float64
_FIRST = 96 // ENERGY  # the level that the first band is expected to have when nothing came before


@inlined
def code_size(m: Coder, slot: int, wanted: int) -> Any:
    """The size of the block that begins in `slot` of its frame, as the tree of halves allows it there; returns it."""
    size = 0
    while slot & ((SLOTS >> size) - 1):
        size += 1
    past, past2 = m.plan[U(st.PAST_SIZE)], m.plan[U(st.PAST_SIZE_2)]
    m.cells[0] = (st.S0 + size * 6 + past) * st.DECISIONS
    m.cells[1] = (st.S1 + (size * 6 + past) * 6 + past2) * st.DECISIONS
    limit = m.plan[U(st.SIDE_LIMIT)]
    while size < SIZES - 1 and decide(m, 2, st.WS0 + size, st.WS1 + past, size, limit, S64(wanted > size)):
        size += 1
    return size


@inlined
def code_angle(m: Coder, band: int, past: int, left: int, wanted: int) -> Any:
    """The angle of a band, given those of the band at its place in the last block and to its left; returns it."""
    size = m.plan[U(st.PAST_SIZE)]
    m.cells[0] = (st.A0 + past * 5 + min(size, 4)) * st.DECISIONS
    m.cells[1] = (st.A1 + past * 48 + band) * st.DECISIONS
    m.cells[2] = (st.A2 + past * 17 + left) * st.DECISIONS
    node = 1
    for k in range(4):
        bit = (wanted >> (3 - k)) & 1
        node = node * 2 + decide(m, 3, st.WA0 + node, st.WA1 + S64(past == left), node, m.plan[U(st.SIDE_LIMIT)], bit)
    return node & (ANGLES - 1)


@flat_kernel
def code_levels(m: Coder, c: int, size: int, at: int) -> None:
    """The levels of all bands of channel c in the block of that size that begins in slot `at`."""
    past_size = min(m.plan[U(st.PAST_SIZE)], SIZES - 1)
    fresh = m.plan[U(st.PAST_SIZE)] == SIZES
    left, left_past, rest, rest2 = S64(_FIRST), S64(_FIRST), S64(0), S64(0)
    for b in range(m.counts[U(size)]):
        like = U(m.like[U(past_size), U(size), U(b)])
        past = left if fresh else m.past_levels[U(c), U(0), like]
        past2 = m.past_levels[U(c), U(1), like]
        expected = (2 * past + left - left_past + 1) >> 1
        expected = min(max(expected, 0), LOUDEST)
        other = S64(0)
        if c:
            other = 4 + min(max(S64(m.levels[U(0), U(at), U(b)]) - m.past_levels[U(0), U(0), like], -3), 3)
        m.cells[0] = (st.L0 + b * 5 + size) * st.DECISIONS
        m.cells[1] = (st.L1 + (min(max(rest, -3), 3) + 3) * 7 + min(max(rest2, -3), 3) + 3) * st.DECISIONS
        m.cells[2] = (st.L2 + (min(max(past - left, -7), 7) + 7) * 9 + min(max(left - left_past, -4), 4) + 4) * st.DECISIONS
        m.cells[3] = (st.L3 + (other * 9 + min(max(rest, -4), 4) + 4) * 2 + S64(size > 1)) * st.DECISIONS
        m.cells[4] = (st.L4 + (min(max(past2 - past, -4), 4) + 4) * 7 + min(max(rest, -3), 3) + 3) * st.DECISIONS
        m.cells[5] = (st.L5 + past) * st.DECISIONS
        wanted = S64(0)
        if not m.plan[U(st.DECODING)]:
            wanted = _choose_level(m, b, size, expected, m.exact[U(c), U(at), U(b)])
        value = _code_level(m, b, size, expected, wanted)
        m.levels[U(c), U(at), U(b)] = np.uint8(value)
        rest2 = rest
        rest = value - expected
        left, left_past = value, past


@inlined
def _choose_level(m: Coder, band: int, size: int, expected: int, exact: float) -> Any:
    """The level nearest to the exact one, or the expected one where that is worth its error."""
    nearest = min(max(S64(exact + 0.5), 0), LOUDEST)
    if nearest == expected or exact < 0.5:
        return nearest
    p = mix(m, 6, st.WL0 + 16 * S64(size > 1), st.WL1 + band, 0)
    saved = m.prices[U(p >> 4)] - m.prices[U(4095 - (p >> 4))] + F64(abs(nearest - expected))
    error, other = exact - F64(nearest), exact - F64(expected)
    return expected if other * other - error * error < m.rates[U(st.LEVEL_PRICE)] * saved else nearest


@inlined
def _code_level(m: Coder, band: int, size: int, expected: int, wanted: int) -> Any:
    limit = m.plan[U(st.SIDE_LIMIT)]
    first, second = st.WL0 + 16 * S64(size > 1), st.WL1 + band
    if not decide(m, 6, first, second, 0, limit, S64(wanted != expected)):
        return expected
    up = decide(m, 6, first + 1, second, 1, limit, S64(wanted > expected))
    most = LOUDEST - expected if up else expected
    away, wanted_away = S64(1), abs(wanted - expected)
    while away < most:
        k = min(away + 1, 7) if up else min(away + 7, 13)
        if not decide(m, 6, first + k, second, k, limit, S64(wanted_away > away)):
            break
        away += 1
    return expected + away if up else expected - away
