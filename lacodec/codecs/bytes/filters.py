"""Reversible filters for binary blocks: differences of samples, absolute targets for x86 calls.

A filter is a number in the payload: 0 none, 1-4 differences of bytes that many places apart, 5-6 of 16-bit little-endian samples
one or two apart, 7 x86. Every filter keeps the size and maps uint8[n] to uint8[n].
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lacodec.codecs.bytes.lz.layout import leading_zeros, load64, trailing_zeros
from lacodec.kernels.jit import flat_kernel, inlined

NONE, X86 = 0, 7
DELTAS = range(1, 7)
FILTERS = 8

U: Any = np.uint64
_SEVENS = 0x7F7F7F7F7F7F7F7F
_OPERAND = 4  # bytes after an E8 (call) or E9 (jump)
_LEAST_CALLS = 64


def apply_filter(data: np.ndarray, number: int) -> np.ndarray:
    """The filtered copy of uint8[n]."""
    filtered = data.copy()
    if number == X86:
        _move_targets(filtered, 1)
    else:
        _through_samples(filtered, number, _difference)
    return filtered


def undo_filter(data: np.ndarray, number: int) -> np.ndarray:
    """The inverse of `apply_filter` for any bytes, in their place."""
    if number == X86:
        _move_targets(data, -1)
    else:
        _through_samples(data, number, _sum)
    return data


def looks_like_x86(data: np.ndarray) -> bool:
    """True when absolute call targets repeat clearly more often than relative ones."""
    moved = apply_filter(data, X86)
    calls = np.flatnonzero((data[:-_OPERAND] & 0xFE) == 0xE8) + 1
    near = calls[(data[calls + _OPERAND - 1] == 0) | (data[calls + _OPERAND - 1] == 255)]
    if near.size < _LEAST_CALLS:
        return False
    return _distinct(moved, near) * 10 < _distinct(data, near) * 9


def _distinct(data: np.ndarray, places: np.ndarray) -> int:
    operands = sum(data[places + i].astype(np.uint32) << np.uint32(8 * i) for i in range(_OPERAND))
    return int(np.unique(operands).size)


def _through_samples(data: np.ndarray, number: int, change: Callable[[np.ndarray, int], None]) -> None:
    if number in range(1, 5):
        change(data, number)
    elif number in (5, 6):
        change(data[: data.size // 2 * 2].view("<u2"), number - 4)


def _difference(samples: np.ndarray, distance: int) -> None:
    samples[distance:] -= samples[:-distance].copy()


def _sum(samples: np.ndarray, distance: int) -> None:
    for phase in range(distance):
        every = samples[phase::distance]
        np.add.accumulate(every, out=every, dtype=samples.dtype)


@flat_kernel
def _move_targets(data: np.ndarray, sign: int) -> None:
    """Add (or take away) the place of every near call or jump to its operand, a 25-bit signed number.

    Adding runs from the end and taking away from the start, so that at every place both see the same bytes, also where operands
    overlap.
    """
    one, eight = U(1), U(8)
    left = U(max(data.size - _OPERAND, 0))
    places = left
    while left > U(0):
        i = left - one if sign > 0 else places - left
        if left >= eight:  # mostly, there is none among eight bytes
            calls = _calls(load64(data, left - eight if sign > 0 else i))
            if calls == U(0):
                left -= eight
                continue
            ahead = (leading_zeros(calls) if sign > 0 else trailing_zeros(calls)) >> U(3)
            left -= ahead
            i = left - one if sign > 0 else places - left
        top = data[i + U(_OPERAND)]
        if (data[i] & 0xFE) == 0xE8 and (top == 0 or top == 255):
            _move(data, i, sign)
        left -= one


@inlined
def _calls(word: int) -> int:
    """The highest bit of every byte of a word that is E8 or E9."""
    other = (word ^ U(0xE8E8E8E8E8E8E8E8)) & U(0xFEFEFEFEFEFEFEFE)
    return ~((other & U(_SEVENS)) + U(_SEVENS) | other) & ~U(_SEVENS)


@inlined
def _move(data: np.ndarray, i: int, sign: int) -> None:
    target = np.int64(0)
    for b in range(_OPERAND):
        target |= np.int64(data[i + U(b) + U(1)]) << (8 * b)
    target = (target + sign * np.int64(i)) & 0x1FFFFFF
    if target >> 24:
        target |= 0xFE000000
    for b in range(_OPERAND):
        data[i + U(b) + U(1)] = np.uint8(target >> (8 * b))
