"""Effort 2: sizes as symbols under two contexts, signs by what the borders foretell.

per block: number of nonzeros inside (7x7), those sizes, each with its sign; the same for first row and first column; DC's
difference to what is foretold
"""

import numpy as np

from reference.jpeg_contexts import Block
from reference.jpeg_start import ORDER, PLACE, held, start, wrapped
from reference.jpeg_symbols import Symbols, expected_class

_VALUE_ROWS = 4096
_COUNTS, _DC, _KIND_ROWS = 2 * _VALUE_ROWS, 2 * _VALUE_ROWS + 1400, 2 * _VALUE_ROWS + 2048
_LARGEST, _WIDE = 1023, 8191


class Component:
    """Decodes a component into `out`, int16[rows, columns, 64] in zigzag order. In `Block.levels` stand sizes."""

    def __init__(self, coder: Symbols, rows: int, columns: int, quant: list[int], chroma: bool) -> None:
        self.coder, self.kind = coder, int(chroma)
        self.quant = [max(int(quant[PLACE[k]]), 1) for k in range(64)]
        self.out = np.zeros((rows, columns, 64), np.int16)
        row = [Block() for _ in range(columns + 2)]
        for y in range(rows):
            above, row = row, [Block() for _ in range(columns + 2)]
            for x in range(columns):
                self.block(self.out[y, x], row[x + 1], row[x], above[x + 1], above[x], above[x + 2], (y, x))

    def block(self, out, own: Block, left: Block, up: Block, corner: Block, right: Block, at: tuple[int, int]) -> None:
        """Decode a block into `out`, zigzag order."""
        a, b = (np.pad(np.array(block.levels), 8) for block in (left, up))
        both = a + b
        same = both[8:72] * 5 + np.array(corner.levels) + np.array(right.levels)
        near = (same + both[7:71] + both[9:73] + both[:64] + both[16:80]).tolist()
        base = self.kind * _KIND_ROWS
        j = 0
        for part, end in enumerate((49, 56, 63)):
            remaining = min(self.count(base + _COUNTS, part, left.counts[part] + up.counts[part], own.counts[0]), end - j)
            own.counts[part] = remaining
            last = last2 = 0
            while remaining and j < end:
                size = self.value(out, own, left, up, near, part, j, remaining, end - j, last, last2)
                last, last2 = min(size, _LARGEST), last
                remaining -= size != 0
                j += 1
            j = end
        self.dc(out, own, left, up, base, at)

    def count(self, base: int, part: int, around: int, inside: int) -> int:
        """How many are not zero."""
        if part == 0:
            high = self.coder.symbol(base + 512 + min(around, 127))
            return 4 * high + min(self.coder.symbol(base + 640 + high * 32 + min(around >> 2, 31)), 3)
        return min(self.coder.symbol(base + (part - 1) * 256 + min(inside >> 1, 15) * 16 + min(around, 15)), 7)

    def value(self, out, own: Block, left: Block, up: Block, near: list[int], part, j, remaining, rest, last, last2) -> int:
        """ORDER[j]; its size."""
        k, base = ORDER[j], self.kind * _KIND_ROWS
        density = 3 if remaining == rest else 0 if 4 * remaining < rest else 1 if 2 * remaining < rest else 2
        if part == 0:
            beside = own.levels[k - 1] + own.levels[k - 8] + ((last + last2) >> 1)
        else:
            beside = own.levels[k + (8 if part == 1 else 1)] + last
        one = base + (j * 16 + expected_class((near[k] + beside * 12) >> 2)) * 4 + density
        two = base + _VALUE_ROWS + (j * 16 + expected_class(beside * 4)) * 4 + min(near[k] >> 3, 3)
        size = self.coder.size(one, two)
        if size:
            value = -size if self.sign(own, left, up, j) else size
            out[PLACE[k]] = wrapped(value, 16)
            own.levels[k] = min(size, _LARGEST)
            own.wide[k] = held(value * self.quant[k], _WIDE)
        return size

    def sign(self, own: Block, left: Block, up: Block, j: int) -> int:
        """Whether ORDER[j] is negative."""
        k = ORDER[j]
        guess = self.guess(own, left, up, k, k)
        size = expected_class(abs(guess) * ((1 << 24) // self.quant[k]) >> 33)
        return self.coder.bit((self.kind * 64 + j) * 32 + (15 - size if guess < 0 else 16 + size))

    def guess(self, own: Block, left: Block, up: Block, k: int, row: int) -> int:
        """A value by what stands around, by one row of weights."""
        column, line = slice(k % 8, None, 8), slice(k // 8 * 8, k // 8 * 8 + 8)
        known = np.concatenate([up.wide[column], own.wide[column], left.wide[line], own.wide[line]])
        return wrapped(int((known * (start().signed[self.kind, row] >> 8)).sum()), 32)

    def dc(self, out, own: Block, left: Block, up: Block, base: int, at: tuple[int, int]) -> None:
        """DC's difference to what is foretold."""
        y, x = at
        total = self.guess(own, left, up, 0, 64 if x == 0 else 65 if y == 0 else 0)
        foretold = min(max((total // self.quant[0] + (1 << 13)) >> 14, -32768), 32767)
        around = expected_class(2 * (left.counts[3] + up.counts[3]))
        rest = self.coder.difference(base + _DC + around * 16 + min(own.counts[0] >> 1, 15))
        own.counts[3] = abs(rest)
        value = wrapped(foretold + rest, 16)
        out[0] = value
        own.wide[0] = held(value * self.quant[0], _WIDE)
