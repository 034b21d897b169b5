"""Planes: bytes of which the reader knows how many there are, and fields of a few bits in them.

plane = u8 method, data       0 the bytes; 1 the one byte that all are; 2, 3 tables, size, a stream of segments or of rANS
"""

from reference import rans, segments, tables
from reference.stream import Stream, need

RAW, CONSTANT, SEGMENTS, RANS = range(4)


def read_plane(data: Stream, n: int) -> list[int]:
    """n bytes."""
    method = data.byte()
    need(method <= RANS, f"a plane has the unknown method {method}")
    if method == RAW:
        return list(data.take(n))
    if method == CONSTANT:
        return [data.byte()] * n
    packed = tables.unpack(data)
    need(
        len(packed.freqs) == 1 and not packed.escape and len(packed.freqs[0]) <= 256 and not packed.first[0], "no table of bytes"
    )
    stream = data.piece()
    if method == SEGMENTS:
        return segments.decode(stream, packed, n)
    return rans.decode(stream, packed, None, n)[0]


def read_fields(data: Stream, n: int, bits: int) -> list[int]:
    """n fields of 8, 4, 2 or 1 bits. 64 make a block; the last one ends with its last byte that has a field."""
    rest = n % 64
    last = (rest + 7) // 8 if bits == 1 else min(rest, 8 * bits)
    plane = read_plane(data, n // 64 * 8 * bits + last)
    out = []
    for i in range(n):
        block, k = divmod(i, 64)
        begin = block * 8 * bits
        if bits == 1:
            out.append(plane[begin + k // 8] >> k % 8 & 1)
        else:
            out.append(plane[begin + k % (8 * bits)] >> k // (8 * bits) * bits & (1 << bits) - 1)
    return out
