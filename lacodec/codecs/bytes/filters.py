"""Reversible filters for binary blocks: differences of samples, absolute targets for x86 calls.

A filter is a number in the payload: 0 none, 1-4 differences of bytes that many places apart, 5-6 of 16-bit little-endian samples
one or two apart, 7 x86. Every filter keeps the size and maps uint8[n] to uint8[n].
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lacodec.codecs.bytes.lz.layout import leading_zeros, trailing_zeros
from lacodec.kernels.jit import flat_kernel, inlined, intrinsic
from lacodec.kernels.llvm import ir, load, place, types

NONE, X86 = 0, 7
DELTAS = range(1, 7)
FILTERS = 8

U: Any = np.uint64
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
    left = U(max(data.size - _OPERAND, 0))
    places = left
    while left > U(0):
        count = U(64) if left >= U(64) else U(1)
        base = left - count if sign > 0 else places - left
        calls = _calls(data, base) if count > U(1) else U((data[base] & 0xFE) == 0xE8)
        while calls != U(0):
            k = U(63) - leading_zeros(calls) if sign > 0 else trailing_zeros(calls)
            rest = (U(1) << k) - U(1) if sign > 0 else ~((U(2) << k) - U(1))
            calls &= rest
            top = data[base + k + U(_OPERAND)]
            if top == 0 or top == 255:
                fresh = _move(data, base + k, sign)
                if sign < 0 and count > U(1):  # what follows has changed
                    calls = calls & ~(U(30) << k) | (fresh << k << U(1))
        left -= count


@intrinsic
def _calls(typing_context: Any, data: Any, at: Any) -> Any:
    """uint64: which of 64 bytes from a place on are E8 or E9, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), 64)
        found = load(builder, place(context, builder, signature.args[0], arguments[0], arguments[1], kind), 1)
        same = builder.icmp_unsigned("==", builder.and_(found, ir.Constant(kind, [0xFE] * 64)), ir.Constant(kind, [0xE8] * 64))
        return builder.bitcast(same, ir.IntType(64))

    return types.uint64(data, types.uint64), generate


@inlined
def _move(data: np.ndarray, i: int, sign: int) -> int:
    """Returns which of the four bytes of the new operand are E8 or E9, the first one lowest."""
    target, calls = np.int64(0), U(0)
    for b in range(_OPERAND):
        target |= np.int64(data[i + U(b) + U(1)]) << (8 * b)
    target = (target + sign * np.int64(i)) & 0x1FFFFFF
    if target >> 24:
        target |= 0xFE000000
    for b in range(_OPERAND):
        byte = np.uint8(target >> (8 * b))
        data[i + U(b) + U(1)] = byte
        calls |= U((byte & 0xFE) == 0xE8) << U(b)
    return calls
