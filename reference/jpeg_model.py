"""Efforts 3 to 9: binary decisions, each mixed from what counters under several contexts say.

data = u8 effort, decisions of the range coder: component by component, block by block in raster order
per block: number of nonzeros inside (7x7), those coefficients in zigzag order until all are there; the same for the first row
           (1x7), for the first column (7x1); DC's difference to what the borders foretell
count = its length in bits, one by one; the bits below the first. coefficient = zero?; sign; likewise.
"""

import numpy as np

from reference.jpeg_contexts import (
    Around,
    Block,
    count_contexts,
    first_slot,
    guess_contexts,
    residual_contexts,
    sign_contexts,
    value_contexts,
)
from reference.jpeg_start import ORDER, PLACE, class_of, held, start, wrapped
from reference.mixing import APM_REACH, APM_STEP, APM_STEPS, learned, limited, refine, train_apms, train_final, trained
from reference.mixing_tables import squash_table, stretch_table
from reference.range_coder import RangeDecoder
from reference.stream import need

_ALL = tuple(range(12))
_SETUPS = {
    3: ((0, 5), 1),
    4: ((0, 2, 11), 1),
    5: ((0, 2, 5, 11), 1),
    6: ((0, 2, 4, 5, 9, 11), 1),
    7: ((0, 2, 4, 5, 6, 8, 9, 11), 1),
    8: (_ALL, 1),
    9: (_ALL, 3),
}  # contexts of each kind that are mixed, sets of weights
_MIX_RATE, _FINAL_RATE, _APM_RATE, _MAP_LIMIT, _SIGNED_RATE = 300, 6, 6, 255, 3
_WIDE, _LARGEST_STEP, _LIMIT = 8191, (1 << 18) - 1, (1 << 23) - 1
Place = tuple[int, int, int, int]


def decode(data: bytes, places: list[Place], quants: list[list[int]]) -> list[np.ndarray]:
    """int16[rows, columns, 64] for each component, zigzag order. places: rows, columns, h, v; quants in zigzag order."""
    need(data[0] in _SETUPS and len(data) >= 3, "the coefficients have no valid head")
    model = Model(data[1:], *_SETUPS[data[0]])
    arrays: list[np.ndarray] = []
    for index, place in enumerate(places):
        model.component(arrays, index, place, places[0], quants)
    need(model.coder.at == len(data) - 1 + 2, "the coefficients do not end with their last block")
    return arrays


class Model:
    """The adaptive state, and the loops over blocks."""

    def __init__(self, data: bytes, mixed: tuple[int, ...], sets: int) -> None:
        self.coder, self.mixed, self.sets = RangeDecoder(data), mixed, sets
        found = start()
        self.slots, self.first_rows = dict(found.counters), found.rows
        self.signed, self.sizes = found.signed.copy(), found.sizes
        self.weights: dict[int, list[int]] = {}
        self.final: dict[int, list[int]] = {}
        self.apms: dict[tuple[int, int], list[int]] = {}
        self.tails: dict[tuple[int, int, int], int] = {}
        squash = squash_table()
        self.first_apm = [squash[step * APM_STEP + 3072 - APM_REACH] for step in range(APM_STEPS)]

    def component(self, arrays: list[np.ndarray], index: int, place: Place, first: Place, quants: list[list[int]]) -> None:
        """Decode the next component into `arrays`."""
        rows, columns, h, v = place
        kind = index if index < 3 else 0
        down, across = max(first[3] // v, 1), max(first[2] // h, 1)
        out = np.zeros((rows, columns, 64), np.int16)
        arrays.append(out)
        natural = [[max(int(quant[PLACE[k]]), 1) for k in range(64)] for quant in quants]
        self.quant, self.first_quant, self.other_quant = natural[index], natural[0], natural[max(index - 1, 0)]
        shift = (down * across - 1).bit_length()
        row = [Block() for _ in range(columns + 2)]
        for y in range(rows):
            above, row = row, [Block() for _ in range(columns + 2)]
            for x in range(columns):
                luma, beside = [0] * 64, [0] * 64
                if kind:
                    blocks = [_block(arrays[0], y * down + i, x * across + j) for i in range(down) for j in range(across)]
                    luma = [sum(abs(block[z]) for block in blocks) for z in range(64)]
                if kind == 2:
                    beside = _block(arrays[1], y, x)
                around = Around(row[x + 1], row[x], above[x + 1], above[x], above[x + 2], kind, luma, shift, beside)
                self.block(out[y, x], around, y, x)

    def block(self, out: np.ndarray, a: Around, y: int, x: int) -> None:
        """Decode a block into `out`, zigzag order."""
        total, at = 0, 0
        for part, end in enumerate((49, 56, 63)):
            contexts, select = count_contexts(a, part, self.quant[9])
            remaining = min(self.count(self.lines(0, a.kind, contexts), select, 3 if part else 6), end - at)
            a.own.counts[part] = remaining
            total += remaining
            while remaining and at < end:
                remaining -= self.value(out, a, at, remaining, end - at)
                at += 1
            at = end
        self.dc(out, a, y, x, total)

    def count(self, lines: list[int], select: list[int], longest: int) -> int:
        """A number below 2 ** longest."""
        length = 0
        while length < longest and self.decide(lines, select, length):
            length += 1
        result = 1
        for _ in range(length - 1):
            result = 2 * result + self.decide(lines, select, 5 + (1 << (length - 1)) - length + result)
        return result if length else 0

    def value(self, out: np.ndarray, a: Around, j: int, remaining: int, left: int) -> int:
        """ORDER[j]; 1 if it isn't zero."""
        size, above, across = self.predict(a, ORDER[j])
        contexts, select = value_contexts(a, j, remaining, left, size)
        guess_contexts(contexts, j, size, above + across, False)
        value = 0
        if remaining == left or self.decide(self.lines(1, a.kind, contexts), select, 0):
            signs, sign_select = sign_contexts(a, j, size, above, across)
            negative = self.decide(self.lines(2, a.kind, signs), sign_select, 0)
            guess_contexts(contexts, j, size, -(above + across) if negative else above + across, True)
            found = self.size(self.lines(1, a.kind, contexts), select, j)
            value = -found if negative else found
        self.keep(out, a, ORDER[j], value, value)
        return int(value != 0)

    def dc(self, out: np.ndarray, a: Around, y: int, x: int, nonzeros: int) -> None:
        """DC."""
        size, _, _ = self.predict(a, 0)
        weights = self.signed[min(a.kind, 1)]
        over, side, both = (self.scaled(_dot(self.known, weights[row]), 0, 8) for row in (64, 65, 0))
        if x == 0:
            both = side = over
        elif y == 0:
            both = over = side
        foretold = min(max((both + 128) >> 8, -32768), 32767)
        contexts, select = residual_contexts(a, size, nonzeros, (both & 255) >> 4, abs(over - side))
        above, across = (over - (foretold << 8)) >> 1, (side - (foretold << 8)) >> 1
        rest, lines = 0, self.lines(1, a.kind, contexts)
        if self.decide(lines, select, 0):
            signs, sign_select = sign_contexts(a, 63, size, above, across)
            negative = self.decide(self.lines(2, a.kind, signs), sign_select, 0)
            rest = self.size(lines, select, 63)
            rest = -rest if negative else rest
        a.own.counts[3] = rest
        self.keep(out, a, 0, foretold + rest, wrapped(foretold + rest, 16))

    def size(self, lines: list[int], select: list[int], j: int) -> int:
        """1 and above: length in bits, then the bits; the lower ones of long numbers are not mixed."""
        length = 1
        while length < 16 and self.decide(lines, select, 1 + min(length - 1, 7)):
            length += 1
        result = 1
        for left in reversed(range(length - 1)):
            if length == 3 and left == 0:
                bit = self.decide(lines, select, 9 + result)
            elif left + 2 == length:
                bit = self.decide(lines, select, {2: 9, 3: 10, 4: 13}.get(length, 14))
            else:
                p = self.tails.get((j, length, left), 32768)
                bit = self.coder.bit(min(max(p, 64), 65472))
                self.tails[j, length, left] = p + ((65535 * bit - p) >> 5)
            result = 2 * result + bit
        return result

    def predict(self, a: Around, k: int) -> tuple[int, int, int]:
        """(class of the size; value in 256ths, as far as it comes from above, from the left)."""
        column, row = slice(k % 8, None, 8), slice(k // 8 * 8, k // 8 * 8 + 8)
        own, left, up = a.own.wide, a.left.wide, a.up.wide
        self.known = np.concatenate([up[column], own[column], left[row], own[row]])
        z = PLACE[k]
        luma, beside = a.luma[z] * self.first_quant[k] >> a.luma_shift, abs(a.beside[z]) * self.other_quant[k]
        extras = [
            int(a.corner.wide[k]),
            int(a.right.wide[k]),
            min(luma, _WIDE),
            min(beside, _WIDE),
            min(self.quant[k], _WIDE),
            0,
            0,
            0,
        ]
        sizes = abs(np.concatenate([up[column], up[row], left[row], left[column], own[column], own[row], extras]))
        kind = min(a.kind, 1)
        size = self.scaled(_dot(sizes, self.sizes[kind, k]), k, 7)
        weights = self.signed[kind, k]
        above, across = _dot(self.known[:16], weights[:16]), _dot(self.known[16:], weights[16:])
        self.foreseen, self.guess = min(max(size, 128), 1 << 20), self.scaled(above + across, k, 7)
        return class_of(max(size, 0)), self.scaled(above, k, 8), self.scaled(across, k, 8)

    def scaled(self, total: int, k: int, bits: int) -> int:
        """A sum, in units of 14 fractional bits, as parts of the quantiser's step with `bits` fractional bits."""
        return total * ((1 << 24) // self.quant[k]) >> (38 - bits)

    def keep(self, out: np.ndarray, a: Around, k: int, value: int, stored: int) -> None:
        """Note a value, and move the weights that foretold it."""
        real = max(self.foreseen * self.quant[k] >> 7, 1)
        miss = held(((value << 7) - self.guess) * 256 // self.foreseen, 512)
        step = held((miss << 16) // real * _SIGNED_RATE >> 10, _LARGEST_STEP)
        weights = self.signed[min(a.kind, 1), k]
        weights[:] = np.clip(weights + (self.known * step >> 8), -_LIMIT, _LIMIT)
        stored = wrapped(stored, 16)
        out[PLACE[k]] = stored
        a.own.wide[k] = held((value if k else stored) * self.quant[k], _WIDE)
        a.own.levels[k] = held(value if k else stored, 127)

    def lines(self, kind: int, of: int, numbers: list[int]) -> list[int]:
        """Where the slots of contexts start. kind: of counts, values, signs; of: kind of component."""
        return [first_slot(12 * kind + i, of, numbers[i]) for i in self.mixed]

    def decide(self, lines: list[int], select: list[int], node: int) -> int:
        """A decision; everything that predicted it learns."""
        stretch, squash = stretch_table(), squash_table()
        inputs = []
        for line in lines:
            slot = self.slots.get(line + node, 1 << 31)
            seen = slot & 1023
            inputs.append(stretch[slot >> 20] * ((2 * seen + 1) * 256 // (2 * seen + 4)) >> 8)
        x = np.array([*inputs, 256])
        rows = [16 * chosen + node for chosen in select[: self.sets]]
        weights = np.array([self.weights.get(row) or self.first_row(row) for row in rows])
        outputs = [limited(total >> 6) for total in (x * weights >> 10).sum(1).tolist()]
        final = self.final.setdefault(16 * select[5] + node, [65536 // self.sets] * self.sets)
        mixed = limited(sum(output * w for output, w in zip(outputs, final, strict=True)) >> 16)
        pair = [(i, 16 * chosen + node) for i, chosen in ((0, select[3]), (0, select[4]))]
        p, apms = refine(squash[mixed + 3072], mixed, [self.apms.setdefault(row, list(self.first_apm)) for row in pair])
        bit = self.coder.bit(p)
        errors = [(bit << 16) - squash[output + 3072] for output in outputs]
        for row, moved in zip(rows, trained(weights, x, errors, _MIX_RATE).tolist(), strict=True):
            self.weights[row] = moved
        train_final(final, outputs, ((bit << 16) - squash[mixed + 3072]) * _FINAL_RATE)
        train_apms(apms, bit, _APM_RATE)
        for line in lines:
            self.slots[line + node] = learned(self.slots.get(line + node, 1 << 31), bit, _MAP_LIMIT)
        return bit

    def first_row(self, row: int) -> list[int]:
        """Weights of a row at the start: of the contexts, of the constant."""
        known, n = self.first_rows.get(row), len(self.mixed)
        return [*(known[i] for i in self.mixed), known[12]] if known else [65536 * 9 // (5 * n)] * n + [0]


def _block(array: np.ndarray, y: int, x: int) -> list[int]:
    if not array.size:
        return [0] * 64
    return array[min(y, array.shape[0] - 1), min(x, array.shape[1] - 1)].tolist()


def _dot(values: np.ndarray, weights: np.ndarray) -> int:
    return wrapped(int((values * (weights >> 8)).sum()), 32)
