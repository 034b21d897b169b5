"""What the values of a column may look like."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns.decode import Column
from lacodec.codecs.log.columns.types import (
    ADDRESS,
    CLOCK,
    DASHED,
    DISTINCT,
    FIXED,
    NAMED,
    NAMES,
    NIBBLES,
    PADDED,
    PLAIN,
    TEXT,
    TYPES,
)

_DIGITS, _HEXADECIMAL = b"0123456789", b"0123456789abcdefABCDEF"
_NAMES = NAMES.tobytes()


def _allowed() -> NDArray[np.bool_]:
    found = np.zeros((TYPES, 256), np.bool_)
    found[[TEXT, DISTINCT]] = True
    bytes_of = {
        PLAIN: _DIGITS,
        PADDED: _DIGITS,
        FIXED: _DIGITS + b".",
        CLOCK: _DIGITS + b":.,",
        ADDRESS: _DIGITS + b".",
        NIBBLES: _HEXADECIMAL,
        DASHED: _HEXADECIMAL + b"-",
        NAMED: _NAMES + _NAMES.lower(),
    }
    for code, allowed in bytes_of.items():
        found[code, list(allowed)] = True
    return found


ALLOWED = _allowed()
"""bool[types, 256]: the bytes that values may have."""


def may_spell(column: Column, literal: bytes, ignore_case: bool, numbers: Callable[[], NDArray[np.uint64]]) -> bool:
    """Whether a number of the column may be spelled with the literal in it. numbers: decodes them."""
    code = column.type.code
    if code == NAMED:
        names = [_NAMES[3 * i : 3 * i + 3] for i in range(column.low, min(column.high, len(_NAMES) // 3 - 1) + 1)]
        return any(literal in (name.lower() if ignore_case else name) for name in names)
    if code == CLOCK:
        return _in_range(column, literal)
    if code in (FIXED, ADDRESS):
        return _in_parts(column, literal)
    width = column.type.first if code == PADDED else 0
    if len(literal) > max(width, len(str(column.high))):
        return False
    return literal in b"\n".join(b"%0*d" % (width, number) for number in np.unique(numbers()).tolist())


def _in_parts(column: Column, literal: bytes) -> bool:
    """Whether the runs of digits in the literal are short enough for the parts of a fraction or an address."""
    most = 3 if column.type.code == ADDRESS else max(len(str(column.high)) - column.type.first, column.type.first, 1)
    return max(map(len, literal.split(b"."))) <= most


def _in_range(column: Column, literal: bytes) -> bool:
    """Whether a time that begins with the literal is between the lowest and the highest one; literals in other forms may be."""
    parts = literal[:8].split(b":")
    if max(map(len, re.split(rb"[:.,]", literal))) > max(2, column.type.first):
        return False
    if len(literal) < 8 or [len(part) for part in parts] != [2, 2, 2] or not all(part.isdigit() for part in parts):
        return True
    seconds = (int(parts[0]) * 60 + int(parts[1])) * 60 + int(parts[2])
    scale = 10**column.type.first
    return column.low // scale <= seconds <= column.high // scale
