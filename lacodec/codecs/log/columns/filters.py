"""Which sequences of three letters a block or a pool has: a search can tell from them that it does not have its text.

A filter is 2**k bits, lowest of a byte first, one for the hash of each sequence of three letters, capitals as small letters;
k from 6 to 14, so that it takes less than a hundredth of what it stands for. Nothing at all says nothing.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import kernel

_SHARE = 120
_LEAST, _MOST = 6, 14
_FULLEST = 0.7
"""Part of the bits beyond which a filter tells too little."""


def make_filter(data: NDArray[np.uint8], size: int) -> bytes:
    """The filter of data u8[n] for a payload of `size` bytes."""
    room = 8 * size // _SHARE
    if room < 1 << _LEAST:
        return b""
    bits = min(room.bit_length() - 1, _MOST)
    found = np.zeros(1 << bits, np.bool_)
    fill_filter(data, found)
    return b"" if found.mean() > _FULLEST else np.packbits(found, bitorder="little").tobytes()


def may_have(found: bytes | memoryview, text: bytes) -> bool:
    """Whether a block with this filter may have `text`, whatever the case of its letters."""
    bits = 8 * len(found)
    if not bits or len(text) < 3:
        return True
    wanted = np.zeros(bits, np.bool_)
    fill_filter(np.frombuffer(text, np.uint8), wanted)
    return bool((np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little").view(np.bool_) | ~wanted).all())


@kernel
def fill_filter(data, found):  # type: ignore[no-untyped-def]
    """Mark the hash of every three letters in found bool[2**k]."""
    shift = np.uint64(64)
    size = len(found)
    while size > 1:
        size >>= 1
        shift -= np.uint64(1)
    code, run = np.uint64(0), 0
    for at in range(len(data)):
        c = data[at] | 32
        if c >= 97 and c <= 122 and data[at] >= 65:
            code = (code << np.uint64(5) | np.uint64(c - 96)) & np.uint64(0x7FFF)
            run += 1
            if run >= 3:
                found[(code * GOLDEN) >> shift] = True
        else:
            run = 0


@kernel
def longest_runs(data):  # type: ignore[no-untyped-def]
    """The longest runs in data u8[n]: (of ASCII letters and digits, of digits)."""
    words = digits = word = number = np.int64(0)
    for at in range(len(data)):
        c = data[at]
        digit = c >= 48 and c <= 57
        letter = (c | 32) >= 97 and (c | 32) <= 122 and c >= 65
        number = number + 1 if digit else np.int64(0)
        word = word + 1 if digit or letter else np.int64(0)
        words, digits = max(words, word), max(digits, number)
    return words, digits
