"""Effort 1: sizes of two coefficients as one symbol, in zigzag order; signs as they are.

per block: number of pairs up to the last that is not zero; those, with sizes held at 3; what sizes have beyond 3; signs; DC's
difference to what is foretold
"""

from dataclasses import dataclass, field

import numpy as np

from reference.jpeg_start import wrapped
from reference.jpeg_symbols import Symbols, expected_class

_BEYOND, _ENDS, _DC, _KIND_ROWS = 2048, 2560, 2624, 2688
_PLAIN, _LARGEST = 3, 255


@dataclass
class Block:
    """What is kept of a block. sums: of the two sizes of each pair, held at 255; zeros before and behind."""

    sums: list[int] = field(default_factory=lambda: [0] * 34)
    pairs: int = 0
    rest: int = 0  # size of DC's difference
    level: int = 0  # DC


def decode_component(coder: Symbols, rows: int, columns: int, chroma: bool) -> np.ndarray:
    """int16[rows, columns, 64], zigzag order."""
    out = np.zeros((rows, columns, 64), np.int16)
    row = [Block() for _ in range(columns + 2)]
    for y in range(rows):
        above, row = row, [Block() for _ in range(columns + 2)]
        for x in range(columns):
            base = _KIND_ROWS * chroma
            own, left, up = row[x + 1], row[x], above[x + 1]
            near = [_near(p, left.sums, up.sums, above[x + 2].sums) for p in range(1, 33)]
            own.pairs = _count(coder, base + _ENDS + min(left.pairs + up.pairs, 63))
            sizes = _sizes(coder, base, own, near)
            _signs(coder, out[y, x], sizes)
            _dc(coder, base + _DC, out[y, x], own, left, up, above[x])
    return out


def _near(p: int, left: list[int], up: list[int], right: list[int]) -> int:
    same = 2 * (up[p] + left[p]) + right[p]
    return same + up[p + 1] + left[p + 1] + up[p - 1] + left[p - 1]


def _count(coder: Symbols, row: int) -> int:
    """0 to 32."""
    half = coder.symbol(row)
    if half in (0, 15):
        return half and min(29 + coder.plain(2), 32)
    return 2 * half - coder.plain(1)


def _sizes(coder: Symbols, base: int, own: Block, near: list[int]) -> list[int]:
    """Sizes of the coefficients, by place; DC's is 0."""
    sizes, sums = [0] * 65, [0, 0]  # behind two pairs of nothing
    for p in range(own.pairs):
        left = own.pairs - p
        expected = expected_class((near[p] + 3 * sums[p]) >> 1)
        both = coder.symbol(base + (16 * p + expected) * 4 + (left > 1) + (left > 3) + (left > 7))
        sizes[2 * p + 1], sizes[2 * p + 2] = divmod(both, 4)
        sums.append(both // 4 + both % 4)
    own.sums[1 : own.pairs + 1] = sums[2:]
    for k in range(1, 64):
        if sizes[k] == _PLAIN:
            p = (k - 1) // 2
            more = coder.size(base + _BEYOND + 16 * p + expected_class(near[p] >> 1))
            sizes[k] += more
            own.sums[p + 1] = min(own.sums[p + 1] + more, _LARGEST)
    return sizes[:64]


def _signs(coder: Symbols, out: np.ndarray, sizes: list[int]) -> None:
    for k, size in enumerate(sizes):
        if size:
            out[k] = wrapped(-size if coder.plain(1) else size, 16)


def _dc(coder: Symbols, base: int, out: np.ndarray, own: Block, left: Block, up: Block, corner: Block) -> None:
    """The middle one of DC to the left, above, and their sum less the corner's; the difference to that."""
    foretold = sorted((left.level, up.level, left.level + up.level - corner.level))[1]
    rest = coder.difference(base + expected_class(2 * (left.rest + up.rest)) * 4 + min(own.pairs >> 2, 3))
    own.rest, own.level = abs(rest), wrapped(foretold + rest, 16)
    out[0] = own.level
