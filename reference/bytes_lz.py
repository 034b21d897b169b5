"""Methods 2 and 5 of codec `bytes`: LZ77, its symbols coded by two lanes of rANS with tables that contexts select.

    method 5 = u8 filter, u8 kind of offsets (1: then the rooms of the lists), and as method 2:
    payload  = number sequences, number bytes of head, number words, head, words (u16), raw bits (the lowest of a byte first)
    sequence = run of literals | literals | offset | length           behind the last one only literals

A run, offset or length is a slot, which tells its upper bits, and raw bits. Offset slots 0 to 3 repeat one of the last four.
The head says which table each context uses, and the levels of the frequencies: logarithms in steps of half a bit.
"""

from itertools import accumulate
from math import isqrt

from reference import bytes_filters
from reference.adaptive_bits import AdaptiveBits
from reference.stream import Stream, need

#: name, contexts, symbols: of a literal behind a match, other literals, runs, offsets, lengths.
KINDS = (("after match", 256, 256), ("literal", 256, 256), ("run", 256, 200), ("offset", 768, 112), ("length", 64, 200))
AFTER_MATCH, LITERAL, RUN, OFFSET, LENGTH = range(5)
FREQ_BITS = 11
TOP_LEVEL = 23
SAME, TABLE, ZERO, ABOVE, STEP = 0, 16, 336, 384, 512  # contexts of the head's bits
LENGTH_DETAIL, OFFSET_DETAIL = 3, 2  # bits that a slot keeps below the leading one

Row = tuple[int, int, int]  # symbol, start, frequency


def decode_filtered(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes, of method 5."""
    need(len(payload) >= 2 and payload[0] in (0, 7) and payload[1] < 2, "an unknown filter or kind of offsets")
    rest = payload[2:]
    if payload[1]:  # room for the lists below: only a decoder that puts them in one array needs it
        need(len(rest) >= 32, "it is cut short")
        rest = rest[32 + sum(byte.bit_count() for byte in rest[:32]) :]
    return bytes_filters.undo(decode(rest, size, listed=payload[1] == 1), payload[0])


def decode(payload: bytes, size: int, *, listed: bool = False) -> bytes:
    """The block of `size` bytes. listed: offsets count positions behind the same byte."""
    symbols = Symbols(payload)
    out = bytearray()
    behind: dict[int, list[int]] = {}
    entered = 0
    last = [1, 1, 1, 1]
    for left in range(symbols.sequences, -1, -1):
        before = out[-1] if out else 0
        run = symbols.value(RUN, before, LENGTH_DETAIL) if left else size - len(out)
        need(0 <= run <= size - len(out), "more literals than bytes")
        for k in range(run):
            guess = out[-last[0]] if last[0] <= len(out) else 0  # what would have continued the match, and is not it
            out.append(symbols.next(LITERAL, out[-1]) if k else symbols.next(AFTER_MATCH, guess))
        if not left:
            break
        offset = symbols.next(OFFSET, 256 * min(run, 2) + (out[-1] if out else 0))
        distance_class = offset if offset < 2 else 1 if offset < 4 else 2 + (offset - 4 >> 3)
        length_slot = symbols.next(LENGTH, 16 * min(run, 3) + distance_class)
        distance = last.pop(offset) if offset < 4 else symbols.whole(offset - 4, OFFSET_DETAIL)
        if listed and offset >= 4:
            for position in range(entered, len(out)):
                behind.setdefault(out[position - 1] if position else 0, []).append(position)
            entered = len(out)
            positions = behind.get(out[-1] if out else 0, [])
            need(1 <= distance <= len(positions), "an offset beyond its list")
            distance = len(out) - positions[-distance]
        last.insert(0, distance)
        del last[4:]
        length = symbols.whole(length_slot, LENGTH_DETAIL) + 1
        need(1 <= last[0] <= len(out) and length <= size - len(out), "a match that lies outside")
        for _ in range(length):
            out.append(out[-last[0]])
    symbols.finish()
    return bytes(out)


class Symbols:
    """The symbols of a payload in order, and the raw bits."""

    def __init__(self, payload: bytes) -> None:
        stream = Stream(payload)
        self.sequences, head_size, count = stream.number(), stream.number(), stream.number()
        self.table_of, self.tables = _read_head(AdaptiveBits(stream.take(head_size)))
        need(count >= 4, "too few words")
        self.words = [stream.uint(2) for _ in range(count)]
        self.raw_size = stream.left()
        self.raw, self.raw_at = int.from_bytes(stream.rest(), "little"), 0
        self.states = [self.words[0] << 16 | self.words[1], self.words[2] << 16 | self.words[3]]
        self.at = 4

    def next(self, kind: int, context: int) -> int:
        """The next symbol; the two lanes take turns."""
        state = self.states.pop(0)
        slot = state % (1 << FREQ_BITS)
        rows = self.tables[kind][self.table_of[kind][context]]
        value, start, freq = next(row for row in rows if slot < row[1] + row[2])
        state = (state >> FREQ_BITS) * freq + slot - start
        if state < 1 << 16:
            need(self.at < len(self.words), "too few words")
            state = state << 16 | self.words[self.at]
            self.at += 1
        self.states.append(state)
        return value

    def value(self, kind: int, context: int, detail: int) -> int:
        """A slot with its raw bits."""
        return self.whole(self.next(kind, context), detail)

    def whole(self, slot: int, detail: int) -> int:
        """The number that a slot and raw bits stand for: small ones are themselves, others have `detail` bits in the slot."""
        if slot < 1 << detail:
            return slot
        extra = (slot >> detail) - 1
        lower = self.raw >> self.raw_at & (1 << extra) - 1
        self.raw_at += extra
        return ((slot & (1 << detail) - 1) + (1 << detail) << extra) + lower

    def finish(self) -> None:
        """Both lanes must be where they began."""
        need(self.states == [1 << 16, 1 << 16] and self.at == len(self.words), "symbols that do not end in the start state")
        need(-(-self.raw_at // 8) == self.raw_size, "too few or too many raw bits")


def _read_head(bits: AdaptiveBits) -> tuple[list[list[int]], list[list[list[Row]]]]:
    """For each kind: the table of every context, and the rows of its tables."""
    table_of, tables = [], []
    for kind, (_, contexts, alphabet) in enumerate(KINDS):
        count = 1 + sum(bits.bit(None) << k for k in range(6))
        width = (count - 1).bit_length()
        numbers, same = [0], 1
        for _ in range(contexts):
            same = bits.bit(SAME + 2 * kind + same) if width else 1
            node = 1
            while not same and node < 1 << width:
                node = 2 * node + bits.bit(TABLE + 64 * kind + node)
            numbers.append(numbers[-1] if same else node - (1 << width))
        need(max(numbers) < count, "a context uses a table that is not there")
        table_of.append(numbers[1:])
        known: dict[int, list[int]] = {}  # symbol: its levels in the tables so far
        tables.append([_rows(_read_levels(bits, known, t, kind < 2, alphabet)) for t in range(count)])
    bits.finish()
    return table_of, tables


def _read_levels(bits: AdaptiveBits, known: dict[int, list[int]], t: int, literal: bool, alphabet: int) -> dict[int, int]:
    """The levels of table t of a kind, each by its distance from that of the same symbol in the last table that has it."""
    levels: dict[int, int] = {}
    zeros, previous = 3, TOP_LEVEL // 2
    for s in range(alphabet):
        seen = len(known.get(s, []))
        often = 0 if not t else 1 if not seen else 2 if 3 * seen < t else 3 if 3 * seen < 2 * t else 4
        zero = bits.bit(ZERO + 20 * literal + 4 * often + zeros)
        zeros = 2 * (zeros & 1) + zero
        if zero:
            continue
        level = expected = known[s][-1] if seen else previous
        old = int(seen > 0)
        if level < TOP_LEVEL and bits.bit(ABOVE + 64 * old + level):
            level += 1
            while level < TOP_LEVEL and bits.bit(STEP + 32 * old + level - expected):
                level += 1
        else:
            while level > 1 and bits.bit(STEP + 64 + 32 * old + expected - level):
                level -= 1
        levels[s] = previous = level
        known.setdefault(s, []).append(level)
    return levels


def _rows(levels: dict[int, int]) -> list[Row]:
    """Frequencies in proportion to 2 ** (level / 2), at least 1; what rounding leaves goes to the first of the highest level."""
    total = 1 << FREQ_BITS
    if not levels:
        return [(0, 0, total)]
    weights = {s: isqrt(1 << level + 48) >> 12 for s, level in levels.items()}
    freqs = {s: max(1, total * weight // sum(weights.values())) for s, weight in weights.items()}
    highest = max(levels.values())
    largest = [s for s in levels if levels[s] == highest]
    k = 0
    while sum(freqs.values()) > total:  # too many: the highest give one each, in turn
        s = largest[k % len(largest)]
        freqs[s] -= freqs[s] > 1
        k += 1
    freqs[largest[0]] += total - sum(freqs.values())
    starts = accumulate(freqs.values(), initial=0)
    return [(s, start, freq) for (s, freq), start in zip(freqs.items(), starts, strict=False)]
