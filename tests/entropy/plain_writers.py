"""Encoders in plain Python for what `reference/` reads: streams of rANS and of segments, to be compared byte by byte."""

from functools import cache

from lacodec.entropy.tables import Tables
from reference import tables as plain

Span = tuple[int, int, int]  # frequency, start, freq_bits


def plain_tables(tables: Tables) -> plain.Tables:
    """The same tables for the readers."""
    freqs = [tables.freqs[a:b].tolist() for a, b in zip(tables.offsets[:-1], tables.offsets[1:], strict=True)]
    return plain.Tables(tables.freq_bits, freqs, tables.origins.tolist(), tables.escape)


def spans(rows: list[int], tables: Tables, index: list[int] | None = None) -> list[Span]:
    """The span of each table row."""
    out = []
    for i, row in enumerate(rows):
        t = index[i] if index is not None else 0
        at = int(tables.offsets[t])
        freqs = tables.freqs[at : int(tables.offsets[t + 1])].tolist()
        out.append((freqs[row], sum(freqs[:row]), tables.freq_bits))
    return out


def gamma(distances: list[int]) -> bytes:
    """The block of escaped values."""
    bits = ""
    for distance in distances:
        code = bin(2 * distance + 1 if distance >= 0 else -2 * distance)[2:]
        bits += "0" * (len(code) - 1) + code
    return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))


def encode_rans(symbols: list[Span], width: int, lanes: int, block: bytes = b"") -> bytes:
    """The stream of these spans, with that many lanes and this block of escaped values."""
    flag, sizes = (128, varint(len(symbols)) + varint(len(block))) if block else (0, varint(len(symbols)))
    half = width // 2
    count = len(symbols)
    left = count
    state, tail_words = 1, []
    while lanes > 1 and left and len(tail_words) < lanes - 2 and count - left < 64 * lanes:
        left -= 1
        state = _put(state, symbols[left], half, tail_words)
    if lanes == 1:
        words: list[int] = []
        for symbol in reversed(symbols):
            state = _put(state, symbol, half, words)
        size = (state.bit_length() + 7) // 8
        head = bytes([flag | (width == 64) << 3 | (size - 1) << 4]) + sizes + state.to_bytes(size, "little")
        return head + block + _words(words, half)
    payload = [state % (1 << half), state >> half, *reversed(tail_words)]
    used = len(payload)
    states = [1 << half | word for word in payload + [0] * (lanes - used)]
    words = []
    for i in reversed(range(left)):
        states[i % lanes] = _put(states[i % lanes], symbols[i], half, words)
    head = bytes([flag | lanes.bit_length() - 1 | (width == 64) << 3]) + sizes + varint(count - left) + bytes([used])
    lengths, mantissas, at = 0, 0, 0
    unit = 4 if half == 16 else 5
    for k, state in enumerate(states):
        bits = state.bit_length() - 1
        lengths |= (bits - half) << k * unit
        mantissas |= (state - (1 << bits)) << at
        at += bits
    head += lengths.to_bytes((lanes * unit + 7) // 8, "little") + mantissas.to_bytes((at + 7) // 8, "little")
    return head + block + _words(words, half)


def varint(value: int) -> bytes:
    """LEB128."""
    return bytes([value]) if value < 128 else bytes([value % 128 + 128]) + varint(value // 128)


def encode_segments(symbols: list[int], tables: Tables, index: list[int]) -> bytes:
    """The stream of these symbols."""
    starts = range(0, len(symbols), 65536)
    parts = [encode_segment(symbols[at : at + 65536], tables, index[at : at + 65536]) for at in starts]
    words = [len(part) // 2 - 129 for part in parts]
    return len(symbols).to_bytes(8, "little") + b"".join(w.to_bytes(2, "little") for w in words) + b"".join(parts)


def encode_segment(symbols: list[int], tables: Tables, index: list[int]) -> bytes:
    """The bytes of one segment."""
    bits = tables.freq_bits
    spans = [_spans_of(tables, t)[symbol] for symbol, t in zip(symbols, index, strict=True)]
    steps = [spans[at : at + 64] for at in range(0, len(spans), 64)]
    states, tail = [0] * 64, 0
    while steps and tail < 64:
        after = [_push(x, span, bits) for x, span in zip(states, steps[-1], strict=False)]
        if max(after) >= (1 << 32) - (1 << 16):
            break
        states[: len(after)] = after
        steps.pop()
        tail += 1
    states = [x + (1 << 16) for x in states]
    words: list[int] = []  # last one first
    for step in reversed(steps):
        for lane in reversed(range(64)):
            if states[lane] >= step[lane][0] << (32 - bits):
                words.append(states[lane] & 0xFFFF)
                states[lane] >>= 16
            states[lane] = _push(states[lane], step[lane], bits)
    head = b"".join(x.to_bytes(4, "little") for x in states) + tail.to_bytes(2, "little")
    return head + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def _put(state: int, symbol: Span, half: int, words: list[int]) -> int:
    freq, start, bits = symbol
    if state >= freq << (2 * half - bits):
        words.append(state % (1 << half))
        state >>= half
    return (state // freq << bits) + state % freq + start


def _words(words: list[int], half: int) -> bytes:
    return b"".join(word.to_bytes(half // 8, "little") for word in reversed(words))


@cache
def _spans_of(tables: Tables, t: int) -> dict[int, tuple[int, int]]:
    """(frequency, start) of every symbol of a table."""
    out, start = {}, 0
    for row in range(int(tables.offsets[t]), int(tables.offsets[t + 1])):
        out[int(tables.values[row])] = int(tables.freqs[row]), start
        start += int(tables.freqs[row])
    return out


def _push(x: int, span: tuple[int, int], bits: int) -> int:
    freq, start = span
    return (x // freq << bits) + x % freq + start


class RangeEncoder:
    """Writes what `reference.range_coder.RangeDecoder` reads."""

    def __init__(self) -> None:
        self.low, self.high, self.out = 0, 0xFFFFFFFF, bytearray()

    def bit(self, p: int, bit: int = 0) -> int:
        """Code a decision."""
        middle = self.low + ((self.high - self.low) * p >> 16)
        self.low, self.high = (self.low, middle) if bit else (middle + 1, self.high)
        while self.low >> 24 == self.high >> 24:
            self.out.append(self.high >> 24)
            self.low, self.high = self.low << 8 & 0xFFFFFFFF, self.high << 8 & 0xFFFFFFFF | 255
        return bit

    def finish(self) -> bytes:
        """The coded bytes."""
        return bytes(self.out) + bytes([self.high >> 24])
