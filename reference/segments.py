"""Segments in plain Python, straight from the description in `lacodec/entropy/segments.py`; slow and obvious."""

from functools import cache

from lacodec.entropy.tables import Tables


def encode(symbols: list[int], tables: Tables, index: list[int]) -> bytes:
    """The stream of these symbols."""
    starts = range(0, len(symbols), 65536)
    parts = [encode_segment(symbols[at : at + 65536], tables, index[at : at + 65536]) for at in starts]
    words = [len(part) // 2 - 129 for part in parts]
    return len(symbols).to_bytes(8, "little") + b"".join(w.to_bytes(2, "little") for w in words) + b"".join(parts)


def encode_segment(symbols: list[int], tables: Tables, index: list[int]) -> bytes:
    """The bytes of one segment."""
    bits = tables.freq_bits
    spans = [_spans(tables, t)[symbol] for symbol, t in zip(symbols, index, strict=True)]
    steps = [spans[at : at + 64] for at in range(0, len(spans), 64)]
    states, tail = [0] * 64, 0
    while steps and tail < 64:
        after = [_put(x, span, bits) for x, span in zip(states, steps[-1], strict=False)]
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
            states[lane] = _put(states[lane], step[lane], bits)
    head = b"".join(x.to_bytes(4, "little") for x in states) + tail.to_bytes(2, "little")
    return head + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def decode_segment(data: bytes, n: int, tables: Tables, index: list[int]) -> list[int]:
    """The n symbols of one segment."""
    bits = tables.freq_bits
    states = [int.from_bytes(data[4 * lane : 4 * lane + 4], "little") for lane in range(64)]
    tail, *words = (int.from_bytes(data[at : at + 2], "little") for at in range(256, len(data), 2))
    main = (n + 63) // 64 - tail
    out: list[int] = []
    for i in range(n):
        step, lane = divmod(i, 64)
        if step == main and lane == 0:
            assert not words
            states = [x - (1 << 16) for x in states]
        x = states[lane]
        slot = x % (1 << bits)
        symbol = _symbol(slot, tables, index[i])
        freq, start = _spans(tables, index[i])[symbol]
        x = freq * (x >> bits) + slot - start
        if step < main and x < 1 << 16:
            x = x << 16 | words.pop(0)
        states[lane] = x
        out.append(symbol)
    assert not words and not any(states)
    return out


@cache
def _spans(tables: Tables, t: int) -> dict[int, tuple[int, int]]:
    """(frequency, start) of every symbol of a table."""
    out, start = {}, 0
    for row in range(int(tables.offsets[t]), int(tables.offsets[t + 1])):
        out[int(tables.values[row])] = int(tables.freqs[row]), start
        start += int(tables.freqs[row])
    return out


def _symbol(slot: int, tables: Tables, t: int) -> int:
    return next(s for s, (freq, start) in _spans(tables, t).items() if start <= slot < start + freq)


def _put(x: int, span: tuple[int, int], bits: int) -> int:
    freq, start = span
    return (x // freq << bits) + x % freq + start
