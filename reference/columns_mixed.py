"""Columns by context mixing: form 4 of a column.

    payload = effort, profile, shift (a byte each), near, above, columns (LEB128), first value, length of the decisions (LEB128),
              decisions (range coder), plain bits (lowest first)

    values before --> prediction --residual, or the value itself--> bits in groups of four: usual ones, plain ones, decisions

A value is known by its neighbours: W (`near` back), N (`above` back; 3 * near where the payload says 0), L (the one before). In
front of the array its first value stands again and again. All differences wrap around at the width of a value.
"""

from collections import defaultdict

import numpy as np

from reference.columns_features import Features, signed
from reference.columns_match import Match
from reference.columns_mixed_decisions import Decisions
from reference.columns_profiles import DIGITS, LAST, PROFILES, SQUARES, Settings
from reference.columns_squares import Fits
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

GOLDEN, ODD, MASK64 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1
GROUPS = 19
READ_AHEAD = 3  # bytes that a decoder has read past the end
MOST_SHIFT, MOST_REACH, MOST_COLUMNS = 44, 1 << 20, 4096
ASKED_FROM, LONGEST_RUN = 255, 60000
HOPE, WORTH, PROBE = 512 << 8, 16 << 8, 16


def decode(payload: bytes, width: int, count: int) -> np.ndarray:
    """`count` unsigned integers of `width` bytes."""
    if not count:
        need(not payload, "an array without values has a payload")
        return np.zeros(0, f"<u{width}")
    stream = Stream(payload)
    effort, profile, shift = stream.byte(), stream.byte(), stream.byte()
    near, above, columns = stream.number(), stream.number(), stream.number()
    need(7 <= effort <= 9 and profile < len(PROFILES) and shift <= MOST_SHIFT, "an impossible model")
    need(1 <= near <= MOST_REACH and above <= MOST_REACH and 1 <= columns <= MOST_COLUMNS, "an impossible geometry")
    need(max(near, above, columns) <= count and (not above or above > 2 * near), "a geometry that does not fit")
    first = signed(stream.uint(width), 64)
    coder = RangeDecoder(stream.piece())
    plain = stream.rest()
    settings = Settings(effort, profile, shift, near, above, columns, first, 8 * width, count)
    values = Column(settings, coder, plain).decode()
    return np.array([value & (1 << 8 * width) - 1 for value in values], f"<u{width}")


class Plain:
    """Bits of even chance."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0  # in bits

    def take(self, n: int) -> int:
        """The next n bits, the lowest first; zeros behind the end."""
        first = self.at >> 3
        word = int.from_bytes(self.data[first : first + 2].ljust(2, b"\0"), "little") >> (self.at & 7)
        self.at += n
        return word & (1 << n) - 1


class Column:
    """One array on its way out of a payload. Values are signed numbers of 64 bits here."""

    def __init__(self, s: Settings, coder: RangeDecoder, plain: bytes) -> None:
        self.s, self.coder, self.plain = s, coder, Plain(plain)
        self.values = [s.first] * s.pad
        self.features = Features(s, self.values)
        self.match = Match(s, self.values)
        self.fits = Fits(s, self.values) if s.predictor == SQUARES else None
        self.decisions = Decisions(s, coder)
        self.gains: dict[int, int] = defaultdict(lambda: HOPE)
        self.runs: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def decode(self) -> list[int]:
        """All values."""
        s, values = self.s, self.values
        for i in range(s.count):
            column, fraction, prediction = i % s.columns, 0, 0
            if self.fits:
                prediction, fraction = self.fits.predict(column, self.features.means[column][2])
            elif s.predictor == LAST:
                prediction = values[-s.near]
            expected, length = self.match.seek()
            told = self.features.look(column, signed(prediction, 64), fraction, expected, length)
            self.decisions.begin(i, told)
            residual = self._number(i, told.matched if length else None)
            value = signed(prediction + residual, s.bits) if s.bits == 64 else prediction + residual & (1 << s.bits) - 1
            values.append(value)
            self.match.follow()
            if self.fits:
                self.fits.learn(column)
            self.features.learn(column, value, residual)
        need(self.coder.at == len(self.coder.data) + READ_AHEAD, "it ends in another place than its values")
        need(-(-self.plain.at // 8) == len(self.plain.data), "its plain bits end in another place than its values")
        return values[s.pad :]

    def _number(self, number: int, expected: int | None) -> int:
        """The next residual, or value. expected: what it is after the values before, if they stood somewhere already."""
        s = self.s
        lead = 0 if s.scheme == DIGITS else 2 + s.exponent_bits
        wanted = spell(expected, s) if expected is not None else None
        bits: list[int] = []
        total, known = (s.bits if s.scheme == DIGITS else lead), 0
        group, node, row, inside = 0, 1, 0, False
        while len(bits) < total:
            done = len(bits)
            if done % 4 == 0:
                group, node, row, inside = done // 4, 1, known * GROUPS + done // 4, done >= lead
                if inside and (part := self._cheap(number, group, row, min(total - done, 4))) is not None:
                    bits += part
                    continue
                self._find(bits, lead, known)
            told = None
            if wanted is not None and wanted[:done] == bits and done < len(wanted):
                told = wanted[done]
            bit, error = self.decisions.bit(group, node, min(done, 15), told)
            if inside and group:
                saved = 4096 - (error * error >> 18)
                self.gains[row] += (saved << 8) - self.gains[row] >> 9
            bits.append(bit)
            node = 2 * node + bit
            if lead and done == 0 and not bit:
                return 0
            if 2 <= done < lead:
                known = 2 * known + bit
                total = lead + known if done == lead - 1 else total
            if inside and (len(bits) % 4 == 0 or len(bits) == total):
                self._remember(row, bits[done - done % 4 :])
        size = whole(bits[lead:], 0 if s.scheme == DIGITS else 1)
        return -size if lead and bits[1] else size

    def _find(self, bits: list[int], lead: int, known: int) -> None:
        done = len(bits)
        negative = bits[1] if lead and done > 1 else 0
        so_far = whole(bits[lead:], 1 if lead else 0)
        head = ((known << 1 | negative) * 64 + done) * ODD & MASK64
        path = (so_far * GOLDEN + head) * ODD & MASK64
        self.decisions.find(path, head if done >= lead + 4 else path)

    def _cheap(self, number: int, group: int, row: int, count: int) -> list[int] | None:
        """Bits of a group that are what they always were, or are not worth a model; None if they are to be decided."""
        usual, run = self.runs[row]
        if run >= ASKED_FROM:
            same = self.coder.bit(min(65536 - 65536 // (run + 2), 65535))
            self.runs[row] = usual, min(run + 1, LONGEST_RUN) if same else 0
            if same:
                return digits(usual, count)
        if group and self.gains[row] < WORTH and number % PROBE:
            part = digits(self.plain.take(count), count)
            self._remember(row, part)
            return part
        return None

    def _remember(self, row: int, part: list[int]) -> None:
        usual, run = self.runs[row]
        self.runs[row] = (usual, run + 1) if usual == whole(part, 0) else (whole(part, 0), 1)


def spell(value: int, s: Settings) -> list[int]:
    """The bits of a number: all of them, or whether it is not 0, its sign, the place of its highest bit, what is below."""
    if s.scheme == DIGITS:
        return digits(value & (1 << s.bits) - 1, s.bits)
    if not value:
        return [0]
    top = abs(value).bit_length() - 1
    return [1, int(value < 0), *digits(top, s.exponent_bits), *digits(abs(value) - (1 << top), top)]


def digits(value: int, n: int) -> list[int]:
    """n bits, the highest first."""
    return [value >> k & 1 for k in range(n - 1, -1, -1)]


def whole(bits: list[int], start: int) -> int:
    """The number with these bits after those of `start`."""
    for bit in bits:
        start = 2 * start + bit
    return start
