"""Kernels of `coded_model` on the CPU: exponents, and signs with mantissas, to the bits of the values."""

import numpy as np

from lacodec.kernels.jit import flat_kernel

_U7, _U8, _U16, _U23, _U24 = (np.uint64(n) for n in (7, 8, 16, 23, 24))
_SIGN, _LOW = np.uint64(0x80), np.uint64(0x7F)


@flat_kernel
def join_narrow(symbols, rest, out, begin, end):  # type: ignore[no-untyped-def]
    """out[i] (u16) of symbols[i] and rest[i] (u8), for begin <= i < end."""
    for i in range(begin, end):
        part = np.uint64(rest[i])
        out[i] = (np.uint64(symbols[i]) << _U7) | ((part & _SIGN) << _U8) | (part & _LOW)


@flat_kernel
def join_wide(symbols, low, middle, top, out, begin, end):  # type: ignore[no-untyped-def]
    """out[i] (u32) of symbols[i] and three bytes (u8), for begin <= i < end."""
    for i in range(begin, end):
        part = np.uint64(top[i])
        bits = (np.uint64(symbols[i]) << _U23) | ((part & _SIGN) << _U24) | ((part & _LOW) << _U16)
        out[i] = bits | (np.uint64(middle[i]) << _U8) | np.uint64(low[i])
