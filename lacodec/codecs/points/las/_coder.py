"""Numbers of up to 64 bits as tokens of the fast pixel model: those that no token has follow as their size and plain bits."""

from typing import Any, NamedTuple

import numpy as np

from lacodec.codecs.image.lossless.fast.kernel import BITS, POSITION, REACH, RECORDS, STATE, count, record
from lacodec.codecs.image.lossless.fast.vector import TABLE, TOKENS, find_token
from lacodec.codecs.points.las import _layout as at
from lacodec.kernels.jit import helper, inlined

U: Any = np.uint64
S64: Any = np.int64
FAR = 1 << 40
"""What the escape token stands for: a number that follows."""
_PLAIN = 22  # bits at a time


class Tokens(NamedTuple):
    """A coder of tokens; the fields are those of `fast.kernel.State` with the same names."""

    coder: np.ndarray
    words: np.ndarray
    records: np.ndarray
    tables: np.ndarray
    counts: np.ndarray
    due: np.ndarray
    token_of: np.ndarray
    spans: np.ndarray


@inlined
def code(t: Tokens, decoding: bool, table: int, shift: int, value: int) -> int:
    """A number, read, or recorded and returned. shift: bits that do not count for its token."""
    table, shift = U(table), U(shift)
    if decoding:
        value = _read(t, table, shift)
        if value == FAR:
            value = _read_far(t)
    else:
        level = value >> S64(shift)
        near = level > -REACH and level < REACH
        record(t, table, shift, value if near else S64(FAR))
        if not near:
            _record_far(t, value)
    return value


@inlined
def code_place(t: Tokens, decoding: bool, table: int, place: int) -> int:
    """A number from 0 to 1000: the first 31 have tokens of their own."""
    if decoding:
        value = _read(t, U(table), U(0))
        return 2 * value - 1 if value > 0 else -2 * value
    record(t, U(table), U(0), (place + 1) >> 1 if place & 1 else -(place >> 1))
    return place


@inlined
def _read(t: Tokens, table: int, shift: int) -> int:
    """As `fast.kernel.read`, without a branch that nothing tells."""
    state, start = t.coder[STATE], table * U(TABLE)
    slot = state & U((1 << BITS) - 1)
    token = find_token(t.tables, start, slot)
    low = U(t.tables[start + token])
    state = (U(t.tables[start + token + U(1)]) - low) * (state >> U(BITS)) + slot - low
    span = t.spans[shift * U(TOKENS) + token]
    bits = U(span & 255)
    found = state & ((U(1) << bits) - U(1))
    _go_on(t, state >> bits)
    count(t, table, token)
    return (span >> 8) + S64(found)


@inlined
def _go_on(t: Tokens, state: int) -> None:
    """The next word, if the state has room for one."""
    place = t.coder[POSITION]
    short = U(state < U(1 << 32))
    t.coder[STATE] = (state << (short << U(5))) | (U(t.words[min(place, U(len(t.words) - 1))]) * short)
    t.coder[POSITION] = place + short


@helper
def _read_far(t):  # type: ignore[no-untyped-def]
    size = min(code_place(t, True, at.OF_SIZE, S64(0)), S64(63))
    found, known = U(0), U(0)
    while known < U(size):
        some = min(U(size) - known, U(_PLAIN))
        found |= _read_plain(t, some) << known
        known += some
    found |= U(1) << U(size)
    return S64(found >> U(1)) ^ -S64(found & U(1))


@helper
def _record_far(t, value):  # type: ignore[no-untyped-def]
    folded = U(value << 1) ^ U(value >> 63)
    size = S64(0)
    while folded >> U(size) > U(1):
        size += 1
    code_place(t, False, at.OF_SIZE, size)
    rest, known = folded ^ (U(1) << U(size)), U(0)
    while known < U(size):
        some = min(U(size) - known, U(_PLAIN))
        bits = (rest >> known) & ((U(1) << some) - U(1))
        t.records[t.coder[RECORDS]] = U(1 << (BITS + 16)) | (some << U(32)) | (bits << U(40))
        t.coder[RECORDS] += U(1)
        known += some


@inlined
def _read_plain(t: Tokens, bits: int) -> int:
    """Bits without a token: as those behind a token that is certain."""
    state = t.coder[STATE]
    _go_on(t, state >> bits)
    return state & ((U(1) << bits) - U(1))
