"""Codec `features`: chunks of items -> an .npy file.

payload = the range coder's bytes: of each item row by row, of each place channel by channel, a number

neighbours in the channel, misses of two channels before --least squares--> mean, in sixteenths --> decisions --> number

Numbers times the step of their channel, in single precision, are the features. Means are doubles, added in the order that stands
here; all else is integers.
"""

import math
from typing import Any

import numpy as np

from reference.container import CRITICAL, Chunk, hash64
from reference.mixing_tables import reciprocal_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder
from reference.stream import need

CONTEXTS, TAPS, KINDS, SPAN, LEVELS, CHANNELS = 7, 9, 7, 1 << 12, 64, 256
ZERO, SIGN, MORE, PREFIX = 0, 1, 2, 6
UNARY, RIDGE, FADE, FAR, KEPT, MOST = 8, 32.0, 0.98, 1 << 18, 256, 1 << 22
EDGES = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13] + [edge << octave for octave in range(14) for edge in (16, 19, 23, 27)]
CLASSES = (4, 8, 16, 32)
LIMITS = {"<f2": 65504.0, "<f4": (2 - 2.0**-23) * 2.0**127}


def decode(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The file."""
    shape, dtype, layout, packed = header["metadata"]["features"]
    first, second, third = shape[-3:]
    channels, height, width = (first, second, third) if layout == "CHW" else (third, first, second)
    steps = np.frombuffer(packed, "<f4") * np.ones(channels, np.float32)
    out = b""
    for chunk in chunks:
        if chunk.kind != CRITICAL:
            continue
        ((start, stop),) = chunk.covers
        found = read_numbers(chunk.payload, stop - start, channels, height, width)
        need(hash64(found.astype("<i4").tobytes()) == chunk.content_hash, "other numbers than were encoded")
        numbers = found.transpose(0, 2, 3, 1)
        with np.errstate(over="ignore"):
            values = np.clip(numbers.astype(np.float32) * steps, -LIMITS[dtype], LIMITS[dtype]).astype(dtype)
        out += (values.transpose(0, 3, 1, 2) if layout == "CHW" else values).tobytes()
    need(len(out) == math.prod(shape) * int(dtype[2]), "another number of items than the header has")
    return _npy_head(dtype, shape) + out


def read_numbers(payload: bytes, items: int, channels: int, height: int, width: int) -> np.ndarray:
    """i64[items, channels, height, width] of a payload."""
    numbers = np.array(_Reader(payload, channels).items(items, height, width), np.int64)
    return numbers.reshape(items, height, width, channels).transpose(0, 3, 1, 2)


class _Reader:
    """One chunk."""

    def __init__(self, data: bytes, channels: int) -> None:
        self.coder, self.size, self.channels = RangeDecoder(data), len(data), channels
        self.squash, self.stretch, self.reciprocal = squash_table(), stretch_table(), reciprocal_table()
        self.counters: dict[int, int] = {}
        self.weights: dict[tuple[int, int, int], list[int]] = {}
        self.sizes = [[8, 1] for _ in range(channels)]
        self.missed = [0.0] * channels
        self.taps = [[0.0] * TAPS for _ in range(channels)]
        self.products = [[[0.0] * TAPS for _ in range(TAPS + 1)] for _ in range(channels)]
        self.slopes = [355 * 65536 // (low + (low >> 4)) for low in [1, *EDGES][:LEVELS]]

    def items(self, count: int, height: int, width: int) -> list[Any]:
        """Lists of numbers: items, rows, columns, channels."""
        found = []
        for _ in range(count):
            item: dict[Any, int] = {}
            wrong: dict[Any, int] = {}
            for y in range(height):
                for x in range(width):
                    self._place(item, wrong, y, x)
                need(self.coder.at <= self.size + 3, "its stream ends early")
                for c in range(self.channels):
                    self._fit(c)
            found.append([[[item[c, y, x] for c in range(self.channels)] for x in range(width)] for y in range(height)])
        need(self.coder.at == self.size + 2, "its stream does not end with its last number")
        return found

    def _place(self, item: dict[Any, int], wrong: dict[Any, int], y: int, x: int) -> None:
        found = usual = 0
        for c in range(self.channels):
            near = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0))
            inputs = [float(item.get((c, y + dy, x + dx), 0)) for dy, dx in near]
            inputs += [self.missed[c - k] if c >= k else 0.0 for k in (1, 2)] + [1.0]
            mean = 0.0
            for tap, value in zip(self.taps[c], inputs, strict=True):
                mean += tap * value
            mean = mean if abs(mean) < MOST else 0.0
            sixteenths = math.floor(mean * 16 + 0.5)
            one = self.sizes[c][0] // self.sizes[c][1]
            q = self._number(c, sixteenths, wrong, y, x, one, one * (found + 32) // (usual + 32))
            need(abs(q) <= MOST, "a number that is too large")
            size = min(abs(16 * q - sixteenths), FAR)
            item[c, y, x], wrong[c, y, x], self.missed[c] = q, size, q - mean
            found, usual = found + size, usual + one
            total, times = self.sizes[c][0] + size, self.sizes[c][1] + 1
            self.sizes[c] = [total >> 1, times >> 1] if times > KEPT else [total, times]
            products = self.products[c]
            for k in range(TAPS):
                for i in range(k + 1):
                    products[k][i] += inputs[k] * inputs[i]
                products[TAPS][k] += inputs[k] * q

    def _fit(self, c: int) -> None:
        """The taps of a channel: Cholesky's factor, whose diagonal is kept inverted, forward and back."""
        products, solved = self.products[c], True
        factor = [[0.0] * TAPS for _ in range(TAPS)]
        for k in range(TAPS):
            for i in range(k + 1):
                total = products[k][i] + (RIDGE if i == k else 0.0)
                for j in range(i):
                    total -= factor[k][j] * factor[i][j]
                if i < k:
                    factor[k][i] = total * factor[i][i]
                else:
                    solved = solved and total > 1e-9
                    factor[k][k] = 1.0 / math.sqrt(total if total > 1e-9 else 1e-9)
        answer = [0.0] * TAPS
        for k in range(TAPS):
            total = products[TAPS][k]
            for j in range(k):
                total -= factor[k][j] * answer[j]
            answer[k] = total * factor[k][k]
        for k in reversed(range(TAPS)):
            total = answer[k]
            for j in range(k + 1, TAPS):
                total -= factor[j][k] * answer[j]
            answer[k] = total * factor[k][k]
        self.taps[c] = answer if solved else [0.0] * TAPS
        self.products[c] = [[value * FADE for value in row] for row in products]

    def _number(self, c: int, mean: int, wrong: dict[Any, int], y: int, x: int, usual: int, active: int) -> int:
        def at(dy: int, dx: int) -> int:
            return wrong.get((c, y + dy, x + dx), usual)

        west, north, corners, beyond = at(0, -1), at(-1, 0), at(-1, -1) + at(-1, 1), at(0, -2) + at(-2, 0)
        last, second = (wrong[c - k, y, x] if c >= k else 0 for k in (1, 2))
        near, active = (4 * (west + north) + 2 * corners + beyond) // 14, min(active, FAR)
        level, around, other = _level((4 * near + 5 * usual + 7 * active) >> 4), _level(near), _level(active)
        own, slope, centre = min(c, CHANNELS - 1), self.slopes[level], (mean + 8) >> 4
        shift = mean - 16 * centre
        part = shift + 8 >> 1
        cell, wide = _class(west) * 5 + _class(north), _class(corners >> 1) * 5 + _class(beyond >> 1)
        across, weight = _class(last) * 5 + _class(second), min(_level(min(16 * abs(centre), FAR)), 31)
        common = [around * 64 + other, cell * 25 + wide, across * 64 + level, weight * 64 + level, cell * 25 + across]
        above, below = self._beyond(slope, 8 - shift), self._beyond(slope, 8 + shift)
        first = [level * 8 + part, own * 16 + min(around >> 2, 7)]
        if not self._decision(ZERO, own, level, _chance(above + below, 65536), first + common):
            return centre
        signs = 3 * self._sign(c - 1) + self._sign(c - 2)
        places = [part * 64 + level, own * 16 + part, weight * 2 + (centre > 0), signs, signs * 8 + part]
        places += [part * 64 + around, part * 64 + other]
        up = self._decision(SIGN, own, level, _chance(above, above + below), places)
        side, left, k = (shift, above, 1) if up else (-shift, below, 1)
        while k < UNARY:
            rest = self._beyond(slope, 16 * k + 8 - side)
            places = [level * 8 + k, own * 16 + k, *common]
            if not self._decision(MORE + min(k - 1, 3), own, level, _chance(rest, left), places):
                break
            left, k = rest, k + 1
        if k == UNARY:
            k += self._rest(own, level, around, other)
        return centre + k if up else centre - k

    def _rest(self, own: int, level: int, around: int, other: int) -> int:
        bits, found = 0, 1
        while bits < 24:
            step = min(bits, 15)
            places = [value * 16 + step for value in (level, own, around, other)] + [step] * 3
            if not self._decision(PREFIX, own, level, 32768, places):
                break
            bits += 1
        for _ in range(bits):
            found = 2 * found + self.coder.bit(32768)
        return found - 1

    def _sign(self, c: int) -> int:
        missed = self.missed[c] if c >= 0 else 0.0
        return 2 if missed > 0.5 else 0 if missed < -0.5 else 1

    def _beyond(self, slope: int, distance: int) -> int:
        return self.squash[3072 - min(max(distance * slope >> 16, -3071), 3071)]

    def _decision(self, kind: int, own: int, level: int, plain: int, places: list[int]) -> int:
        at = [place % SPAN + (kind * CONTEXTS + k) * SPAN for k, place in enumerate(places)]
        inputs = [self.stretch[self.counters.get(place, 1 << 31) >> 20] for place in at] + [self.stretch[plain >> 4], 256]
        both = [
            self.weights.setdefault(key, [65536 // 28] * CONTEXTS + [65536 // 5, 0]) for key in ((0, kind, level), (1, kind, own))
        ]
        total = sum(value * (one + two) for value, one, two in zip(inputs, *both, strict=True)) >> 16
        p = min(max(self.squash[min(max(total, -2900), 2900) + 3072], 1), 65535)
        bit = self.coder.bit(p)
        error = ((bit << 16) - p) * 6
        for weights in both:
            weights[:] = [weight + (value * error + (1 << 17) >> 18) for weight, value in zip(weights, inputs, strict=True)]
        for place in at:
            entry = self.counters.get(place, 1 << 31)
            count, chance = entry & 1023, entry >> 10
            chance += ((bit << 22) - bit - chance) * self.reciprocal[count] >> 16
            self.counters[place] = chance << 10 | count + (count < 255)
        return bit


def _level(size: int) -> int:
    """Four to an octave of a size in sixteenths."""
    more = 0
    while size >= 4096:
        size, more = size >> 1, more + 4
    return min(sum(edge <= size for edge in EDGES) + more, LEVELS - 1)


def _class(size: int) -> int:
    return sum(size >= edge for edge in CLASSES)


def _chance(part: int, whole: int) -> int:
    return min(max((part << 16) // max(whole, 1), 24), 65536 - 24)


def _npy_head(dtype: str, shape: list[int]) -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))})}}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
