"""Frequency tables to few bytes and back: an adaptive binary coder over the bit lengths of the frequencies.

    packed = varint bits and flags, [varint T], varint rows of each, [varint first of each], varint length, frequencies

Per frequency: is it zero (context: which of the last three were), how far its bit length is from that of the last one that
was not zero, in unary, and its bits below the leading one, of which the upper two are modelled. A table ends once its total
is reached.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy._rans_normalise import MAX_FREQ_BITS
from lacodec.entropy.bits import FAILED, close_coder, code_bit, open_coder
from lacodec.entropy.rans_stream import read_varint, varint
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import kernel

if TYPE_CHECKING:
    from lacodec.entropy.tables import Tables

_ESCAPE, _MANY, _FIRST = 32, 64, 128
_MAX_PACKED_ROWS = 1 << 22
# contexts: 8 zero flags, direction of the step (26), its unary length (2 x 32), upper two bits below the leading one (26 x 3)
_DIRECTION, _STEP, _UPPER, _CONTEXTS = 8, 40, 104, 186
_LONGEST = 48  # bytes: no frequency takes more


def pack(tables: "Tables") -> bytes:
    """Self-delimiting bytes that `unpack` turns into equal tables; usually 30-150 for 256 symbols."""
    if tables.plain:
        packed = np.empty(_LONGEST * (1 + len(tables.freqs)), np.uint8)
        return (
            varint(tables.freq_bits)
            + varint(len(tables.freqs))
            + varint(length := int(pack_one(tables.freqs, tables.freq_bits, packed)))
            + packed[:length].tobytes()
        )
    many = len(tables) > 1
    shifted = bool(tables.origins.any())
    sizes = np.diff(tables.offsets.astype(np.int64))
    head = varint(tables.freq_bits | tables.escape * _ESCAPE | many * _MANY | shifted * _FIRST)
    if many:
        head += varint(len(tables))
    head += b"".join(varint(int(size)) for size in sizes)
    if shifted:
        head += b"".join(varint(2 * first if first >= 0 else -2 * first - 1) for first in tables.origins.tolist())
    buffer = np.zeros(_LONGEST * (1 + len(tables.freqs)), np.uint8)
    length = code_freqs(tables.freqs.astype(np.int64), sizes, tables.freq_bits, *_fresh(), buffer, len(buffer), False)
    return head + varint(length) + buffer[:length].tobytes()


class Unpacked(NamedTuple):
    """The fields of `Tables`, yet to be checked; of one table for the values from 0 on, which is right, only `freqs`."""

    freqs: NDArray[np.uint32]
    offsets: NDArray[np.uint32] | None
    freq_bits: int
    escape: bool = False
    first: NDArray[np.int32] | None = None


def unpack(data: bytes | memoryview, at: int = 0) -> tuple[Unpacked, int]:
    """Tables from the bytes at `at`, and the position after them. CorruptFile if they are damaged."""
    kind, at = read_varint(data, at)
    freq_bits = kind & 31
    if kind > 255 or not 1 <= freq_bits <= MAX_FREQ_BITS:
        raise CorruptFile(f"packed tables: unknown kind {kind:#x}")
    if kind < _ESCAPE:
        return _unpack_one(data, at, freq_bits)
    count = 1
    if kind & _MANY:
        count, at = read_varint(data, at)
    if not 1 <= count <= len(data):
        raise CorruptFile(f"packed tables: {count} tables do not fit {len(data)} bytes")
    sizes, total = np.zeros(count, np.int64), 0
    for t in range(count):
        size, at = read_varint(data, at)
        total += size
        if not 1 <= size <= total <= _MAX_PACKED_ROWS:
            raise CorruptFile(f"packed tables: {size} rows in table {t}; 1..{_MAX_PACKED_ROWS} in all are possible")
        sizes[t] = size
    first = np.zeros(count, np.int64)
    if kind & _FIRST:
        for t in range(count):
            folded, at = read_varint(data, at)
            first[t] = -(folded + 1 >> 1) if folded & 1 else folded >> 1
    length, at = read_varint(data, at)
    if length > len(data) - at:
        raise CorruptFile("packed tables: cut short")
    buffer = np.zeros(length + 4, np.uint8)
    buffer[:length] = np.frombuffer(data, np.uint8, length, at)
    freqs = np.zeros(total, np.int64)
    if code_freqs(freqs, sizes, freq_bits, *_fresh(), buffer, length, True) == FAILED:
        raise CorruptFile("packed tables: damaged frequencies")
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)
    if np.abs(first).max() > 1 << 30:
        raise CorruptFile("packed tables: damaged first values")
    return Unpacked(freqs.astype(np.uint32), offsets, freq_bits, bool(kind & _ESCAPE), first.astype(np.int32)), at + length


def _unpack_one(data: bytes | memoryview, at: int, freq_bits: int) -> tuple[Unpacked, int]:
    """`unpack` for the commonest case: one table, values from 0 on."""
    size, at = read_varint(data, at)
    if not 1 <= size <= _MAX_PACKED_ROWS:
        raise CorruptFile(f"packed tables: {size} rows in table 0; 1..{_MAX_PACKED_ROWS} in all are possible")
    length, at = read_varint(data, at)
    if length > len(data) - at:
        raise CorruptFile("packed tables: cut short")
    packed, freqs = np.frombuffer(data, np.uint8, length, at), np.zeros(size, np.uint32)
    packed.setflags(write=False)
    if unpack_one(packed, freq_bits, freqs) == FAILED:
        raise CorruptFile("packed tables: damaged frequencies")
    return Unpacked(freqs, None, freq_bits), at + length


def _fresh() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start of the coder (see `_bit_coder`)."""
    return np.zeros((_CONTEXTS, 2), np.int64), np.zeros(4, np.int64)


@kernel
def code_freqs(freqs, sizes, freq_bits, model, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Code freqs i64[sum(sizes)] to or from buffer u8[...]; returns the bytes used, or FAILED on a damaged stream.

    model, coder: fresh from `_fresh`.
    """
    open_coder(coder, buffer, length, decoding)
    at = 0
    for t in range(sizes.shape[0]):
        end = at + sizes[t]
        left = np.int64(1) << freq_bits
        zeros, last = np.int64(0), np.int64(max(np.int64(1), freq_bits - 6))
        while at < end - 1 and left > 0:
            freq = _code_freq(freqs[at], left, zeros, last, model, coder, buffer, length, decoding)
            if freq > left:
                return FAILED
            freqs[at] = freq
            left -= freq
            zeros = ((zeros << 1) | (freq == 0)) & 7
            if freq > 0:
                last = _bit_length(freq)
            at += 1
        if left > 0:  # only the last row is left, and takes the rest
            freqs[at] = left
        at = end
    return close_coder(coder, buffer, length, decoding)


@kernel
def pack_one(freqs, freq_bits, buffer):  # type: ignore[no-untyped-def]
    """Code freqs u32[...] of one table to buffer (u8); returns the bytes used."""
    wide, sizes = np.zeros(len(freqs), np.int64), np.zeros(1, np.int64)
    for i in range(len(freqs)):
        wide[i] = freqs[i]
    sizes[0] = len(freqs)
    model, coder = np.zeros((_CONTEXTS, 2), np.int64), np.zeros(4, np.int64)
    return code_freqs(wide, sizes, np.int64(freq_bits), model, coder, buffer, len(buffer), False)


@kernel
def unpack_one(data, freq_bits, freqs):  # type: ignore[no-untyped-def]
    """The inverse of `pack_one`: data u8[...] into freqs (zeros at first); returns FAILED on a damaged stream."""
    buffer = np.zeros(len(data) + 4, np.uint8)
    for i in range(len(data)):
        buffer[i] = data[i]
    wide, sizes = np.zeros(len(freqs), np.int64), np.zeros(1, np.int64)
    sizes[0] = len(freqs)
    model, coder = np.zeros((_CONTEXTS, 2), np.int64), np.zeros(4, np.int64)
    used = code_freqs(wide, sizes, np.int64(freq_bits), model, coder, buffer, len(data), True)
    for i in range(len(freqs)):
        freqs[i] = wide[i]
    return used


@kernel
def _code_freq(freq, left, zeros, last, model, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    if code_bit(np.int64(freq == 0), zeros, model, coder, buffer, length, decoding):
        return np.int64(0)
    size = _bit_length(freq)
    most = _bit_length(left)
    last = min(last, most)
    if last == most or not code_bit(np.int64(size > last), _DIRECTION + last, model, coder, buffer, length, decoding):
        step = 0
        while last - step > 1 and code_bit(
            np.int64(size < last - step), _STEP + min(step, 31), model, coder, buffer, length, decoding
        ):
            step += 1
        size = last - step
    else:
        step = 1
        while last + step < most and code_bit(
            np.int64(size > last + step), _STEP + 32 + min(step, 31), model, coder, buffer, length, decoding
        ):
            step += 1
        size = last + step
    value = np.int64(1)
    for k in range(size - 1):
        context = _UPPER + 3 * size + (0 if k == 0 else value - 1) if k < 2 else -1
        bit = code_bit((freq >> (size - 2 - k)) & 1, context, model, coder, buffer, length, decoding)
        value = (value << 1) | bit
    return value


@kernel
def _bit_length(value):  # type: ignore[no-untyped-def]
    bits = 0
    while value > 0:
        value >>= 1
        bits += 1
    return bits
