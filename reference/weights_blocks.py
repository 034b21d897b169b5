"""Blocks of quantised values (GGUF): fields in planes, whose tables are chosen by classes -> the bytes of the blocks.

data   = u8 bytes of a block, planes: for each half its upper bytes, its lower bytes; scales; mins; quants
plane  = u8 method, data         0 the bytes; 1 the one byte that all are; 2 tables, size, a rANS stream
"""

from reference import rans, tables
from reference.stream import Stream, need

RAW, CONSTANT, RANS = range(3)
NEAR = 32
RATIOS = (64, 70, 76, 83, 91, 99, 108, 117, 128, 140, 152, 166, 181, 197, 215)

# bytes of a block: values, where the halves are, (start, groups, width, bits) of the lower and upper bits of the quants, scales
TYPES: dict[int, tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...] | None, str]] = {
    18: (32, (0,), (2, 1, 16, 4), None, ""),
    20: (32, (0, 2), (4, 1, 16, 4), None, ""),
    22: (32, (0,), (6, 1, 16, 4), (2, 4, 1, 1), ""),
    24: (32, (0, 2), (8, 1, 16, 4), (4, 4, 1, 1), ""),
    34: (32, (0,), (2, 1, 32, 8), None, ""),
    84: (256, (80, 82), (16, 2, 32, 2), None, "4+4"),
    110: (256, (108,), (32, 2, 32, 2), (0, 1, 32, 1), "6"),
    144: (256, (0, 2), (16, 4, 32, 4), None, "6+6"),
    176: (256, (0, 2), (48, 4, 32, 4), (16, 1, 32, 1), "6+6"),
    210: (256, (208,), (0, 2, 64, 4), (128, 2, 32, 2), "i8"),
}
SUBS = {"": (0, 0), "4+4": (16, 16), "6": (16, 0), "6+6": (8, 8), "i8": (16, 0)}  # scales and mins in a block


def read_blocks(data: Stream, size: int) -> bytes:
    """Whole blocks, `size` bytes in all."""
    block = data.byte()
    need(block in TYPES and size and size % block == 0, "blocks of an unknown size")
    values, places, low, high, subs = TYPES[block]
    n = size // block
    halves: list[list[int]] = []
    for _ in places:
        known = None
        if halves:
            known = [half >> 7 for half in halves[0]]
            known = [min(value - min(known), 31) for value in known]
        upper = _plane(data, n, known)
        halves.append([a << 8 | b for a, b in zip(upper, _plane(data, n, [min(a - min(upper), 15) for a in upper]), strict=True)])
    scales, mins = (_plane(data, n * count, None) for count in SUBS[subs])
    classes = _classes(halves, scales, mins, 1 << low[3] + (high[3] if high else 0), subs, n)
    each = n * values // len(classes)
    quants = _plane(data, n * values, [value for value in classes for _ in range(each)])
    data.finish()
    many, few = SUBS[subs]
    out = bytearray()
    for i in range(n):
        made = bytearray(block)
        for half, at in zip(halves, places, strict=True):
            made[at : at + 2] = half[i].to_bytes(2, "little")
        mine = quants[i * values : (i + 1) * values]
        need(max(mine) < 1 << low[3] + (high[3] if high else 0), "a quant out of range")
        _put(made, low, mine)
        if high:
            _put(made, high, [quant >> low[3] for quant in mine])
        _put_scales(made, subs, scales[i * many : (i + 1) * many], mins[i * few : (i + 1) * few])
        out += made
    return bytes(out)


def _put(made: bytearray, part: tuple[int, ...], numbers: list[int]) -> None:
    """Numbers of `bits` bits: in each group of `width` bytes, the first `width` numbers lowest, the next above them ..."""
    start, _, width, bits = part
    for i, number in enumerate(numbers):
        group, rest = divmod(i, width * (8 // bits))
        layer, place = divmod(rest, width)
        made[start + group * width + place] |= (number & (1 << bits) - 1) << layer * bits


def _put_scales(made: bytearray, subs: str, scales: list[int], mins: list[int]) -> None:
    if subs == "i8":
        made[192:208] = bytes(scales)
    elif subs == "4+4":
        made[:16] = bytes((scale & 15) | (least << 4 & 255) for scale, least in zip(scales, mins, strict=True))
    elif subs == "6":
        _put(made, (96, 1, 8, 4), [scale & 15 for scale in scales])
        _put(made, (104, 1, 4, 2), [scale >> 4 & 3 for scale in scales])
    elif subs == "6+6":
        for j in range(4):
            made[4 + j] = scales[j] & 63 | scales[4 + j] >> 4 << 6 & 255
            made[8 + j] = mins[j] & 63 | mins[4 + j] >> 4 << 6 & 255
            made[12 + j] = scales[4 + j] & 15 | mins[4 + j] << 4 & 255


def _classes(halves: list[list[int]], scales: list[int], mins: list[int], levels: int, subs: str, n: int) -> list[int]:
    """One class for each sub-block: where zero lies, or how large the scale is among its neighbours."""
    each = len(scales) // n or 1
    signed = {"i8": lambda value: (value ^ 128) - 128, "6": lambda value: value - 32}.get(subs, lambda value: value)
    found = [_integer(halves[0][i // each]) * (signed(scales[i]) if scales else 1) for i in range(n * each)]
    if len(halves) == 2:
        least = [_integer(halves[1][i // each]) for i in range(n * each)]
        least = [value * mins[i] if mins else -value for i, value in enumerate(least)]
        return [
            max(0, min((lowest * 32 + levels * scale) // (2 * levels * scale), 15)) if scale > 0 else 0
            for lowest, scale in zip(least, found, strict=True)
        ]
    classes = []
    for start in range(0, len(found), NEAR):
        near = [abs(value) for value in found[start : start + NEAR]]
        classes += [sum(value * len(near) * 128 >= sum(near) * ratio for ratio in RATIOS) for value in near]
    return classes


def _integer(bits: int) -> int:
    """A 16-bit float in multiples of 2^-24; the highest exponent is one like the others."""
    exponent, fraction = bits >> 10 & 31, bits & 1023
    value = (fraction | 1024) << exponent - 1 if exponent else fraction
    return -value if bits >> 15 else value


def _plane(data: Stream, n: int, classes: list[int] | None) -> list[int]:
    """n bytes."""
    if not n:
        return []
    method = data.byte()
    need(method <= RANS, f"a field has the unknown method {method}")
    if method == RAW:
        return list(data.take(n))
    if method == CONSTANT:
        return [data.byte()] * n
    packed = tables.unpack(data)
    need(not packed.escape and not any(packed.first) and all(len(row) <= 256 for row in packed.freqs), "no tables of bytes")
    many = len(packed.freqs) > 1
    need(not many or (classes is not None and max(classes) < len(packed.freqs)), "a class without a table")
    return rans.decode(data.piece(), packed, classes if many else None, n)[0]
