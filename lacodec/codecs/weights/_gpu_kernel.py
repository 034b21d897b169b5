"""Triton kernel of `gpu.py`: the values of one segment, from its rANS stream and the planes beside it straight to their places.

One program is one warp. A step decodes 64 symbols, mostly of one code, which are a block of the planes: lane j has field j.

    words -> states -> 64 codes -> | base, shift | -> high bits  |
    planes ------------------------> 64 bytes -> masks, shifts ->| -> 64 values -> out[place of the piece that each is in]

Tables that say where all this is (i64, one row for a segment or a group) come from `_gpu_plan.py`, which checks that nothing
lies outside its array. What a stream says indexes nothing that it could leave: slots are masked, symbols are bytes, and words
beyond a segment's own are not read.
"""

from lacodec.codecs.weights._gpu_plan import GROUP_COLUMNS, LIST_BITS, PART_COLUMNS, SEGMENT_COLUMNS
from lacodec.entropy.gpu_kernels import END, WORDS, H, L, open_segment, refill
from lacodec.kernels.triton import tl, triton

_SEGMENT: "tl.constexpr" = tl.constexpr(SEGMENT_COLUMNS)
_GROUP: "tl.constexpr" = tl.constexpr(GROUP_COLUMNS)
_PART: "tl.constexpr" = tl.constexpr(PART_COLUMNS)
_LIST: "tl.constexpr" = tl.constexpr(LIST_BITS)


@triton.jit
def decode_values(  # type: ignore[no-untyped-def]
    words, planes, segments, groups, lookup, spans, starts, shifts, counts, keys, places, out, status,
    parts: tl.constexpr, listing: tl.constexpr, halves: tl.constexpr,
):  # fmt: skip
    """Segment s by segments[s], with `parts` parts of fields; listing: code 0 is noted, since its high bits are listed apart.

    halves: codes in a symbol. With two (short codes) a step is two blocks: lane j has j % 32 and j % 32 + 32 of block j // 32.
    """
    row = segments + tl.program_id(0).to(tl.int64) * _SEGMENT
    begin = tl.load(row)
    size = tl.load(row + 1).to(tl.int32)
    count = tl.load(row + 2).to(tl.int32)
    first = tl.load(row + 3)
    piece = tl.load(row + 4).to(tl.int32)
    number = tl.load(row + 5)
    symbols = tl.load(row + 6).to(tl.int32)
    group = groups + number * _GROUP
    bits = tl.load(group).to(tl.uint32)
    high = (tl.load(group + 2).to(tl.uint32), tl.load(group + 3).to(tl.uint32), tl.load(group + 4).to(tl.uint32))
    crossings = tl.load(group + 5).to(tl.int32)
    look = lookup + tl.load(group + 1)
    span = spans + number * 256
    lane = tl.arange(0, L)
    own = lane if halves == 1 else lane // 32 * 64 + lane % 32
    fields = _fields(planes, group, first, parts, halves)
    piece = piece + lane * 0
    stop = _stop(starts, piece, first, lane >= 0)
    shift = first + tl.load(shifts + piece)
    steps = (symbols + L - 1) // L
    x, tail, found = open_segment(words, begin, steps)
    base = words + begin + H
    at = size * 0
    for step in range(steps - tail):
        symbol, x = _take(x, look, span, bits)
        for half in tl.static_range(halves):
            local = own + step * (L * halves) + 32 * half
            code = symbol if halves == 1 else (symbol >> (4 * half)) & 15
            piece, stop, shift = _advance(local, piece, stop, shift, starts, shifts, crossings, first)
            value = _value(code, high) | _rest(fields, half, step * halves, lane >= 0, parts)
            tl.store(out + (shift + local), value.to(out.dtype.element_ty))
            if listing:
                _note(code == 0, number, group, first + local, shift + local, counts, keys, places)
        x, at = refill(x, base, at, size)
    found |= tl.where(at != size, WORDS, 0)
    x -= 65536
    for step in range(steps - tail, steps):
        symbol, after = _take(x, look, span, bits)
        for half in tl.static_range(halves):
            local = own + step * (L * halves) + 32 * half
            active = local < count
            code = symbol if halves == 1 else (symbol >> (4 * half)) & 15
            piece, stop, shift = _advance(local, piece, stop, shift, starts, shifts, crossings, first)
            value = _value(code, high) | _rest(fields, half, step * halves, active, parts)
            tl.store(out + (shift + local), value.to(out.dtype.element_ty), mask=active)
            if listing:
                _note((code == 0) & active, number, group, first + local, shift + local, counts, keys, places)
        x = tl.where(lane < symbols - step * L, after, x)
    found |= tl.where(tl.max((x != 0).to(tl.int32), 0) != 0, END, 0)
    tl.store(status + tl.program_id(0), found)


@triton.jit
def _take(x, look, span, bits):  # type: ignore[no-untyped-def]
    """(symbol, new state) of every lane."""
    slot = x & ((tl.full([], 1, tl.uint32) << bits) - 1)
    symbol = tl.load(look + slot.to(tl.int32)).to(tl.uint32)
    found = tl.load(span + symbol.to(tl.int32)).to(tl.uint32, bitcast=True)
    return symbol, (found >> 16) * (x >> bits) + slot - (found & 65535)


@triton.jit
def _value(code, high):  # type: ignore[no-untyped-def]
    """The high bits of the values, in their place, and the sign where all have the same."""
    base, shift, fixed = high
    return tl.where(code == 0, 0, (code + base) << shift) | fixed


@triton.jit
def _fields(planes, group, first, parts: tl.constexpr, halves: tl.constexpr):  # type: ignore[no-untyped-def]
    """Of each part of each half: where a lane finds its byte at first, bytes of a block, and how the byte becomes bits."""
    lane = tl.arange(0, L)
    found = ()
    for half in tl.static_range(halves):
        mine = lane if halves == 1 else lane % 32 + 32 * half
        block = lane * 0 if halves == 1 else lane // 32
        for part in tl.static_range(parts):
            row = group + 8 + part * _PART
            width = tl.load(row + 1).to(tl.int32)
            single = width == 1
            byte = tl.where(single, mine // 8, mine & (8 * width - 1)) + block * (8 * width)
            move = tl.where(single, mine & 7, mine // (8 * width) * width)
            plane = planes + (tl.load(row) + first // 8 * width)
            masks = (tl.load(row + 3).to(tl.uint32), tl.load(row + 5).to(tl.uint32))
            places = (tl.load(row + 2).to(tl.uint32), tl.load(row + 4).to(tl.uint32))
            found = found + ((plane + byte, 8 * width, move.to(tl.uint32), masks, places),)  # type: ignore[assignment]  # noqa: RUF005
    return found


@triton.jit
def _rest(fields, half: tl.constexpr, block, active, parts: tl.constexpr):  # type: ignore[no-untyped-def]
    """The bits of the values that are in planes, `block` blocks from the first."""
    value = active.to(tl.uint32) * 0
    for part in tl.static_range(parts):
        plane, size, move, masks, places = fields[half * parts + part]
        field = tl.load(plane + block * size, mask=active, other=0).to(tl.uint32) >> move
        value |= ((field & masks[0]) << places[0]) | ((field & masks[1]) << places[1])
    return value


@triton.jit
def _stop(starts, piece, first, active):  # type: ignore[no-untyped-def]
    """Where the piece of each lane ends, counted from the first value of the segment."""
    end = tl.load(starts + piece + 1, mask=active, other=0) - first
    return tl.minimum(end, 1 << 20).to(tl.int32)


@triton.jit
def _advance(local, piece, stop, shift, starts, shifts, crossings, first):  # type: ignore[no-untyped-def]
    """(piece, its end, what leads from a value's number to its place) for the values `local` of the segment."""
    for _ in range(crossings):
        crossed = local >= stop
        piece += crossed.to(tl.int32)
        stop = tl.where(crossed, _stop(starts, piece, first, crossed), stop)
        shift = tl.where(crossed, first + tl.load(shifts + piece, mask=crossed, other=0), shift)
    return piece, stop, shift


@triton.jit
def _note(chosen, number, group, value, place, counts, keys, places):  # type: ignore[no-untyped-def]
    """Append the chosen values to the group's list, in any order: the group and the number of the value, and its place."""
    begin = tl.load(group + 6)
    room = tl.load(group + 7)
    own = tl.atomic_add(counts + number + value * 0, 1, mask=chosen).to(tl.int64)
    kept = chosen & (own < room)
    tl.store(keys + begin + own, (number << _LIST) | value, mask=kept)
    tl.store(places + begin + own, place, mask=kept)
