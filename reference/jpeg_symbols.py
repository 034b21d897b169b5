"""Adaptive symbols of 0 to 15 and plain bits: the coder of efforts 1 and 2.

data = u8 effort, u32 number of words with symbols, those words, words of plain bits (the lowest first)
symbols: rANS with 31 to 63 bits of state and words of 32 bits. Two states take turns, symbol by symbol; the first four words are
the states, high word first. Both must end at 2 ** 31, when all words are used.

A row of frequencies has for each symbol the sum of those before it, of 2 ** 15. All numbers are integers.
"""

from functools import cache
from itertools import accumulate

import numpy as np

from reference.jpeg_start import unpacked
from reference.stream import need

SCALE_BITS = 15
SCALE, LOWEST, LEAST = 1 << SCALE_BITS, 1 << 31, 16
SPEEDS = [3] * 4 + [4] * 12 + [5] * 32 + [6] * 48 + [7] * 128 + [8] * 32  # by age
TARGETS = [[SCALE - (16 - i) * LEAST if i > symbol else i * LEAST for i in range(16)] for symbol in range(16)]
CHANCES = 4096
EFFORT_2_ROWS, EFFORT_1_ROWS = 20480, 5376
_PLAIN_ROW = [0, 12150, 19500, 23970, 26711, 28416, 29499, 30208, 30693, 31044, 31314, 31536, 31729, 31905, 32070, 32229]


@cache
def _start() -> tuple[list[list[int]], list[int], list[int]]:
    """(rows, their ages, chances of signs) of fast.bin.

    It holds a bit for each row (was it trained), those of effort 2 first; a byte for each chance; for each symbol a byte for each
    trained row: its share, eight steps to an octave.
    """
    data, count = unpacked("fast.bin"), EFFORT_2_ROWS + EFFORT_1_ROWS
    trained = np.unpackbits(np.frombuffer(data[: count // 8], np.uint8)).tolist()
    chances = [(byte << 7) + 64 for byte in data[count // 8 : count // 8 + CHANCES]]
    codes = np.frombuffer(data[count // 8 + CHANCES :], np.uint8).reshape(16, -1).T.tolist()
    share = [int(2 ** (code / 8) + 0.5) for code in range(256)]
    rows, known = [], iter(codes)
    for seen in trained:
        if not seen:
            rows.append(_PLAIN_ROW)
            continue
        sums = list(accumulate(share[code] for code in next(known)))
        rows.append([0] + [total * (SCALE - 16 * LEAST) // sums[-1] + i * LEAST for i, total in enumerate(sums[:-1], 1)])
    return rows, [24 * seen for seen in trained], chances


class Symbols:
    """The coder, its rows of frequencies and its chances."""

    def __init__(self, data: bytes) -> None:
        self.count = int.from_bytes(data[1:5], "little")
        need(len(data) % 4 == 1 and 4 <= self.count <= len(data) // 4 - 1, "the coefficients have no valid head")
        words = np.frombuffer(data, "<u4", offset=5).tolist()
        self.words, self.plain_words = [*words[: self.count], 0], words[self.count :]
        self.state, self.other, self.at = words[0] << 32 | words[1], words[2] << 32 | words[3], 4
        self.plain_at = self.held = self.free = 0
        rows, ages, chances = _start()
        own = slice(EFFORT_2_ROWS, None) if data[0] == 1 else slice(EFFORT_2_ROWS)
        self.rows, self.ages, self.chances = list(rows[own]), list(ages[own]), list(chances)

    def finish(self) -> None:
        """Check that all was read."""
        ended = self.state == self.other == LOWEST and (self.at, self.plain_at) == (self.count, len(self.plain_words))
        need(ended, "the coefficients do not end with their last block")

    def symbol(self, one: int, two: int | None = None) -> int:
        """A symbol by the mean of two rows, which learn; or by one."""
        two = one if two is None else two
        mean = [(a + b) >> 1 for a, b in zip(self.rows[one], self.rows[two], strict=True)] + [SCALE]
        slot = self.state % SCALE
        symbol = sum(low <= slot for low in mean[:16]) - 1
        self._advance(mean[symbol], mean[symbol + 1] - mean[symbol])
        for row in {one, two}:
            speed = SPEEDS[self.ages[row]]
            self.rows[row] = [p + ((goal - p) >> speed) for p, goal in zip(self.rows[row], TARGETS[symbol], strict=True)]
            self.ages[row] = min(self.ages[row] + 1, 255)
        return symbol

    def bit(self, at: int) -> int:
        """A bit by a chance, which learns."""
        p = self.chances[at]
        bit = int(self.state % SCALE < p)
        self._advance(*((0, p) if bit else (p, SCALE - p)))
        self.chances[at] = p + (((SCALE - 64 if bit else 64) - p) >> 6)
        return bit

    def plain(self, count: int) -> int:
        """Bits as they are, the first one lowest."""
        if self.free < count:
            word = self.plain_words[self.plain_at] if self.plain_at < len(self.plain_words) else 0
            self.held |= word << self.free
            self.free += 32
            self.plain_at += 1
        value = self.held % (1 << count)
        self.held >>= count
        self.free -= count
        return value

    def size(self, one: int, two: int | None = None) -> int:
        """A number below 65536: 0 to 7 as symbols, then symbols for lengths, with plain bits."""
        symbol = self.symbol(one, two)
        if symbol < 8:
            return symbol
        return self.plain(16) if symbol == 15 else self.plain(symbol - 5) | 1 << (symbol - 5)

    def difference(self, row: int) -> int:
        """A number with its sign."""
        size = self.size(row)
        return -size if size and self.plain(1) else size

    def _advance(self, low: int, frequency: int) -> None:
        """Take what was coded with this share out of the state; the other state is next."""
        state = (frequency * (self.state >> SCALE_BITS) + self.state % SCALE - low) % (1 << 64)
        if state < LOWEST:
            state = state << 32 | self.words[self.at]
            self.at = min(self.at + 1, self.count)
        self.state, self.other = self.other, state


def expected_class(size: int) -> int:
    """0 to 15: class of a number, two to an octave from 2 on, which is 3."""
    if size < 2:
        return size
    octave = size.bit_length() - 1
    return min(2 * octave + 1 + (size * size >= 2 << 2 * octave), 15)
