"""Kind 10 of a group: tensors of two values, bit by bit, each from its neighbours and from a filter like its own.

data    = u8 bytes of a value, number tensors, columns, values, magnitudes if a tensor has kind 2, size, stream
columns = u8 packed (1: a zlib stream), size, numbers: rows of each tensor | channels | heights | widths | kinds
kind 0: the two values of the tensor before   1: two values of its own, for bits 0 and 1   2: signs, bit 1 for positive ones
magnitudes = size, kind 4 of a group: one value for each row of the tensors of kind 2

stream: for blocks of up to 1024 rows: a number below 3, 0: no row is told by another, 1: each by the row before, 2: by its parent
in a tree, then numbers: the parent of each row but the first, without the row itself; then the bits, row by row
"""

import zlib
from math import prod

from reference.mixing import learned, limited
from reference.mixing_tables import squash_table, stretch_table
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need
from reference.weights_floats import read_floats

SAME, PAIR, SIGNS = range(3)
ALONE, ROWS, TREE = range(3)
BLOCK, NEAR, MOST_PLACES, OUTSIDE = 1024, 5, 64, 2
HALF, LIMIT = 1 << 31, 1022  # a chance of one half that has not been seen; the count up to which chances slow down
READ_AHEAD = 3

Shape = tuple[int, int, int, int]  # rows, channels, height, width


def read_filters(data: Stream, size: int) -> bytes:
    """The tensors, one after the other: `size` bytes."""
    width = data.byte()
    need(width in (1, 2, 4, 8) and size % width == 0, "filters with values of an impossible size")
    tensors, packed, columns = data.number(), data.byte(), data.piece()
    numbers = Stream(zlib.decompress(columns) if packed else columns)
    *dimensions, kinds = ([numbers.number() for _ in range(tensors)] for _ in range(5))
    numbers.finish()
    shapes: list[Shape] = list(zip(*dimensions, strict=True))
    need(
        tensors and all(map(prod, shapes)) and sum(map(prod, shapes)) * width == size and max(kinds) <= SIGNS, "impossible shapes"
    )
    pairs: list[tuple[int, int] | None] = []
    for kind in kinds:
        need(kind != SAME or (pairs and pairs[-1]), "the values of no tensor")
        pairs.append(pairs[-1] if kind == SAME else (data.uint(width), data.uint(width)) if kind == PAIR else None)
    rows = sum(shape[0] for shape, pair in zip(shapes, pairs, strict=True) if pair is None)
    magnitudes = Stream(read_floats(Stream(data.piece()), rows * width) if rows else b"")
    bits = iter(Bits(data.piece()).read(shapes))
    data.finish()
    out = bytearray()
    for (count, *row), pair in zip(shapes, pairs, strict=True):
        for _ in range(count):
            if pair is None:
                size_ = magnitudes.uint(width)
                values = (size_ | 1 << 8 * width - 1, size_)
            else:
                values = pair
            for _ in range(prod(row)):
                out += values[next(bits)].to_bytes(width, "little")
    return bytes(out)


class Bits:
    """Reads the bits of all tensors. Chances belong to one tensor, or to all; weights to the place in the kernel."""

    def __init__(self, data: bytes) -> None:
        self.data, self.coder = data, RangeDecoder(data)
        self.own: dict[tuple[int, ...], int] = {}
        self.shared: dict[tuple[int, ...], int] = {}
        self.weights: dict[tuple[int, int], list[int]] = {}

    def read(self, shapes: list[Shape]) -> list[int]:
        """The bits of these tensors."""
        bits: list[int] = []
        for shape in shapes:
            self.own = {}
            bits += self._tensor(*shape)
        need(self.coder.at == len(self.data) + READ_AHEAD, "bits that end in another place than their stream")
        return bits

    def _tensor(self, rows: int, channels: int, height: int, width: int) -> list[int]:
        each = channels * height * width
        bits = [0] * (rows * each)
        for begin in range(0, rows, BLOCK):
            count = min(BLOCK, rows - begin)
            for row, other in self._order(begin, count):
                for channel in range(channels):
                    at = row * each + channel * height * width
                    like = None if other is None else other * each + channel * height * width
                    self._kernel(bits, at, like, height, width)
        return bits

    def _order(self, begin: int, count: int) -> list[tuple[int, int | None]]:
        """The rows of a block as they are coded, each with the one that it is told by."""
        way = self._number(3)
        if way != TREE:
            return [(row, row - 1 if way == ROWS and row else None) for row in range(begin, begin + count)]
        children: list[list[int]] = [[] for _ in range(count)]
        for i in range(1, count):
            number = self._number(count - 1)
            children[number + (number >= i)].append(i)
        found: list[tuple[int, int | None]] = []
        left: list[tuple[int, int | None]] = [(0, None)]
        while left:
            row, parent = left.pop()
            found.append((begin + row, None if parent is None else begin + parent))
            left += [(child, row) for child in reversed(children[row])]
        need(len(found) == count, "an order of filters that is no tree")
        return found

    def _number(self, count: int) -> int:
        """A number below count, all as likely."""
        low, high = 0, count
        while high - low > 1:
            middle = low + (high - low + 1) // 2
            if self.coder.bit((high - middle << 16) // (high - low)):
                low = middle
            else:
                high = middle
        return low

    def _kernel(self, bits: list[int], begin: int, like: int | None, height: int, width: int) -> None:
        """The bits of a channel, row by row."""

        def bit(start: int, y: int, x: int) -> int:
            return bits[start + y * width + x] if 0 <= y < height and 0 <= x < width else OUTSIDE

        placed = height * width <= MOST_PLACES
        for y in range(height):
            for x in range(width):
                place = min(y, NEAR - 1) * NEAR + min(x, NEAR - 1) if placed else 0
                near = place, bit(begin, y, x - 1), bit(begin, y - 1, x)
                far = *near, bit(begin, y - 1, x - 1), bit(begin, y - 1, x + 1), bit(begin, y, x - 2), bit(begin, y - 2, x)
                used: list[tuple[dict[tuple[int, ...], int], tuple[int, ...]]] = [(self.own, near), (self.shared, far)]
                if like is not None:
                    told = bit(like, y, x)
                    below = bit(like, y, x - 1) if height == 1 else bit(like, y + 1, x)
                    used += [(self.own, (*near, told, bit(like, y, x + 1), below)), (self.shared, (*far, told))]
                bits[begin + y * width + x] = self._bit(place, used)

    def _bit(self, place: int, used: list[tuple[dict[tuple[int, ...], int], tuple[int, ...]]]) -> int:
        """The next bit, from chances (22 bits, and a count of 10 below) by their keys."""
        chances = [pool.get(key, HALF) for pool, key in used]
        inputs = [stretch_table()[chance >> 20] for chance in chances]
        weights = self.weights.setdefault((len(used), place), [65536 // len(used)] * len(used))
        mixed = limited(sum(x * weight for x, weight in zip(inputs, weights, strict=True)) >> 16)
        p = squash_table()[mixed + 3072]
        bit = self.coder.bit(p)
        error = (bit << 16) - p
        for i, ((pool, key), x) in enumerate(zip(used, inputs, strict=True)):
            weights[i] = limited(weights[i] + (x * error + 32768 >> 16), 1 << 19)
            pool[key] = learned(chances[i], bit, LIMIT)
        return bit
