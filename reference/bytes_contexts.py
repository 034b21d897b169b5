"""What the byte model remembers of the bytes so far, and the contexts that it makes of that."""

MASK64 = (1 << 64) - 1
GOLDEN, ODD = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93

#: Kinds of context. A number is part of the hash.
(O0, O1, O2, O3, O4, O5, O6, O8, WORD, WORD2, WORD3, WORD_SKIP, SPARSE2, SPARSE23, SPARSE34, SPARSE234, COLUMN,
 RECORD1, RECORD2, RECORD_AT, RECORD_NEAR, INDIRECT1, INDIRECT2, INDIRECT3, MATCHED, SHAPE, FIELD_HEAD,
 FIELD_ABOVE) = range(28)  # fmt: skip

SEPARATORS = b", \t:|;"


def mix(a: int, b: int) -> int:
    """A 64-bit hash of two numbers."""
    mixed = (a + b * GOLDEN) * ODD & MASK64
    return (mixed ^ mixed >> 29) * GOLDEN & MASK64


def byte_class(c: int) -> int:
    """0 control, 1 line end, 2 space, 3 punctuation, 4 digit, 5 lower case, 6 upper case, 7 beyond ASCII."""
    if c >= 128:
        return 7
    if chr(c) in "abcdefghijklmnopqrstuvwxyz":
        return 5
    if chr(c) in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        return 6
    if chr(c) in "0123456789":
        return 4
    return 2 if c == 32 else 1 if c == 10 else 3 if c > 32 else 0


class Memory:
    """Bytes, words, shape of the line, fields and lines so far; `followers` outlives `forget`."""

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self.followers: tuple[dict[int, int], ...] = ({}, {}, {})  # the last two bytes that followed orders 1, 2 and 3
        self.forget(0)

    def forget(self, begin: int) -> None:
        """Begin a block at position `begin`."""
        self.history = 0  # the last eight bytes, the newest lowest
        self.words = [0, 0, 0]  # hashes of the word that goes on, the one before, the one before that
        self.tokens = 0  # the line as a pattern
        self.classes = 0  # of the last bytes, three bits each
        self.field, self.head = 0, 0  # number of the field in the line, hash of the first one
        self.line, self.line_before = begin, begin  # where they start
        self.above = 0  # the place in the line before that corresponds to the present one

    def contexts(self, data: bytearray, at: int) -> dict[int, int]:
        """The number that each kind of context but MATCHED stands for, before the byte at `at`."""
        history, stride = self.history, self.stride
        c1, c2 = history & 255, history >> 8 & 255
        found = {O0: 0, O8: history, **{order: history & (1 << 8 * order) - 1 for order in range(1, 7)}}
        now, before, before_that = self.words
        found[WORD] = mix(now, c1)
        found[WORD2] = mix(now + c1, before)
        found[WORD3] = mix(found[WORD2], before_that)
        found[WORD_SKIP] = mix(now + c1, before_that)
        found[SPARSE2], found[SPARSE23] = c2, history >> 8 & 0xFFFF
        found[SPARSE34], found[SPARSE234] = history >> 16 & 0xFFFF, history >> 8 & 0xFFFFFF
        column = self.column(at)
        over = self.line_before + column
        found[COLUMN] = (data[over] if over < self.line else 10) | min(column, 255) << 8
        found[SHAPE] = self.tokens
        found[FIELD_HEAD] = mix(self.field + (self.head << 8), history & 0xFFFF)
        found[FIELD_ABOVE] = c1 << 8
        if self.above + 1 < at:
            found[FIELD_ABOVE] |= data[self.above] | data[self.above + 1] << 16
        record1 = data[at - stride] if at >= stride else 0
        record2 = data[at - 2 * stride] if at >= 2 * stride else 0
        next1 = data[at - stride + 1] if at >= stride > 1 else 0
        found[RECORD1] = record1 | c1 << 8
        found[RECORD2] = record1 | record2 << 8 | at % stride << 16
        found[RECORD_AT] = at % stride | c1 << 16
        found[RECORD_NEAR] = record1 | c1 << 8 | next1 << 16 | c2 << 24
        one, two, three = (table.get(key, 0) for table, key in zip(self.followers, self._keys(), strict=True))
        found[INDIRECT1] = c1 | one << 8
        found[INDIRECT2] = history & 0xFFFF | two << 16
        found[INDIRECT3] = c1 | three << 8
        return found

    def column(self, at: int) -> int:
        """The place of position `at` in its line."""
        return at - self.line

    def remember(self, data: bytearray, at: int, c: int) -> None:
        """Take in the byte at `at`."""
        for table, key in zip(self.followers, self._keys(), strict=True):
            table[key] = (table.get(key, 0) << 8 | c) & 0xFFFF
        self.history = self.history << 8 & MASK64 | c
        kind = byte_class(c)
        self.classes = (self.classes << 3 | kind) & 511
        if kind >= 5:
            self.words[0] = mix(self.words[0] + (c | 32 if kind == 6 else c), 1)
        elif self.words[0]:
            self.words = [0, *self.words[:2]]
        self._remember_shape(c, kind)
        self._remember_field(data, at, c)

    def _keys(self) -> tuple[int, int, int]:
        return self.history & 255, self.history & 0xFFFF, mix(self.history & 0xFFFFFF, 3) >> 48

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
            # The field above may be longer or shorter: it ends behind the next separator of the same kind, if one is near.
            if place and data[place - 1] != c:
                limit = min(place + 40, self.line)
                while place < limit and data[place - 1] != c:
                    place += 1
                if place < limit:
                    self.above = place
        elif self.field == 0:
            self.head = mix(self.head, c)
