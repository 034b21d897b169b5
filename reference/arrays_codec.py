"""Codec `arrays`: the chunks of a file of arrays -> the file.

payload = number of other bytes, number of runs, run, ... | size, others, if there are any | column, column, ...
run     = other bytes before it, element, dimensions, each of them
element = its bytes (0: as in the run before), places, place, ...
place   = offset in the element, u8 type + 16 if big-endian, axes, (count, bytes between two) ...
column  = size, payload of columns                    for each run, for each place in its element
others  = u8 kind, data         0 the bytes; 1 raw deflate with a preset dictionary; 2 a payload of codec `bytes`
"""

import math
import zlib
from dataclasses import dataclass
from itertools import product
from typing import Any

from reference import bytes_codec, columns
from reference.container import CRITICAL, Chunk
from reference.stream import Damaged, Stream, need

TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
SWAPPED = 16

DICTIONARY = (
    b"PK\x05\x06\0\0\0\0\x01\0\x01\0PK\x01\x02-\x03-\0\0\0\0\0\0\0!\0.npyPK\x03\x04-\0\0\0\0\0\0\0!\0"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x09\0arr_0.npy\x01\0\x14\0"
    b"\x93NUMPY\x01\0v\0{'descr': [('x', '<U1'), ('y', '|S1')], 'fortran_order': True, 'shape': (10, 16), }"
    b"'<M8[ns]''<c16''<i2''<u4''<f2''<u2''|b1''|i1''|u1''<i4''<i8''<f4'"
    + b" " * 64
    + b"\n\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (1000,), }"
    + b" " * 64
    + b"\n"
)


@dataclass(frozen=True)
class Place:
    """Numbers at one place of every element."""

    offset: int
    kind: columns.Kind
    big: bool
    axes: list[tuple[int, int]]


def decode(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The file; with a bound, of values that are within it."""
    out = []
    for chunk in chunks:
        if chunk.kind == CRITICAL and chunk.covers:
            ((start, stop),) = chunk.covers
            need(stop - start == chunk.decoded_size, "a size that contradicts the range that is covered")
            out.append(decode_payload(chunk.payload, chunk.decoded_size))
            chunk.check(out[-1])
    return b"".join(out)


def decode_payload(payload: bytes, size: int) -> bytes:
    """The bytes of a chunk."""
    data, content = Stream(payload), bytearray(size)
    other, runs, at, end, element = data.number(), [], 0, 0, (0, list[Place]())
    gaps = []
    for _ in range(data.number()):
        gap = data.number()
        element = _element(data, element)
        shape = tuple(data.number() for _ in range(data.number()))
        runs.append((end + gap, element, shape))
        gaps.append((end, gap))
        end += gap + element[0] * math.prod(shape)
    gaps.append((end, size - end))
    between = Stream(others(Stream(data.piece()), other) if other else b"")
    for at, gap in gaps:
        content[at : at + gap] = between.take(gap)
    between.finish()
    for begin, (width, places), shape in runs:
        for place in places:
            _fill(content, begin, width, shape, place, data.piece())
    data.finish()
    return bytes(content)


def _element(data: Stream, before: tuple[int, list[Place]]) -> tuple[int, list[Place]]:
    size = data.number()
    if not size:
        return before
    places = []
    for _ in range(data.number()):
        offset, kind = data.number(), data.byte()
        name = TYPES[kind % SWAPPED]
        axes = [(data.number(), data.number()) for _ in range(data.number())]
        places.append(Place(offset, (name[0], int(name[1])), bool(kind & SWAPPED), axes))
    return size, places


def _fill(content: bytearray, begin: int, width: int, shape: tuple[int, ...], place: Place, payload: bytes) -> None:
    """Put the numbers of a column where they belong."""
    counts = tuple(count for count, _ in place.axes)
    numbers = iter(columns.decode(payload, place.kind, (*shape, *counts)))
    for element in range(math.prod(shape)):
        for index in product(*map(range, counts)):
            at = begin + element * width + place.offset + sum(i * step for i, (_, step) in zip(index, place.axes, strict=True))
            content[at : at + place.kind[1]] = next(numbers).to_bytes(place.kind[1], "big" if place.big else "little")


def others(data: Stream, size: int) -> bytes:
    """Bytes that belong to no array."""
    kind = data.byte()
    if kind == 0:
        found = data.rest()
    elif kind == 1:
        found = zlib.decompressobj(-15, zdict=DICTIONARY).decompress(data.rest())
    elif kind == 2:
        found = bytes_codec.decode(data.rest(), size)
    else:
        raise Damaged("bytes between arrays of an unknown form")
    need(len(found) == size, "bytes between arrays of another size")
    return found
