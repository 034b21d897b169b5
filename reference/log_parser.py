"""The parser of the line model: tokens, prefixes, places, and what they make us expect.

A line is tokens (letters, digits, "_", bytes beyond ASCII) and separators. The prefix is a hash of the line so far, in which all
tokens with digits count as the same; the prefix of a whole line is its template. A place is what is kept for a prefix.
"""

from dataclasses import dataclass, field

from reference.bytes_contexts import MASK64, byte_class, mix
from reference.bytes_match import POSITIONS
from reference.log_clock import Clock, spell, spell_clocked, unit_of

LOW = 0xFFFFFFFF
KEPT, ALL_BEFORE, NEAR, MOST_DIGITS = 64, 32, 4, 18


@dataclass
class Place:
    """What is kept for a prefix: see the fields' names; `width` has 32 added for a number that starts with a zero."""

    check: int = 0
    at: int = 0
    source: int = 0
    number: int = 0
    stride: int = 0
    token: int = 0
    history: int = 0
    width: int = 0
    back: int = 0
    unit: int = 0
    clock: int = 0


@dataclass
class Pointer:
    """A place in the bytes so far, 0 for none, and how many bytes in a row it foretold."""

    at: int = 0
    run: int = 0

    def follow(self, data: bytearray, c: int) -> None:
        """Take in a byte."""
        if self.at:
            self.run = min(self.run + 1, 255) if data[self.at] == c else 0
            self.at += 1

    def move(self, found: int) -> None:
        """To a place that was found; else it stays, if it foretold the last byte."""
        if found:
            self.at = found
        elif not self.run:
            self.at = 0


@dataclass
class Line:
    """Tokens of a line, the last 64: hashes and starts."""

    tokens: list[int] = field(default_factory=lambda: [0] * KEPT)
    starts: list[int] = field(default_factory=lambda: [0] * KEPT)


class Parser:
    """The state of the parser; tables outlive `forget`."""

    def __init__(self, line_bits: int) -> None:
        self.line_bits = line_bits
        self.places: dict[int, Place] = {}
        self.last: tuple[dict[int, int], ...] = ({}, {}, {})
        self.templates: dict[int, int] = {}
        self.sources: dict[int, int] = {}
        self.line, self.before = Line(), Line()
        self.texts = [bytearray(32), bytearray(32)]
        self.forget()

    def forget(self) -> None:
        """Begin a block."""
        self.items = [0, 0, 0]
        self.place_now, self.start, self.first = 0, 0, 0
        self.count_before = 0
        self.same, self.beside, self.shaped, self.above = (Pointer() for _ in range(4))
        self.earlier = self.elsewhere = 0
        self.compared = self.compared_1 = self.compared_2 = 0
        self.length_1 = self.length_2 = self.text_at = self.unit = 0
        self._begin_line()
        self._clear_token()

    def _begin_line(self) -> None:
        self.prefix = self.count = self.aligned = self.last_variable = self.key = self.key_template = 0
        self.outcomes = self.step = self.gap = 0
        self.clock = Clock()

    def _clear_token(self) -> None:
        self.token = self.length = self.varies = self.value = self.digits = self.gap = 0

    @property
    def next_number(self) -> bytes:
        """The last number of this place and its stride, spelled."""
        return bytes(self.texts[0][: self.length_1])

    def place(self) -> Place:
        """The place of the prefix before the token."""
        return self.places.setdefault(self.place_now, Place())

    def state(self) -> int:
        """How the token compares with the last one at its place, and whether it has begun."""
        return self.compared * 2 + (self.length > 0)

    def expected(self, data: bytearray, at: int) -> list[tuple[int, int]]:
        """(byte, bucket) of each expected byte; those of the match models are left out."""
        history, length = self.place().history, self.length
        state = 0 if not length else 2 if self.compared else 1
        told = [(0, 0)] * 8
        if self.same.at:
            told[0] = data[self.same.at], max((history & 15) * 4 + state, 1)
        for which, pointer in ((3, self.beside), (4, self.shaped), (7, self.above)):
            if pointer.at:
                run = pointer.run
                grade = min(11 + (run >> 5), 15) if run >= 32 else 8 + (run >> 3) if run >= 8 else run
                told[which] = data[pointer.at], max(grade * 4 + state, 1)
        if length < self.length_1 and not self.compared_1:
            told[5] = self.texts[0][length], 1 + (history & 15) * 2 + (length > 0)
        k = at - self.text_at
        if k < self.length_2 and not self.compared_2 and (self.unit or not told[5][1]):
            told[5] = self.texts[1][k], 33 + min(k, 7) + (8 if self.unit else 0)
        if self.earlier:
            told[6] = data[self.earlier], 1 + min(length, 6) + 8 * self.elsewhere + 16 * (history & 3)
        return told

    def parse(self, data: bytearray, at: int, c: int, shape: int) -> None:
        """Take in the byte at `at`. shape: the byte model's pattern of the line, after that byte."""
        kind = byte_class(c)
        for pointer in (self.same, self.beside, self.shaped, self.above):
            pointer.follow(data, c)
        if self.length_2 and not self.compared_2:
            k = at - self.text_at
            if k < self.length_2:
                self.compared_2 = compared(c, self.texts[1][k])
            else:
                self.length_2 = 0
        if kind >= 4 or c == ord("_"):
            self._grow(data, at, c, kind)
            return
        if self.length:
            self._keep_token()
            norm = 1 if self.varies else self.token & ~1
            self.prefix = mix(self.prefix + norm, 13)
            self.items = [norm, *self.items[:2]]
            self._clear_token()
        self.gap = (self.gap << 8 | c) & MASK64
        self.prefix = mix(self.prefix + c, 11)
        self.items[0] = mix(self.items[0] + c, 12)
        if c == 10:
            self._end_line()
        self._begin_token(data, at + 1, shape)

    def _grow(self, data: bytearray, at: int, c: int, kind: int) -> None:
        if not self.length:
            self.start, self.first = at, c
        if not self.compared and self.same.at:
            self.compared = compared(c, data[self.same.at - 1])
        if not self.compared_1 and self.length_1:
            self.compared_1 = compared(c, self.texts[0][self.length] if self.length < self.length_1 else 0)
        if self.earlier:
            self.earlier = self.earlier + 1 if data[self.earlier] == c else 0
        self.token = mix(self.token + c, 14)
        self.length += 1
        if kind == 4:
            self.varies, self.digits = 1, self.digits + 1
            self.value = (self.value * 10 + c - 48) & MASK64
        elif c != ord("Z"):
            self.value = self.digits = 0

    def _keep_token(self) -> None:
        token, place, length, value = self.token & ~1 | self.varies, self.place(), self.length, self.value
        number = self.digits == length and length <= MOST_DIGITS
        outcome = 3
        if place.token == token:
            outcome = 0
        elif number and place.width:
            outcome = 1 if value == (place.number + place.stride) & MASK64 else 2 if value > place.number else 3
        self.clock.read(self.digits, length, value, self.gap)
        width = 0
        if number:
            stride = (value - place.number) & MASK64 if place.width else 0
            if stride:
                self.step = stride
                place.unit = unit_of(stride, self.clock.now, place.clock, place.unit)
            place.stride, place.number = stride, value
            width = length + 32 if length > 1 and self.first == ord("0") else length
        place.clock, place.token, place.width = self.clock.now, token, width
        place.history = (place.history << 2 | outcome) & 255
        self.outcomes = (self.outcomes << 2 | outcome) & MASK64
        place.back = self._keep_in_line(token)
        self._note_source(place, token)
        self._align(token)
        if self.varies:
            self.last_variable = token
            self.key_template = self.templates.get(self._slot(token, 15), 0)

    def _slot(self, token: int, kind: int) -> int:
        return mix(token, kind) & (1 << self.line_bits - 2) - 1

    def _keep_in_line(self, token: int) -> int:
        tokens = self.line.tokens
        reach = range(1, min(self.count, ALL_BEFORE) + 1)
        back = next((j for j in reach if tokens[(self.count - j) % KEPT] == token), 0)
        tokens[self.count % KEPT], self.line.starts[self.count % KEPT] = token, self.start
        self.count += 1
        return back

    def _note_source(self, place: Place, token: int) -> None:
        slot = self._slot(token, 17)
        known = self.sources.get(slot, 0)
        if known and known != self.prefix:
            place.source = known
        self.sources[slot] = self.prefix
        if self.clock.state == 3 and not self.key and self.varies:
            self.key = token
        self._where(mix(self.prefix, self.key + 5), 2, self.start)

    def _align(self, token: int) -> None:
        expected, tokens = self.aligned, self.before.tokens
        self.aligned += 1
        if not (expected < self.count_before and tokens[expected] == token):
            for j in range(max(0, expected - NEAR), min(expected + 2 * NEAR, self.count_before)):
                if tokens[j] == token:
                    self.aligned = j + 1
                    return

    def _end_line(self) -> None:
        for token in self.line.tokens[: min(self.count, KEPT)]:
            if token & 1:
                self.templates[self._slot(token, 15)] = self.prefix
        self.before = Line(list(self.line.tokens), list(self.line.starts))
        self.count_before = min(self.count, KEPT)
        self._begin_line()

    def _begin_token(self, data: bytearray, at: int, shape: int) -> None:
        prefix = self.prefix
        self.place_now = mix(prefix, 16) & (1 << self.line_bits - 2) - 1
        place = self.place()
        if place.check != prefix >> 32:
            place = self.places[self.place_now] = Place(check=prefix >> 32)
        before, place.at = place.at, at
        self.same.move(before)
        self.beside.move(self._where(mix(prefix, self.last_variable + 1), 0, at))
        self.shaped.move(self._where(mix(shape, 18), 1, at))
        self._point_above()
        self._expect_numbers(data, place, before, at)
        self.earlier = self.elsewhere = 0
        if place.back and place.back <= self.count:
            self.earlier = self.line.starts[(self.count - place.back) % KEPT]
        elif place.source:
            self.earlier = self._where(mix(place.source, self.key + 5), 2, 0)
            self.elsewhere = 1

    def _point_above(self) -> None:
        above = self.above
        if self.aligned < self.count_before:
            begin = self.before.starts[self.aligned]
            if not above.run or above.at > begin or not above.at:
                above.at = begin
        elif not above.run:
            above.at = 0

    def _where(self, hashed: int, table: int, at: int) -> int:
        """Where a context was last, 0 for nowhere; unless `at` is 0, note that it is there now."""
        slot, check = hashed & (1 << self.line_bits) - 1, hashed >> 32 & ~(POSITIONS - 1)
        found = self.last[table].get(slot, 0)
        if at:
            self.last[table][slot] = at | check
        return found % POSITIONS if found ^ check < POSITIONS else 0

    def _expect_numbers(self, data: bytearray, place: Place, before: int, at: int) -> None:
        self.compared = self.compared_1 = self.length_1 = 0
        if self.compared_2 or at - self.text_at >= self.length_2:
            self.compared_2 = self.length_2 = 0
        if not place.width:
            return
        if place.stride:
            self.length_1 = self._write(0, spell(place.number + place.stride, place.width))
        if not self.length_2:
            self.text_at, self.unit = at, place.unit
            if place.unit and self.clock.now > place.clock:
                self.length_2 = self._write(1, spell_clocked(data, place, before, at, self.clock.now - place.clock))
            elif self.step:
                self.length_2 = self._write(1, spell(place.number + self.step, place.width))

    def _write(self, which: int, text: bytes) -> int:
        self.texts[which][: len(text)] = text
        return len(text)


def compared(c: int, expected: int) -> int:
    """0 the same, 1 above, 2 below."""
    return 0 if c == expected else 1 if c > expected else 2
