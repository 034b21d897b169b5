"""Segments: 8-bit symbols in parts of 65536 that stand alone, each coded by 64 lanes.

    stream  = u64 count | u16 words[S] | segment 0 | segment 1 | ...     S = count / 65536, rounded up
    segment = u32 states[64] | u16 tail | u16 word[words[s]]             65536 symbols, the last segment has the rest

Position i of a segment belongs to step i // 64 and lane i % 64. The last `tail` steps (1 to 64) take no words. Before them all
words are used up, and 2**16 is subtracted from every state; they must end with every state 0.
"""

from reference.stream import Stream, need
from reference.tables import Tables

LANES, SEGMENT = 64, 65536


def decode(data: bytes, tables: Tables, n: int) -> list[int]:
    """The n symbols of a stream with one table."""
    stream = Stream(data)
    need(stream.uint(8) == n, "a stream of another number of symbols")
    words = [stream.uint(2) for _ in range(-(-n // SEGMENT))]
    out: list[int] = []
    for s, count in enumerate(words):
        size = min(SEGMENT, n - SEGMENT * s)
        out += decode_segment(stream.take(4 * LANES + 2 + 2 * count), size, tables, [0] * size)
    stream.finish()
    return out


def decode_segment(data: bytes, n: int, tables: Tables, index: list[int]) -> list[int]:
    """The n symbols of one segment, symbol i with table index[i]."""
    stream = Stream(data)
    states = [stream.uint(4) for _ in range(LANES)]
    tail = stream.uint(2)
    words = [stream.uint(2) for _ in range(stream.left() // 2)]
    main, at = -(-n // LANES) - tail, 0
    need(main >= 0 and 1 <= tail <= LANES and min(states) >= 1 << 16, "a segment with impossible start states")
    out: list[int] = []
    for i in range(n):
        step, lane = divmod(i, LANES)
        if step == main and lane == 0:
            states = [x - (1 << 16) for x in states]
        x, bits = states[lane], tables.freq_bits
        slot = x % (1 << bits)
        row, start, freq = tables.slots[index[i]][slot]
        x = freq * (x >> bits) + slot - start
        if step < main and x < 1 << 16:
            need(at < len(words), "a segment with too few words")
            x, at = x << 16 | words[at], at + 1
        states[lane] = x
        out.append(tables.first[index[i]] + row)
    need(at == len(words) and not any(states), "a segment that does not end in zero states")
    return out
