"""The loop over an array's values, in both directions.

values before --> prediction --residual, or the value itself--> bits --decisions, or plain bits--> two streams
"""

from typing import Any

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.features import learn_scales, look_around, make_contexts
from lacodec.codecs.columns.mixed.match import follow, seek
from lacodec.codecs.columns.mixed.numbers import code_number
from lacodec.codecs.columns.mixed.squares import learn_squares, predict_squares
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U, wrapped
from lacodec.entropy.mixing import POSITION
from lacodec.kernels.jit import flat_kernel, inlined

_ONE = U(1)
_SETTLING = 1024  # values after which the mixer learns half as fast as it might
_LATE = 64  # bytes behind its end from which a decoder need not go on


@flat_kernel
def code_values(s: State, start: int, stop: int) -> Any:
    """Code values[start:stop] (positions in the array); returns how far it came: `stop`, unless the stream had ended."""
    plan = s.plan
    pad = U(s.values.size) - U(plan[st.COUNT])
    columns = U(plan[st.COLUMNS])
    column = U(start) % columns
    mask = ~U(0) >> U(64 - plan[st.BITS])
    late = s.stream.size + _LATE
    for i in range(U(start), U(stop)):
        at = pad + i
        s.registers[st.RATE] = plan[st.MIX_RATE] + S64(U(plan[st.BOOST]) // (i + U(_SETTLING)))
        p = _predict(s, at, column)
        seek(s, at)
        look_around(s, at, column, p)
        make_contexts(s)
        residual = code_number(s, i, wrapped(s.values[at] - p, plan[st.BITS]))
        x = U(p + residual) & mask
        s.values[at] = S64(x)
        follow(s, at)
        if plan[st.PREDICTOR] == st.SQUARES:
            learn_squares(s, at, column)
        learn_scales(s, at, column, S64(x), residual)
        column += _ONE
        if column == columns:
            column = U(0)
        if s.registers[POSITION] > late:
            return S64(i)
    return S64(stop)


@inlined
def _predict(s: State, at: int, column: int) -> int:
    v, kind = s.values, s.plan[st.PREDICTOR]
    near, above = U(s.plan[st.NEAR]), U(s.plan[st.ABOVE])
    if kind == st.SQUARES:
        return predict_squares(s, at, column)
    if kind == st.LAST:
        return v[at - near]
    if kind == st.LINE:
        return v[at - near] * 2 - v[at - near - near]
    if kind == st.UPPER:
        return v[at - above]
    if kind == st.PLANE:
        return v[at - near] + v[at - above] - v[at - near - above]
    return S64(0)
