"""A match model: follows the last place where the newest bytes stood before, and expects the byte that came there."""

POSITIONS = 1 << 27  # places keep the position in their lower 27 bits, a check of the hash above
LONGEST = 400  # bytes that are compared
FORGET = 8  # misses after which a place is given up


class Match:
    """Follows where at least `minimum` bytes agree; `places` outlives `forget`."""

    def __init__(self, minimum: int, head_bits: int) -> None:
        self.minimum, self.head_bits = minimum, head_bits
        self.places: dict[int, int] = {}
        self.forget()

    def forget(self) -> None:
        """Begin a block."""
        self.pointer = self.length = self.misses = 0

    def expect(self, data: bytearray, at: int, hashed: int) -> tuple[int, int]:
        """(the byte expected at `at`, how sure: a bucket of 1 to 63; 0 for none). hashed: of the newest bytes."""
        if at >= self.minimum:
            slot, check = hashed & (1 << self.head_bits) - 1, hashed >> 32 & 0xFFFFFFFF & ~(POSITIONS - 1)
            stored = self.places.get(slot, 0)
            if self.length == 0 and stored ^ check < POSITIONS:
                self._look_up(data, at, stored % POSITIONS)
            self.places[slot] = at | check
        if not self.pointer:
            return 0, 0
        if self.length < 16:
            grade = self.length >> 1
        elif self.length < 32:
            grade = 8 + (self.length - 16 >> 2)
        else:
            grade = min(12 + (self.length - 32 >> 6), 15)
        return data[self.pointer], max(4 * grade + min(self.misses, 3), 1)

    def _look_up(self, data: bytearray, at: int, candidate: int) -> None:
        same = 0
        while same < LONGEST and same < candidate and data[candidate - same - 1] == data[at - same - 1]:
            same += 1
        if same >= self.minimum:
            self.pointer, self.length, self.misses = candidate, same, 0

    def learn(self, expected: int, c: int) -> None:
        """Take in the byte that came."""
        if not self.pointer:
            return
        if expected == c:
            self.length = min(self.length + 1, 65535)
            if self.length % 16 == 0:
                self.misses = max(self.misses - 1, 0)
        else:
            self.length = 0
            self.misses += 1
        self.pointer = self.pointer + 1 if self.misses <= FORGET else 0
