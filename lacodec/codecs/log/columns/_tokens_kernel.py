"""A line as tokens: the pieces that may vary, with the bytes between them as they are.

17/06/09 20:10:40 INFO executor.Backend: Got 41069 of 10.0.0.1      line
N  N  N  TIME     WORD WORD     WORD     WORD N    WORD IP          tokens
"""

from typing import Any

import numpy as np

from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import helper, kernel

WORD, MIXED, PATH, QUOTED, NUMBER, DECIMAL, TIME, IP, HEX, UUID, NAME = range(11)
"""Letters; letters and digits; a path; a quoted string; digits; digits with a point; a time of day; an IPv4 address; hexadecimal
digits; a UUID; a month or a day of the week."""
NUMERIC = NUMBER
"""Kinds from here on are numbers of some form; those before are text."""

MOST_TOKENS, LONGEST_LINE = 200, 4096
"""A line with more is not taken apart."""
MARK = 1
"""The byte that stands for a slot in a template; a line that has it is not taken apart."""

_DELIMITER, _DIGIT, _LOWER_HEX, _UPPER_HEX, _LETTER = range(5)
_LONGEST_QUOTED, _LONGEST_NUMBER, _SHORTEST_HEX = 300, 18, 8


def _classes() -> np.ndarray:
    found = np.zeros(256, np.uint8)
    found[128:] = _LETTER
    for first, last, kind in (("0", "9", _DIGIT), ("a", "z", _LETTER), ("A", "Z", _LETTER)):
        found[ord(first) : ord(last) + 1] = kind
    found[ord("a") : ord("f") + 1] = _LOWER_HEX
    found[ord("A") : ord("F") + 1] = _UPPER_HEX
    return found


CLASSES = _classes()
IN_PATH = np.zeros(256, np.bool_)
IN_PATH[CLASSES > 0] = True
IN_PATH[list(b"/._-+~%?=&#@:$")] = True
NAMES = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun", np.uint8)
"""Months and days, three letters each."""


@kernel
def find_lines(data, ends):  # type: ignore[no-untyped-def]
    """ends i64[lines]: where each line ends, its line feed left out; the last one may have none. Returns how many lines."""
    count: Any = 0
    begin: Any = 0
    for at in range(len(data)):
        if data[at] == 10:
            if count < len(ends):
                ends[count] = at
            count += 1
            begin = at + 1
    if begin < len(data):
        if count < len(ends):
            ends[count] = len(data)
        count += 1
    return count


@kernel
def tokenise(data, line_ends, classes, in_path, first, begins, ends, kinds):  # type: ignore[no-untyped-def]
    """Tokens of all lines. first i64[lines + 1]: the tokens of line i are first[i] .. first[i + 1]; none for lines left whole.

    begins, ends i32[tokens] and kinds u8[tokens] have room for one token per byte. Returns how many there are.
    """
    count, begin = np.int64(0), np.int64(0)
    for line in range(len(line_ends)):
        first[line] = count
        end = line_ends[line]
        if end - begin <= LONGEST_LINE:
            at, whole, last = begin, False, count
            while at < end and not whole:
                c = data[at]
                if c == MARK:
                    whole = True
                elif classes[c] == _DELIMITER:
                    at, count = _after_delimiter(data, begin, at, end, classes, in_path, begins, ends, kinds, count)
                else:
                    at, count = _run(data, at, end, classes, begins, ends, kinds, count)
                if count - last > MOST_TOKENS:
                    whole = True
            if whole:
                count = last
        begin = end + 1
    first[len(line_ends)] = count
    return count


@helper
def _add(begins, ends, kinds, count, begin, end, kind):  # type: ignore[no-untyped-def]
    begins[count], ends[count], kinds[count] = begin, end, kind
    return count + 1


@helper
def _after_delimiter(data, begin, at, end, classes, in_path, begins, ends, kinds, count):  # type: ignore[no-untyped-def]
    """A path or a quoted string, or one byte between tokens."""
    c = data[at]
    if at > begin and classes[data[at - 1]] != _DELIMITER:
        return at + 1, count
    if c == 47 and at + 1 < end:
        stop = at + 1
        while stop < end and in_path[data[stop]]:
            stop += 1
        return stop, _add(begins, ends, kinds, count, at, stop, PATH)
    if c == 34:
        stop = at + 1
        limit = min(end, at + _LONGEST_QUOTED)
        while stop < limit and data[stop] != 34 and data[stop] != MARK:
            stop += 2 if data[stop] == 92 else 1
        if stop < limit and data[stop] == 34 and stop > at + 1:
            return stop + 1, _add(begins, ends, kinds, count, at + 1, stop, QUOTED)
    return at + 1, count


@helper
def _digits(data, at, end):  # type: ignore[no-untyped-def]
    while at < end and data[at] >= 48 and data[at] <= 57:
        at += 1
    return at


@helper
def _run(data, at, end, classes, begins, ends, kinds, count):  # type: ignore[no-untyped-def]
    """The token or tokens of a run of letters and digits that begins at `at`. Returns where they end, and how many tokens."""
    stop, digits, lower, upper, others, groups = at, 0, 0, 0, 0, 0
    before = np.uint8(_DELIMITER)
    while stop < end and classes[data[stop]] != _DELIMITER:
        c = classes[data[stop]]
        digits += c == _DIGIT
        groups += c == _DIGIT and before != _DIGIT
        lower += c == _LOWER_HEX
        upper += c == _UPPER_HEX
        others += c == _LETTER
        before = c
        stop += 1
    letters = lower + upper + others
    if others == 0 and (lower == 0 or upper == 0):
        if stop - at == 8 and _is_uuid(data, at, end, classes, upper == 0, lower == 0):
            return at + 36, _add(begins, ends, kinds, count, at, at + 36, UUID)
        if letters and digits and stop - at >= _SHORTEST_HEX:
            return stop, _add(begins, ends, kinds, count, at, stop, HEX)
    if letters == 0:
        return _number(data, at, stop, end, begins, ends, kinds, count)
    if digits == 0:
        name = stop - at == 3 and name_of(data, at) >= 0
        return stop, _add(begins, ends, kinds, count, at, stop, NAME if name else WORD)
    if digits > 1 and stop - at > 3 and data[at] == 48 and data[at + 1] == 120 and _is_hex(data, at + 2, stop, classes):
        return stop, _add(begins, ends, kinds, count, at + 2, stop, HEX)
    if groups > 1 or digits > _LONGEST_NUMBER:
        return stop, _add(begins, ends, kinds, count, at, stop, MIXED)
    while at < stop:
        part = at
        number = classes[data[at]] == _DIGIT
        while part < stop and (classes[data[part]] == _DIGIT) == number:
            part += 1
        count = _add(begins, ends, kinds, count, at, part, NUMBER if number else WORD)
        at = part
    return stop, count


@helper
def name_of(data, at):  # type: ignore[no-untyped-def]
    """Number of the month or day whose three letters stand here; -1 for none."""
    for i in range(len(NAMES) // 3):
        if data[at] == NAMES[3 * i] and data[at + 1] == NAMES[3 * i + 1] and data[at + 2] == NAMES[3 * i + 2]:
            return i
    return -1


@helper
def _is_hex(data, at, stop, classes):  # type: ignore[no-untyped-def]
    while at < stop and classes[data[at]] in (_DIGIT, _LOWER_HEX):
        at += 1
    return at == stop


@helper
def _is_uuid(data, at, end, classes, lower, upper):  # type: ignore[no-untyped-def]
    """Whether 8-4-4-4-12 hexadecimal digits of one case begin here, and nothing like a digit follows."""
    if at + 36 > end or (at + 36 < end and classes[data[at + 36]] != _DELIMITER):
        return False
    for i in range(36):
        c = classes[data[at + i]]
        if i == 8 or i == 13 or i == 18 or i == 23:
            if data[at + i] != 45:
                return False
        elif c in (_LETTER, _DELIMITER) or (c == _LOWER_HEX and not lower) or (c == _UPPER_HEX and not upper):
            return False
    return True


@helper
def _number(data, at, stop, end, begins, ends, kinds, count):  # type: ignore[no-untyped-def]
    """Digits from `at` to `stop`: alone, or the beginning of a time, an address or a decimal fraction."""
    if stop - at == 2 and _pair(data, stop, end, 58) and _pair(data, stop + 3, end, 58):
        after = _digits(data, stop + 4, end)
        if after == stop + 6 and data[stop + 1] < 54 and data[stop + 4] < 54:
            if after + 1 < end and (data[after] == 46 or data[after] == 44):
                fraction = _digits(data, after + 1, end)
                if fraction > after + 1 and fraction - after <= 10:
                    after = fraction
            return after, _add(begins, ends, kinds, count, at, after, TIME)
    if stop + 1 < end and data[stop] == 46:
        second = _digits(data, stop + 1, end)
        if second > stop + 1:
            if second + 1 < end and data[second] == 46:
                address = _address(data, at, end)
                if address:
                    return address, _add(begins, ends, kinds, count, at, address, IP)
            elif second - at <= _LONGEST_NUMBER:
                return second, _add(begins, ends, kinds, count, at, second, DECIMAL)
    if stop - at > _LONGEST_NUMBER:
        return stop, _add(begins, ends, kinds, count, at, stop, MIXED)
    return stop, _add(begins, ends, kinds, count, at, stop, NUMBER)


@helper
def _pair(data, at, end, separator):  # type: ignore[no-untyped-def]
    """Whether a separator and two digits, the first below 6 by the caller's check, stand here."""
    return at + 2 < end and data[at] == separator and _digits(data, at + 1, at + 3) == at + 3


@helper
def _address(data, at, end):  # type: ignore[no-untyped-def]
    """Where the IPv4 address that begins at `at` ends; 0 if there is none in its usual spelling."""
    for part in range(4):
        stop = _digits(data, at, end)
        value = np.int64(0)
        for i in range(at, min(stop, at + 4)):
            value = value * 10 + data[i] - 48
        if stop == at or stop - at > 3 or value > 255 or (data[at] == 48 and stop - at > 1):
            return np.int64(0)
        if part < 3 and (stop >= end or data[stop] != 46):
            return np.int64(0)
        at = stop + 1
    return np.int64(at - 1)


@kernel
def hash_tokens(data, line_ends, first, begins, ends, kinds, prefixes, texts, skeletons):  # type: ignore[no-untyped-def]
    """Hashes. prefixes u64[tokens]: the line up to here, tokens by kind only (times and hexadecimal digits also by

    width); texts u64[tokens]: the token's bytes;

    skeletons u64[lines]: the whole line, tokens by kind only (0 for lines left whole).
    """
    begin = np.int64(0)
    for line in range(len(line_ends)):
        end = line_ends[line]
        h = GOLDEN
        at = begin
        for t in range(first[line], first[line + 1]):
            for i in range(at, begins[t]):
                h = (h ^ np.uint64(data[i])) * GOLDEN
                h ^= h >> np.uint64(29)
            form = np.uint64(kinds[t] + 256)
            if kinds[t] == HEX or kinds[t] == TIME:
                form += np.uint64(ends[t] - begins[t]) << np.uint64(16)
            h = (h ^ form) * GOLDEN
            h ^= h >> np.uint64(32)
            prefixes[t] = h
            word = np.uint64(ends[t] - begins[t])
            for i in range(begins[t], ends[t]):
                word = (word ^ np.uint64(data[i])) * GOLDEN
                word ^= word >> np.uint64(29)
            texts[t] = word
            at = ends[t]
        if first[line] == first[line + 1]:
            skeletons[line] = 0
        else:
            for i in range(at, end):
                h = (h ^ np.uint64(data[i])) * GOLDEN
                h ^= h >> np.uint64(29)
            h = (h ^ np.uint64(512)) * GOLDEN
            skeletons[line] = (h ^ (h >> np.uint64(31))) | np.uint64(1)
        begin = end + 1


@kernel
def factorise(keys, table, owners, ids, firsts):  # type: ignore[no-untyped-def]
    """ids i32[n]: equal keys u64 get equal numbers, in the order of their first places, which go to firsts i64. Returns how many.

    table u64 and owners i32: at least twice as many places as keys, a power of two; owners are -1.
    """
    mask = np.uint64(len(table) - 1)
    count = np.int64(0)
    for i in range(len(keys)):
        key = keys[i]
        place = ((key * GOLDEN) >> np.uint64(20)) & mask
        while owners[place] >= 0 and table[place] != key:
            place = (place + np.uint64(1)) & mask
        if owners[place] < 0:
            owners[place] = count
            table[place] = key
            firsts[count] = i
            count += 1
        ids[i] = owners[place]
    return count
