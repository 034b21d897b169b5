"""Templates and values -> lines."""

from typing import Any

import numpy as np

from lacodec.codecs.log.columns._tokens_kernel import MARK, NAMES
from lacodec.codecs.log.columns.types import ADDRESS, CLOCK, DASHED, DISTINCT, FIXED, NAMED, NIBBLES, PADDED, TEXT
from lacodec.kernels.jit import helper, kernel

OVERFULL = -1
_TEN = np.uint64(10)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_LONGEST = 72  # bytes: no number or digits take more


@kernel
def render(ids, wanted, template_ends, templates, slot_columns, types, bases, cursors, values, blob, out):  # type: ignore[no-untyped-def]
    """Write the lines whose template is wanted (bool[templates]), each with a line feed. Returns the bytes written, or OVERFULL.

    template_ends i64[templates]: where each ends in the u8 `templates`, its line feed left out. slot_columns i64[slots] in order
    of templates; types i64[columns, 3]; values u64: those of column c from bases[c] on, as many as its slots in all lines;
    cursors i64[columns]: zeros. Texts and digits: place in the blob << 32 | bytes, checked by the caller.
    """
    first_slots = np.empty(len(template_ends) + 1, np.int64)
    slot: Any = 0
    at: Any = 0
    for t in range(len(template_ends)):
        first_slots[t] = slot
        while at < template_ends[t]:
            slot += templates[at] == MARK
            at += 1
        at += 1
    first_slots[len(template_ends)] = slot
    o: Any = 0
    for line in range(len(ids)):
        t = ids[line]
        if not wanted[t]:
            for slot in range(first_slots[t], first_slots[t + 1]):
                cursors[slot_columns[slot]] += 1
            continue
        slot = first_slots[t]
        for at in range(template_ends[t - 1] + 1 if t else 0, template_ends[t]):
            if templates[at] != MARK:
                if o >= len(out):
                    return OVERFULL
                out[o] = templates[at]
                o += 1
                continue
            column = slot_columns[slot]
            value = values[bases[column] + cursors[column]]
            cursors[column] += 1
            slot += 1
            o = _write(out, o, types[column, 0], types[column, 1], types[column, 2], value, blob)
            if o == OVERFULL:
                return OVERFULL
        if o >= len(out):
            return OVERFULL
        out[o] = 10
        o += 1
    return o


@helper
def _write(out, o, code, first, second, value, blob):  # type: ignore[no-untyped-def]
    """One value at out[o:]; returns where it ends, or OVERFULL."""
    if code in (TEXT, DISTINCT):
        size, begin = np.int64(value & _LOW), np.int64(value >> _HALF)
        if o + size > len(out):
            return np.int64(OVERFULL)
        for i in range(size):
            out[o + i] = blob[begin + i]
        return o + size
    if o + _LONGEST > len(out) and o + _size(code, first, value) > len(out):
        return np.int64(OVERFULL)
    if code in (NIBBLES, DASHED):
        return _hexadecimal(out, o, code, first, second, np.int64(value >> _HALF), blob)
    if code == NAMED:
        name = np.int64(value % np.uint64(len(NAMES) // 3))
        for i in range(3):
            out[o + i] = NAMES[3 * name + i]
        return o + 3
    if code == ADDRESS:
        for shift in range(24, -8, -8):
            o = _plain(out, o, (value >> np.uint64(shift)) & np.uint64(255))
            if shift:
                out[o] = 46
                o += 1
        return o
    if code == CLOCK:
        scale = _power(first)
        seconds = value // scale
        o = _padded(out, o, (seconds // np.uint64(3600)) % np.uint64(100), 2)
        out[o] = 58
        o = _padded(out, o + 1, (seconds // np.uint64(60)) % np.uint64(60), 2)
        out[o] = 58
        o = _padded(out, o + 1, seconds % np.uint64(60), 2)
        if first:
            out[o] = second
            o = _padded(out, o + 1, value % scale, first)
        return o
    if code == PADDED:
        return _padded(out, o, value, first)
    if code == FIXED:
        scale = _power(first)
        o = _plain(out, o, value // scale)
        out[o] = 46
        return _padded(out, o + 1, value % scale, first)
    return _plain(out, o, value)


@helper
def _size(code, first, value):  # type: ignore[no-untyped-def]
    """Bytes of a value, at its spelling's longest."""
    if code in (NIBBLES, DASHED, PADDED):
        return np.int64(first)
    if code == CLOCK:
        return np.int64(9 + first if first else 8)
    if code == NAMED:
        return np.int64(3)
    if code == ADDRESS:
        size = np.int64(3)
        for shift in range(0, 32, 8):
            size += _digits((value >> np.uint64(shift)) & np.uint64(255))
        return size
    if code == FIXED:
        return _digits(value // _power(first)) + 1 + first
    return _digits(value)


@helper
def _digits(value):  # type: ignore[no-untyped-def]
    count = np.int64(1)
    while value >= _TEN:
        value //= _TEN
        count += 1
    return count


@helper
def _power(places):  # type: ignore[no-untyped-def]
    found = np.uint64(1)
    for _ in range(places):
        found *= _TEN
    return found


@helper
def _plain(out, o, value):  # type: ignore[no-untyped-def]
    return _padded(out, o, value, _digits(value))


@helper
def _padded(out, o, value, width):  # type: ignore[no-untyped-def]
    """The lowest `width` digits."""
    for i in range(width - 1, -1, -1):
        out[o + i] = np.uint8(value % _TEN + np.uint64(48))
        value //= _TEN
    return o + width


@helper
def _hexadecimal(out, o, code, digits, upper, begin, blob):  # type: ignore[no-untyped-def]
    letters = np.uint8(55 if upper else 87)
    nibble = np.int64(0)
    for i in range(digits):
        if code == DASHED and (i == 8 or i == 13 or i == 18 or i == 23):
            out[o + i] = 45
            continue
        byte = blob[begin + (nibble >> 1)]
        digit = np.uint8(byte & 15 if nibble & 1 else byte >> 4)
        out[o + i] = digit + np.uint8(48) if digit < 10 else digit + letters
        nibble += 1
    return o + digits


@kernel
def find_texts(text, start, entries):  # type: ignore[no-untyped-def]
    """entries u64[n]: place (from `start` on) << 32 | bytes of each line of text. Returns the lines in the text, or -1 if it does

    not end with a line feed.
    """
    begin: Any = 0
    count: Any = 0
    for at in range(len(text)):
        if text[at] == 10:
            if count < len(entries):
                entries[count] = np.uint64(start + begin) << _HALF | np.uint64(at - begin)
            count += 1
            begin = at + 1
    return count if begin == len(text) else -1
