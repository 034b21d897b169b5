"""Floating-point values as codes and planes.

    value = sign | magnitude | zeros[drop]             zeros: the lowest bits that no value has set
    magnitude = high | low[bits]                       high: the exponent and the first bits of the mantissa
    code = high - base, where that is 1..255 (short codes: 1..15); else 0, and the high bits are listed apart unless all are 0
    low bits, and the sign above them where not all are the same: fields of 8, 4, 2 or 1 bits, the lowest first; a plane each

    group = u8 bytes of a value (2, 4, 8), u8 drop, u8 bits, u8 sign (0, 1: of all values; 2: stored; 4 more: short codes),
            number base, number listed, u16 high bits[listed] as a plane, codes as a plane, each field as a plane

Short codes are fields of 4 bits in their plane, so that two are coded as one symbol: half the work, for a little size.

A plane ends after its last field: blocks of 64 fields are laid out as in `_vectors`, and of the last one only the
bytes are kept that hold a field.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights import _kernel
from lacodec.codecs.weights._floats_kernel import TILE_BYTES, WALK, split
from lacodec.codecs.weights._pieces import Part
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch

MANTISSAS = {"F64": (8, 52), "F32": (4, 23), "F16": (2, 10), "BF16": (2, 7)}
"""Bytes of a value and bits of its mantissa, by type."""

BLOCK = 64
_STORED = 2  # sign
_SHORT = 4  # added to the sign
_SHORT_LOSS = 0.01  # share of a group's bits that short codes may cost, by counts that may be estimates
_SHORT_LEAST = 1 << 16  # values
KINDS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Layout:
    """How values are taken apart (see above)."""

    size: int
    drop: int
    bits: int
    sign: int
    base: int
    code_bits: int = 8

    @property
    def magnitude(self) -> int:
        """Bits of the magnitude."""
        return 8 * self.size - 1 - self.drop

    @property
    def high_mask(self) -> int:
        """Of the high bits, moved down."""
        return (1 << (self.magnitude - self.bits)) - 1

    def fields(self) -> NDArray[np.uint64]:
        """u64[fields, 5]: the ops of `merge`."""
        return fields_of(self.size, self.drop, self.bits, self.sign)

    def numbers(self) -> NDArray[np.uint64]:
        """u64[6]: the layout of `merge`."""
        found = (self.size, self.code_bits, self.base, self.drop + self.bits, self.high_mask, self.sign == 1)
        return np.array(found, np.uint64)


@lru_cache(maxsize=64)
def fields_of(size: int, drop: int, bits: int, sign: int) -> NDArray[np.uint64]:
    stored = bits + (sign == _STORED)
    ops, at = [], 0
    while at < stored:
        width = min(8, 1 << ((stored - at).bit_length() - 1))
        has_sign = sign == _STORED and at + width == stored
        mask = (1 << width) - 1 >> has_sign
        bit = mask + 1 if has_sign else 0
        ops.append((width, min(at + drop, 8 * size - 1), mask, 8 * size - width if has_sign else 0, bit))
        at += width
    return readonly(np.array(ops, np.uint64).reshape(-1, 5))


def encode_floats(
    part: Part, mantissa: int, counts: NDArray[np.int64], extra: int, quick: bool = False, short: bool = False
) -> Writer:
    """The group for values (u16, u32 or u64, as `counts` says; at least one) with that many bits of mantissa.

    counts: i64[...], how often each exponent with the `extra` upper bits of the mantissa after it occurs, whatever the sign.
    quick: the counts are estimates; short: short codes are welcome.
    """
    layout, counted = _choose(part, mantissa, counts, extra, short)
    shortened = layout.code_bits == 4
    codes, planes, highs = _split(part, layout)
    out = Writer()
    out.write(bytes([layout.size, layout.drop, layout.bits, layout.sign + (_SHORT if shortened else 0)]))
    out.number(layout.base)
    out.number(len(highs))
    listed = highs.astype("<u2", copy=False).view(np.uint8)
    encode_plane(out, listed, stored=quick or shortened)  # so few that coding them would only take time
    encode_plane(out, codes, None if quick or shortened else counted, quick=shortened)
    for plane in planes:
        encode_plane(out, plane)
    return out


def read_layout(reader: Reader, size: int) -> tuple[Layout, NDArray[np.uint16]]:
    """The part before the codes in a group of `size` bytes: the layout, and the high bits that are listed."""
    width, drop, bits, sign = reader.take(4)
    layout = Layout(width, drop, bits, sign & ~_SHORT, reader.number(), 4 if sign & _SHORT else 8)
    if width not in KINDS or layout.sign > _STORED or layout.magnitude <= bits or layout.base >= 1 << 16 or size % width:
        raise CorruptFile("its floating-point values are laid out in an impossible way")
    listed = reader.number()
    if listed > size // width:
        raise CorruptFile("it lists more high bits than it has values")
    return layout, decode_plane(reader, 2 * listed).view("<u2")


def plane_size(n: int, width: int) -> int:
    """Bytes of a plane of n fields."""
    rest = n % BLOCK
    last = -(-rest // 8) if width == 1 else min(rest, 8 * width)
    return n // BLOCK * 8 * width + last


def _choose(part: Part, mantissa: int, counts: NDArray[np.int64], extra: int, short: bool) -> tuple[Layout, NDArray[np.int64]]:
    """(layout that takes the fewest bits, or nearly so with short codes; counts of its codes, unless they are short)."""
    size = (len(counts).bit_length() - extra + mantissa) // 8
    drop, sign = _common(part, mantissa, size)
    n, codes = part.size // size, np.empty(256, np.int64)
    kept, base, cost = _kernel.choose(counts, extra, mantissa - drop, n, 255, codes)
    layout = Layout(size, drop, mantissa - drop - int(kept), sign, int(base))
    if short and n >= _SHORT_LEAST:
        most = (cost + n) * (1 + _SHORT_LOSS) - n  # of n signs, too
        kept, base, cost = _kernel.choose(counts, extra, mantissa - drop, n, 15, np.empty(16, np.int64))
        if cost < most:
            return Layout(size, drop, mantissa - drop - int(kept), sign, int(base), 4), codes
    return layout, codes


def _common(part: Part, mantissa: int, size: int) -> tuple[int, int]:
    """(drop, sign) of the layout: the properties that all values share."""
    top = 8 * size - 1
    for some in (part.head, part.content):  # a few usually suffice to see that nothing is common
        values = some().view(f"<u{size}")
        low, high = int(np.bitwise_or.reduce(values)), int(np.bitwise_and.reduce(values))
        if low & 1 and (low ^ high) >> top:
            return 0, _STORED
    drop = min((low & -low).bit_length() - 1 if low else top, mantissa)
    return drop, high >> top if (low ^ high) >> top == 0 else _STORED


def _split(part: Part, layout: Layout) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]], NDArray[np.uint16]]:
    """Codes, planes and listed high bits of the values."""
    n, fields = part.size // layout.size, layout.fields()
    widths = [layout.code_bits, *fields[:, 0].tolist()]
    planes = [scratch(-(-n // BLOCK) * 8 * width) for width in widths]
    data, places, numbers = readonly(part.data), addresses(planes), layout.numbers()
    for room in (n // 64 + BLOCK, n):  # usually few or none are listed
        highs = np.empty(room, np.uint16)
        found, some = split(
            data, part.runs, part.choices, part.group, np.uint64(n), places, fields, numbers, highs,
            KINDS[layout.size](0), *workspace(),
        )  # fmt: skip
        if found <= room or not some:
            break
    codes, *others = (plane[: plane_size(n, width)] for plane, width in zip(planes, widths, strict=True))
    return codes, others, highs[: int(found) if some else 0]


def workspace() -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    return np.empty(TILE_BYTES, np.uint8), np.zeros(WALK, np.uint64)


def addresses(planes: list[NDArray[np.uint8]]) -> NDArray[np.uint64]:
    return np.array([plane.__array_interface__["data"][0] for plane in planes], np.uint64)
