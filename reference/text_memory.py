"""What the text model remembers of the bytes so far, and the contexts that it makes of that.

Characters are those of UTF-8; what breaks off counts as one character, and so does each stray byte. Folded characters are in
lower case, and line ends are spaces.
"""

from reference.bytes_contexts import MASK64, SEPARATORS, byte_class, mix

#: Kinds of context. A number is part of the hash.
(R0, R1, R2, R3, R4, N1, N2, N4, N5, N6, N8, BYTES2, WORD, WORD2, WORD3, WORD_SKIP, WORD_LENGTH, AFTER_WORD, PUNCTUATION,
 SENTENCE, OPEN, SPARSE2, SPARSE23, SPARSE34, INDIRECT2, INDIRECT3, COLUMN, SHAPE, FIELD_HEAD, FIELD_ABOVE,
 MATCHED) = range(31)  # fmt: skip

SENTENCE_ENDS = (0x2E, 0x21, 0x3F, 0x3002)
OPENING, CLOSING, QUOTE = (0x28, 0x5B, 0x7B, 0x3C, 0x201C), (0x29, 0x5D, 0x7D, 0x3E, 0x201D), 0x22


def fold(x: int) -> int:
    """Lower case of Latin, Greek, Cyrillic and Armenian letters; a line end is a space."""
    if x in (10, 13):
        return 32
    if 0x41 <= x <= 0x5A or 0xC0 <= x <= 0xDE or 0x391 <= x <= 0x3A9 or 0x410 <= x <= 0x42F:
        return x + 32
    if 0x400 <= x <= 0x40F:
        return x + 80
    if 0x531 <= x <= 0x556:
        return x + 48
    return x | 1 if 0x100 <= x <= 0x17F else x


def is_letter(y: int) -> bool:
    """Of a folded character: anything beyond ASCII that is no known punctuation."""
    if y < 128:
        return 97 <= y <= 122
    if y < 0xC0 or y == 0xF7 or 0x2000 <= y < 0x2070 or 0x3000 <= y < 0x3040:
        return False
    return not 0xFF00 <= y < 0xFF40


class Memory:
    """Bytes, characters, words, brackets, shape of the line, fields and lines; `followers` and `next_words` outlive `forget`."""

    def __init__(self) -> None:
        self.followers: tuple[dict[int, int], ...] = ({}, {})  # the last two bytes that followed two and three bytes
        self.next_words: dict[int, int] = {}  # upper half of the word that followed a word
        self.forget(0)

    def forget(self, begin: int) -> None:
        """Begin a block at position `begin`."""
        self.history = 0  # the last eight bytes, the newest lowest
        self.classes = 0  # of the last bytes, three bits each
        self.partial, self.need, self.code_point = 0, 0, 0  # of a character that is not complete: its bytes, how many are missing
        self.characters = [0] * 4  # the last ones, the newest first
        self.raw = [0] * 5  # hashes of the last 0 to 4 characters
        self.folded = [0] * 9  # hashes of the last 0 to 8 folded characters
        self.words = [0] * 3  # hashes of the word that goes on, the one before, the one before that
        self.letters, self.letters_before = 0, 0  # of this word and the one before
        self.count, self.first_word = 0, 0  # words in the sentence, the first of them
        self.mark, self.brackets = 0, 0
        self.tokens = 0  # the line as a pattern
        self.field, self.head = 0, 0  # number of the field in the line, hash of the first one
        self.line, self.line_before = begin, begin  # where they start
        self.above = 0  # the place in the line before that corresponds to the present one

    def contexts(self, data: bytearray, at: int) -> dict[int, int]:
        """The number that each kind of context but MATCHED stands for, before the byte at `at`."""
        history, (c1, c2, c3, c4) = self.history, self.characters
        found = {R0: 0, BYTES2: history & 0xFFFF, SHAPE: self.tokens}
        found |= dict(zip((R1, R2, R3, R4), self.raw[1:], strict=True))
        found |= {kind: self.folded[n] for kind, n in ((N1, 1), (N2, 2), (N4, 4), (N5, 5), (N6, 6), (N8, 8))}
        found[SPARSE2], found[SPARSE23], found[SPARSE34] = c2, c2 | c3 << 32, c3 | c4 << 32
        now, before, before_that = self.words
        word = found[WORD] = now + self.raw[1] & MASK64
        found[WORD2] = mix(word, before)
        found[WORD3] = mix(found[WORD2], before_that)
        found[WORD_SKIP] = mix(word, before_that)
        found[WORD_LENGTH] = min(self.letters, 255) | self.letters_before << 8 | c1 << 16
        found[AFTER_WORD] = mix(now, self.next_words.get(before >> 48, 0))
        found[PUNCTUATION] = mix(word, self.mark)
        found[SENTENCE] = mix(word, self.first_word + min(self.count, 3))
        found[OPEN] = mix(self.brackets, self.raw[1])
        two, three = (table.get(key, 0) for table, key in zip(self.followers, self._keys(), strict=True))
        found[INDIRECT2] = history & 0xFFFF | two << 16
        found[INDIRECT3] = history & 255 | three << 8
        column = at - self.line
        over = self.line_before + column
        found[COLUMN] = (data[over] if over < self.line else 10) | min(column, 255) << 8
        found[FIELD_HEAD] = mix(self.field + (self.head << 8), history & 0xFFFF)
        found[FIELD_ABOVE] = (history & 255) << 8
        if self.above + 1 < at:
            found[FIELD_ABOVE] |= data[self.above] | data[self.above + 1] << 16
        return found

    def selectors(self, at: int, expect: list[int]) -> list[int]:
        """What the eight weight selectors choose; expect: byte and bucket of each match model."""
        column, second = at - self.line, expect[3] if len(expect) > 3 else 0
        found = [expect[1], min(self.need, 2), min(second >> 3, 7), self.history & 255, self.classes & 511]
        found.append((min(column, 127) >> 2) * 8 + min(self.letters, 7))
        return [*found, self.history >> 8 & 255, min(self.letters, 15) * 16 + min(self.letters_before, 15)]

    def remember(self, data: bytearray, at: int, c: int) -> None:
        """Take in the byte at `at`."""
        for table, key in zip(self.followers, self._keys(), strict=True):
            table[key] = (table.get(key, 0) << 8 | c) & 0xFFFF
        self.history = self.history << 8 & MASK64 | c
        kind = byte_class(c)
        self.classes = (self.classes << 3 | kind) & 511
        self._remember_shape(c, kind)
        self._remember_field(data, at, c)
        if c < 128 or c >= 192:
            if self.need:
                self._take_character(self.partial)
            self.need = self.partial = 0
            if c < 128:
                self._take_character(c)
            else:
                self.need = 1 if c < 224 else 2 if c < 240 else 3
                self.partial, self.code_point = c, c & (31 if c < 224 else 15 if c < 240 else 7)
        elif self.need:
            self.need -= 1
            self.partial, self.code_point = self.partial << 8 | c, self.code_point << 6 | c & 63
            if self.need == 0:
                self.partial = 0
                self._take_character(self.code_point)
        else:
            self._take_character(c)

    def _keys(self) -> tuple[int, int]:
        return self.history & 0xFFFF, mix(self.history & 0xFFFFFF, 3) >> 48

    def _take_character(self, x: int) -> None:
        y = fold(x)
        self.raw = [0, *(mix(hashed, x + 1) for hashed in self.raw[:-1])]
        self.folded = [0, *(mix(hashed, y + 1) for hashed in self.folded[:-1])]
        self.characters = [x, *self.characters[:-1]]
        if is_letter(y):
            self.words[0] = mix(self.words[0] + y & MASK64, 1)
            self.letters += 1
            return
        if self.words[0]:
            self._end_word()
        if y != 32:
            self._remember_mark(y)

    def _end_word(self) -> None:
        word, before, _ = self.words
        self.next_words[before >> 48] = word >> 32
        if self.count == 0:
            self.first_word = word
        self.count += 1
        self.words = [0, word, before]
        self.letters, self.letters_before = 0, min(self.letters, 255)

    def _remember_mark(self, y: int) -> None:
        """The last mark, with one bit for whether a word stood in the sentence before it; the end of a sentence; brackets."""
        self.mark = y + 256 * min(self.count, 1)
        if y in SENTENCE_ENDS:
            self.count = self.first_word = 0
        if y in OPENING or (y == QUOTE and self.brackets & 255 != QUOTE):
            self.brackets = self.brackets << 8 & MASK64 | y & 255
        elif y in CLOSING or y == QUOTE:
            self.brackets >>= 8

    def _remember_shape(self, c: int, kind: int) -> None:
        """Runs of digits and of letters count as one token, punctuation as itself."""
        token = 5 if kind == 6 else kind
        if kind == 1:
            self.tokens = 1
        elif token != self.tokens & 7 or token in (0, 3):
            pattern = (self.tokens << 3 | token) & MASK64
            self.tokens = mix(pattern, c) & ~7 | token if token == 3 else pattern

    def _remember_field(self, data: bytearray, at: int, c: int) -> None:
        """Which field of the line this is, how the line began, and where the same field is one line above."""
        if self.above:
            self.above = min(self.above + 1, at)
        if c == 10:
            self.line_before, self.line = self.line, at + 1
            self.above, self.field, self.head = self.line_before, 0, 0
        elif c in SEPARATORS:
            self.field += 1
            place = self.above
            if place and data[place - 1] != c:
                limit = min(place + 40, self.line)
                while place < limit and data[place - 1] != c:
                    place += 1
                if place < limit:
                    self.above = place
        elif self.field == 0:
            self.head = mix(self.head, c)
