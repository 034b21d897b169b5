"""The words of the range coder as bytes: big-endian, and without the zeros at the end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._bits import FULL

Words = NDArray[np.uint32]
AHEAD = 2
"""Words that a decoder reads at once."""
REGISTERS = 6
"""low, span, place of the next word; the same for raw bits (see `_kernel`)."""


def opened(words: Words | None) -> NDArray[np.uint64]:
    """The registers at the start: of a decoder, if there are words."""
    registers = np.zeros(REGISTERS, np.uint64)
    registers[1] = FULL
    if words is not None:
        registers[0], registers[2] = int(words[0]) << 32 | int(words[1]), AHEAD
    return registers


def closed(registers: NDArray[np.uint64], words: Words) -> bytes:
    """The bytes of an encoder: of all numbers within the last span, one with most zeros at its end."""
    low, span, at = registers[:3].tolist()
    unit = 1 << (span.bit_length() - 1)
    end = (low + unit - 1) // unit * unit
    if end >> 64:
        one = at - 1 - int(np.argmax(words[:at][::-1] != 0xFFFFFFFF))  # there is one: the code is below 1
        words[one:at] += np.uint32(1)
    data = words[:at].astype(">u4").tobytes() + (end % (1 << 64)).to_bytes(8, "big")
    return data.rstrip(b"\0")


def words_of(data: Any, dtype: str) -> Words:
    """Bytes as words, and zeros for what was left out."""
    padded = bytes(data) + bytes(-len(data) % 4 + 4 * AHEAD)
    return np.frombuffer(padded, dtype).astype(np.uint32)
