"""Quantised coefficients of a block: contexts from the neighbours in frequency, two blocks before, the other channel, the band.

All amplitudes are compared in steps of the present band, so blocks with other steps and of other sizes serve as well.
"""

from typing import Any

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._decide import decide, even_bit, mix
from lacodec.codecs.audio.transform._state import PAD, Coder
from lacodec.codecs.audio.transform._tables import ENERGY, FLOOR, POWERS
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
F64: Any = np.float64

_UNARY = 14  # sizes that are coded one by one
_ESCAPE_BITS = 30
_LEAST = -24  # eighths of an octave that a band's level may lie below its step; weaker ones have no coefficients
MOST = 1 << 30  # the largest size of a coefficient: more than the loudest sound has at the smallest steps


@inlined
def has_coefficients(level: int, step: int) -> Any:
    """Whether a band of that level is coded with that step."""
    return level > 0 and FLOOR + ENERGY * level - step >= _LEAST


@flat_kernel
def code_coefficients(m: Coder, c: int, size: int, at: int, start: int) -> None:
    """All coefficients of channel c in the block of that size, whose levels are in slot `at`; `start`: its first one."""
    n = m.plan[U(st.FRAME)] >> size
    _map_past(m, c, size, n)
    for k in range(n + 2 * PAD):
        m.present[U(c), U(k)] = 0.0
    wide = 0.0
    for b in range(m.counts[U(size)]):
        level, step = S64(m.levels[U(c), U(at), U(b)]), m.steps[U(b)]
        if not has_coefficients(level, step):
            for k in range(m.edges[U(size), U(b)], m.edges[U(size), U(b + 1)]):
                m.quantised[U(c), U(start + k)] = 0
            continue
        ratio = min(max((FLOOR + ENERGY * level - step - _LEAST) >> 1, 0), 31)
        inverse, unit = m.powers[U(POWERS - step)], m.powers[U(POWERS + step)]
        pitch = m.like[U(0), U(size), U(b)]
        for k in range(m.edges[U(size), U(b)], m.edges[U(size), U(b + 1)]):
            wide += (m.present[U(c), U(k + PAD - 1)] - wide) * 0.125
            near = _set_contexts(m, c, size, k, inverse, wide, ratio, pitch)
            value = _code_value(m, c, near, inverse, U(start + k))
            m.quantised[U(c), U(start + k)] = np.int32(value)
            m.present[U(c), U(k + PAD)] = F64(abs(value)) * unit


@inlined
def _set_contexts(m: Coder, c: int, size: int, k: int, inverse: float, wide: float, ratio: int, pitch: int) -> Any:
    """Point at the cells of the coefficient k; returns the size expected from all neighbours, on a scale to 21."""
    i = U(k + PAD)
    cu = U(c)
    a1, a2 = m.present[cu, i - U(1)] * inverse, m.present[cu, i - U(2)] * inverse
    p0, p1 = m.mapped[U(0), i] * inverse, (m.mapped[U(0), i - U(1)] + m.mapped[U(0), i + U(1)]) * inverse
    p2 = (m.mapped[U(0), i + U(2)] + m.mapped[U(0), i - U(2)]) * inverse
    far = (2.0 * m.mapped[U(1), i] + m.mapped[U(1), i - U(1)] + m.mapped[U(1), i + U(1)]) * inverse
    near, past = 2.0 * a1 + a2, 2.0 * p0 + p1
    total = 2.0 * near + 1.5 * past + 0.5 * far
    scale = 8.0 / 14.0
    extra = far
    if c:
        extra = (2.0 * m.present[U(0), i] + m.present[U(0), i - U(1)] + m.present[U(0), i + U(1)]) * inverse
        total += extra
        scale = 8.0 / 18.0
    every = _log(m, total * scale)
    around = _log(m, (4.0 * wide * inverse + p2 + p1 * 0.5) * (8.0 / 7.0))
    near_log, past_log, far_log = _log(m, near * (8.0 / 3.0)), _log(m, past * 2.0), _log(m, far * 2.0)
    m.cells[0] = (st.C0 + every * 32 + ratio) * st.DECISIONS
    m.cells[1] = (
        st.C1 + (min(_log(m, a1 * 8.0), 13) * 14 + min(_log(m, a2 * 8.0), 13)) * 6 + min(past_log >> 1, 5)
    ) * st.DECISIONS
    m.cells[2] = (
        st.C2 + (min(_log(m, p0 * 8.0), 13) * 12 + min(_log(m, p1 * 4.0), 11)) * 8 + min(far_log >> 1, 7)
    ) * st.DECISIONS
    m.cells[3] = (st.C3 + ratio * 48 + pitch) * st.DECISIONS
    m.cells[4] = (st.C4 + around * 22 + every) * st.DECISIONS
    m.cells[5] = (st.C5 + (_log(m, extra * 2.0) * 22 + every) * 2 + c) * st.DECISIONS
    m.cells[6] = (st.C6 + (near_log * 22 + past_log) * 5 + size) * st.DECISIONS
    return every


@inlined
def _log(m: Coder, value: float) -> Any:
    return S64(m.logs[U(S64(min(value, 2047.0)))])


@inlined
def _code_value(m: Coder, c: int, every: int, inverse: float, place: np.uint64) -> Any:
    wanted = S64(0)
    if not m.plan[U(st.DECODING)]:
        wanted = _choose(m, c, every, m.wanted[U(c), place] * inverse)
    limit = m.plan[U(st.LIMIT)]
    size = abs(wanted)
    found = S64(0)
    while found < _UNARY:
        if not decide(m, 7, st.WC0 + c * 16 + found, st.WC1 + every * 3 + min(found, 2), found, limit, S64(size > found)):
            break
        found += 1
    if found == _UNARY:
        found = _code_escape(m, c, every, size)
    if found and even_bit(m, S64(wanted < 0)):
        return -found
    return found


@inlined
def _code_escape(m: Coder, c: int, every: int, size: int) -> Any:
    """Sizes from `_UNARY` on by Elias's gamma code, the number of bits with chances of its own."""
    rest = size - _UNARY + 1
    bits = S64(0)
    while bits < _ESCAPE_BITS and decide(
        m, 7, st.WC0 + c * 16 + 14, st.WC1 + every * 3 + 2, 14, 127, S64(rest >> (bits + 1) > 0)
    ):
        bits += 1
    found = S64(1)
    for k in range(bits):
        found = found * 2 + even_bit(m, (rest >> (bits - 1 - k)) & 1)
    return min(found - 1 + _UNARY, MOST)


@inlined
def _choose(m: Coder, c: int, every: int, value: float) -> Any:
    """The quantised value that is cheapest in squared error and price of bits."""
    x = abs(value)
    q = S64(x + 0.5)
    if q > 2:
        q = S64(x + 0.5 - m.rates[U(st.TRIM)])
    elif q > 0:
        p = mix(m, 7, st.WC0 + c * 16, st.WC1 + every * 3, 0)
        some, none = m.prices[U(p >> 4)], m.prices[U(4095 - (p >> 4))]
        p = mix(m, 7, st.WC0 + c * 16 + 1, st.WC1 + every * 3 + 1, 1)
        more, one = m.prices[U(p >> 4)], m.prices[U(4095 - (p >> 4))]
        price = m.rates[U(st.PRICE)]
        best, q = x * x + price * none, S64(0)
        cost = (x - 1.0) * (x - 1.0) + price * (some + 1.0 + one)
        if cost < best:
            best, q = cost, S64(1)
        if x > 1.5 and (x - 2.0) * (x - 2.0) + price * (some + 1.5 + more) < best:
            q = S64(2)
    q = min(q, MOST)
    return -q if value < 0.0 else q


@inlined
def _map_past(m: Coder, c: int, size: int, n: int) -> None:
    """Amplitudes of the two blocks before at the places of this one's coefficients."""
    for back in range(2):
        past = min(m.plan[U(st.PAST_SIZE + back)], 4)
        shift = abs(size - past)
        if past >= size:  # it was shorter, or as long
            for k in range(n):
                m.mapped[U(back), U(k + PAD)] = m.past[U(c), U(back), U((k >> shift) + PAD)]
        else:
            width = S64(1) << shift
            for k in range(n):
                total = 0.0
                for j in range(width):
                    total += m.past[U(c), U(back), U((k << shift) + j + PAD)]
                m.mapped[U(back), U(k + PAD)] = total / F64(width)
        for j in range(PAD):
            m.mapped[U(back), U(n + PAD + j)] = 0.0
