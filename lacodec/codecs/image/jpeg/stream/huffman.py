"""Huffman tables of a JPEG file, in the forms that the kernels use."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

LOOK = 10
"""Bits of the code that one look into a table decides."""

LARGEST = 16 + 256
"""Bytes of a table at most."""

LIMIT, PLACE = range(2)
"""Rows of `Tables.long`: for each length the first 16-bit value beyond its codes, and what leads from a code to its symbol."""


@dataclass(frozen=True)
class Table:
    """A table as DHT has it: the number of codes of each length 1..16, and their symbols in order; none if it is left out."""

    counts: tuple[int, ...]
    symbols: np.ndarray

    @property
    def missing(self) -> bool:
        """Whether it is left out: `optimal` says what it is."""
        return not self.counts


@dataclass(frozen=True)
class Tables:
    """Several tables for the kernels.

    look: uint16[tables, 1 << LOOK], length << 8 | symbol, 0 for longer codes. long: int64[tables, 2, 17]. symbols: uint8[tables,
    512]. codes: uint64[tables, 256], length << 16 | code, 0 for a symbol without one; the upper half counts how often it was put.
    """

    look: np.ndarray
    long: np.ndarray
    symbols: np.ndarray
    codes: np.ndarray


def read_table(data: bytes) -> Table | None:
    """The table that begins at 16 counts; None if it is cut or its codes do not fit."""
    if len(data) < 16:
        return None
    counts = tuple(data[:16])
    total, code = sum(counts), 0
    if total > 256 or len(data) < 16 + total:
        return None
    for length, count in enumerate(counts, 1):
        code += count
        if code > 1 << length:
            return None
        code <<= 1
    return Table(counts, np.frombuffer(data[16 : 16 + total], np.uint8))


def tables_of(tables: list[Table]) -> Tables:
    """All forms of these tables."""
    forms = [_forms(table.counts, table.symbols.tobytes()) for table in tables] or [_forms((), b"")]
    return Tables(*(np.stack(several) for several in zip(*forms, strict=True)))


@lru_cache(64)
def _forms(counts: tuple[int, ...], symbols: bytes) -> tuple[np.ndarray, ...]:
    """The rows of one table."""
    look, long = np.zeros(1 << LOOK, np.uint16), np.zeros((2, 17), np.int64)
    padded, codes = np.zeros(512, np.uint8), np.zeros(256, np.uint64)
    if not counts:  # codes of one bit, to count with
        codes[:] = 1 << 16
    code = place = 0
    padded[: len(symbols)] = list(symbols)
    for length, count in enumerate(counts, 1):
        long[PLACE, length] = place - code
        for symbol in symbols[place : place + count]:
            if length <= LOOK:
                step = 1 << (LOOK - length)
                look[code * step : (code + 1) * step] = length << 8 | symbol
            codes[symbol] = length << 16 | code
            code, place = code + 1, place + 1
        long[LIMIT, length] = code << (16 - length)
        code <<= 1
    return look, long, padded, codes
