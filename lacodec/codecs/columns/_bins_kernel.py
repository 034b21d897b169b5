"""Kernels of `bins`: which bin a value falls into, which bins to merge, and the places of values in their bins as bits.

Values are unsigned integers of any width; bins are half-open to the next one's lowest value.
"""

from typing import Any

import numpy as np

from lacodec.entropy.information import log2
from lacodec.kernels.jit import helper, intrinsic, kernel
from lacodec.kernels.llvm import ir, types
from lacodec.kernels.words import load_word, store_word

U = np.uint64
WIDEST = U(56)  # bits that one unaligned load of 64 always holds
KEY_BITS = 7
KEYS = 1 << 15
EXACT = 1 << 52  # whole numbers from here on are not all doubles
PRECISION = 4096  # places of the table of logarithms for each power of two


@intrinsic
def _bits_of(typing_context: Any, number: Any) -> Any:
    """The 64 bits of a double."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@helper
def key_of(value, centre, shift):  # type: ignore[no-untyped-def]
    """A number below KEYS that grows with the value; a small range of values has it.

    Up to shift 63: the upper bits of the distance to `centre`, the least of all. Above: sign, exponent and KEY_BITS bits of the
    distance from `centre`, where values are dense.
    """
    above = U(value) >= U(centre)
    distance: Any = U(value) - U(centre) if above else U(centre) - U(value)
    if shift < U(64):
        return min(distance >> shift, U(KEYS - 1)) if above else U(0)
    if distance >= U(EXACT):
        distance &= U(0xFFFFFFFFFFFFF000)  # what a double cannot hold would be rounded up into the next key
    key: Any = max(np.int64(_bits_of(np.float64(distance)) >> U(52 - KEY_BITS)) - (1023 << KEY_BITS), 0)
    return U(KEYS // 2 + key) if above else U(KEYS // 2 - key)


@kernel
def fill_starts(lowest, centre, shift, starts):  # type: ignore[no-untyped-def]
    """starts, u16[KEYS]: the last bin whose lowest value has a smaller key: from there on upwards, the right one is near.

    Returns by how many bins it misses those that begin with the keys.
    """
    at: Any = U(0)
    missed = np.int64(0)
    for bin in range(U(len(lowest))):
        key = key_of(lowest[bin], centre, shift) if bin else U(0)
        while at <= key:
            starts[at] = np.uint16(bin - U(1) if bin else U(0))
            at += U(1)
        missed += np.int64(bin) - np.int64(starts[key])
    while at < U(KEYS):
        starts[at] = np.uint16(len(lowest) - 1)
        at += U(1)
    return missed


@kernel
def sort_into(values, bounds, centre, shift, starts, which, counts, least, most):  # type: ignore[no-untyped-def]
    """which[i], u16: the bin of each value, the last one with bounds[bin] <= value. bounds[0] is 0.

    bounds ends with three largest numbers that are no bins. Counts values (i64) and finds the least and the largest of each bin.
    """
    last = U(len(bounds) - 4)
    for i in range(U(len(values))):
        value = values[i]
        at = U(starts[key_of(value, centre, shift)])
        at += U(bounds[at + U(1)] <= value)  # no branch: it would be mispredicted half the time
        at += U(bounds[at + U(1)] <= value)
        while bounds[at + U(1)] <= value and at < last:
            at += U(1)
        which[i] = np.uint16(min(at, last))
    for i in range(U(len(values))):
        value, at = values[i], U(which[i])
        counts[at] += 1
        if value < least[at]:
            least[at] = value
        if value > most[at]:
            most[at] = value


@kernel
def count(values, counts):  # type: ignore[no-untyped-def]
    """How often each value occurs, as the sum of four rows of counts: one alone would be waited for when values repeat."""
    row, n = U(len(counts) // 4), U(len(values))
    for i in range(n):
        counts[(i & U(3)) * row + U(values[i])] += 1


@helper
def span_bits(low, high):  # type: ignore[no-untyped-def]
    """Bits of the place of a value between these."""
    span, bits = U(high) - U(low), np.int64(0)
    while span >= U(256):
        span >>= U(8)
        bits += 8
    while span:
        span >>= U(1)
        bits += 1
    return bits


@kernel
def fill_logarithms(table):  # type: ignore[no-untyped-def]
    """table, f64[PRECISION + 1]: log2(1 + i / PRECISION)."""
    for i in range(PRECISION + 1):
        table[i] = log2(1.0 + np.float64(i) / PRECISION)


@helper
def _log2_of(n, table):  # type: ignore[no-untyped-def]
    """log2 of a whole number from 1 on, to some 4e-4."""
    power = np.int64(0)
    top = n
    while top >= 256:
        top >>= 8
        power += np.int64(8)
    while top > 1:
        top >>= 1
        power += 1
    rest = n - (np.int64(1) << power)
    return np.float64(power) + table[U(rest * PRECISION >> power)]


@kernel
def merge(counts, least, most, price, limit, logarithms, best, cut):  # type: ignore[no-untyped-def]
    """The cheapest way to join adjacent bins (all with counts above 0) to at most `limit` ones; returns the bits of all.

    Each bin costs `price` bits in the header. best: f64[bins + 1]; cut: i64[bins + 1], where the last joined bin before
    a place begins: follow it from the end.
    """
    n = np.int64(len(counts))
    total = np.int64(0)
    for i in range(n):
        total += counts[i]
    all_bits = _log2_of(total, logarithms)
    best[0] = 0.0
    for end in range(1, n + 1):
        inside = np.int64(0)
        found, chosen = np.inf, np.int64(end - 1)
        for begin in range(end - 1, max(end - 1 - limit, -1), -1):
            inside += counts[begin]
            bits = all_bits - _log2_of(inside, logarithms) + np.float64(span_bits(least[begin], most[end - 1]))
            here = best[begin] + np.float64(inside) * bits + price
            if here < found:
                found, chosen = here, np.int64(begin)
        best[end], cut[end] = found, chosen
    return best[n]


@kernel
def write_places(values, which, symbol_of, lowest, widths, symbols, stream):  # type: ignore[no-untyped-def]
    """symbols[i] = the joined bin of value i; its place there goes to `stream`, u8[bytes + 16]. Returns the bits written."""
    at, held, word = U(0), U(0), U(0)
    any_width = U(0)
    for k in range(U(len(widths))):
        any_width |= U(widths[k])
    if any_width == U(0):
        for i in range(U(len(values))):
            symbols[i] = symbol_of[which[i]]
        return U(0)
    for i in range(U(len(values))):
        symbol = symbol_of[which[i]]
        symbols[i] = symbol
        width = U(widths[symbol])
        place = U(values[i]) - U(lowest[symbol])
        if width > WIDEST:
            word |= (place & U(0xFFFFFFFF)) << held
            store_word(stream, at, word)
            held += U(32)
            at += held >> U(3)
            word = (place & U(0xFFFFFFFF)) >> (U(32) - (held & U(7))) if held & U(7) else U(0)
            held &= U(7)
            place >>= U(32)
            width -= U(32)
        word |= place << held
        store_word(stream, at, word)
        held += width
        whole = held >> U(3)
        at += whole
        word = word >> (whole << U(3)) if whole < U(8) else U(0)
        held &= U(7)
    return at * U(8) + held


@kernel
def pick(symbols, lowest, values):  # type: ignore[no-untyped-def]
    """values[i] = lowest[symbols[i]]; every symbol has a bin."""
    for i in range(U(len(symbols))):
        values[i] = lowest[symbols[i]]


@kernel
def read_places(symbols, lowest, widths, masks, stream, limit, values):  # type: ignore[no-untyped-def]
    """values[i] = lowest[symbols[i]] + its place; the inverse of `write_places`.

    Returns the bits read; above `limit`, those of the stream, the values are wrong. 16 bytes behind the stream may be read.
    """
    at = U(0)
    for i in range(U(len(symbols))):
        symbol = symbols[i]
        width = U(widths[symbol])
        place = load_word(stream, at >> U(3)) >> (at & U(7))
        if width > WIDEST:
            place &= U(0xFFFFFFFF)
            high = at + U(32)
            place |= load_word(stream, high >> U(3)) >> (high & U(7)) << U(32)
        at += width
        values[i] = lowest[symbol] + values.dtype.type(place & masks[symbol])
        if at > limit:
            return at
    return at


@kernel
def read_bins(data, at, top, lowest, widths):  # type: ignore[no-untyped-def]
    """The description of bins, from data[at:] on; returns where it ends, or -1 if it is none.

    lowest, u64[bins], at most `top`, ascending; widths: bits of the places, u8[bins].
    """
    end, size = U(0), U(len(data))
    for k in range(U(len(lowest))):
        halves = (U(0), U(0), U(0))
        for _ in range(3):
            value, shift, byte = U(0), U(0), U(128)
            while byte >= U(128):
                if at >= size or shift > U(28):
                    return np.int64(-1)
                byte = U(data[at])
                at += U(1)
                value |= (byte & U(127)) << shift
                shift += U(7)
            halves = (halves[1], halves[2], value)
        if halves[0] >> U(32) or halves[1] >> U(32) or halves[2] > U(64):
            return np.int64(-1)
        gap = halves[1] << U(32) | halves[0]
        low = end + gap
        if low < gap or low > top or (k and low < end):
            return np.int64(-1)
        lowest[k], widths[k] = low, np.uint8(halves[2])
        end = low + U(1)
        if end == U(0) and k + U(1) < U(len(lowest)):
            return np.int64(-1)
    return np.int64(at)
