"""Plain bits: a stream of their own, lowest bit first."""

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U
from lacodec.kernels.jit import inlined

_ONE = U(1)


@inlined
def code_plain(s: State, value: int, count: int) -> int:
    """Code up to 8 bits; returns them. Zeros follow the end of the stream."""
    r = s.registers
    word, filled = U(r[st.RAW_WORD]), U(r[st.RAW_COUNT])
    if s.plan[st.DECODING]:
        if filled < count:
            at = U(r[st.RAW_AT])
            word |= (U(s.raw[at]) if at < U(s.raw.size) else U(0)) << filled
            filled += U(8)
            r[st.RAW_AT] = S64(at) + 1
        value = word & ((_ONE << count) - _ONE)
        word >>= count
        filled -= count
    else:
        word |= value << filled
        filled += count
        if filled >= U(8):
            at = U(r[st.RAW_AT])
            if at < U(s.raw.size):
                s.raw[at] = np.uint8(word & U(255))
            r[st.RAW_AT] = S64(at) + 1
            word >>= U(8)
            filled -= U(8)
    r[st.RAW_WORD], r[st.RAW_COUNT] = S64(word), S64(filled)
    return value


def finish_plain(s: State) -> None:
    """Flush the last bits."""
    if s.registers[st.RAW_COUNT]:
        s.raw[s.registers[st.RAW_AT]] = s.registers[st.RAW_WORD] & 255
        s.registers[st.RAW_AT] += 1
