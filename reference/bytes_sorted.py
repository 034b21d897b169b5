"""Method 4 of codec `bytes`: a Burrows-Wheeler transform, its bytes coded bit by bit with chances that adapt.

    payload = u8 filter, number row of the whole data, 7 numbers rows of parts (blocks of 4096 bytes or more), range coder's bytes

A block of more than 2**24 bytes is cut into parts of that size; all but the last begin with the number of their bytes.
"""

from itertools import accumulate

from reference import bytes_filters
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

PART = 1 << 24
CHAINS, SPLIT_FROM = 8, 1 << 12
LONG = 32  # equal bytes after which a number tells how many more there are
WIDEST = 24
GOLDEN, MASK64 = 0x9E3779B97F4A7C15, (1 << 64) - 1


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    stream = Stream(payload)
    out = b""
    while size - len(out) > PART:
        out += decode_part(stream.piece(), PART)
    return out + decode_part(stream.rest(), size - len(out))


def decode_part(payload: bytes, size: int) -> bytes:
    """At most 2**24 bytes."""
    stream = Stream(payload)
    number = stream.byte()
    need(number in (0, 7), "an unknown filter")
    chains = CHAINS if size >= SPLIT_FROM else 1
    rows = [stream.number() for _ in range(chains)]
    ends = [size * k // CHAINS & ~255 for k in range(1, chains)]
    return bytes_filters.undo(inverse(Bits(stream.rest()).transform(size), rows[0], ends, rows[1:]), number)


def inverse(transform: bytes, whole: int, ends: list[int], rows: list[int]) -> bytes:
    """The data of a transform. `whole`: its own row, which has no byte; `rows`, counted without that one: where `ends` begin."""
    size = len(transform)
    need(1 <= whole <= size and all(row < size for row in rows), "a row that does not exist")
    counts = [transform.count(bytes([symbol])) for symbol in range(256)]
    begins = list(accumulate(counts, initial=1))  # row 0 is that of nothing
    step = []
    for symbol in transform:
        row = begins[symbol]
        begins[symbol] += 1
        step.append(0 if row == whole else row - (row > whole))
    out = bytearray(size)
    for start, end, row in zip([0, *ends], [*ends, size], [*rows, 0], strict=True):
        for place in range(end - 1, start - 1, -1):
            out[place] = transform[row]
            row = step[row]
    return bytes(out)


class Chance:
    """The chance of a one, in 2**22ths; follows the last 18 bits or so."""

    def __init__(self) -> None:
        self.value, self.seen = 1 << 21, 0

    def learn(self, bit: int) -> None:
        """Move towards a bit."""
        rate = 2 * 65536 // (2 * self.seen + 3)
        self.value += (((1 << 22) - 1 - self.value) * rate >> 16) if bit else -(self.value * rate >> 16)
        self.seen = min(self.seen + 1, 16)


class Bits:
    """The bytes of a transform out of the range coder's."""

    def __init__(self, data: bytes) -> None:
        self.coder, self.size = RangeDecoder(data), len(data)
        self.recent = [1 << 15] * 256  # by the bits of the byte so far, after a leading 1
        self.after: dict[tuple[int, int], Chance] = {}  # by a byte and these bits
        self.pairs: dict[tuple[int, int], Chance] = {}  # by a hash of the last two bytes that differ, and these bits
        self.steps = {(kind, node): [min(k << 12, 65535) for k in range(17)] for kind in range(3) for node in range(256)}
        self.lengths: dict[tuple[int, ...], Chance] = {}

    def transform(self, size: int) -> bytes:
        """All bytes."""
        out = bytearray()
        run = last = before = distinct = 0
        while len(out) < size:
            pair = ((last << 8 | distinct) * GOLDEN & MASK64) >> 52
            byte = self.byte(last, before, pair, 2 if run >= LONG else int(run > 2))
            distinct = distinct if byte == last else last
            run = run + 1 if byte == last else 0
            last, before = byte, last
            out.append(byte)
            if run == LONG:
                more = self.length() - 1
                need(more <= size - len(out), "a run that does not fit")
                out += bytes([byte]) * more
        need(self.size <= self.coder.at <= self.size + 4, "coded bytes that end in another place than the block")
        return bytes(out)

    def byte(self, last: int, before: int, pair: int, kind: int) -> int:
        """The next byte, highest bit first, after two bytes and a run of few (0), some (1) or many (2) equal ones."""
        node = 1
        while node < 256:
            chance = self.after.setdefault((last, node), Chance())
            other = self.after.get((before, node), Chance())
            both = self.pairs.setdefault((pair, node), Chance())
            average = self.recent[node] * 6 + (chance.value >> 6) * 5 + (other.value >> 6) * 2 + (both.value >> 6) * 3 >> 4
            steps, k, part = self.steps[kind, node], average >> 12, average & 4095
            refined = steps[k] * (4096 - part) + steps[k + 1] * part >> 12
            bit = self.coder.bit(min(max(refined * 3 + average >> 2, 32), 65504))
            self.recent[node] = _towards(self.recent[node], bit, 2)
            steps[k], steps[k + 1] = _towards(steps[k], bit, 6), _towards(steps[k + 1], bit, 6)
            chance.learn(bit)
            both.learn(bit)
            node = 2 * node + bit
        return node - 256

    def length(self) -> int:
        """A number of 1 or more: how many bits follow its leading one, in ones and a zero reversed, and these bits."""
        width = 0
        while width < WIDEST and not self._length_bit((width,)):
            width += 1
        value = 1
        for k in range(width):
            value = 2 * value + self._length_bit((width, k if k > 3 else -value))
        return value

    def _length_bit(self, context: tuple[int, ...]) -> int:
        chance = self.lengths.setdefault(context, Chance())
        bit = self.coder.bit(min(max(chance.value >> 6, 32), 65504))
        chance.learn(bit)
        return bit


def _towards(chance: int, bit: int, rate: int) -> int:
    return chance + (65535 - chance >> rate) if bit else chance - (chance >> rate)
