"""Frequency tables to few bytes and back: an adaptive binary coder over the bit lengths of the frequencies.

    packed = varint bits and flags, [varint T], varint rows of each, [varint first of each], varint length, frequencies

Per frequency: is it zero (context: which of the last three were), how far its bit length is from that of the last one that
was not zero, in unary, and its bits below the leading one, of which the upper two are modelled. A table ends once its total
is reached.
"""

import numpy as np
from numpy.typing import NDArray

from laconic.entropy._jit import kernel
from laconic.entropy._rans_stream import read_varint, varint
from laconic.entropy.tables import MAX_FREQ_BITS, Tables
from laconic.errors import BadInput, CorruptFile

_ESCAPE, _MANY, _FIRST = 32, 64, 128
_MAX_PACKED_ROWS = 1 << 22
# contexts: 8 zero flags, direction of the step (26), its unary length (2 x 32), upper two bits below the leading one (26 x 3)
_DIRECTION, _STEP, _UPPER, _CONTEXTS = 8, 40, 104, 186
_FAILED = -1
_LONGEST = 48  # bytes: no frequency takes more


def pack(tables: Tables) -> bytes:
    """Self-delimiting bytes that `unpack` turns into equal tables; usually 30-150 for 256 symbols."""
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


def unpack(data: bytes | memoryview, at: int = 0) -> tuple[Tables, int]:
    """Tables from the bytes at `at`, and the position behind them. CorruptFile when they are damaged."""
    kind, at = read_varint(data, at)
    freq_bits = kind & 31
    if kind > 255 or not 1 <= freq_bits <= MAX_FREQ_BITS:
        raise CorruptFile(f"packed tables: unknown kind {kind:#x}")
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
    if code_freqs(freqs, sizes, freq_bits, *_fresh(), buffer, length, True) == _FAILED:
        raise CorruptFile("packed tables: damaged frequencies")
    try:
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)
        if np.abs(first).max() > 1 << 30:
            raise CorruptFile("packed tables: damaged first values")
        return Tables(freqs.astype(np.uint32), offsets, freq_bits, bool(kind & _ESCAPE), first.astype(np.int32)), at + length
    except BadInput as error:
        raise CorruptFile(f"packed tables: {error}") from None


def _fresh() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Start of the coder: chance of a one in 65536ths and times seen, by context; low, high, code and position."""
    return np.full(_CONTEXTS, 32768), np.zeros(_CONTEXTS, np.int64), np.array([0, 0xFFFFFFFF, 0, 0])


@kernel
def code_freqs(freqs, sizes, freq_bits, chances, seen, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Code freqs i64[sum(sizes)] to or from buffer u8[...]; returns the bytes used, or _FAILED on a damaged stream.

    chances, seen, coder: fresh from `_fresh`.
    """
    if decoding:
        for k in range(4):
            coder[2] = (coder[2] << 8) | (np.int64(buffer[k]) if k < length else 0)
        coder[3] = 4
    at = 0
    for t in range(sizes.shape[0]):
        end = at + sizes[t]
        left = np.int64(1) << freq_bits
        zeros, last = 0, max(1, freq_bits - 6)
        while at < end - 1 and left > 0:
            freq = _code_freq(freqs[at], left, zeros, last, chances, seen, coder, buffer, length, decoding)
            if freq > left:
                return _FAILED
            freqs[at] = freq
            left -= freq
            zeros = ((zeros << 1) | (freq == 0)) & 7
            if freq > 0:
                last = _bit_length(freq)
            at += 1
        if left > 0:  # only the last row is left, and takes the rest
            freqs[at] = left
        at = end
    if decoding:
        return _FAILED if coder[3] < length or coder[3] > length + 4 else length
    for kept in range(1, 5):  # the fewest bytes that stay within low..high when zeros follow
        unit = np.int64(1) << (32 - 8 * kept)
        value = (coder[0] + unit - 1) // unit * unit
        if value <= coder[1] or kept == 4:
            for k in range(kept):
                buffer[coder[3] + k] = (value >> (24 - 8 * k)) & 255
            return coder[3] + kept
    return _FAILED


@kernel
def _code_freq(freq, left, zeros, last, chances, seen, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    if _code_bit(freq == 0, zeros, chances, seen, coder, buffer, length, decoding):
        return np.int64(0)
    size = _bit_length(freq)
    most = _bit_length(left)
    last = min(last, most)
    if last == most or not _code_bit(size > last, _DIRECTION + last, chances, seen, coder, buffer, length, decoding):
        step = 0
        while last - step > 1 and _code_bit(
            size < last - step, _STEP + min(step, 31), chances, seen, coder, buffer, length, decoding
        ):
            step += 1
        size = last - step
    else:
        step = 1
        while last + step < most and _code_bit(
            size > last + step, _STEP + 32 + min(step, 31), chances, seen, coder, buffer, length, decoding
        ):
            step += 1
        size = last + step
    value = np.int64(1)
    for k in range(size - 1):
        context = _UPPER + 3 * size + (0 if k == 0 else value - 1) if k < 2 else -1
        bit = _code_bit((freq >> (size - 2 - k)) & 1, context, chances, seen, coder, buffer, length, decoding)
        value = (value << 1) | bit
    return value


@kernel
def _code_bit(bit, context, chances, seen, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Carry-less binary range coder; context -1 is an even chance."""
    chance = chances[context] if context >= 0 else np.int64(32768)
    middle = coder[0] + ((coder[1] - coder[0]) * chance >> 16)
    if decoding:
        bit = coder[2] <= middle
    if bit:
        coder[1] = middle
    else:
        coder[0] = middle + 1
    while ((coder[0] ^ coder[1]) & 0xFF000000) == 0:
        if decoding:
            coder[2] = ((coder[2] << 8) & 0xFFFFFFFF) | (np.int64(buffer[coder[3]]) if coder[3] < length else 0)
        else:
            buffer[coder[3]] = coder[1] >> 24
        coder[3] += 1
        coder[0] = (coder[0] << 8) & 0xFFFFFFFF
        coder[1] = ((coder[1] << 8) & 0xFFFFFFFF) | 255
    if context >= 0:
        target = 65536 - 48 if bit else 48
        chances[context] += (target - chance) * 2 // (2 * seen[context] + 3)
        seen[context] = min(seen[context] + 1, 60)
    return np.int64(1 if bit else 0)


@kernel
def _bit_length(value):  # type: ignore[no-untyped-def]
    bits = 0
    while value > 0:
        value >>= 1
        bits += 1
    return bits
