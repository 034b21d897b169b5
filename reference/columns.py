"""Columns: numbers of one type, as a tree of forms.

node    = u8 form, its data; type and shape are known (128 in the first form: there may be mixed nodes)
numbers are LEB128, wide numbers two of them: the lower 32 bits first
0 STORED  the bytes           1 CONSTANT  one element         2 PARTS   a node for each index of the last axis
3 NUMBERS number 2 * dropped + order, steps, bins (below)       4 MIXED  the same number, size, see `columns_mixed`
5 BYTES   size, payload of codec `bytes`                        6 BOUNDED  see `columns_bounded`
7 STEPS   wide base, wide step, width, node        8 MULTIPLES  inverse, f64 factor, wide base, width, node, node
9 DISTINCT number, node, width, node     10 RUNS  number, node, width, node     11 GAPS  an element, node of u8, node
12 PLANES a node of u8 for each byte of an element

An array is a list of the bits of its elements, in C order; `Kind` is "u", "i" or "f" and bytes.
"""

import math
import struct

from reference import bytes_codec, columns_bounded, columns_mixed, rans, tables
from reference.columns_steps import restored
from reference.stream import Stream, need

STORED, CONSTANT, PARTS, NUMBERS, MIXED, BYTES, BOUNDED, STEPS, MULTIPLES, DISTINCT, RUNS, GAPS, PLANES = range(13)

Kind = tuple[str, int]


def decode(payload: bytes, kind: Kind, shape: tuple[int, ...]) -> list[int]:
    """The bits of each element."""
    data = Stream(payload)
    found = read_node(data, kind, shape)
    data.finish()
    return found


def read_node(data: Stream, kind: Kind, shape: tuple[int, ...], depth: int = 0) -> list[int]:
    """One node."""
    need(depth <= 8, "nodes that are nested too deeply")
    form, n, size = data.byte() % 128, math.prod(shape), kind[1]
    if form == STORED or not n:
        return [data.uint(size) for _ in range(n)]
    if form == CONSTANT:
        return [data.uint(size)] * n
    if form == BYTES:
        content = Stream(bytes_codec.decode(data.piece(), n * size))
        return [content.uint(size) for _ in range(n)]
    if form == MIXED:
        dropped, order = divmod(data.number(), 2)
        latents = [int(latent) for latent in columns_mixed.decode(data.piece(), size, n)]
        return [latent << dropped if order else _unordered(latent, kind, dropped) for latent in latents]
    if form == BOUNDED:
        content = Stream(columns_bounded.decode(data.rest(), size, shape))
        return [content.uint(size) for _ in range(n)]
    if form == NUMBERS:
        return _numbers(data, kind, n)
    if form == PARTS:
        need(len(shape) > 1, "parts of an array without a second axis")
        parts = [read_node(data, kind, shape[:-1], depth + 1) for _ in range(shape[-1])]
        return [part[i] for i in range(n // shape[-1]) for part in parts]
    if form == PLANES:
        planes = [read_node(data, ("u", 1), (n,), depth + 1) for _ in range(size)]
        return [sum(plane[i] << 8 * place for place, plane in enumerate(planes)) for i in range(n)]
    if form == GAPS:
        value = data.uint(size)
        gaps = read_node(data, ("u", 1), (n,), depth + 1)
        others = iter(read_node(data, kind, (sum(not gap for gap in gaps),), depth + 1))
        return [value if gap else next(others) for gap in gaps]
    if form == STEPS:
        base, step = _wide(data), _wide(data)
        return [(base + step * q) % (1 << 8 * size) for q in _unsigned(data, shape, depth)]
    if form == MULTIPLES:
        return _multiples(data, kind, shape, depth)
    need(form in (DISTINCT, RUNS), f"the unknown form {form}")
    count = data.number()
    need(1 <= count <= n, "an impossible number of values")
    if form == DISTINCT:
        values = [_unordered(value, kind) for value in read_node(data, ("u", size), (count,), depth + 1)]
        return [values[place] for place in _unsigned(data, shape, depth)]
    values = read_node(data, kind, (count,), depth + 1)
    lengths = _unsigned(data, (count,), depth)
    found = [value for value, length in zip(values, lengths, strict=True) for _ in range(length + 1)]
    need(len(found) == n, "runs of another number of values")
    return found


def _unsigned(data: Stream, shape: tuple[int, ...], depth: int) -> list[int]:
    """A node of unsigned integers; the bytes of each stand before it."""
    width = data.number()
    need(width in (1, 2, 4, 8), "an impossible width")
    return read_node(data, ("u", width), shape, depth + 1)


def _wide(data: Stream) -> int:
    low = data.number()
    return low + (data.number() << 32)


def _numbers(data: Stream, kind: Kind, n: int) -> list[int]:
    """Bins, what predictors say, then the order of values or their bits without the lowest."""
    dropped, order = divmod(data.number(), 2)
    width = 8 * kind[1]
    need(dropped < width, "values without bits")
    steps = []
    for _ in range(data.number()):
        step = [data.number(), data.number()]
        steps.append((*step, data.number()) if step[0] == 2 else (*step, 0))
    latents = restored(_bins(data, n, width), steps, width)
    if order == 1:
        return [latent << dropped for latent in latents]
    return [_unordered(latent, kind, dropped) for latent in latents]


def _bins(data: Stream, n: int, width: int) -> list[int]:
    """Their number - 1; of each, the wide gap to the one before and the bits of a place; tables and a stream if there are more.

    Then a size and the places: their bits, the lowest first, one after the other.
    """
    lowest, widths, end = [], [], 0
    for _ in range(data.number() + 1):
        lowest.append(end + _wide(data))
        widths.append(data.number())
        need(lowest[-1] < 1 << width and widths[-1] <= width, "a bin outside its type")
        end = lowest[-1] + 1
    symbols = [0] * n
    if len(lowest) > 1:
        table = tables.unpack(data)
        symbols = rans.decode(data.piece(), table, None, n)[0]
    places = data.piece()
    bits, at, out = int.from_bytes(places, "little"), 0, []
    for symbol in symbols:
        out.append((lowest[symbol] + (bits >> at & (1 << widths[symbol]) - 1)) % (1 << width))
        at += widths[symbol]
    need(len(places) == (at + 7) // 8, "places of another size")
    return out


def _multiples(data: Stream, kind: Kind, shape: tuple[int, ...], depth: int) -> list[int]:
    need(kind[0] == "f", "multiples of a float that are none")
    inverse, factor, base = data.number(), struct.unpack("<d", data.take(8))[0], _wide(data)
    whole = _unsigned(data, shape, depth)
    far = read_node(data, ("u", kind[1]), shape, depth + 1)
    out = []
    for q, distance in zip(whole, far, strict=True):
        number = (q + base + (1 << 63)) % (1 << 64) - (1 << 63)
        near = _ordered(_rounded(number / factor if inverse else number * factor, kind[1]), kind)
        out.append(_unordered((near + distance) % (1 << 8 * kind[1]), kind))
    return out


def _rounded(value: float, size: int) -> int:
    """The bits of the float of this many bytes nearest to a double."""
    code = {2: "<e", 4: "<f", 8: "<d"}[size]
    try:
        return int.from_bytes(struct.pack(code, value), "little")
    except OverflowError:
        return int.from_bytes(struct.pack(code, math.copysign(math.inf, value)), "little")


def _ordered(bits: int, kind: Kind) -> int:
    top = 1 << 8 * kind[1] - 1
    return bits ^ (2 * top - 1 if kind[0] == "f" and bits & top else top if kind[0] != "u" else 0)


def _unordered(latent: int, kind: Kind, dropped: int = 0) -> int:
    """Signed integers have their sign bit flipped, negative floats all bits, other floats the sign bit."""
    top = 1 << 8 * kind[1] - dropped - 1
    if kind[0] == "f" and not latent & top:
        return (latent ^ (2 * top - 1)) << dropped
    return (latent ^ (top if kind[0] != "u" else 0)) << dropped
