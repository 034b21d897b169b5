"""Blocks of quantised values (GGUF), field by field: each field is a plane whose tables are chosen by what was read before it.

    u8 bytes of a block, then planes of: the upper, the lower bytes of each half; scales; mins; quants

A plane here is u8 method (0 the bytes, 1 the one byte that all are, 2 packed tables, size, a stream of `RansEncoder`).
A table is chosen by a class: for the low byte of a half its high byte, for the high byte of the second half the first half, for
quants the place of zero among them (blocks with mins), or the scale relative to the mean of its neighbours. Integers throughout.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._planes import CONSTANT, RAW, freq_bits
from lacodec.entropy.information import quick_normalise
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tensors.gguf_blocks import BY_SIZE, BlockType, Fields

Bytes = NDArray[np.uint8]
RANS = 2
_CLASSES, _HALF_CLASSES = 16, 32
_NEAR = 32  # neighbours whose mean a scale is compared with
_RATIOS = (64, 70, 76, 83, 91, 99, 108, 117, 128, 140, 152, 166, 181, 197, 215)  # scale / mean where classes meet, in 128ths
_LARGE = 1 << 17  # bytes of a plane from which on a table for each class pays
_TABLE_BITS = 14  # of the frequencies there


def encode_blocks(array: Bytes, size: int) -> Writer | None:
    """The data of kind BLOCKS for whole blocks of `size` bytes; None if no such blocks are known."""
    if size not in BY_SIZE or not len(array) or len(array) % size:
        return None
    kind = BY_SIZE[size][1]
    fields = kind.split(array.reshape(-1, size))
    out = Writer()
    out.write(bytes([size]))
    known: list[NDArray[np.uint16]] = []
    for half in range(len(kind.halves)):
        value = fields.halves[:, half]
        high = (value >> 8).astype(np.uint8)
        _encode(out, high, _by_half(known))
        _encode(out, value.astype(np.uint8), _by_high(high))
        known.append(value)
    for sub in (fields.scales, fields.mins):
        _encode(out, sub.ravel(), None)
    _encode(out, fields.quants.ravel(), _quant_classes(kind, fields))
    return out


def decode_blocks(data: Any, out: Bytes) -> None:
    """Fill `out` (u8); raises CorruptFile."""
    reader = Reader(data)
    size = reader.take(1)[0]
    if size not in BY_SIZE or not len(out) or len(out) % size:
        raise CorruptFile("blocks of an unknown size")
    kind, n = BY_SIZE[size][1], len(out) // size
    known: list[NDArray[np.uint16]] = []
    for _ in kind.halves:
        high = _decode(reader, n, _by_half(known), 256)
        low = _decode(reader, n, _by_high(high), 256)
        known.append(high.astype(np.uint16) << np.uint16(8) | low)
    empty = kind.split(np.zeros((1, size), np.uint8))
    subs = [_decode(reader, n * sub.shape[1], None, 256).reshape(n, -1) for sub in (empty.scales, empty.mins)]
    fields = Fields(np.stack(known, axis=1), subs[0], subs[1], empty.quants)
    quants = _decode(reader, n * kind.values, _quant_classes(kind, fields), kind.levels)
    reader.finish()
    out[...] = kind.join(Fields(fields.halves, fields.scales, fields.mins, quants.reshape(n, -1))).ravel()


def _encode(out: Writer, plane: Bytes, classes: Bytes | None) -> None:
    if not len(plane):
        return
    if (plane == plane[0]).all():
        out.write(bytes([CONSTANT, int(plane[0])]))
        return
    ways = [classes] if len(plane) >= _LARGE else [None, classes]
    packed, stream = min((_coded(plane, way) for way in ways), key=lambda way: len(way[0]) + len(way[1]))
    if len(packed) + len(stream) + 4 >= len(plane):
        out.write(bytes([RAW]))
        out.write(plane)
        return
    out.write(bytes([RANS]))
    out.write(packed)
    out.piece(stream)


def _coded(plane: Bytes, classes: Bytes | None) -> tuple[bytes, bytes]:
    """(packed tables, stream): a table for each class, or one."""
    rows, count = int(plane.max()) + 1, 1 if classes is None else int(classes.max()) + 1
    index = plane if classes is None else plane + classes.astype(np.uint16) * np.uint16(rows)
    counts = np.bincount(index, minlength=rows * count).reshape(count, rows)
    bits = _TABLE_BITS if len(plane) >= _LARGE else freq_bits(len(plane), rows)
    freqs = np.zeros((count, rows), np.uint32)
    for number, line in enumerate(counts):
        if line.any():
            quick_normalise(line, 1 << bits, freqs[number])
        else:
            freqs[number, 0] = 1 << bits
    tables = Tables(freqs.ravel(), np.arange(count + 1, dtype=np.uint32) * np.uint32(rows), bits)
    return tables.pack(), RansEncoder(32).push(plane, tables, None if count == 1 else classes).finish()


def _decode(reader: Reader, n: int, classes: Bytes | None, levels: int) -> Bytes:
    """u8[n], all below `levels`; raises CorruptFile."""
    if not n:
        return np.zeros(0, np.uint8)
    method = reader.take(1)[0]
    if method == RAW:
        plane: Bytes = np.frombuffer(reader.take(n), np.uint8)
    elif method == CONSTANT:
        plane = np.full(n, reader.take(1)[0], np.uint8)
    elif method == RANS:
        plane = _pull(reader, n, classes)
    else:
        raise CorruptFile(f"a field of blocks has the unknown method {method}; if a newer lacodec wrote it, update")
    if levels < 256 and int(plane.max()) >= levels:
        raise CorruptFile("a quantised value is out of range")
    return plane


def _pull(reader: Reader, n: int, classes: Bytes | None) -> Bytes:
    tables, stream = reader.tables(), reader.piece()
    try:
        decoder = RansDecoder(bytes(stream))
        plane: Bytes = decoder.pull(n, tables, None if len(tables) == 1 else classes, dtype=np.uint8)
        decoder.finish()
        return plane
    except BadInput as error:  # tables that no plane can have
        raise CorruptFile(str(error)) from None


def _by_high(high: Bytes) -> Bytes:
    """The class of a low byte."""
    return np.minimum(high - high.min(), _CLASSES - 1).astype(np.uint8)


def _by_half(known: list[NDArray[np.uint16]]) -> Bytes | None:
    """The class of the high byte of a half, by the half before it."""
    if not known:
        return None
    part = known[0] >> np.uint16(7)
    return np.minimum(part - part.min(), _HALF_CLASSES - 1).astype(np.uint8)


def _quant_classes(kind: BlockType, fields: Fields) -> Bytes:
    """u8[quants]: below _CLASSES."""
    scales = _integers(fields.halves[:, :1])
    if fields.scales.shape[1]:
        scales = scales * _signed(kind, fields.scales)
    if len(kind.halves) == 2:
        least = _integers(fields.halves[:, 1:])
        mins = least * fields.mins if fields.mins.shape[1] else -least
        classes = _zero_classes(scales, np.broadcast_to(mins, scales.shape), kind.levels)
    else:
        classes = _scale_classes(np.abs(scales).ravel())
    return np.repeat(classes.ravel(), kind.values // scales.shape[1])


def _zero_classes(scales: NDArray[np.int64], mins: NDArray[np.int64], levels: int) -> Bytes:
    """Where zero lies between the lowest and the highest quant, in 16ths of their distance, rounded."""
    above = np.where(scales > 0, scales, 1)
    place = (mins * (2 * _CLASSES) + levels * above) // (2 * levels * above)
    return np.where(scales > 0, np.clip(place, 0, _CLASSES - 1), 0).astype(np.uint8)


def _scale_classes(scales: NDArray[np.int64]) -> Bytes:
    """Each scale (from 0) relative to the mean of the _NEAR around it, in steps of an eighth of an octave."""
    starts = np.arange(0, len(scales), _NEAR)
    sums = np.add.reduceat(scales, starts)
    sizes = np.minimum(_NEAR, len(scales) - starts)
    place = np.arange(len(scales)) // _NEAR
    mine, sum_ = scales * sizes[place] * 128, sums[place]
    classes = np.zeros(len(scales), np.uint8)
    for ratio in _RATIOS:
        classes += mine >= sum_ * ratio
    return classes


def _integers(halves: NDArray[np.uint16]) -> NDArray[np.int64]:
    """16-bit floats as multiples of 2^-24; infinities and NaN as if their exponent were one more than the highest."""
    bits = halves.astype(np.int64)
    exponent, fraction = bits >> 10 & 31, bits & 1023
    value = np.where(exponent > 0, (fraction | 1024) << np.maximum(exponent - 1, 0), fraction)
    return np.where(bits >> 15, -value, value)


def _signed(kind: BlockType, scales: Bytes) -> NDArray[np.int64]:
    if kind.subs == "i8":
        return scales.view(np.int8).astype(np.int64)
    return scales.astype(np.int64) - (32 if kind.subs == "6" else 0)
