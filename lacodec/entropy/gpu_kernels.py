"""Triton kernels of `gpu.py`; needs torch and Triton.

One program is one warp and takes one segment: its 64 lanes are the elements of a vector.
"""

from lacodec.entropy.segments import HEAD_WORDS, LANES, MAX_TAIL, SEGMENT
from lacodec.kernels.triton import tl, triton

CAPACITY = HEAD_WORDS + SEGMENT  # words of a segment, at most: one for every symbol
BLOCK = 2048  # words that one program copies
DAMAGED_HEAD, DAMAGED_WORDS, DAMAGED_END = 1, 2, 4  # bits of what a decoder finds

L: "tl.constexpr" = tl.constexpr(LANES)
S: "tl.constexpr" = tl.constexpr(SEGMENT)
H: "tl.constexpr" = tl.constexpr(HEAD_WORDS)
T: "tl.constexpr" = tl.constexpr(MAX_TAIL)
HEAD: "tl.constexpr" = tl.constexpr(DAMAGED_HEAD)
WORDS: "tl.constexpr" = tl.constexpr(DAMAGED_WORDS)
END: "tl.constexpr" = tl.constexpr(DAMAGED_END)
_C: "tl.constexpr" = tl.constexpr(CAPACITY)
_B: "tl.constexpr" = tl.constexpr(BLOCK)


@triton.jit
def _take(x, place, active, lookup, spans, index, bits: tl.constexpr, packed: tl.constexpr, indexed: tl.constexpr):  # type: ignore[no-untyped-def]
    """One symbol of every active lane: (symbol, new state). `place` is the lane's position in the tensor."""
    slot = (x & ((1 << bits) - 1)).to(tl.int32)
    where = slot
    table = slot * 0
    if indexed:
        table = tl.load(index + place, mask=active, other=0).to(tl.int32)
        where = slot | (table << bits)
    if packed:
        entry = tl.load(lookup + where).to(tl.uint32, bitcast=True)
        symbol = entry & 255
        freq = ((entry >> 8) & 4095) + 1
        within = entry >> 20
    else:
        symbol = tl.load(lookup + where).to(tl.uint32)
        span = tl.load(spans + (table * 256 + symbol.to(tl.int32))).to(tl.uint32, bitcast=True)
        freq = span >> 16
        within = slot.to(tl.uint32) - (span & 65535)
    return symbol, freq * (x >> bits) + within


@triton.jit
def open_segment(words, begin, steps):  # type: ignore[no-untyped-def]
    """(states, tail steps, damage) from the head of the segment at words[begin]; damaged or not, a tail that can be."""
    lane = tl.arange(0, L)
    low = tl.load(words + begin + 2 * lane).to(tl.int32) & 65535
    high = tl.load(words + begin + 2 * lane + 1).to(tl.int32) & 65535
    said = tl.load(words + begin + 2 * L).to(tl.int32) & 65535
    tail = tl.maximum(tl.minimum(said, tl.minimum(steps, T)), 1)
    found = tl.where((said != tail) | (tl.min(high, 0) == 0), HEAD, 0)
    return low.to(tl.uint32) | (high.to(tl.uint32) << 16), tail, found


@triton.jit
def refill(x, base, at, size):  # type: ignore[no-untyped-def]
    """Small states take the next of the `size` words at `base`: (states, words used so far); beyond the end, zeros."""
    small = x < 65536
    wanted = small.to(tl.int32)
    own = at + tl.cumsum(wanted, 0) - wanted
    word = tl.load(base + own, mask=small & (own < size), other=0).to(tl.int32) & 65535
    return tl.where(small, (x << 16) | word.to(tl.uint32), x), at + tl.sum(wanted, 0)


@triton.jit(do_not_specialize=["count"])  # the length of the tensor: no compilation of its own
def decode_kernel(  # type: ignore[no-untyped-def]
    words, begins, lookup, spans, index, out, status, count, bits: tl.constexpr, packed: tl.constexpr, indexed: tl.constexpr
):
    """One segment: words[begins[s] : begins[s + 1]] to out[s * 65536 :]."""
    segment = tl.program_id(0)
    lane = tl.arange(0, L)
    first = segment.to(tl.int64) * S
    begin = tl.load(begins + segment)
    size = (tl.load(begins + segment + 1) - begin - H).to(tl.int32)
    steps = ((tl.minimum(count - first, S) + L - 1) // L).to(tl.int32)
    x, tail, found = open_segment(words, begin, steps)
    base = words + begin + H
    at = size * 0
    for step in range(steps - tail):
        place = first + step * L + lane
        symbol, x = _take(x, place, lane >= 0, lookup, spans, index, bits, packed, indexed)
        tl.store(out + place, symbol.to(tl.uint8))
        x, at = refill(x, base, at, size)
    found |= tl.where(at != size, WORDS, 0)
    x -= 65536
    for step in range(steps - tail, steps):
        place = first + step * L + lane
        active = place < count
        symbol, after = _take(x, place, active, lookup, spans, index, bits, packed, indexed)
        tl.store(out + place, symbol.to(tl.uint8), mask=active)
        x = tl.where(active, after, x)
    found |= tl.where(tl.max((x != 0).to(tl.int32), 0) != 0, END, 0)
    tl.store(status + segment, found)


@triton.jit
def _span(symbols, index, spans, place, active, indexed: tl.constexpr):  # type: ignore[no-untyped-def]
    """(frequency, start) of the symbols at `place`; frequency 1 in lanes that are not active."""
    row = tl.load(symbols + place, mask=active, other=0).to(tl.int32)
    if indexed:
        row += tl.load(index + place, mask=active, other=0).to(tl.int32) * 256
    span = tl.load(spans + row, mask=active, other=65536).to(tl.uint32, bitcast=True)
    return span >> 16, span & 65535


@triton.jit(do_not_specialize=["count"])  # the length of the tensor: no compilation of its own
def encode_kernel(  # type: ignore[no-untyped-def]
    symbols, index, spans, scratch, lengths, status, count, bits: tl.constexpr, indexed: tl.constexpr
):
    """One segment, right-aligned in its part of `scratch`; lengths[s] counts its words beyond states and tail."""
    segment = tl.program_id(0)
    lane = tl.arange(0, L)
    first = segment.to(tl.int64) * S
    steps = ((tl.minimum(count - first, S) + L - 1) // L).to(tl.int32)
    x = tl.zeros([L], tl.uint32)
    tail = steps * 0
    refused = lane * 0
    going = tail + 1
    while going > 0:
        here = (steps - 1 - tail) * L + lane
        active = first + here < count
        freq, start = _span(symbols, index, spans, first + here, active, indexed)
        refused = tl.where(freq == 0, here + 1, refused)
        freq = tl.maximum(freq, 1)
        q = x // freq
        fits = (q >> (32 - bits)) == 0
        after = (q << bits) + (x - q * freq) + start
        fits = (fits & (after < 0xFFFF0000)) | (active == 0)
        going = tl.min(fits.to(tl.int32), 0)
        x = tl.where(active & (going > 0), after, x)
        tail += going
        going = tl.where((tail < steps) & (tail < T), going, 0)
    x += 65536
    end = scratch + (segment.to(tl.int64) + 1) * _C
    written = steps * 0
    for back in range(steps - tail):
        here = (steps - tail - 1 - back) * L + lane
        freq, start = _span(symbols, index, spans, first + here, lane >= 0, indexed)
        refused = tl.where(freq == 0, here + 1, refused)
        freq = tl.maximum(freq, 1)
        full = (x >> (32 - bits)) >= freq
        wanted = full.to(tl.int32)
        written += tl.sum(wanted, 0)
        tl.store(end - written + (tl.cumsum(wanted, 0) - wanted), (x & 65535).to(tl.int16), mask=full)
        x = tl.where(full, x >> 16, x)
        q = x // freq
        x = (q << bits) + (x - q * freq) + start
    base = end - written - H
    tl.store(base + 2 * lane, (x & 65535).to(tl.int16))
    tl.store(base + 2 * lane + 1, (x >> 16).to(tl.int16))
    tl.store(base + 2 * L, tail.to(tl.int16))
    tl.store(lengths + segment, written)
    tl.store(status + segment, tl.max(refused, 0))


@triton.jit
def copy_kernel(scratch, lengths, ends, out):  # type: ignore[no-untyped-def]
    """A block of a segment from its part of `scratch` to its place."""
    segment = tl.program_id(0)
    size = tl.load(lengths + segment) + H
    i = tl.program_id(1) * _B + tl.arange(0, _B)
    word = tl.load(scratch + segment.to(tl.int64) * _C + (_C - size) + i, mask=i < size)
    tl.store(out + (tl.load(ends + segment) - size) + i, word, mask=i < size)
