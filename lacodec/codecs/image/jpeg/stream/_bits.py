"""Bits in the kernels: read at any place out of 64-bit words, and put together into such words."""

import numpy as np

from lacodec.codecs.image.jpeg.stream.huffman import LIMIT, LOOK, PLACE
from lacodec.kernels.bit_counts import leading_zeros
from lacodec.kernels.jit import inlined

SLACK = 80
"""Words behind the data that may be read, and before the end of an output that a block may fill."""

_LONG = 64 - LOOK
_LOW = np.uint64(0x7FFF7FFF7FFF7FFF)
_GATHER = np.uint64(1 << 60 | 1 << 45 | 1 << 30 | 1 << 15)


@inlined
def peek(words, place):  # type: ignore[no-untyped-def]
    """The 64 bits from bit `place` (uint64) on."""
    at, shift = place >> np.uint64(6), place & np.uint64(63)
    return words[at] << shift | words[at + np.uint64(1)] >> np.uint64(1) >> (np.uint64(63) - shift)


@inlined
def find(top, look, long, symbols):  # type: ignore[no-untyped-def]
    """The symbol whose code leads the 64 bits `top`, as length << 8 | symbol; 0 if there is none."""
    found = np.uint64(look[top >> np.uint64(_LONG)])
    if found == 0:
        code = np.int64(top >> np.uint64(48))
        for length in range(LOOK + 1, 17):
            if code < long[LIMIT, length]:
                place = long[PLACE, length] + (code >> (16 - length))
                return np.uint64(length << 8) | np.uint64(symbols[np.uint64(place & 511)])
    return found


@inlined
def value_of(top, length, size):  # type: ignore[no-untyped-def]
    """The number of category `size` (1 to 15) behind a code of `length` bits."""
    bits = np.int64((top << length) >> (np.uint64(64) - size))
    return bits - (((np.int64(1) << np.int64(size)) - 1) if bits < np.int64(1) << np.int64(size - np.uint64(1)) else 0)


@inlined
def put(words, at, held, free, value, count):  # type: ignore[no-untyped-def]
    """Append `count` (0 to 32) bits: words[at] is the next to be filled, `held` has the bits of it so far, `free` their room.

    Returns (at, held, free).
    """
    left = free - count
    if left >= 0:
        return at, held << np.uint64(count) | np.uint64(value), left
    words[at] = held << np.uint64(free) | np.uint64(value) >> np.uint64(-left)
    return at + np.uint64(1), np.uint64(value), left + 64


@inlined
def code_of(codes, symbol):  # type: ignore[no-untyped-def]
    """The length << 16 | code of a symbol, 0 if it has none; counted in the upper half of its entry."""
    entry = codes[np.uint64(symbol)]
    codes[np.uint64(symbol)] = entry + np.uint64(1 << 32)
    return np.int64(entry & np.uint64(0xFFFFFFFF))


@inlined
def category(value):  # type: ignore[no-untyped-def]
    """How many bits the magnitude `value` >= 0 has."""
    return np.int64(64) - np.int64(leading_zeros(np.uint64(value)))


@inlined
def present(quads):  # type: ignore[no-untyped-def]
    """Which of 64 coefficients are not 0, coefficient k as bit k. quads: uint64[16], the block with 4 of them in each."""
    found = np.uint64(0)
    for i in range(16):
        four = quads[np.uint64(i)]
        if four != 0:
            high = ((four & _LOW) + _LOW | four) & ~_LOW  # the highest bit of each that is not 0
            found |= (high >> np.uint64(15)) * _GATHER >> np.uint64(60) << np.uint64(4 * i)
    return found
