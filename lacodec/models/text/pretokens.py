"""Where text may be cut before it is split into pieces: a small automaton over bytes.

    bytes --class of each, state--> begins[i]: does a pre-token begin at byte i?

Causal: whether one begins at byte i depends on bytes 0..i only, so that a decoder knows it as soon as it has read byte i, and
never has to look further. A space joins the word, number or mark that follows it; a run of one kind stays together.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.jit import inlined, kernel

LONGEST = 40
"""Bytes in a pre-token, at most."""
_LONG = 32  # from this length on a pre-token ends at the next character

_WORD, _DIGIT, _MARK, _SPACE, _LINE, _SIGN, _INSIDE, _APOSTROPHE = range(8)
"""Kinds of bytes. _SIGN: first of a character that is rarely a letter (typographic marks, kana, emoji); _INSIDE: a later one."""


def _classes() -> NDArray[np.uint8]:
    kinds = np.full(256, _MARK, np.uint8)
    kinds[0x80:0xC0] = _INSIDE
    kinds[0xC0:] = _WORD
    kinds[[0xC2, 0xE2, 0xE3, 0xEF, *range(0xF0, 0x100)]] = _SIGN
    kinds[ord("0") : ord("9") + 1] = _DIGIT
    kinds[ord("A") : ord("Z") + 1] = _WORD
    kinds[ord("a") : ord("z") + 1] = _WORD
    kinds[[ord(" "), ord("\t")]] = _SPACE
    kinds[[ord("\n"), ord("\r")]] = _LINE
    kinds[ord("'")] = _APOSTROPHE
    return kinds


CLASSES = _classes()


def begins(data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool[n]: true where a pre-token begins."""
    return _begins(data, CLASSES)


@kernel
def _begins(data, classes):  # type: ignore[no-untyped-def]
    out = np.zeros(len(data), np.bool_)
    state, length = -1, 0
    for i in range(len(data)):
        state, out[i] = follow(state, length, classes[data[i]])
        length = 1 if out[i] else length + 1
    return out


@inlined
def follow(state, length, kind):  # type: ignore[no-untyped-def]
    """The kind of the run after a byte of a kind, and whether the byte begins a pre-token.

    state: kind of the run that the pre-token before the byte is in (-1: there is none), of `length` bytes.
    """
    if kind == _INSIDE and state >= 0:
        new, begin = state, length >= LONGEST
    elif kind == _APOSTROPHE and state == _WORD:
        new, begin = state, False
    else:
        new = _MARK if kind == _APOSTROPHE else kind
        if state == _SPACE:  # one space belongs to the next character, several stand alone
            begin = new == _LINE or (new != _SPACE and length > 1)
        else:
            begin = new != state
    if state < 0 or (kind != _INSIDE and length >= _LONG):
        begin = True
    return new, begin
