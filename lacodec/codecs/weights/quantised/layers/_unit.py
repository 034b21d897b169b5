"""Units: parts of a tensor that are refined together, level by level.

    unit  = f32 scale, plane of u8 classes of rows, plane of u8 classes of columns        a plane is that of codec `weights`
    level = u8 own (0, 1), number size, packed tables (64) if they are its own, a rANS stream of a bit for each value,
            a bit for each sign that follows now

All values of a unit lie below `scale`; a level halves the cell of each. Classes are quarter octaves: those of
rows relative to the scale, plus 100, those of columns relative to their rows, plus 128.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.codecs.weights.quantised.layers import _kernel as kernels
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

MOST_LEVELS = 16
_ROWS, _COLUMNS = 100, 128
_UNITY = 8 + 4  # the class of a value whose deviation is one cell of level 0
_FEWEST = 64  # rows or columns from which on classes of the others pay
_PLACES = np.array([
    (51, 14, 26, 26), (61, 20, 11, 26), (71, 27, 15, 26), (82, 36, 21, 26), (93, 47, 29, 26),
    (101, 61, 39, 26), (108, 75, 52, 26), (114, 88, 67, 34), (118, 98, 81, 47), (121, 106, 93, 62),
    (123, 112, 102, 76), (124, 117, 110, 89), (125, 120, 115, 100), (126, 122, 119, 108), (127, 124, 121, 114),
    (127, 125, 123, 118)], np.float32) / np.float32(256)  # fmt: skip
"""The mean of a normal distribution in each cell, for each class and kind of number (0, 1, 2, 5)."""
_TABLE_BITS = 13
_ONES = np.array([
    (24, 1229, 1229, 1229), (24, 1000, 1229, 1229), (38, 1000, 1229, 1229), (142, 1000, 1229, 1229),
    (372, 1000, 1229, 1229), (753, 1000, 1000, 1229), (1256, 1000, 1000, 1229), (1809, 1000, 1000, 1229),
    (2333, 1000, 1000, 1229), (2779, 1000, 1000, 1000), (3132, 1568, 1000, 1000), (3400, 2155, 1234, 1000),
    (3597, 2656, 1825, 1000), (3740, 3049, 2352, 1400), (3843, 3345, 2783, 1993), (3916, 3560, 3123, 2501)],
    np.uint32)  # fmt: skip
"""How probable the upper half of a cell is in a normal distribution, of 2^13, by the class of halves; more where it is rare."""
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """What the levels of a unit refine. rows, columns: i16 classes; numbers u16, signs i8: as far as they are known."""

    scale: np.float32
    rows: NDArray[np.int16]
    columns: NDArray[np.int16]
    numbers: NDArray[np.uint16]
    signs: NDArray[np.int8]

    @classmethod
    def of(cls, scale: np.float32, rows: NDArray[np.uint8], columns: NDArray[np.uint8]) -> "Unit":
        """With the stored classes, and nothing else known."""
        shape = len(rows), len(columns)
        own, theirs = rows.astype(np.int16) - (_ROWS - _UNITY), columns.astype(np.int16) - _COLUMNS
        return cls(scale, own, theirs, np.zeros(shape, np.uint16), np.zeros(shape, np.int8))

    def afresh(self) -> "Unit":
        """The same with nothing known."""
        return replace(self, numbers=np.zeros_like(self.numbers), signs=np.zeros_like(self.signs))

    def values(self, levels: int) -> Values:
        """f32[rows, columns] after so many levels: the same on every machine. Zeros before the first."""
        out = np.zeros(self.numbers.shape, np.float32)
        if levels:
            kernels.restore(self.numbers, self.signs, self.rows, self.columns, levels - 1, _PLACES, self._cell(levels - 1), out)
        return out

    def contexts(self, level: int) -> NDArray[np.uint8]:
        """The table of each value's next bit."""
        out = np.empty(self.numbers.shape, np.uint8)
        kernels.contexts(self.numbers, self.rows, self.columns, level, out)
        return out.ravel()

    def unsigned(self, level: int) -> NDArray[np.int64]:
        """Places of the signs that follow the bits of a level."""
        out = np.empty(self.numbers.size, np.int64)
        return out[: kernels.without_sign(self.numbers, self.signs, self.rows, self.columns, level, out)]

    def _cell(self, level: int) -> np.float32:
        return self.scale * np.float32(2.0 ** -(level + 1))


def write_unit(out: Writer, values: Values, step: float) -> Unit:
    """Append the description of a unit: its scale is `step` times the least power of two above all magnitudes."""
    most = float(np.abs(values).max(initial=0.0))
    octaves = int(np.floor(np.log2(most / step))) + 1 if most else 0
    scale = np.float32(step * 2.0**octaves)
    while most >= scale:
        scale *= np.float32(2)
    squares = np.square(values / scale, dtype=np.float64)
    rows = _classes(squares.mean(1) if values.shape[1] >= _FEWEST else np.full(len(values), squares.mean()), _ROWS)
    if len(values) >= _FEWEST:
        columns = _classes((squares * np.exp2((_ROWS - rows.astype(float)) / 2)[:, None]).mean(0), _COLUMNS)
    else:
        columns = np.full(values.shape[1], _COLUMNS, np.uint8)
    out.write(np.array([scale], "<f4").tobytes())
    encode_plane(out, rows)
    encode_plane(out, columns)
    return Unit.of(scale, rows, columns)


def _classes(squares: NDArray[np.float64], unity: int) -> NDArray[np.uint8]:
    """Quarter octaves of the root of mean squares."""
    return np.clip(np.rint(2 * np.log2(np.maximum(squares, 1e-30))) + unity, 0, 255).astype(np.uint8)


def read_unit(reader: Reader, rows: int, columns: int) -> Unit:
    """Raises CorruptFile."""
    (scale,) = np.frombuffer(reader.take(4), "<f4")
    if not 0 < scale < np.inf:
        raise CorruptFile("a unit has an impossible scale")
    return Unit.of(np.float32(scale), decode_plane(reader, rows), decode_plane(reader, columns))


def write_level(unit: Unit, values: Values, level: int) -> bytes:
    """The next level of a unit, which knows it then."""
    bits = np.empty(values.shape, np.uint8)
    parts = np.abs(values) * (np.float32(1) / unit.scale)
    kernels.bits_of(np.minimum(parts, np.float32(1 - 2.0**-24)), np.float32(2.0 ** (level + 1)), bits)
    index, coded = unit.contexts(level), bits.ravel()
    counts = np.bincount(index.astype(np.int64) * 2 + coded, minlength=2 * kernels.CLASSES * kernels.KINDS).reshape(-1, 2)
    ways = [b"\0" + RansEncoder(32).push(coded, _USUAL, index).finish()]
    for bits_each in (8, _TABLE_BITS):
        shares = np.rint(counts[:, 1] / np.maximum(1, counts.sum(1)) * (1 << bits_each))
        tables = _tables(np.clip(shares, 1, (1 << bits_each) - 1).astype(np.uint32), bits_each)
        ways.append(b"\1" + tables.pack() + RansEncoder(32).push(coded, tables, index).finish())
    kernels.refine(unit.numbers, bits)
    places = unit.unsigned(level)
    below = np.signbit(values.reshape(-1)[places])
    unit.signs.reshape(-1)[places] = 1 - 2 * below.astype(np.int8)
    out = Writer()
    out.piece(min(ways, key=len))
    out.write(np.packbits(below).tobytes())
    return out.data


def read_level(unit: Unit, data: bytes | memoryview, level: int) -> None:
    """The same; raises CorruptFile."""
    reader = Reader(data)
    stream = Reader(reader.piece())
    own = stream.take(1)[0]
    tables = stream.tables() if own else _USUAL
    if own > 1 or len(tables) != kernels.CLASSES * kernels.KINDS or tables.escape or tables.lowest < 0 or tables.highest > 1:
        raise CorruptFile("a level has impossible tables")
    bits = np.empty(unit.numbers.shape, np.uint8)
    try:
        decoder = RansDecoder(bytes(stream.take(len(stream))))
        decoder.pull(unit.numbers.size, tables, unit.contexts(level), out=bits.reshape(-1))
        decoder.finish()
    except BadInput as error:
        raise CorruptFile(str(error)) from None
    kernels.refine(unit.numbers, bits)
    places = unit.unsigned(level)
    below = np.unpackbits(np.frombuffer(reader.take(-(-len(places) // 8)), np.uint8), count=len(places))
    unit.signs.reshape(-1)[places] = 1 - 2 * below.astype(np.int8)
    reader.finish()


def _tables(ones: NDArray[np.uint32], bits: int) -> Tables:
    """A table for each of these probabilities of a bit, in 2^bits."""
    both = np.stack([np.uint32(1 << bits) - ones, ones], 1)
    return Tables(both.ravel(), np.arange(len(both) + 1, dtype=np.uint32) * np.uint32(2), bits, False)


_USUAL = _tables(_ONES.ravel(), _TABLE_BITS)
