"""A group of floating-point values in its commonest form, found in its bytes by one call: everything that `merge` needs.

That form: few high bits listed, as they are; codes in segments; the planes of the fields as they are. `_floats` has the layout.
"""

import numpy as np

from lacodec.codecs.weights import _vectors as v
from lacodec.entropy.rans_lookups import fill_one
from lacodec.entropy.rans_pack import unpack_one
from lacodec.kernels.jit import helper, kernel

ZERO, ONE, TWO, EIGHT, BLOCK, SEGMENT = (np.uint64(n) for n in (0, 1, 2, 8, 64, 65536))
RAW, SEGMENTS = np.uint8(0), np.uint8(2)  # methods of planes
HEAD = np.uint64(129)  # words of a segment before its own
MARGIN = 256
"""Bytes behind the words of a stream that kernels may read."""
MOST_PLANES = 16
SIZE, CODE_BITS, BASE, SHIFT, MASK, NEGATIVE, DROP, BITS, SIGN, LISTED, HIGHS, CODED, FREQ_BITS, ROWS, FITS, FOUND = range(16)


@helper
def _number(data, at):  # type: ignore[no-untyped-def]
    """(a number of at most 4 bytes, the position behind it; one behind the end of data for none)."""
    value, shift = ZERO, ZERO
    while at < np.uint64(len(data)) and shift < np.uint64(28):
        byte = np.uint64(data[at])
        at += ONE
        value |= (byte & np.uint64(127)) << shift
        if byte < np.uint64(128):
            return value, at
        shift += np.uint64(7)
    return ZERO, np.uint64(len(data)) + ONE


@helper
def _plane_bytes(n, width):  # type: ignore[no-untyped-def]
    """`_floats.plane_size`."""
    rest = n % BLOCK
    last = (rest + np.uint64(7)) // EIGHT if width == ONE else min(rest, EIGHT * width)
    return n // BLOCK * EIGHT * width + last


@kernel
def open_floats(data, size, numbers, places, padded, words, begins, freqs, lut, codes, spans):  # type: ignore[no-untyped-def]
    """Take apart the group in data, u8[...], of `size` bytes of values; False where it is damaged, or has another form.

    numbers: u64[16], by the names above, the first six as the layout of `merge`. places: u64[2, 1 + MOST_PLANES], as for `merge`
    but for the codes; padded: u8[MOST_PLANES, 64]. words: u8, room for data and MARGIN; begins: u64, of the segments in it, in
    words. freqs: u32[256]; lut, codes, spans: for `Tables.direct` and `Tables.split` with 14 bits.
    """
    at = _open_layout(data, size, numbers)
    if at == ZERO:
        return False
    n = size // numbers[SIZE]
    at = _open_codes(data, at, n, numbers, words, begins, freqs)
    if at == ZERO:
        return False
    spans[:] = 0
    numbers[FITS] = np.uint64(fill_one(freqs[: numbers[ROWS]], lut, codes, spans))
    return _open_planes(data, at, n, numbers, places, padded)


@kernel
def _open_layout(data, size, numbers):  # type: ignore[no-untyped-def]
    """Returns the position of the codes, 0 for none."""
    end = np.uint64(len(data))
    if end < np.uint64(8):
        return ZERO
    width, drop, bits, sign = np.uint64(data[0]), np.uint64(data[1]), np.uint64(data[2]), np.uint64(data[3])
    base, at = _number(data, np.uint64(4))
    listed, at = _number(data, at)
    numbers[CODE_BITS] = np.uint64(4) if sign & np.uint64(4) else EIGHT
    sign &= ~np.uint64(4)
    if width not in (TWO, np.uint64(4), EIGHT) or size % width or sign > TWO or base > np.uint64(65535):
        return ZERO
    if drop + bits + ONE >= EIGHT * width or listed > size // width or at >= end or data[at] != RAW:
        return ZERO
    numbers[SIZE], numbers[BASE], numbers[SHIFT], numbers[NEGATIVE] = width, base, drop + bits, np.uint64(sign == ONE)
    numbers[MASK] = (ONE << (EIGHT * width - ONE - drop - bits)) - ONE
    numbers[DROP], numbers[BITS], numbers[SIGN], numbers[LISTED], numbers[HIGHS] = drop, bits, sign, listed, at + ONE
    at += ONE + TWO * listed
    return at if at < end else ZERO


@kernel
def _open_codes(data, at, n, numbers, words, begins, freqs):  # type: ignore[no-untyped-def]
    """Returns the position behind the codes, 0 where they have another form."""
    end = np.uint64(len(data))
    if data[at] != SEGMENTS:
        return ZERO
    freq_bits, at = _number(data, at + ONE)
    rows, at = _number(data, at)
    length, at = _number(data, at)
    if at > end or length > end - at or freq_bits < ONE or freq_bits > np.uint64(14) or rows < ONE or rows > np.uint64(256):
        return ZERO
    freqs[:] = 0
    if unpack_one(data[at : at + length], freq_bits, freqs[:rows]) < 0:
        return ZERO
    size, at = _number(data, at + length)
    count = _plane_bytes(n, numbers[CODE_BITS])
    segments = (count + SEGMENT - ONE) // SEGMENT
    if at > end or size > end - at or size < EIGHT + TWO * segments or segments >= np.uint64(len(begins)):
        return ZERO
    told = ZERO
    for k in range(EIGHT):
        told |= np.uint64(data[at + k]) << (EIGHT * k)
    at += EIGHT
    begins[0] = ZERO
    for s in range(segments):
        begins[s + ONE] = begins[s] + HEAD + (np.uint64(data[at]) | np.uint64(data[at + ONE]) << EIGHT)
        at += TWO
    stream = TWO * begins[segments]
    if told != count or stream != size - EIGHT - TWO * segments or stream + np.uint64(MARGIN) > np.uint64(len(words)):
        return ZERO
    v.copy_bytes(words, ZERO, data, at, stream)  # where they are aligned
    numbers[CODED], numbers[FREQ_BITS], numbers[ROWS] = count, freq_bits, rows
    return at + stream


@kernel
def _open_planes(data, at, n, numbers, places, padded):  # type: ignore[no-untyped-def]
    """Whether the planes of the fields follow, and nothing else; `places` then tells where."""
    start, end = np.uint64(data.ctypes.data), np.uint64(len(data))
    stored, bit, p = numbers[BITS] + np.uint64(numbers[SIGN] == TWO), ZERO, ZERO
    while bit < stored:
        width = EIGHT
        while width > stored - bit:
            width >>= ONE
        size, whole = _plane_bytes(n, width), n // BLOCK * EIGHT * width
        if at >= end or data[at] != RAW or size > end - at - ONE:
            return False
        at, p, bit = at + ONE, p + ONE, bit + width
        places[0, p] = places[1, p] = start + at
        if size > whole:  # kernels read whole blocks: the rest gets a padded copy
            row = padded[p - ONE]
            for k in range(size - whole):
                row[k] = data[at + whole + k]
            places[1, p] = np.uint64(row.ctypes.data) - whole
        at += size
    return at == end
