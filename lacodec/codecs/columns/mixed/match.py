"""The match model: where the last few values stood before, and what followed there."""

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import inlined

_ONE = U(1)
_LEAST = U(3)  # values that must be the same
_ODD = U(0xD6E8FEB86659FD93)


@inlined
def _head(s: State, at: int) -> int:
    v = s.values
    h = (U(v[at - _ONE]) * GOLDEN + U(v[at - U(2)])) * _ODD
    h = ((h ^ (h >> U(32))) + U(v[at - U(3)])) * GOLDEN
    return h >> U(64 - s.plan[st.HEAD_BITS])


@inlined
def seek(s: State, at: int) -> None:
    """Look for a match where there is none, and remember this place."""
    head = _head(s, at)
    if s.registers[st.MATCH_LENGTH] == 0:
        found = U(s.heads[head])
        if found:
            length = U(0)
            while (
                length < U(st.LENGTHS - 1) and length < found and s.values[found - _ONE - length] == s.values[at - _ONE - length]
            ):
                length += _ONE
            if length >= _LEAST:
                s.registers[st.MATCH] = S64(found)
                s.registers[st.MATCH_LENGTH] = S64(length)
    s.heads[head] = at


@inlined
def follow(s: State, at: int) -> None:
    """After values[at] is known: go on with the match, or drop it."""
    if s.registers[st.MATCH_LENGTH]:
        if s.values[U(s.registers[st.MATCH])] == s.values[at]:
            s.registers[st.MATCH] += 1
            s.registers[st.MATCH_LENGTH] = min(s.registers[st.MATCH_LENGTH] + 1, st.LENGTHS - 1)
        else:
            s.registers[st.MATCH_LENGTH] = 0
