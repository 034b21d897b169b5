"""Decodes one frame of a FLAC stream (RFC 9639), strictly: reserved bits, both checksums, samples that do not fit are errors.

frame's bytes --header, subframes, channels put together--> its samples, interleaved as a WAV file would have them
"""

import numpy as np

from lacodec.kernels.jit import flat_kernel, kernel

MAX_BLOCK, MAX_CHANNELS = 65535, 8
SLACK = 16  # bytes that may be read behind the last one

MORE, SYNC, HEADER, CONTENT, CHECK, RANGE = -1, -2, -3, -4, -5, -6
"""What `decode_frame` returns instead of an offset: the bytes end within the frame; no frame begins there; its header, or its
content, is damaged or reserved for later versions; its checksum is wrong; a sample does not fit in its bits."""

BLOCK, RATE, CHANNELS, BITS, NUMBER, VARIABLE = range(6)
"""Places in what a frame says of itself: samples per channel, rate in Hz (negative: the code of a usual one) and bits per sample
(0: as STREAMINFO says), channels, its number or that of its first sample, and which of them it is."""
SAID = 6

_LEFT_SIDE, _SIDE_RIGHT, _MID_SIDE = 8, 9, 10


@flat_kernel
def decode_frame(data, start, stop, default_bits, checks, said, rows, coefficients, out):  # type: ignore[no-untyped-def]
    """The offset behind the frame that begins at `start` in data[:stop], or a negative number that says why there is none.

    data: uint8, SLACK bytes longer than `stop`. default_bits: of a sample, for frames that do not say. checks: uint16[256], the
    table `checksums`. Filled: said (int64[SAID]), out (uint8: the samples). Scratch: rows (int64[MAX_CHANNELS, MAX_BLOCK + 1]),
    coefficients (int64[32]).
    """
    at = _header(data, start, stop, said)
    if at < 0:
        return at
    block, bits = said[BLOCK], said[BITS]
    if bits == 0:
        bits = default_bits
    layout = said[CHANNELS]
    channels = 2 if layout >= _LEFT_SIDE else layout + 1
    said[CHANNELS] = channels
    place = at * 8
    for c in range(channels):
        side = (layout == _SIDE_RIGHT and c == 0) or (layout in (_LEFT_SIDE, _MID_SIDE) and c == 1)
        place = _subframe(data, place, stop * 8, bits + (1 if side else 0), rows[c], block, coefficients)
        if place < 0:
            return place
    at = (place + 7) // 8
    if at + 2 > stop:
        return MORE
    if place % 8 and data[at - 1] & ((1 << (8 - place % 8)) - 1):
        return CONTENT
    check = 0
    for i in range(start, at + 2):
        check = (check << 8 & 0xFFFF) ^ checks[check >> 8 ^ data[i]]
    if check != 0:
        return CHECK
    if not _interleave(rows, layout, channels, block, bits, out):
        return RANGE
    return at + 2


@kernel
def checksums(table):  # type: ignore[no-untyped-def]
    """Fill uint16[256] with the effect of a byte on the checksum of frames (polynomial 0x8005)."""
    for i in range(256):
        value = i << 8
        for _ in range(8):
            value = (value << 1 ^ 0x8005 if value & 0x8000 else value << 1) & 0xFFFF
        table[i] = value


@flat_kernel
def _take(data, place, n):  # type: ignore[no-untyped-def]
    """The `n` (0 to 32) bits from bit `place` on."""
    at = place >> 3
    word = np.int64(0)
    for i in range(5):
        word = word << 8 | data[at + i]
    return word >> (40 - (place & 7) - n) & ((np.int64(1) << n) - 1)


@flat_kernel
def _signed(data, place, n):  # type: ignore[no-untyped-def]
    """The same as a number in two's complement."""
    if n == 0:
        return np.int64(0)
    value = _take(data, place, n - n // 2) << (n // 2) | _take(data, place + n - n // 2, n // 2)
    return value - (value >> (n - 1) << n)


@flat_kernel
def _header(data, start, stop, said):  # type: ignore[no-untyped-def]
    """The offset behind a frame's header, or why there is none."""
    if start + 4 > stop:
        return MORE
    if data[start] != 0xFF or data[start + 1] & 0xFE != 0xF8:
        return SYNC
    block_code, rate_code = data[start + 2] >> 4, data[start + 2] & 15
    layout, bits_code = data[start + 3] >> 4, data[start + 3] >> 1 & 7
    if block_code == 0 or rate_code == 15 or layout > _MID_SIDE or bits_code == 3 or data[start + 3] & 1:
        return HEADER
    at = start + 5
    first = np.int64(data[start + 4])
    more = 0
    while first & (0x80 >> more):
        more += 1
    if more == 1 or more == 8:
        return HEADER
    number = first & (0x7F >> more)
    for _ in range(1, more):
        if data[at] & 0xC0 != 0x80:
            return HEADER if at < stop else MORE
        number = number << 6 | data[at] & 0x3F
        at += 1
    if block_code == 1:
        block = np.int64(192)
    elif block_code < 6:
        block = np.int64(144) << block_code
    elif block_code < 8:
        wide = block_code - 5
        block = _take(data, at * 8, 8 * wide) + 1
        at += wide
    else:
        block = np.int64(1) << block_code
    rate = np.int64(0)
    if rate_code == 12:
        rate = 1000 * _take(data, at * 8, 8)
        at += 1
    elif rate_code > 12:
        rate = _take(data, at * 8, 16) * (1 if rate_code == 13 else 10)
        at += 2
    if at >= stop:
        return MORE
    check = 0
    for i in range(start, at + 1):
        check ^= data[i]
        for _ in range(8):
            check = (check << 1 ^ 0x07 if check & 0x80 else check << 1) & 0xFF
    if check != 0 or block > MAX_BLOCK:
        return HEADER
    said[BLOCK], said[RATE], said[CHANNELS], said[NUMBER], said[VARIABLE] = block, rate, layout, number, data[start + 1] & 1
    if 0 < rate_code < 12:
        said[RATE] = -rate_code
    said[BITS] = 32 if bits_code == 7 else 4 * bits_code if bits_code > 3 else 4 * bits_code + 4 if bits_code else 0
    return at + 1


@flat_kernel
def _subframe(data, place, limit, bits, row, block, coefficients):  # type: ignore[no-untyped-def]
    """Decode a channel of a frame into row[:block]; the place behind it, or why there is none. Places and `limit` are in bits."""
    head = _take(data, place, 8)
    place += 8
    kind = head >> 1
    if place > limit:
        return MORE
    if head & 0x80:
        return CONTENT
    wasted = 0
    if head & 1:
        wasted = 1
        while _take(data, place, 1) == 0:
            wasted += 1
            place += 1
            if wasted >= bits:
                return CONTENT if place < limit else MORE
        place += 1
    bits -= wasted
    if kind == 0:
        row[:block] = _signed(data, place, bits) << wasted
        place += bits
        return place if place <= limit else MORE
    if kind == 1:
        order = block
    elif 8 <= kind <= 12:
        order = kind - 8
    elif kind >= 32:
        order = kind - 31
    else:
        return CONTENT
    if order > block:
        return CONTENT
    if place + order * bits > limit:
        return MORE
    for i in range(order):
        row[i] = _signed(data, place, bits)
        place += bits
    if kind != 1:
        place = _predicted(data, place, limit, kind, order, row, block, coefficients)
        if place < 0:
            return place
    for i in range(block if wasted else 0):
        row[i] <<= wasted
    return place


@flat_kernel
def _predicted(data, place, limit, kind, order, row, block, coefficients):  # type: ignore[no-untyped-def]
    """The samples behind the first `order`: residuals are decoded into the row, then what the predictor says is added."""
    shift = np.int64(0)
    if kind >= 32:
        precision = _take(data, place, 4) + 1
        shift = _signed(data, place + 4, 5)
        place += 9
        if precision == 16 or shift < 0:
            return CONTENT
        if place + order * precision > limit:
            return MORE
        for k in range(order):
            coefficients[k] = _signed(data, place, precision)
            place += precision
    else:
        for k in range(order):  # (-1)**k binomial(order, k + 1)
            coefficients[k] = order if k == 0 else -coefficients[k - 1] * (order - k) // (k + 1)
    place = _residuals(data, place, limit, order, row, block)
    if place < 0:
        return place
    for i in range(order, block):
        total = np.int64(0)
        for k in range(order):
            total += coefficients[k] * row[i - 1 - k]
        row[i] += total >> shift
    return place


@flat_kernel
def _residuals(data, place, limit, order, row, block):  # type: ignore[no-untyped-def]
    """Decode row[order:block]."""
    method, parts = _take(data, place, 2), _take(data, place + 2, 4)
    place += 6
    size = block >> parts
    if method > 1 or size << parts != block or size < order:
        return CONTENT if place <= limit else MORE
    wide = 4 + method
    i = order
    for part in range(np.int64(1) << parts):
        low = _take(data, place, wide)
        place += wide
        raw = low == (1 << wide) - 1
        if raw:
            low = _take(data, place, 5)
            place += 5
        end = size * (part + 1)
        if place + (low if raw else low + 1) * (end - i) > limit:
            return MORE
        while i < end:
            if raw:
                row[i] = _signed(data, place, low)
                place += low
            else:
                high = np.int64(0)
                window = _take(data, place, 16)
                while window == 0:
                    high += 16
                    place += 16
                    if place > limit:
                        return MORE
                    window = _take(data, place, 16)
                while window & 0x8000 == 0:
                    window <<= 1
                    high += 1
                    place += 1
                value = high << low | _take(data, place + 1, low)
                place += 1 + low
                row[i] = (value >> 1) ^ -(value & 1)
                if place > limit:
                    return MORE
            i += 1
    return place


@flat_kernel
def _interleave(rows, layout, channels, block, bits, out):  # type: ignore[no-untyped-def]
    """Put the channels' samples into `out`, low byte first; False if one does not fit in its bits."""
    size = (bits + 7) // 8
    top = np.int64(1) << (bits - 1)
    at = 0
    for i in range(block):
        if layout >= _LEFT_SIDE:
            a, b = rows[0, i], rows[1, i]
            if layout == _LEFT_SIDE:
                b = a - b
            elif layout == _SIDE_RIGHT:
                a = a + b
            else:
                middle = a << 1 | b & 1
                a, b = (middle + b) >> 1, (middle - b) >> 1
            rows[0, i], rows[1, i] = a, b
        for c in range(channels):
            value = rows[c, i]
            if not -top <= value < top:
                return False
            for _ in range(size):
                out[at] = value & 0xFF
                value >>= 8
                at += 1
    return True
