"""The match model of columns: where the last three values stood before, and what followed there."""

from reference.columns_profiles import Settings

GOLDEN, ODD, MASK64 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1
LONGEST, LEAST = 31, 3


class Match:
    """The place of a match and its length; 0 if there is none."""

    def __init__(self, s: Settings, values: list[int]) -> None:
        self.values = values
        self.head_bits = min(max(s.count.bit_length(), 8), 20)
        self.heads: dict[int, int] = {}
        self.place = self.length = 0

    def seek(self) -> tuple[int, int]:
        """(the value that is expected next, length of the match)."""
        v = self.values
        mixed = ((v[-1] * GOLDEN + v[-2]) * ODD) & MASK64
        head = (((mixed ^ mixed >> 32) + v[-3]) * GOLDEN & MASK64) >> (64 - self.head_bits)
        if not self.length:
            found = self.heads.get(head, 0)
            length = 0
            while length < min(LONGEST, found) and v[found - 1 - length] == v[-1 - length]:
                length += 1
            if length >= LEAST:
                self.place, self.length = found, length
        self.heads[head] = len(v)
        return (v[self.place] if self.length else 0), self.length

    def follow(self) -> None:
        """After the next value is known."""
        if self.length:
            same = self.values[self.place] == self.values[-1]
            self.length = min(self.length + 1, LONGEST) if same else 0
            self.place += 1
