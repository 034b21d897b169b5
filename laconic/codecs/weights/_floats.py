"""Floating-point values as codes and planes.

    value = sign | magnitude | zeros[drop]             zeros: the lowest bits, where all values have none set
    magnitude = high | low[bits]                       high: the exponent and the first bits of the mantissa
    code = high - base, where that is 1..255; else 0, and the high bits are listed apart unless they are all 0
    low bits, and the sign above them where not all are the same: fields of 8, 4, 2 or 1 bits, the lowest first; a plane each

    group = u8 bytes of a value (2, 4, 8), u8 drop, u8 bits, u8 sign (0, 1: of all values; 2: stored), number base,
            number listed, u16 high bits[listed] as a plane, codes as a plane, each field as a plane

A plane ends after its last field that there is: blocks of 64 fields are laid out as in `_vectors`, and of the last one only the
bytes are kept that hold a field.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laconic.codecs.weights import _kernel
from laconic.codecs.weights._numbers import Reader, Writer
from laconic.codecs.weights._planes import decode_plane, encode_plane
from laconic.codecs.weights._scratch import scratch
from laconic.entropy._rans_dispatch import readonly
from laconic.errors import CorruptFile

MANTISSAS = {"F64": (8, 52), "F32": (4, 23), "F16": (2, 10), "BF16": (2, 7)}
"""Bytes of a value and bits of its mantissa, by type."""

_BLOCK = 64
_STORED = 2  # sign
_FEW = 1024
_KINDS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Layout:
    """How values are taken apart (see above)."""

    size: int
    drop: int
    bits: int
    sign: int
    base: int

    @property
    def magnitude(self) -> int:
        """Bits of the magnitude."""
        return 8 * self.size - 1 - self.drop

    @property
    def high_mask(self) -> int:
        """Of the high bits, moved down."""
        return (1 << (self.magnitude - self.bits)) - 1

    def fields(self) -> NDArray[np.uint64]:
        """u64[fields, 5]: the ops of `_kernel.merge`."""
        stored = self.bits + (self.sign == _STORED)
        ops, at = [], 0
        while at < stored:
            width = min(8, 1 << ((stored - at).bit_length() - 1))
            has_sign = self.sign == _STORED and at + width == stored
            mask = (1 << width) - 1 >> has_sign
            sign = mask + 1 if has_sign else 0
            ops.append((width, min(at + self.drop, 8 * self.size - 1), mask, 8 * self.size - width if has_sign else 0, sign))
            at += width
        return np.array(ops, np.uint64).reshape(-1, 5)


def encode_floats(values: NDArray[Any], mantissa: int, counts: NDArray[np.int64], extra: int) -> Writer:
    """The group for values (u16, u32 or u64; at least one) with that many bits of mantissa.

    counts: i64[...], how often each exponent with the `extra` upper bits of the mantissa behind it occurs, whatever the sign.
    """
    layout, counts, listed = _choose(values, mantissa, counts, extra)
    fields = layout.fields()
    codes, planes = _split(values, layout, fields)
    out = Writer()
    out.write(bytes([layout.size, layout.drop, layout.bits, layout.sign]))
    out.number(layout.base)
    _list_highs(out, values, codes, layout, listed)
    encode_plane(out, codes, counts)
    for plane in planes:
        encode_plane(out, plane)
    return out


def decode_floats(data: memoryview, out: NDArray[np.uint8]) -> None:
    """Fill out (u8, the bytes of the values) from a group; raises CorruptFile."""
    reader = Reader(data)
    layout, highs = read_layout(reader, len(out))
    size, n = layout.size, len(out) // layout.size
    codes = decode_plane(reader, n)
    fields = layout.fields()
    planes = [decode_plane(reader, plane_size(n, int(width))) for width in fields[:, 0]]
    reader.finish()
    _merge(out, codes, planes, layout, fields)
    if layout.sign == 1:
        _values(out, size)[...] |= _KINDS[size](1 << (8 * size - 1))
    if len(highs):
        _restore_highs(out, codes, highs, layout)


def read_layout(reader: Reader, size: int) -> tuple[Layout, NDArray[np.uint16]]:
    """What comes before the codes in a group of `size` bytes: the layout, and the high bits that are listed."""
    width, drop, bits, sign = reader.take(4)
    layout = Layout(width, drop, bits, sign, reader.number())
    if width not in _KINDS or sign > _STORED or layout.magnitude <= bits or layout.base >= 1 << 16 or size % width:
        raise CorruptFile("its floating-point values are laid out in an impossible way")
    listed = reader.number()
    if listed > size // width:
        raise CorruptFile("it lists more high bits than there are values")
    return layout, decode_plane(reader, 2 * listed).view("<u2")


def plane_size(n: int, width: int) -> int:
    """Bytes of a plane of n fields."""
    rest = n % _BLOCK
    last = -(-rest // 8) if width == 1 else min(rest, 8 * width)
    return n // _BLOCK * 8 * width + last


def _choose(values: NDArray[Any], mantissa: int, counts: NDArray[np.int64], extra: int) -> tuple[Layout, NDArray[np.int64], int]:
    """(layout that takes the fewest bits, counts of its codes, high bits to list)."""
    drop, sign = _common(values, mantissa)
    codes = np.empty(256, np.int64)
    extra, base, listed = _kernel.choose(counts, extra, mantissa - drop, len(values), codes)
    return Layout(values.dtype.itemsize, drop, mantissa - drop - int(extra), sign, int(base)), codes, int(listed)


def _common(values: NDArray[Any], mantissa: int) -> tuple[int, int]:
    """(drop, sign) of the layout: what all values have in common."""
    top = 8 * values.dtype.itemsize - 1
    for part in (values[:_FEW], values):  # a few are mostly enough to see that there is nothing
        low, high = int(np.bitwise_or.reduce(part)), int(np.bitwise_and.reduce(part))
        if low & 1 and (low ^ high) >> top:
            return 0, _STORED
    drop = min((low & -low).bit_length() - 1 if low else top, mantissa)
    return drop, high >> top if (low ^ high) >> top == 0 else _STORED


def _list_highs(out: Writer, values: NDArray[Any], codes: NDArray[np.uint8], layout: Layout, count: int) -> None:
    """The high bits of the `count` values that have code 0 (none, where all of them are 0)."""
    out.number(count)
    places = np.empty(count, np.uint64)
    if count:
        _kernel.zero_places(codes, places)
    highs = (values[places] >> np.uint64(layout.drop + layout.bits)).astype(np.uint64) & np.uint64(layout.high_mask)
    encode_plane(out, highs.astype("<u2").view(np.uint8))


def _restore_highs(out: NDArray[np.uint8], codes: NDArray[np.uint8], highs: NDArray[np.uint16], layout: Layout) -> None:
    places = np.empty(len(highs), np.uint64)
    if _kernel.zero_places(codes, places) != len(highs):
        raise CorruptFile("it lists another number of high bits than it has values for")
    kind = _KINDS[layout.size]
    _values(out, layout.size)[places] |= highs.astype(kind) << kind(layout.drop + layout.bits)


def _values(out: NDArray[np.uint8], size: int) -> NDArray[Any]:
    return out.view(f"<u{size}")


def _split(values: NDArray[Any], layout: Layout, fields: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]]]:
    """Codes and planes of the values."""
    n, data = len(values), readonly(values.view(np.uint8))
    codes = scratch(n)
    planes = [scratch(plane_size(n, int(width))) for width in fields[:, 0]]
    ends = (np.uint64(layout.base), np.uint64(layout.drop + layout.bits), np.uint64(layout.high_mask), _KINDS[layout.size](0))
    whole = n // _BLOCK
    _kernel.split(data, np.uint64(whole), codes, _addresses(planes), fields, *ends)
    if n % _BLOCK:
        rest = np.zeros(_BLOCK * layout.size, np.uint8)
        rest[: n % _BLOCK * layout.size] = data[whole * _BLOCK * layout.size :]
        last_codes, last = np.empty(_BLOCK, np.uint8), [np.empty(_BLOCK, np.uint8) for _ in planes]
        _kernel.split(readonly(rest), np.uint64(1), last_codes, _addresses(last), fields, *ends)
        codes[whole * _BLOCK :] = last_codes[: n % _BLOCK]
        for plane, more, width in zip(planes, last, fields[:, 0].tolist(), strict=True):
            plane[whole * 8 * width :] = more[: len(plane) - whole * 8 * width]
    return codes, planes


def _merge(
    out: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    planes: list[NDArray[np.uint8]],
    layout: Layout,
    fields: NDArray[np.uint64],
) -> None:
    """The inverse of `_split`, but for listed high bits and a sign that is not stored."""
    n = len(codes)
    ends = (fields, np.uint64(layout.base), np.uint64(layout.drop + layout.bits), _KINDS[layout.size](0))
    whole = n // _BLOCK
    _kernel.merge(out, np.uint64(whole), readonly(codes), _addresses(planes), *ends)
    if n % _BLOCK:
        last_codes, last = np.zeros(_BLOCK, np.uint8), [np.zeros(_BLOCK, np.uint8) for _ in planes]
        last_codes[: n % _BLOCK] = codes[whole * _BLOCK :]
        for plane, more, width in zip(planes, last, fields[:, 0].tolist(), strict=True):
            rest = plane[whole * 8 * width :]
            more[: len(rest)] = rest
        values = np.empty(_BLOCK * layout.size, np.uint8)
        _kernel.merge(values, np.uint64(1), readonly(last_codes), _addresses(last), *ends)
        out[whole * _BLOCK * layout.size :] = values[: n % _BLOCK * layout.size]


def _addresses(planes: list[NDArray[np.uint8]]) -> NDArray[np.uint64]:
    return np.array([plane.__array_interface__["data"][0] for plane in planes], np.uint64)
