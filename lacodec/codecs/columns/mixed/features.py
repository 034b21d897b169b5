"""What surrounds a value, in numbers from which contexts are made; relative to its prediction where that makes sense."""

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U, coarse, fine, quarters, size_of, wrapped
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import prefetch
from lacodec.kernels.jit import inlined

_ONE = U(1)
_ODD = U(0xD6E8FEB86659FD93)
_MOST = 1 << 56  # size of a residual in the means
_FINE = U(3)  # sizes of floats count half octaves, in 16ths: quarters of octaves remain
_FAST, _SLOW, _MEAN = 3, 6, 7  # log2 of the values that a mean remembers


@inlined
def look_around(s: State, at: int, column: int, p: int) -> None:
    """Fill the features of values[at] from what is before it; p: its prediction."""
    plan, v, f, e = s.plan, s.values, s.features, s.errors
    near, above, bits = U(plan[st.NEAR]), U(plan[st.ABOVE]), plan[st.BITS]
    ring = U(e.size - 1)
    w, ww, n, nw, left = v[at - near], v[at - near - near], v[at - above], v[at - above - near], v[at - _ONE]
    ne = v[at - above + near]
    f[st.COLUMN] = S64(column)
    f[st.TO_W], f[st.TO_WW] = wrapped(w - p, bits), wrapped(ww - p, bits)
    f[st.TO_N], f[st.TO_NW], f[st.TO_NE] = wrapped(n - p, bits), wrapped(nw - p, bits), wrapped(ne - p, bits)
    f[st.TO_L] = wrapped(left - p, bits)
    f[st.TO_L2], f[st.TO_L3] = wrapped(v[at - U(2)] - p, bits), wrapped(v[at - U(3)] - p, bits)
    f[st.NEAR_W], f[st.NEAR_N] = fine(f[st.TO_W]), fine(f[st.TO_N])
    f[st.NEAR_LINE] = fine(wrapped(w + w - ww - p, bits))
    f[st.NEAR_PLANE] = fine(wrapped(w + n - nw - p, bits))
    f[st.NEAR_L] = fine(wrapped(w + left - v[at - _ONE - near] - p, bits))
    ew, eww, en = e[(at - near) & ring], e[(at - near - near) & ring], e[(at - above) & ring]
    el, el2, ene = e[(at - _ONE) & ring], e[(at - U(2)) & ring], e[(at - above + near) & ring]
    f[st.ERROR_W], f[st.ERROR_N], f[st.ERROR_L] = ew, en, el
    f[st.TOKEN_W], f[st.TOKEN_WW], f[st.TOKEN_N] = fine(ew), coarse(eww), fine(en)
    f[st.TOKEN_L], f[st.TOKEN_L2], f[st.TOKEN_NE] = fine(el), coarse(el2), coarse(ene)
    mean = column * U(3)
    fast, slow = U(s.means[mean]), U(s.means[mean + _ONE])
    if plan[st.SCHEME] == st.DIGITS:
        f[st.SCALE], f[st.SCALE_SLOW] = S64(fast >> _FINE), S64(slow >> _FINE)
    else:
        f[st.SCALE], f[st.SCALE_SLOW] = quarters(fast), quarters(slow)
    f[st.SCALE_BOTH] = quarters(fast) * 256 + quarters(slow)
    around = (
        (size_of(ew) >> _ONE) + (size_of(en) >> _ONE) + (size_of(el) >> _ONE) + (size_of(eww) >> U(2)) + (size_of(ene) >> U(2))
    )
    f[st.LOCAL] = s.registers[st.HERE] >> S64(_FINE) if plan[st.SCHEME] == st.DIGITS else quarters(around)
    f[st.NEAR_MEAN] = fine(wrapped(s.means[mean + U(2)] - p, bits))
    f[st.VALUE], f[st.VALUE_HIGH] = p, p >> plan[st.VALUE_SHIFT]
    cut = S64(max(bits - 12, 0))
    f[st.HIGH_W], f[st.HIGH_N], f[st.HIGH_L] = w >> cut, n >> cut, left >> cut
    length = s.registers[st.MATCH_LENGTH]
    f[st.LENGTH] = length
    f[st.MATCHED] = wrapped(v[U(s.registers[st.MATCH])] - p, bits) if length else S64(0)


@inlined
def make_contexts(s: State) -> None:
    """A hash for each context, and its first line on its way to the cache."""
    kinds, f = s.kinds, s.features
    shift = U(64 - s.plan[st.LINE_BITS])
    for i in range(U(s.plan[st.CONTEXTS])):
        k = i * U(st.PARTS)
        h = (U(i) + _ONE) * _ODD
        h = (h + U(f[U(kinds[k])])) * GOLDEN
        h = (h ^ (h >> U(32))) + U(f[U(kinds[k + _ONE])])
        h = h * _ODD
        h = (h ^ (h >> U(29))) + U(f[U(kinds[k + U(2)])])
        h = h * GOLDEN
        last = kinds[k + U(3)]
        if last != st.PATHLESS:
            h = ((h ^ (h >> U(31))) + U(f[U(last)])) * _ODD
        s.hashes[i] = h ^ (h >> U(30))
        prefetch(s.lines, ((s.hashes[i] * GOLDEN) >> shift) * U(st.NODES))


@inlined
def learn_scales(s: State, at: int, column: int, value: int, residual: int) -> None:
    """Remember the residual in the ring and in the means of its column."""
    s.errors[at & U(s.errors.size - 1)] = residual
    size = S64(min(size_of(residual), U(_MOST)))
    if s.plan[st.SCHEME] == st.DIGITS:
        bits = s.plan[st.BITS]
        middle = S64(_ONE << U(bits - 1))
        size = S64(size_of(wrapped(value - middle, bits)) >> U(s.plan[st.SIZE_CUT]))
    size <<= 4
    s.registers[st.HERE] += (size - s.registers[st.HERE]) >> _FAST
    mean = column * U(3)
    s.means[mean] += (size - s.means[mean]) >> _FAST
    s.means[mean + _ONE] += (size - s.means[mean + _ONE]) >> _SLOW
    s.means[mean + U(2)] += wrapped(value - s.means[mean + U(2)], s.plan[st.BITS]) >> _MEAN
