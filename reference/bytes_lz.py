"""A slow reader of LZ payloads in plain Python, written from the description of the format alone: nothing of lacodec is used.

payload = varint sequences, varint bytes of head, varint words, head, words (u16, low byte first), raw bits (lowest first)
sequence = run, literals, offset, length - 1; behind the last one only literals
"""

from collections.abc import Iterator
from itertools import accumulate
from math import isqrt

KINDS = (("after match", 256, 256), ("literal", 256, 256), ("run", 256, 200), ("offset", 768, 112), ("length", 64, 200))
TOP_LEVEL = 23
SAME, TABLE, ZERO, ABOVE, STEP = 0, 16, 336, 384, 512


def read_payload(payload: bytes, size: int) -> bytes:
    stream = iter(payload)
    sequences, head_bytes, word_count = (_varint(stream) for _ in range(3))
    rest = bytes(stream)
    head, rest = rest[:head_bytes], rest[head_bytes:]
    words = [int.from_bytes(rest[i : i + 2], "little") for i in range(0, 2 * word_count, 2)]
    raw, raw_at = int.from_bytes(rest[2 * word_count :], "little"), 0
    table_of, tables = _read_head(head)

    states = [words[0] << 16 | words[1], words[2] << 16 | words[3]]
    at = 4

    def symbol(kind: int, context: int) -> int:
        nonlocal at
        state = states.pop(0)
        value, start, freq = next(row for row in tables[kind][table_of[kind][context]] if (state & 2047) < row[1] + row[2])
        state = (state >> 11) * freq + (state & 2047) - start
        if state < 1 << 16:
            state = state << 16 | words[at]
            at += 1
        states.append(state)
        return value

    def number(slot: int, detail: int) -> int:
        nonlocal raw_at
        if slot < 1 << detail:
            return slot
        extra = (slot >> detail) - 1
        lower = raw >> raw_at & (1 << extra) - 1
        raw_at += extra
        return ((slot & (1 << detail) - 1) + (1 << detail) << extra) + lower

    out = bytearray()
    last = [1, 1, 1, 1]
    for left in range(sequences, -1, -1):
        before = out[-1] if out else 0
        run = number(symbol(2, before), 3) if left else size - len(out)
        for k in range(run):
            guess = out[-last[0]] if last[0] <= len(out) else 0
            out.append(symbol(1, out[-1]) if k else symbol(0, guess))
        if not left:
            break
        offset = symbol(3, 256 * min(run, 2) + (out[-1] if out else 0))
        distance_class = offset if offset < 2 else 1 if offset < 4 else 2 + (offset - 4 >> 3)
        length_slot = symbol(4, 16 * min(run, 3) + distance_class)
        last.insert(0, last.pop(offset) if offset < 4 else number(offset - 4, 2))
        del last[4:]
        for _ in range(number(length_slot, 3) + 1):
            out.append(out[-last[0]])
    assert states == [1 << 16, 1 << 16] or states[::-1] == [1 << 16, 1 << 16]
    assert at == len(words)
    return bytes(out)


def _varint(stream: Iterator[int]) -> int:
    value, shift = 0, 0
    while True:
        byte = next(stream)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


def _read_head(head: bytes) -> tuple[list[list[int]], list[list[list[tuple[int, int, int]]]]]:
    """For each kind: the table of every context, and its tables as lists of (symbol, start, frequency)."""
    bit = _BitReader(head).bit
    table_of, tables = [], []
    for kind, (_, contexts, alphabet) in enumerate(KINDS):
        count = 1 + sum(bit(None) << k for k in range(6))
        width = (count - 1).bit_length()
        numbers, same = [0], 1
        for _ in range(contexts):
            same = bit(SAME + 2 * kind + same) if width else 1
            node = 1
            while not same and node < 1 << width:
                node = 2 * node + bit(TABLE + 64 * kind + node)
            numbers.append(numbers[-1] if same else node - (1 << width))
        table_of.append(numbers[1:])
        known: dict[int, list[int]] = {}  # symbol: its levels in the tables so far
        tables.append([_frequencies(_read_levels(bit, known, t, kind < 2, alphabet)) for t in range(count)])
    return table_of, tables


def _read_levels(bit, known: dict[int, list[int]], t: int, literal: bool, alphabet: int) -> dict[int, int]:
    levels: dict[int, int] = {}
    zeros, previous = 3, TOP_LEVEL // 2
    for s in range(alphabet):
        seen = len(known.get(s, []))
        often = 0 if not t else 1 if not seen else 2 if 3 * seen < t else 3 if 3 * seen < 2 * t else 4
        zero = bit(ZERO + 20 * literal + 4 * often + zeros)
        zeros = 2 * (zeros & 1) + zero
        if zero:
            continue
        level = expected = known[s][-1] if seen else previous
        old = int(seen > 0)
        if level < TOP_LEVEL and bit(ABOVE + 64 * old + level):
            level += 1
            while level < TOP_LEVEL and bit(STEP + 32 * old + level - expected):
                level += 1
        else:
            while level > 1 and bit(STEP + 64 + 32 * old + expected - level):
                level -= 1
        levels[s] = previous = level
        known.setdefault(s, []).append(level)
    return levels


def _frequencies(levels: dict[int, int]) -> list[tuple[int, int, int]]:
    if not levels:
        return [(0, 0, 2048)]
    weights = {s: isqrt(1 << level + 48) >> 12 for s, level in levels.items()}
    freqs = {s: max(1, 2048 * weight // sum(weights.values())) for s, weight in weights.items()}
    highest = max(levels.values())
    largest = [s for s in levels if levels[s] == highest]
    k = 0
    while sum(freqs.values()) > 2048:
        s = largest[k % len(largest)]
        freqs[s] -= freqs[s] > 1
        k += 1
    freqs[largest[0]] += 2048 - sum(freqs.values())
    starts = accumulate(freqs.values(), initial=0)
    return [(s, start, freq) for (s, freq), start in zip(freqs.items(), starts, strict=False)]


class _BitReader:
    """Carry-less range decoder with adaptive chances."""

    def __init__(self, data: bytes) -> None:
        self.data, self.low, self.high, self.at = data, 0, 0xFFFFFFFF, 4
        self.code = int.from_bytes(data[:4].ljust(4, b"\0"))
        self.chances: dict[int, tuple[int, int]] = {}

    def bit(self, context: int | None) -> int:
        chance, seen = self.chances.get(context, (0, 0)) if context is not None else (0, 0)
        middle = self.low + ((self.high - self.low) * (chance + 32768) >> 16)
        bit = int(self.code <= middle)
        self.low, self.high = (self.low, middle) if bit else (middle + 1, self.high)
        while self.low >> 24 == self.high >> 24:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.code = self.code << 8 & 0xFFFFFFFF | byte
            self.low, self.high = self.low << 8 & 0xFFFFFFFF, self.high << 8 & 0xFFFFFFFF | 255
            self.at += 1
        if context is not None:
            step = ((32720 if bit else -32720) - chance) * 2 // (2 * seen + 3)
            self.chances[context] = chance + step, min(seen + 1, 60)
        return bit
