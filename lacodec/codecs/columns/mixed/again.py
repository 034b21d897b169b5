"""Groups of bits that are the same for value after value: one cheap decision says that they are so again."""

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U
from lacodec.entropy.mixing import code_decision
from lacodec.kernels.jit import inlined

_ONE, _TWO = U(1), U(2)
_RUN = 255  # times after which it is asked
_LONGEST = 60000


@inlined
def same_again(s: State, row: int, part: int) -> int:
    """Whether the group is what it always was, where that is worth a question; out of `part` when encoding."""
    run = s.runs[row * _TWO + _ONE]
    if run < _RUN:
        return U(0)
    usual = U(s.runs[row * _TWO])
    p = 65536 - S64(U(65536) // U(run + 2))
    same = code_decision(s.registers, s.stream, min(p, 65535), U(part == usual), s.plan[st.DECODING])
    s.runs[row * _TWO + _ONE] = min(run + 1, _LONGEST) if same else S64(0)
    return same


@inlined
def remember(s: State, row: int, part: int) -> None:
    """A group that was coded bit by bit."""
    if U(s.runs[row * _TWO]) == part:
        s.runs[row * _TWO + _ONE] += 1
    else:
        s.runs[row * _TWO] = S64(part)
        s.runs[row * _TWO + _ONE] = 1
