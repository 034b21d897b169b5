"""A component's blocks: count of nonzeros inside (7x7), those coefficients, the same for first row and first column, then DC."""

from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.block_contexts import count_contexts, foretell_dc, residual_contexts
from lacodec.codecs.image.jpeg.model.contexts import guess_contexts, sign_contexts, value_contexts
from lacodec.codecs.image.jpeg.model.decisions import decide, decide_simply, fetch_slots
from lacodec.codecs.image.jpeg.model.features import adapt, gather_others, keep, locate, predict
from lacodec.codecs.image.jpeg.model.state import State
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
_ROW, _COLUMN, _DC = U(49), U(56), U(63)  # where they start in `order`


@flat_kernel
def code_rows(s: State, start: int, stop: int) -> None:
    """Code block rows start..stop-1: from `coefficients` to `stream`, or back."""
    columns = U(s.plan[st.COLUMNS])
    for y in range(U(start), U(stop)):
        for x in range(columns):
            _code_block(s, y, x)


@inlined
def _code_block(s: State, y: int, x: int) -> None:
    here = locate(s, y, x)
    gather_others(s, y, x)
    remaining, total, end = U(0), U(0), U(0)
    i = U(0)
    while i <= _DC:
        if i in (U(0), _ROW, _COLUMN):
            end = _ROW if i == U(0) else i + U(7)
            part = U(st.INSIDE) if i == U(0) else U(st.TOP_ROW) if i == _ROW else U(st.LEFT_COLUMN)
            remaining = U(0) if s.plan[st.DECODING] else _nonzeros(s, y, x, i, end)
            count_contexts(s, y, x, here, part)
            remaining = min(_code_count(s, U(6) if i == U(0) else U(3), remaining), end - i)
            s.counts[y & U(1), x + U(1), part] = S64(remaining)
            total += remaining
        if i == _DC:
            _code_value(s, y, x, here, i, total, U(1))
        elif remaining > U(0):
            remaining -= _code_value(s, y, x, here, i, remaining, end - i)
        if remaining == U(0):
            i = end
        else:
            i += U(1)
        if i == _DC and end == _DC and remaining == U(0):
            end = U(64)


@inlined
def _nonzeros(s: State, y: int, x: int, start: int, end: int) -> int:
    count = U(0)
    for i in range(start, end):
        count += U(s.coefficients[y, x, U(s.zigzag[U(s.order[i])])] != 0)
    return count


@inlined
def _code_count(s: State, longest: int, value: int) -> int:
    """Below 2**longest: its length in bits one by one, then the bits below the first."""
    growing, length, left, result = True, U(0), U(0), U(1)
    while growing or left > U(0):
        if growing:
            node, bit = length, U((value >> length) != U(0))
        else:
            left -= U(1)
            node, bit = U(5) + (U(1) << (length - U(1))) - length + result, (value >> left) & U(1)
        bit = U(decide(s, s.contexts, s.select, node, bit))
        if not growing:
            result = result * U(2) + bit
        elif bit != U(0) and length + U(1) < longest:
            length += U(1)
        else:
            length += bit
            growing, left = False, max(length, U(1)) - U(1)
    return result if length > U(0) else U(0)


@inlined
def _code_value(s: State, y: int, x: int, here: int, i: int, remaining: int, left: int) -> int:
    """Code order[i], one of `left` of which `remaining` aren't zero; for DC its difference to what is foretold. 1 if not zero."""
    k = U(s.order[i])
    z = U(s.zigzag[k])
    dc = i == _DC
    size_class, above, across = predict(s, k, here)
    value = S64(s.coefficients[y, x, z])
    foretold = S64(0)
    if dc:
        both, above, across = foretell_dc(s, y, x)
        foretold = min(max((both + 128) >> 8, -32768), 32767)
        residual_contexts(s, y, x, size_class, S64(remaining), (both & 255) >> 4, abs(above - across))
        above, across = (above - (foretold << 8)) >> 1, (across - (foretold << 8)) >> 1
        value -= foretold
    else:
        value_contexts(s, here, i, S64(remaining), S64(left), size_class, s.counts[y & U(1), x + U(1), st.INSIDE])
        guess_contexts(s, i, size_class, above + across, False)
    sign_contexts(s, here, i, size_class, above, across)
    fetch_slots(s, s.sign_contexts)  # while it is decided whether there is a sign
    nonzero = U(1)
    if dc or remaining < left:
        nonzero = U(decide(s, s.contexts, s.select, U(st.ZERO), U(value != 0)))
    if nonzero != U(0):
        negative = decide(s, s.sign_contexts, s.sign_select, U(0), U(value < 0))
        if not dc:
            guess_contexts(s, i, size_class, -(above + across) if negative else above + across, True)
        size = S64(_code_size(s, U(abs(value)), i))
        value = -size if negative else size
    else:
        value = S64(0)
    adapt(s, k, value + foretold)
    if dc:
        s.counts[y & U(1), x + U(1), st.RESIDUAL] = value
        value = S64(np.int16(foretold + value))
    if s.plan[st.DECODING]:
        s.coefficients[y, x, z] = np.int16(value)
    keep(s, here, k, value)
    return nonzero


@inlined
def _code_size(s: State, size: int, kind: int) -> int:
    """1..65535: its length in bits one by one, then the bits below the first; the lowest bits of long ones aren't mixed."""
    growing, length, left, result = True, U(1), U(0), U(1)
    while growing or left > U(0):
        if growing:
            node, bit = U(st.LENGTH) + min(length - U(1), U(7)), U((size >> length) != U(0))
        else:
            left -= U(1)
            node, bit = _bit_node(length, left, result), (size >> left) & U(1)
        if node < U(st.NODES):
            bit = U(decide(s, s.contexts, s.select, node, bit))
        else:
            bit = U(decide_simply(s, (kind * U(32) + length) * U(16) + left, bit))
        if not growing:
            result = result * U(2) + bit
        elif bit != U(0) and length + U(1) < U(st.MAX_LENGTH):
            length += U(1)
        else:
            length += bit
            growing, left = False, length - U(1)
    return result


@inlined
def _bit_node(length: int, left: int, result: int) -> int:
    """Node of a bit that has `left` below it, in a value of so many; NODES if it has none."""
    if length == U(3) and left == U(0):
        return U(st.BITS) + result
    if left + U(2) != length:
        return U(st.NODES)
    return U(st.BITS) + (length - U(2) if length < U(4) else U(4) if length == U(4) else U(5))
