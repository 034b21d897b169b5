"""Error-bounded floats: a field of doubles is restored level by level, each point from a prediction and a coded residual.

    payload = u8 flags (1 relative, 2 marks, 4 signs, 8 all negative, 16 misses), [marks], [signs], [misses], field
    marks = number of different special values, these, number of listed ones, their bytes (zstd), plane
    signs = plane
    misses = number m, number width, distances[m] (zstd), values[m] (zstd), both as planes of bytes
    field = f64 step, number of exact values, f64 exact values, u8 kind, [f64 origin], stencils, number of bytes of decisions,
            these, raw bits

A value is the field's, or a special one, or a missed one. Under a relative bound the field holds the bits of magnitudes.
"""

import math
import struct
from dataclasses import dataclass

from reference import columns_stencils as stencils
from reference.bytes_codec import unzstd
from reference.columns_decisions import Decisions, RawBits
from reference.columns_stencils import Box, Pass
from reference.columns_stencils import passes as all_passes
from reference.stream import Stream, need

RELATIVE, MARKS, SIGNS, NEGATIVE, MISSES = 1, 2, 4, 8, 16
LISTED = 255
FORMATS = {2: "e", 4: "f", 8: "d"}
MOST = {2: 65504.0, 4: (2 - 2.0**-23) * 2.0**127, 8: (2 - 2.0**-52) * 2.0**1023}
MOST_BITS = {2: 0x7BFF, 4: 0x7F7FFFFF, 8: 0x7FEFFFFFFFFFFC00}
FINER = (1.0, 1.25, 1.5)
BUCKETS, NODES = 40, 64
SMALL, LENGTH, UPPER = 1, 2, 31
LARGEST, LONGEST, FULL, HUGE, TINY = 1 << 29, 29, 65535, 1e300, 2.0**-960


def decode(payload: bytes, size: int, shape: tuple[int, ...]) -> bytes:
    """The values, little-endian, of `size` bytes each."""
    n = math.prod(shape)
    if not n:
        need(not payload, "values for an array without any")
        return b""
    data, axes = Stream(payload), four_axes(shape)
    flags = data.byte()
    need(flags < 32 and flags & 12 in ((0, SIGNS, NEGATIVE) if flags & RELATIVE else (0,)), "unknown flags")
    marks, special = _marks(data, size, axes) if flags & MARKS else ([0] * n, [])
    signs = plane(data, axes) if flags & SIGNS else [flags & NEGATIVE] * n
    missed = _misses(data, size, n) if flags & MISSES else {}
    field = _field(data, marks, axes)
    out, rest = [], iter(special)
    for i in range(n):
        if i in missed:
            out.append(missed[i])
        elif marks[i]:
            out.append(next(rest))
        else:
            out.append(_value(field[i], size, bool(flags & RELATIVE), bool(signs[i])))
    return b"".join(out)


def _value(x: float, size: int, relative: bool, negative: bool) -> bytes:
    if relative:
        bits = round(min(max(0.0 if math.isnan(x) else x, 1.0), MOST_BITS[size]))  # halves to even
        return (bits | negative << 8 * size - 1).to_bytes(size, "little")
    return _rounded(min(max(x, -MOST[size]), MOST[size]), size)


def _rounded(x: float, size: int) -> bytes:
    return struct.pack("<" + FORMATS[size], x)


def _marks(data: Stream, size: int, axes: tuple[int, ...]) -> tuple[list[int], list[bytes]]:
    table = [data.take(size) for _ in range(data.number())]
    listed = _zstd(data, count := data.number(), size)
    marks = plane(data, axes)
    need(len(table) < LISTED and marks.count(LISTED) == count, "marks that do not fit the special values")
    need(all(mark == LISTED or mark <= len(table) for mark in marks), "marks that do not fit the special values")
    rest = iter(listed[i : i + size] for i in range(0, len(listed), size))
    return marks, [next(rest) if mark == LISTED else table[mark - 1] for mark in marks if mark]


def _misses(data: Stream, size: int, n: int) -> dict[int, bytes]:
    count, width = data.number(), data.number()
    need(0 < count <= n and width in (4, 8), "an impossible number of exact values")
    distances = [int.from_bytes(word, "little") for word in _words(_zstd(data, count, width), count)]
    places, at = [], -1
    for distance in distances:
        at += distance + 1
        places.append(at)
    need(at < n, "exact values behind the end")
    return dict(zip(places, _words(_zstd(data, count, size), count), strict=True))


def _words(planes: bytes, count: int) -> list[bytes]:
    return [planes[i::count] for i in range(count)]


def _zstd(data: Stream, count: int, size: int) -> bytes:
    """Bytes of a known number: the size of a zstd frame and the frame, or 0 and the bytes."""
    length = data.number()
    content = unzstd(data.take(length), count * size) if length else data.take(count * size)
    need(len(content) == count * size, "a zstd frame of the wrong size")
    return content


def plane(data: Stream, axes: tuple[int, ...]) -> list[int]:
    """Small numbers, each told by those before and above, in its layer and in the one before."""
    bits, row, layer, out = Decisions(data.piece()), axes[3], axes[2] * axes[3], list[int]()
    for i in range(math.prod(axes)):
        before = out[i - 1] if i else 0
        above = out[i - row] if i >= row else before
        corner = (out[i - row + 1] if row > 1 else 0) if i >= row else before
        under = out[i - layer] if i >= layer else above
        alike = (before == above) | (before == corner) << 1 | (before == under) << 2 | min(before, 7) << 3
        if bits.bit(alike):
            out.append(before)
        elif above != before and bits.bit(64 + alike):
            out.append(above)
        else:
            found = 1
            for _ in range(8):
                found = found << 1 | bits.bit(128 + found)
            out.append(found & 255)
    bits.finish()
    return out


@dataclass
class State:
    """What all passes share."""

    field: list[float]
    sizes: list[int]
    marks: list[int]
    origin: float | None
    exact: list[float]
    bits: Decisions
    raws: RawBits


def _field(data: Stream, marks: list[int], axes: tuple[int, ...]) -> list[float]:
    n = len(marks)
    step = struct.unpack("<d", data.take(8))[0]
    need(0 < step < math.inf, "a step that is no positive number")
    exact = list(struct.unpack(f"<{(count := data.number())}d", data.take(8 * count)))
    kind = data.byte()
    need(kind < 16 and (finer := kind >> 1 & 3) < len(FINER), "levels of an unknown kind")
    origin = struct.unpack("<d", data.take(8))[0] if kind & 8 else None
    order = all_passes(axes)
    read = [stencils.read(data, of, bool(kind & 1)) for of in order]
    state = State([0.0] * n, [0] * n, marks, origin, exact[::-1], Decisions(data.piece()), RawBits(data.rest()))
    steps, factor = [], 1.0
    for _ in order:
        steps.append(step / factor)
        factor = min(factor * FINER[finer], 2.0)
    for of, (edge, of_boxes) in zip(order, read, strict=True):
        for box, stencil in zip(of.boxes(), of_boxes, strict=True):
            _box(state, of, box, edge, stencil, steps[of.level])
    need(not state.exact, "exact values that nobody read")
    state.bits.finish()
    state.raws.finish()
    return state.field


def _box(state: State, of: Pass, box: Box, edge: int, stencil: list[tuple[int, float]], step: float) -> None:
    own, sides = box.own(), box.sides()
    scale = 8 * 65536 // max(1, 2 * len(own) + len(sides))
    for index in box.points():
        at = of.place(index)
        guess = 0.0
        for offset, weight in stencil:  # in this order, each product and each sum rounded
            guess += weight * state.field[at + offset]
        if not stencil:
            guess = stencils.edge_guess(state.field, of, edge, index)
        if not TINY <= abs(guess) < HUGE:
            guess = 0.0
        if state.origin is not None:
            guess = state.origin + math.floor((guess - state.origin) * (1.0 / step) + 0.5) * step
        if state.marks[at]:
            state.field[at] = guess
            continue
        activity = sum(2 * state.sizes[at + offset] for offset in own)
        activity += sum(min(state.sizes[at + one], state.sizes[at + two]) for one, two in sides)
        residual = _residual(state, of.chances() * BUCKETS + _bucket(activity * scale >> 16), _bucket(activity * scale >> 16))
        state.sizes[at] = min(abs(residual), FULL)
        if abs(residual) < LARGEST:
            state.field[at] = guess + residual * step
        else:
            need(state.exact, "too few exact values")
            state.field[at] = state.exact.pop()


def _bucket(value: int) -> int:
    """Two an octave."""
    if value < 2:
        return value
    length = value.bit_length() - 1
    return min(2 * length + (value >> length - 1 & 1), BUCKETS - 1)


def _residual(state: State, context: int, bucket: int) -> int:
    node, below = context * NODES, max(bucket >> 1, 4) - 4
    small = not below or state.bits.bit(node + SMALL)
    if small and state.bits.bit(node):
        return 0
    value, rest = 0, below
    if not small or not below:
        length = 0
        while length + below < LONGEST and state.bits.bit(node + LENGTH + length):
            length += 1
        value, at = 1, node + UPPER + 3 * min(length - 1, 10)
        for _ in range(min(length, 2)):
            bit = state.bits.bit(at)
            value, at = value << 1 | bit, at + 1 + bit
        rest += max(length - 2, 0)
    bits = state.raws.take(rest + 1)
    value = value << rest | bits % (1 << rest)
    return -value if bits >> rest else value


def four_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with four axes: those of length 1 are dropped, the first ones of too many become one."""
    wide = [n for n in shape if n != 1]
    if len(wide) > 4:
        wide = [math.prod(wide[: len(wide) - 3]), *wide[len(wide) - 3 :]]
    return (*[1] * (4 - len(wide)), *wide)
