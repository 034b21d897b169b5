"""Times and numbers of the line model: the clock of a line, and numbers that are likely to come, spelled as the last one was."""

from typing import Any

from reference.bytes_contexts import MASK64

SECOND, MOST_DIGITS, FRACTION = 1_000_000, 18, 6


class Clock:
    """The first time in a line, `now`, in microseconds plus one. state: 0 none, 1 a fraction may follow, 2 it did, 3 over."""

    def __init__(self) -> None:
        self.now = self.state = self.chain = self.chain_value = 0

    def read(self, digits: int, length: int, value: int, gap: int) -> None:
        """Take in a token: its last run of digits and the value of that, its length, the separators before it."""
        chain, self.chain = self.chain, 0
        if self.state == 1 and digits + 1 >= length and gap in (ord("."), ord(",")) and digits <= FRACTION:
            self.now = (self.now + value * 10 ** (FRACTION - digits)) & MASK64
            self.state = 2
        elif self.state:
            self.state = 3
        elif digits == 2:
            linked = chain and gap == ord(":") and length == 2
            self.chain = chain + 1 if linked else 1
            self.chain_value = self.chain_value * 60 + value if linked else value
            if self.chain == 3:
                self.now, self.state = self.chain_value * SECOND + 1, 1
        elif digits == length == 10:
            self.now, self.state = value * SECOND + 1, 1


def unit_of(stride: int, now: int, then: int, known: int) -> int:
    """Microseconds in the unit in which a number grew as the clock did, within 2; 0 for none. Small steps only confirm one."""
    if now <= then or not then:
        return 0
    for unit in (1, 1_000, 1_000_000):
        if (stride + 2 - (now - then) // unit) & MASK64 < 5 and (stride > 2 or known == unit):
            return unit
    return 0


def spell(value: int, width: int) -> bytes:
    """The digits of a number modulo 2^64, of a width if that is of a padded one; nothing if they are too many."""
    digits = b"%d" % (value & MASK64) if value & MASK64 else b""
    digits = digits.rjust(width & 31 if width >= 32 else 1, b"0")
    return digits if len(digits) <= MOST_DIGITS else b""


def spell_clocked(data: bytearray, place: Any, before: int, at: int, passed: int) -> bytes:
    """The last number, which is at `before`, and the time since; of seconds with their fraction, if they had one."""
    number, unit, fraction = place.number, place.unit, 0
    end = before + (place.width & 31)
    if unit == SECOND and end < at and data[end] == ord("."):
        while fraction < FRACTION and end + fraction + 1 < at and chr(data[end + fraction + 1]) in "0123456789":
            number = number * 10 + data[end + fraction + 1] - 48
            fraction, unit = fraction + 1, unit // 10
    digits = spell(number + passed // unit, 32 + fraction + 1 if fraction else place.width)
    return digits[:-fraction] + b"." + digits[-fraction:] if fraction and digits else digits
