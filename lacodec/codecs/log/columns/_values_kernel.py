"""Texts of one kind of token <-> numbers, where one form spells them all."""

from typing import Any

import numpy as np

from lacodec.codecs.log.columns._tokens_kernel import IP, NAME, TIME, name_of
from lacodec.kernels.jit import kernel


@kernel
def measure(data, begins, ends):  # type: ignore[no-untyped-def]
    """What the texts of a column share: (their width or -1, the places after a point or comma or -1, that separator or -1,

    whether one has a 0 in front of other digits, whether they have lower-case, whether upper-case letters).
    """
    width, places, separator = np.int64(-2), np.int64(-2), np.int64(-2)
    padded: Any = False
    lower: Any = False
    upper: Any = False
    for i in range(len(begins)):
        size = np.int64(ends[i] - begins[i])
        after, mark = np.int64(0), np.int64(0)
        for at in range(begins[i], ends[i]):
            c = data[at]
            if c == 46 or c == 44:
                after, mark = np.int64(ends[i] - at - 1), np.int64(c)
            lower = lower or c >= 97
            upper = upper or (c >= 65 and c < 97)
        padded = padded or (size > 1 and data[begins[i]] == 48 and data[begins[i] + 1] >= 48 and data[begins[i] + 1] <= 57)
        width = size if width == -2 or width == size else np.int64(-1)
        places = after if places == -2 or places == after else np.int64(-1)
        separator = mark if separator == -2 or separator == mark else np.int64(-1)
    return width, places, separator, padded, lower, upper


@kernel
def to_numbers(data, begins, ends, kind, values):  # type: ignore[no-untyped-def]
    """values u64[n]: the number of each text: its digits, the time in units of its last place, the address, the name."""
    for i in range(len(begins)):
        value, part, parts = np.uint64(0), np.uint64(0), 0
        if kind == NAME:
            value = np.uint64(name_of(data, begins[i]))
        for at in range(begins[i], ends[i] if kind != NAME else begins[i]):
            c = data[at]
            if c >= 48 and c <= 57:
                part = part * np.uint64(10) + np.uint64(c - 48)
            if c == 46 or c == 58 or c == 44 or at == ends[i] - 1:
                if kind == IP:
                    value, part = value * np.uint64(256) + part, np.uint64(0)
                elif kind == TIME and parts < 3:
                    value, part = value * np.uint64(60) + part, np.uint64(0)
                    parts += 1
                    if parts == 3 and at < ends[i] - 1:
                        for _ in range(ends[i] - 1 - at):
                            value *= np.uint64(10)
        values[i] = value + part


@kernel
def to_nibbles(data, begins, ends, packed):  # type: ignore[no-untyped-def]
    """packed u8[...]: the hexadecimal digits of the texts, two in a byte, hyphens left out; an even number in each."""
    count = 0
    for i in range(len(begins)):
        for at in range(begins[i], ends[i]):
            c = data[at]
            if c != 45:
                nibble = c - 48 if c < 58 else (c & 7) + 9
                packed[count >> 1] = np.uint8(packed[count >> 1] << 4 | nibble)
                count += 1
