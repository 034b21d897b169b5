"""Whole numbers as symbols and plain bits: what efforts 1 and 2 share."""

from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model.symbols import Symbols, code_plain, code_symbol
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64


@inlined
def code_size(c: Symbols, row: int, row2: int, size: int, decoding: int) -> int:
    """0..7 as symbols; larger ones with three and more bits below the first, from 1024 with all 16."""
    symbol = size
    if not decoding and size >= U(8):
        symbol = U(8)
        while symbol < U(15) and size >> (symbol - U(4)) != U(0):
            symbol += U(1)
    symbol = code_symbol(c, row, row2, symbol, decoding)
    if symbol < U(8):
        return symbol
    if symbol == U(15):
        return code_plain(c, size, U(16), decoding)
    bits = symbol - U(5)
    return code_plain(c, size & ((U(1) << bits) - U(1)), bits, decoding) | (U(1) << bits)


@inlined
def code_difference(c: Symbols, row: int, value: int, decoding: int) -> int:
    """A number of up to 16 bits and its sign."""
    size = code_size(c, row, row, U(abs(value)), decoding)
    if size == U(0):
        return S64(0)
    return -S64(size) if code_plain(c, U(value < 0), U(1), decoding) else S64(size)
