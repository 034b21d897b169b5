"""Kind 4 of a group: floating-point values.

value     = sign | magnitude | zeros[drop]
magnitude = high | low[bits]
code      = high - base where that is 1 to 255 (short codes: 1 to 15), else 0
field     = low, and the sign above it unless all are the same

data = u8 bytes of a value, u8 drop, u8 bits, u8 sign (0, 1: of all; 2: in the fields; 4 more: short codes), number base,
       number listed, plane of u16 high[listed], plane of codes, a plane for each part of the fields
"""

from reference.stream import Stream, need
from reference.weights_planes import read_fields, read_plane

STORED, SHORT = 2, 4


def read_floats(data: Stream, size: int) -> bytes:
    """`size` bytes of values; `data` ends with them."""
    width, drop, low_bits, kind = (data.byte() for _ in range(4))
    need(width in (2, 4, 8) and size % width == 0 and 8 * width - 1 - drop > low_bits and kind in (0, 1, 2, 4, 5, 6), "no floats")
    base, listed = data.number(), data.number()
    highs = read_plane(data, 2 * listed)
    n = size // width
    codes = read_fields(data, n, 4) if kind & SHORT else read_plane(data, n)
    sign_kind = kind & ~SHORT
    left = low_bits + (sign_kind == STORED)
    fields, at = [0] * n, 0
    while left:
        bits = max(b for b in (8, 4, 2, 1) if b <= left)
        for i, part in enumerate(read_fields(data, n, bits)):
            fields[i] |= part << at
        left, at = left - bits, at + bits
    out, unlisted = [], 0
    high_mask = (1 << 8 * width - 1 - drop - low_bits) - 1
    for code, field in zip(codes, fields, strict=True):
        high = base + code & high_mask if code else 0
        if not code and listed:
            need(unlisted < listed, "too few high bits are listed")
            high = highs[2 * unlisted] | highs[2 * unlisted + 1] << 8
            unlisted += 1
        sign = field >> low_bits if sign_kind == STORED else sign_kind
        value = sign << 8 * width - 1 | (high << low_bits | field % (1 << low_bits)) << drop
        out.append(value.to_bytes(width, "little"))
    data.finish()
    need(unlisted == listed, "too many high bits are listed")
    return b"".join(out)
