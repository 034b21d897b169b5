"""Payloads of codec `weights` in plain Python, from the description in docs/weights.md alone; slow and obvious.

Tables and the two rANS streams are read by the readers of `tests/entropy`; kinds 1 (codec bytes) and 5 (head) are left to the
caller.
"""

import zlib
from collections.abc import Callable

from lacodec.entropy.tables import Tables
from reference import rans as reference_rans
from reference import segments as reference_segments


def read_payload(payload: bytes, size: int, other: Callable[[int, bytes, int], bytes]) -> bytes:
    """The content of a chunk; other(kind, data, size) decodes kinds 1 and 5."""
    data = Stream(payload)
    packed, runs = data.byte(), data.piece()
    numbers, pieces = Stream(zlib.decompress(runs) if packed else runs), []
    while numbers.left():
        run, piece = numbers.number(), numbers.number()
        pieces += [min(piece or run, run - at) for at in range(0, run, piece or run)]
    assert sum(pieces) == size
    choices = read_plane(data, len(pieces))
    parts: list[bytes] = [b""] * len(pieces)
    for group in range(max(choices, default=-1) + 1):
        mine = [i for i, choice in enumerate(choices) if choice == group]
        kind, coded = data.byte(), data.piece()
        total = sum(pieces[i] for i in mine)
        content = other(kind, coded, total) if kind in (1, 5) else read_group(kind, Stream(coded), total)
        assert len(content) == total
        for i in mine:
            parts[i], content = content[: pieces[i]], content[pieces[i] :]
    assert not data.left()
    return b"".join(parts)


def read_group(kind: int, data: "Stream", size: int) -> bytes:
    """The content of one group."""
    if kind == 0:
        return data.take(size)
    if kind == 2:
        unit = data.byte()
        return data.take(unit) * (size // unit)
    if kind == 3:
        width = data.byte()
        planes = [read_plane(data, size // width) for _ in range(width)]
        return bytes(planes[i % width][i // width] for i in range(size))
    if kind == 4:
        return read_floats(data, size)
    width = data.byte()
    if kind == 6:
        listed = data.byte() + 1
        values = [data.take(width) for _ in range(listed)]
        return b"".join(values[number] for number in read_plane(data, size // width))
    assert kind == 7
    count = size // width
    bits = read_plane(data, (count + 7) // 8)
    mask = [bits[i // 8] >> i % 8 & 1 for i in range(count)]
    rest = Stream(data.piece())
    floats = Stream(read_floats(rest, sum(mask) * width))
    return b"".join(floats.take(width) if bit else bytes(width) for bit in mask)


def read_floats(data: "Stream", size: int) -> bytes:
    """Floating-point values."""
    width, drop, low_bits, sign_kind = (data.byte() for _ in range(4))
    base, listed = data.number(), data.number()
    highs = read_plane(data, 2 * listed)
    n = size // width
    codes = read_fields(data, n, 4) if sign_kind & 4 else read_plane(data, n)
    sign_kind &= 3
    left = low_bits + (sign_kind == 2)
    fields, at = [0] * n, 0
    while left:
        bits = max(b for b in (8, 4, 2, 1) if b <= left)
        for i, field in enumerate(read_fields(data, n, bits)):
            fields[i] |= field << at
        left, at = left - bits, at + bits
    out, unlisted = [], 0
    for code, field in zip(codes, fields, strict=True):
        high = base + code if code else 0
        if not code and listed:
            high = highs[2 * unlisted] | highs[2 * unlisted + 1] << 8
            unlisted += 1
        sign = field >> low_bits if sign_kind == 2 else sign_kind
        value = sign << 8 * width - 1 | (high << low_bits | field % (1 << low_bits)) << drop
        out.append(value.to_bytes(width, "little"))
    assert not data.left() and (not listed or unlisted == listed)
    return b"".join(out)


def read_fields(data: "Stream", n: int, bits: int) -> list[int]:
    """A plane of n fields, 64 in a block."""
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


def read_plane(data: "Stream", n: int) -> list[int]:
    """n bytes."""
    method = data.byte()
    if method == 0:
        return list(data.take(n))
    if method == 1:
        return [data.byte()] * n
    tables, end = Tables.unpack(data.data, data.at)
    data.at = end
    stream = data.piece()
    if method == 3:
        rows, escaped = reference_rans.decode(stream, tables, None, n)
        assert not escaped
        return rows
    assert method == 2 and int.from_bytes(stream[:8], "little") == n
    segments = (n + 65535) // 65536
    at, out = 8 + 2 * segments, []
    for s in range(segments):
        words = int.from_bytes(stream[8 + 2 * s : 10 + 2 * s], "little")
        count = min(65536, n - 65536 * s)
        out += reference_segments.decode_segment(stream[at : at + 258 + 2 * words], count, tables, [0] * count)
        at += 258 + 2 * words
    assert at == len(stream)
    return out


class Stream:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def left(self) -> int:
        """Bytes that are left."""
        return len(self.data) - self.at

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        assert n <= self.left()
        self.at += n
        return self.data[self.at - n : self.at]

    def byte(self) -> int:
        """The next byte as a number."""
        return self.take(1)[0]

    def number(self) -> int:
        """LEB128."""
        value = shift = 0
        while (byte := self.byte()) > 127:
            value |= byte % 128 << shift
            shift += 7
        return value | byte << shift

    def piece(self) -> bytes:
        """A number, and so many bytes."""
        return self.take(self.number())
