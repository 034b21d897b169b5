"""Contexts of the coefficient model: numbers within the table of each, by what is known around.

A block's neighbours are given as `Block`s; everything is in natural order. A count's numbers go in steps of four lines.
"""

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from reference.jpeg_start import ORDER, PLACE, class_of

# How many numbers each context can have: of counts (in steps of four), of values, of signs.
_LINES = (
    (768, 6144, 768, 3072, 768, 6144, 6144, 6144, 6144, 12288, 12288, 768),
    (4096, 4096, 4096, 16384, 4096, 49152, 4096, 4096, 4096, 4096, 16384, 4096),
    (2048, 4096, 1728, 512, 1728, 576, 2048, 2048, 1536, 1296, 2048, 6144),
)
_FLAT = [3 * n for kind in _LINES for n in kind]
_BASES = [0, *accumulate(_FLAT)]
_FIRST = (9, 10, 17, 18, 11, 25, 19, 26)


@dataclass
class Block:
    """What is kept of a block. levels: held within -127 to 127; wide: dequantised, within -8191 to 8191."""

    levels: list[int] = field(default_factory=lambda: [0] * 64)
    wide: np.ndarray = field(default_factory=lambda: np.zeros(64, np.int64))
    counts: list[int] = field(default_factory=lambda: [0] * 4)  # inside, first row, first column, difference of DC


@dataclass
class Around:
    """The block, those to its left, above it, above to the left and to the right, and its counterparts in other components."""

    own: Block
    left: Block
    up: Block
    corner: Block
    right: Block
    kind: int  # 0 luma, 1 and 2 chroma
    luma: list[int]  # sizes in the luma blocks beside it, summed, zigzag order
    luma_shift: int
    beside: list[int]  # the other chroma component's block, zigzag order


def first_slot(table: int, kind: int, number: int) -> int:
    """Where the 16 slots of a context start. table: 12 of counts, 12 of values, 12 of signs; kind: of component."""
    return 16 * (_BASES[table] + kind * _FLAT[table] // 3 + number)


def class8(size: int) -> int:
    """Class of a small number."""
    return size if size < 4 else 4 + (size > 5) + (size > 8) + (size > 12)


def guess_class(guess: int) -> int:
    """1 to 31: class of a guess in 256ths, with its sign."""
    size = min(max((class_of(abs(guess) >> 1) - 16) >> 1, 0), 15)
    return 16 - size if guess < 0 else 16 + size


def sign(value: int) -> int:
    """0, 1, 2 for minus, zero, plus."""
    return 1 + (value > 0) - (value < 0)


def count_contexts(a: Around, part: int, energy_unit: int) -> tuple[list[int], list[int]]:
    """(contexts; three sets of weights, two rows of maps, final row) of a part's number of nonzeros."""
    left, over, corner, right = (block.counts[part] for block in (a.left, a.up, a.corner, a.right))
    inside = a.own.counts[0] if part else 0
    mean, around = (left + over + 1) >> 1, (3 * (left + over) + corner + right + 4) >> 3
    fine = 0 if part else 2
    few = mean >> fine
    luma = min(sum(min(size, 3) for size in a.luma[1:28]) >> a.luma_shift, 63) if a.kind else 0
    beside = sum(value != 0 for value in a.beside[1:])
    if part == 0:
        sizes = sum(abs(int(block.wide[k])) for block in (a.left, a.up) for k in _FIRST)
        energy = class_of((sizes << 3) // energy_unit)
    else:
        along, across, edge = (1, 8, a.up) if part == 1 else (8, 1, a.left)
        energy = sum(8 * (a.own.levels[across + along * i] != 0) + (edge.levels[along * i] != 0) for i in range(1, 8))
    other = left >> 3 if part == 0 else left if part == 1 else a.own.counts[1]
    p, q, kind = part * 64, part * 32, a.kind * 3 + part
    numbers = [
        p + mean, (q + (inside >> 1)) * 16 + (around >> fine), p + around, (q // 2 + (left >> fine)) * 16 + (over >> fine),
        p + energy,
        (q + (luma >> 1)) * 16 + few, (q + (beside >> 1)) * 16 + few, (q + (energy >> 1)) * 16 + other,
        (q + (inside >> 1)) * 16 + (corner >> fine), (q + (corner >> 1)) * 32 + (right >> 1),
        (q + (energy >> 1)) * 32 + (around >> 1), p + inside,
    ]  # fmt: skip
    lively = luma if a.kind else energy
    sets = [kind * 4, 64 + (kind * 16 + min(around >> 1, 15)) * 4, 640 + (kind * 16 + (lively >> 2)) * 4]
    return [4 * n for n in numbers], [*sets, (kind * 16 + few) * 4, (144 + kind * 16 + (energy >> 2)) * 4, kind * 4]


def _lower(levels: list[int], k: int) -> tuple[int, int, int]:
    u, v = k % 8, k // 8
    if u and v:
        return abs(levels[k - 1]), abs(levels[k - 8]), abs(levels[k - 9])
    along, across = (8, 1) if u == 0 else (1, 8)
    two = abs(levels[k - 2 * along]) if k > 2 * along else 0
    one, beside = abs(levels[k - along]), abs(levels[k + across])
    return (beside, one, two) if u == 0 else (one, beside, two)


def value_contexts(a: Around, j: int, remaining: int, left: int, size: int) -> tuple[list[int], list[int]]:
    """The same of ORDER[j]; the contexts of the guess (5 and 11) are still missing."""
    k = ORDER[j]
    at_left, at_up, at_corner, at_right = (abs(block.levels[k]) for block in (a.left, a.up, a.corner, a.right))
    lower_u, lower_v, lower = _lower(a.own.levels, k)
    near, own = class8((2 * (at_left + at_up) + at_corner + at_right + 1) >> 1), class8(lower_u + lower_v)
    density, part = min(remaining * 32 // left, 31), 0 if j < 49 else 1 if j < 56 else 2
    z = PLACE[k]
    l3, u3, c3, r3 = (min(n, 3) for n in (at_left, at_up, at_corner, at_right))
    numbers = [
        j * 64 + remaining, j * 64 + size, (j * 8 + near) * 8 + own, (density * 64 + size) * 4 + part,
        ((j * 4 + l3) * 4 + u3) * 4 + c3, 0, ((j * 4 + min(lower_u, 3)) * 4 + min(lower_v, 3)) * 4 + min(lower, 3),
        (near * 64 + size) * 8 + own,
        j * 64 + (a.own.counts[0] if part else density), (j * 16 + min(a.luma[z], 15)) * 4 + min(abs(a.beside[z]), 3),
        ((j * 4 + r3) * 4 + min(own >> 1, 3)) * 16 + (size >> 2), 0,
    ]  # fmt: skip
    place = a.kind * 64 + j
    sets = [2048 + place, 2304 + a.kind * 64 + size, 2560 + (a.kind * 8 + near) * 16 + min(remaining, 15)]
    return numbers, [*sets, 1152 + place, 1344 + a.kind * 64 + size, 64 + place]


def guess_contexts(numbers: list[int], j: int, size: int, guess: int, signed: bool) -> None:
    """Put in the contexts of the guess: before the sign by its size; after it, turned so that the sign is plus, by all of it."""
    g = guess_class(guess)
    node = g + 16 if signed else abs(g - 16)
    numbers[5], numbers[11] = (j * 48 + node) * 16 + (size >> 2), size * 48 + node


def sign_contexts(a: Around, j: int, size: int, from_above: int, from_left: int) -> tuple[list[int], list[int]]:
    """The same of the sign of ORDER[j]."""
    k, dc = ORDER[j], int(j == 63)
    g, above, across = guess_class(from_above + from_left), guess_class(from_above), guess_class(from_left)
    at_left, at_up, at_corner, at_right = (sign(block.levels[k]) for block in (a.left, a.up, a.corner, a.right))
    levels, u, v = a.own.levels, k % 8, k // 8
    lower_u, lower_v = sign(levels[k - 1]) if u else 1, sign(levels[k - 8]) if v else 1
    lower, beside = sign(levels[k - 9]) if u and v else 1, sign(a.beside[PLACE[k]])
    numbers = [
        j * 32 + g, (size * 2 + dc) * 32 + g, ((j * 3 + at_left) * 3 + at_up) * 3 + at_corner,
        ((above >> 1) * 16 + (across >> 1)) * 2 + dc,
        ((j * 3 + lower_u) * 3 + lower_v) * 3 + lower, (j * 3 + beside) * 3 + at_right, j * 32 + above, j * 32 + across,
        (g * 3 + beside) * 16 + (size >> 2), (((lower_u * 3 + lower_v) * 3 + at_left) * 3 + at_up) * 16 + (size >> 2),
        (dc * 32 + above) * 32 + across, (j * 3 + beside) * 32 + g,
    ]  # fmt: skip
    kind = a.kind * 64
    return numbers, [6144 + kind + j, 6400 + kind + size, 6656 + kind + g, 1536 + kind + j, 1728 + kind + g, 320 + kind + j]


def residual_contexts(a: Around, size: int, nonzeros: int, step: int, odds: int) -> tuple[list[int], list[int]]:
    """The same of the difference of DC."""
    left, up, corner, right = (abs(block.counts[3]) for block in (a.left, a.up, a.corner, a.right))
    around, odd = class_of(((left + up) * 2 + corner + right) << 5), class_of(odds >> 1)
    many, first = min(nonzeros, 63), 63 * 64
    numbers = [
        first + many, first + size, first + odd, (odd >> 1) * 256 + size * 4 + 3, first + around,
        (63 * 48 + (around >> 1)) * 16 + (size >> 2), first + 4 * min(left, 3) + min(up, 3),
        ((around >> 3) * 64 + 48 + (odd >> 2)) * 8 + (many >> 3), first + step, first + (many >> 2),
        (63 * 16 + (odd >> 2)) * 16 + (around >> 2), 2304 + odd * 32 + (around >> 1),
    ]  # fmt: skip
    kind = a.kind
    sets = [2048 + kind * 64 + 63, 2496 + kind * 16 + (odd >> 2), 2944 + kind * 16 + (around >> 2)]
    return numbers, [*sets, 1152 + kind * 64 + 63, 1344 + kind * 64 + 48 + (odd >> 2), 64 + kind * 64 + 63]
