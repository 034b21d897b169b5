"""Streams of codec `video.learned`: vectors, hyper-latents and latents, out of decisions whose predictions are mixed and learn.

    mean and scale by the image's networks --+--> centre --> zero? positive? larger? --> latent = centre + 16 * symbol
    latents foreseen from the frame before --+--> contexts of these decisions

What the networks say is an input here: means, scales and foreseen latents of a frame. Means and latents count sixteenths. All
numbers are integers; >> and // round down.
"""

from collections.abc import Sequence

import numpy as np

from reference import data_files
from reference.mixing_tables import reciprocal_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder

INPUTS, CONTEXTS, KINDS, SPAN = 8, 6, 7, 1 << 14
ZERO, SIGN, MORE, WHOLE = 0, 1, 2, 6
LEVELS, RATIOS, PAD, UNARY = 64, 8, 2, 18
EDGES = (1, 2, 3, 4, 6, 9, 13, 18, 28, 44, 80)  # classes of distances, in sixteenths
SEEN = (0, 1, 2, 4, 8, 16, 32)
GAIN = 4096
MOST, REACH, STEPS = (1 << 15) - 1, 255, 12


class Latents:
    """Reads a stream; channels: latents at a place; family: the model's tables."""

    def __init__(self, data: bytes, channels: int, family: str) -> None:
        self.coder = RangeDecoder(data)
        self.squash, self.stretch, self.reciprocal = squash_table(), stretch_table(), reciprocal_table()
        start = data_files.arrays("video.npz")
        self.weights = start["weights"].astype(np.int64) * 8
        self.counters, self.fields = (self._counters(start, name) for name in ("counters", "fields"))
        rows = max(LEVELS, channels)
        products, squares = np.full((2, rows, RATIOS), GAIN * 3 // 4), np.full((2, rows, RATIOS), GAIN)
        known = min(rows, start["gains"].shape[1])
        squares[:, :known] = np.where(start["gains_seen"][:, :known], 16 * GAIN, GAIN)
        products[:, :known] = start["gains"][:, :known].astype(np.int64) * squares[:, :known] >> 8
        self.gains = np.stack([products, squares], -1)
        self._read_tables(family)

    def step(self, jobs: Sequence[Sequence[int]], has_past: bool, frame: "Frame", before: "Frame") -> None:
        """The latents of some channels at some places: first channel, end, first row, first column (every second one)."""
        height, width = frame.values.shape[:2]
        for first, end, row, column in jobs:
            for y in range(row, height, 2):
                for x in range(column, width, 2):
                    self._place(first, end, y, x, has_past, frame, before)

    def _place(self, first: int, end: int, y: int, x: int, has_past: bool, frame: "Frame", before: "Frame") -> None:
        own, near, ratio = np.zeros(3, np.int64), 0, RATIOS - 1  # expected, found, missed
        sizes = frame.sizes[y + PAD, x + PAD]
        for c in range(first, end):
            if (c - first) % 8 == 0:
                total = around(frame.sums, before.sums, y, x) + 4 * own
                near, ratio = ratio_class(total[1], total[0] + 8), ratio_class(total[2], total[0] + 8)
            level, mean = int(frame.scales[y, x, c]), int(frame.means[y, x, c])
            apart = int(frame.past[y, x, c]) - mean if has_past else 0
            centre = mean
            if has_past:
                products, squares = self.gains[0, level, ratio] + self.gains[1, c, ratio]
                gain = (int(products) << 8) // int(squares) if products >= 0 else 0
                centre += apart * min(max(gain, 0), 288) + 128 >> 8
            last, second = (int(sizes[c - k]) if c >= first + k else 0 for k in (1, 2))
            seen = magnitudes(frame.sizes, y + PAD, x + PAD, c), int(before.sizes[y + PAD, x + PAD, c])
            q = self._symbol(level, centre, apart, near, ratio, seen, min(last, 2) * 3 + min(second, 2), c, has_past)
            value = centre + 16 * q
            frame.values[y, x, c], sizes[c] = value, min(abs(q), 255)
            own += (self.spreads[level], min(16 * abs(q), 255), min(abs(value - int(frame.past[y, x, c])), 255))
            if has_past and apart:
                self._teach_gain(level, c, ratio, apart, value - mean)
        frame.sums[:, y + 1, x + 1] += own

    def _teach_gain(self, level: int, c: int, ratio: int, seen: int, told: int) -> None:
        while abs(seen) > 127:
            seen, told = seen >> 1, told >> 1
        for sums in (self.gains[0, level, ratio], self.gains[1, c, ratio]):
            sums += (told * seen, seen * seen)
            if sums[1] > 1 << 22:
                sums >>= 1

    def _symbol(
        self,
        level: int,
        centre: int,
        apart: int,
        near: int,
        ratio: int,
        seen: tuple[int, int],
        beside: int,
        c: int,
        has_past: bool,
    ) -> int:
        far, size = distance_class(apart), distance_class(centre)
        around, before, past, towards = seen[0], min(seen[1], 2), int(has_past), int(apart < 0)
        places = [
            (level * 12 + far) * 2 + past,
            (level * 8 + near) * 8 + ratio,
            c * 4 + (near >> 1) & SPAN - 1,
            ((around * 3 + before) * 32 + (level >> 1)) * 4 + (near >> 1),
            ((beside * 32 + (level >> 1)) * 8 + near) * 2 + past,
            ((size * 12 + far) * 8 + ratio) * 2 + past,
        ]
        if not self._decision(ZERO, places, level, near * 8 + ratio, self.plain[level]):
            return 0
        places = [(far * 8 + ratio) * 2 + towards, (level * 12 + far) * 2 + towards, c & SPAN - 1, towards, towards, towards]
        up = self._decision(SIGN, places, ratio, far)
        k = 1
        while k < UNARY:
            step = min(k, 15)
            places = [
                (level * 12 + far) * 16 + step,
                (level * 8 + near) * 16 + step,
                c * 4 + min(step, 3) & SPAN - 1,
                ((around * 3 + before) * 16 + (level >> 2)) * 16 + step,
                (beside * 16 + (level >> 2)) * 16 + step,
                (size * 8 + ratio) * 16 + step,
            ]
            if not self._decision(MORE + min(k - 1, 3), places, level, near * 8 + ratio):
                break
            k += 1
        if k == UNARY:
            k += self._rest()
        return k if up else -k

    def whole(self, levels: Sequence[int], before: np.ndarray) -> np.ndarray:
        """Hyper-latents [h, w, channels], as differences to those of the frame before. levels: their scales, by channel."""
        values = np.zeros_like(before)
        height, width, channels = before.shape

        def apart(y: int, x: int, c: int) -> int:
            return min(abs(int(values[y, x, c]) - int(before[y, x, c])), 2) if min(y, x, c) >= 0 else 0

        for y in range(height):
            for x in range(width):
                for c in range(channels):
                    level, old = int(levels[c]), int(before[y, x, c])
                    left, above, last, second = apart(y, x - 1, c), apart(y - 1, x, c), apart(y, x, c - 1), apart(y, x, c - 2)
                    k = 0
                    while k < UNARY:
                        step = min(k, 3)
                        places = [
                            (level * 4 + step) * 4 + min(abs(old), 3),
                            (c & 1023) * 4 + step,
                            ((left * 3 + above) * 4 + step) * 4 + min(abs(old), 3),
                            (((last * 3 + second) * 4 + step) * 3 + left) * 3 + above,
                            (level * 4 + step) * 9 + left * 3 + above,
                            ((level * 4 + step) * 3 + last) * 3 + second,
                        ]
                        if not self._decision(WHOLE, places, level, step):
                            break
                        k += 1
                    if k == UNARY:
                        k += self._rest()
                    values[y, x, c] = old + (k if k and self.coder.bit(32768) else -k)
        return values

    def vectors(self, down: int, across: int) -> np.ndarray:
        """int[down, across, 2] of blocks of 8: rows and columns, in quarters of a pixel."""
        found = np.zeros((down, across, 2), np.int64)
        for by in range(0, down, 2):
            for bx in range(0, across, 2):
                split = self._field(0)
                for y, x in ((by, bx), (by, bx + 1), (by + 1, bx), (by + 1, bx + 1)):
                    if y >= down or x >= across:
                        continue
                    if not split and (y, x) != (by, bx):
                        found[y, x] = found[by, bx]
                        continue
                    other = 0
                    for part in (0, 1):
                        context = (agreement(found, y, x, part) * 2 + part) * 3 + other
                        apart = self._difference(16 + context * 16)
                        found[y, x, part], other = expected(found, y, x, part) + apart, 1 + (apart != 0)
        return found

    def _difference(self, at: int) -> int:
        if not self._field(at):
            return 0
        up, k = self._field(at + 1), 1
        while k < STEPS and self._field(at + 1 + k):
            k += 1
        if k == STEPS:
            k += self._rest()
        return k if up else -k

    def _field(self, at: int) -> int:
        bit = self.coder.bit(min(max(int(self.fields[at]) >> 16, 64), 65535 - 64))
        self.fields[at] = self._learned(int(self.fields[at]), bit, 60)
        return bit

    def _decision(self, kind: int, places: Sequence[int], first: int, second: int, plain: int = 0) -> int:
        at = [place + (kind * CONTEXTS + k) * SPAN for k, place in enumerate(places)]
        inputs = np.array([self.stretch[int(self.counters[place]) >> 20] for place in at] + [plain, 256], np.int64)
        one, other = self.weights[0, kind, first], self.weights[1, kind, second]
        mixed = min(max(int((inputs * (one + other)).sum()) >> 16, -2900), 2900)
        p = min(max(self.squash[mixed + 3072], 1), 65535)
        bit = self.coder.bit(p)
        step = inputs * (((bit << 16) - p) * 6) + (1 << 17) >> 18
        one += step
        other += step
        for place in at:
            self.counters[place] = self._learned(int(self.counters[place]), bit, 255)
        return bit

    def _learned(self, entry: int, bit: int, limit: int) -> int:
        """A 22-bit chance above a 10-bit count: towards the bit by 1 / count."""
        count, p = entry & 1023, entry >> 10
        p += ((bit << 22) - bit - p) * self.reciprocal[count] >> 16
        return p << 10 | count + (count < limit)

    def _rest(self) -> int:
        bits, found = 0, 1
        while bits < 17 and self.coder.bit(32768):
            bits += 1
        for _ in range(bits):
            found = 2 * found + self.coder.bit(32768)
        return found - 1

    def _counters(self, start: dict[str, np.ndarray], name: str) -> np.ndarray:
        chances = np.array(self.squash, np.int64)[start[name].astype(np.int64) * 20 + 3072]
        return chances << 16 | np.array(SEEN, np.int64)[start[f"{name}_seen"]]

    def _read_tables(self, family: str) -> None:
        """Of each table: the stretched chance of anything but zero, and the mean distance in sixteenths."""
        stored = data_files.arrays("distributions.npz")
        freqs, at = stored[f"{family}.freqs"].tolist(), 0
        self.plain, self.spreads = [], []
        for reach in stored[f"{family}.reach"].tolist():  # of 0 to reach, then of what is beyond; both sides are equal
            half, beyond = freqs[at : at + reach + 1], freqs[at + reach + 1]
            total = half[0] + 2 * sum(half[1:]) + beyond
            bits = total.bit_length() - 1
            self.plain.append(self.stretch[min(4095, max(0, total - half[0] >> bits - 12))])
            self.spreads.append(max(1, 32 * sum(f * i for i, f in enumerate(half)) >> bits))
            at += reach + 2


class Frame:
    """What is known of a frame while its latents are read: means, scales, past and values int[h, w, channels]."""

    def __init__(self, means: np.ndarray, scales: np.ndarray, past: np.ndarray) -> None:
        height, width, channels = means.shape
        self.means, self.scales, self.past, self.values = means, scales, past, np.zeros(means.shape, np.int64)
        self.sizes = np.zeros((height + 2 * PAD, width + 2 * PAD, channels), np.int64)
        self.sums = np.zeros((3, height + 2, width + 2), np.int64)


def around(sums: np.ndarray, before: np.ndarray, y: int, x: int) -> np.ndarray:
    """The three sums of a place and its neighbours, and half of those of the frame before."""
    weights = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    return (sums[:, y : y + 3, x : x + 3] * weights).sum((1, 2)) + (before[:, y + 1, x + 1] >> 1)


def ratio_class(part: int, whole: int) -> int:
    """0 to 7: part / whole below 1/8, 1/4, 3/8, 1/2, 3/4, 1, 3/2, or above."""
    return sum(8 * part >= edge * whole for edge in (1, 2, 3, 4, 6, 8, 12))


def distance_class(value: int) -> int:
    """0 to 11."""
    return sum(abs(value) >= edge for edge in EDGES)


def magnitudes(sizes: np.ndarray, y: int, x: int, c: int) -> int:
    """Of the symbols of a channel around a place: 0 to 5."""
    near = sizes[y - 1, x, c] + sizes[y + 1, x, c] + sizes[y, x - 1, c] + sizes[y, x + 1, c]
    far = sum(sizes[y + i, x + j, c] for i in (-1, 1) for j in (-1, 1))
    further = sizes[y - 2, x, c] + sizes[y, x - 2, c] + sizes[y + 2, x, c] + sizes[y, x + 2, c]
    return min(2 * int(near) + int(far) + int(further), 5)


def expected(vectors: np.ndarray, y: int, x: int, part: int) -> int:
    """A component by those of the blocks to the left, above, and above to the right of a block of 16: their median."""
    if y == 0:
        return int(vectors[y, x - 1, part]) if x else 0
    if x == 0:
        return int(vectors[y - 1, x, part])
    right = (x & ~1) + 2
    third = vectors[y - 1, x - 1, part] if y & 1 or right >= vectors.shape[1] else vectors[y - 1, right, part]
    return sorted((int(vectors[y, x - 1, part]), int(vectors[y - 1, x, part]), int(third)))[1]


def agreement(vectors: np.ndarray, y: int, x: int, part: int) -> int:
    """How far the vectors to the left and above differ: 0 to 3; 4 where one is missing."""
    if y == 0 or x == 0:
        return 4
    return sum(abs(int(vectors[y, x - 1, part]) - int(vectors[y - 1, x, part])) >= edge for edge in (1, 2, 4))
