"""Frequency tables of the rANS coders, and their packed form.

    packed = number kind, [number T], number rows of each table, [first value of each table], size, frequencies

kind: bits 0-4 freq_bits (the frequencies of a table add up to 2**freq_bits), bit 5 escape, bit 6 more than one table (T follows),
bit 7 first values follow (signed). Frequencies are adaptive bits. Each: is it zero, by which of the last three were; how its
length in bits differs from that of the last one that was not zero; its bits below the leading one. The last row of a table is
not stored: it takes what is left. A table ends early when nothing is left; its other rows are zero.
"""

from dataclasses import dataclass
from functools import cached_property

from reference.adaptive_bits import AdaptiveBits
from reference.stream import Stream, need

ESCAPE, MANY, FIRST = 32, 64, 128
DIRECTION, STEP, UPPER = 8, 40, 104  # contexts; those below DIRECTION are of zeros


@dataclass(frozen=True)
class Tables:
    """Row r of table t means the value first[t] + r; with `escape` the last row stands for values stored apart."""

    freq_bits: int
    freqs: list[list[int]]
    first: list[int]
    escape: bool = False

    @cached_property
    def slots(self) -> list[list[tuple[int, int, int]]]:
        """For each table and each slot from 0 to 2**freq_bits - 1: row, where it starts, frequency."""
        out = []
        for freqs in self.freqs:
            slots: list[tuple[int, int, int]] = []
            for row, freq in enumerate(freqs):
                slots += [(row, len(slots), freq)] * freq
            out.append(slots)
        return out


def unpack(data: Stream) -> Tables:
    """Tables from the front of `data`."""
    kind = data.number()
    freq_bits = kind & 31
    need(kind < 256 and 1 <= freq_bits <= 24, "packed tables of an unknown kind")
    count = data.number() if kind & MANY else 1
    sizes = [data.number() for _ in range(count)]
    need(sizes and all(1 <= size <= 1 << 22 for size in sizes), "packed tables with an impossible number of rows")
    first = [data.signed() if kind & FIRST else 0 for _ in range(count)]
    bits = AdaptiveBits(data.piece())
    freqs = [_table(bits, size, freq_bits) for size in sizes]
    bits.finish()
    return Tables(freq_bits, freqs, first, bool(kind & ESCAPE))


def _table(bits: AdaptiveBits, size: int, freq_bits: int) -> list[int]:
    left, zeros, last = 1 << freq_bits, 0, max(1, freq_bits - 6)
    freqs: list[int] = []
    while len(freqs) < size - 1 and left > 0:
        freq = _frequency(bits, left, zeros, last)
        need(freq <= left, "packed tables: a frequency is too large")
        freqs.append(freq)
        left -= freq
        zeros = (zeros << 1 | (freq == 0)) & 7
        last = freq.bit_length() or last
    return (freqs + [left] + [0] * size)[:size]


def _frequency(bits: AdaptiveBits, left: int, zeros: int, last: int) -> int:
    if bits.bit(zeros):
        return 0
    most = left.bit_length()
    size = last = min(last, most)
    if last < most and bits.bit(DIRECTION + last):
        size += 1
        while size < most and bits.bit(STEP + 32 + min(size - last, 31)):
            size += 1
    else:
        while size > 1 and bits.bit(STEP + min(last - size, 31)):
            size -= 1
    value = 1
    for k in range(size - 1):
        context = UPPER + 3 * size + (value - 1 if k else 0) if k < 2 else None
        value = value << 1 | bits.bit(context)
    return value
