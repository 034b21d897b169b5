"""The group of tensors of two values: which two, and the stream of bits.

data    = u8 bytes of a value, tensors, columns, values, magnitudes if a tensor has kind SIGNS, size, stream (`coder`)
columns = u8 packed (1: a zlib stream), size, numbers: rows of each tensor | channels | heights | widths | kinds
values  = for each tensor of kind PAIR: the value of bit 0, that of bit 1
kind      SAME: the two values of the tensor before; PAIR: two values; SIGNS: one magnitude in each row, bit 1 for positive ones
magnitudes = size, floats (`_floats`) without signs, one for each row of tensors of kind SIGNS
"""

import zlib
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._chunks import MOST_RUNS
from lacodec.codecs.weights._cluster import EXTRA, exact
from lacodec.codecs.weights._floats import MANTISSAS, encode_floats
from lacodec.codecs.weights._floats_decode import decode_floats
from lacodec.codecs.weights._pieces import Part
from lacodec.codecs.weights.filters.coder import Shape, decode_bits, encode_bits
from lacodec.errors import CorruptFile
from lacodec.media.tensors.two_values import Split, split

SAME, PAIR, SIGNS = range(3)
_COLUMNS = 5
_WIDTHS = (1, 2, 4, 8)
_LONGEST = 8 * _COLUMNS * MOST_RUNS  # bytes of the columns


class Filters:
    """Tensors of one type in `data`, u8, one after the other, all of two values."""

    def __init__(self, data: NDArray[np.uint8], dtype: str, width: int, shapes: tuple[Shape, ...]) -> None:
        self._dtype, self._width, self._shapes = dtype, width, shapes
        self._parts: list[Split] = []
        at = 0
        for shape in shapes:
            part = split(data[at : at + width * shape.size], dtype, shape.rows)
            assert part is not None, "only tensors that can be split come here"
            self._parts.append(part)
            at += width * shape.size
        self._bits = np.concatenate([part.bits for part in self._parts])

    def packed(self) -> bytes:
        """The bits, eight in a byte."""
        return np.packbits(self._bits).tobytes()

    def encode(self, tree: bool) -> Writer | None:
        """The data of the group, None where bits are longer than they are. tree: whether spanning trees are tried."""
        stream = encode_bits(self._bits, self._shapes, tree)
        if stream is None:
            return None
        kinds, values, before = [], Writer(), None
        for part in self._parts:
            kinds.append(SIGNS if part.values is None else SAME if part.values == before else PAIR)
            if kinds[-1] == PAIR and part.values is not None:
                values.write(np.array(part.values, f"<u{self._width}").tobytes())
            before = part.values
        out = Writer()
        out.write(bytes([self._width]))
        out.number(len(self._shapes))
        plain = Writer()
        for column in (*zip(*self._shapes, strict=True), kinds):
            plain.numbers(list(column))
        packed = zlib.compress(plain.data, 9)
        short = len(packed) < len(plain)
        out.write(bytes([short]))
        out.piece(packed if short else plain)
        out.append(values)
        magnitudes = [part.magnitudes for part in self._parts if part.magnitudes is not None]
        if magnitudes:
            out.piece(_encode_magnitudes(np.concatenate(magnitudes), MANTISSAS[self._dtype][1]))
        out.piece(stream)
        return out


def decode_filters(data: memoryview, out: NDArray[np.uint8]) -> None:
    """Fill out (u8, the tensors); raises CorruptFile."""
    reader = Reader(data)
    width = reader.take(1)[0]
    if width not in _WIDTHS or len(out) % width:
        raise CorruptFile("filters have values of an impossible size")
    shapes, kinds = _read_columns(reader, len(out) // width)
    pairs: list[NDArray[Any] | None] = []
    for kind in kinds:
        if kind == SAME and not (pairs and pairs[-1] is not None):
            raise CorruptFile("a filter has the values of none")
        pair = np.frombuffer(reader.take(2 * width), f"<u{width}") if kind == PAIR else None
        pairs.append(pairs[-1] if kind == SAME else pair)
    rows = sum(shape.rows for shape, pair in zip(shapes, pairs, strict=True) if pair is None)
    magnitudes = np.zeros(rows, f"<u{width}")
    if rows:
        decode_floats(reader.piece(), Part.of(magnitudes.view(np.uint8)))
    bits = decode_bits(reader.piece(), shapes)
    reader.finish()
    values, at, row = out.view(f"<u{width}"), 0, 0
    sign = values.dtype.type(1 << (8 * width - 1))
    for shape, pair in zip(shapes, pairs, strict=True):
        mine, part = bits[at : at + shape.size], values[at : at + shape.size]
        if pair is not None:
            part[...] = pair[mine]
        else:
            signs = np.where(mine, values.dtype.type(0), sign).reshape(shape.rows, -1)
            part.reshape(shape.rows, -1)[...] = magnitudes[row : row + shape.rows, None] | signs
            row += shape.rows
        at += shape.size


def _read_columns(reader: Reader, count: int) -> tuple[tuple[Shape, ...], list[int]]:
    """The shapes of tensors with `count` values in all, and their kinds; raises CorruptFile."""
    tensors = reader.number()
    packed, data = reader.take(1)[0], reader.piece()
    if not 1 <= tensors <= MOST_RUNS:
        raise CorruptFile("an impossible number of filters")
    if packed:
        try:
            data = memoryview(zlib.decompressobj().decompress(data, _LONGEST))
        except zlib.error as error:
            raise CorruptFile(f"the shapes of its filters are damaged ({error})") from error
    numbers = Reader(data)
    rows, channels, heights, widths, kinds = ([numbers.number() for _ in range(tensors)] for _ in range(_COLUMNS))
    numbers.finish()
    shapes = tuple(Shape(*shape) for shape in zip(rows, channels, heights, widths, strict=True))
    sizes = [prod(shape) for shape in shapes]
    if min(sizes) < 1 or sum(sizes) != count or max(kinds) > SIGNS:
        raise CorruptFile("the shapes of its filters contradict themselves, or its size")
    return shapes, kinds


def _encode_magnitudes(values: NDArray[Any], mantissa: int) -> Writer:
    return encode_floats(Part.of(values.view(np.uint8)), mantissa, exact(values, mantissa), min(EXTRA, mantissa))
