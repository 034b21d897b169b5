"""Codec `weights.quantised`, files in layers: the first chunks (what is kept, units), then layers that refine the units.

first = u8[pieces] coded | size, payload of codec `weights` for the others | u8 size | tensors
tensor = u8 with column exponents, [plane of them, i8] | units of 2^size values
unit  = f32 scale, plane of classes of rows, plane of classes of columns
layer = (number chunk, number unit, number level, size, level) ...
level = size, (u8 own, packed tables if 1, a rANS stream of bits) | signs, a bit each, the first one the highest of its byte

Any number of layers may be missing at the end.
"""

from dataclasses import dataclass, field

import numpy as np

from reference import rans, tables, weights_payload
from reference.container import Chunk, hash64
from reference.stream import Stream, need
from reference.weights_planes import read_plane
from reference.weights_quantised import EIGHTHS, Piece, narrowed, pieces_of
from reference.weights_table import Tensor, safetensors_head

F = np.float32
PLACES = (
    (51, 14, 26, 26), (61, 20, 11, 26), (71, 27, 15, 26), (82, 36, 21, 26), (93, 47, 29, 26),
    (101, 61, 39, 26), (108, 75, 52, 26), (114, 88, 67, 34), (118, 98, 81, 47), (121, 106, 93, 62),
    (123, 112, 102, 76), (124, 117, 110, 89), (125, 120, 115, 100), (126, 122, 119, 108), (127, 124, 121, 114),
    (127, 125, 123, 118),
)  # fmt: skip
"""Of 256 parts of a cell, where values are expected, by class and kind of number."""
ONES = (
    (24, 1229, 1229, 1229), (24, 1000, 1229, 1229), (38, 1000, 1229, 1229), (142, 1000, 1229, 1229),
    (372, 1000, 1229, 1229), (753, 1000, 1000, 1229), (1256, 1000, 1000, 1229), (1809, 1000, 1000, 1229),
    (2333, 1000, 1000, 1229), (2779, 1000, 1000, 1000), (3132, 1568, 1000, 1000), (3400, 2155, 1234, 1000),
    (3597, 2656, 1825, 1000), (3740, 3049, 2352, 1400), (3843, 3345, 2783, 1993), (3916, 3560, 3123, 2501),
)  # fmt: skip
"""Of 2^13, how probable the upper half of a cell is."""


@dataclass
class Unit:
    """numbers, signs: of rows x columns values, after `levels` levels; classes of them before the first one."""

    scale: np.float32
    classes: list[int]
    numbers: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    levels: int = 0

    def class_of(self, i: int, level: int) -> int:
        """The class of value i in cells of a level."""
        return max(0, min(15, self.classes[i] + 4 * level))

    def refine(self, data: Stream) -> bytes:
        """The next level; returns what is hashed of it."""
        level, coded = self.levels, Stream(data.piece())
        own = coded.byte()
        need(own <= 1, "a level of an unknown kind")
        packed = tables.unpack(coded) if own else tables.Tables(13, [[8192 - one, one] for row in ONES for one in row], [0] * 64)
        need(len(packed.freqs) == 64 and all(len(freqs) == 2 for freqs in packed.freqs), "impossible tables")
        index = [4 * self.class_of(i, level) + kind_of(number) for i, number in enumerate(self.numbers)]
        bits, _ = rans.decode(coded.rest(), packed, index, len(index))
        self.numbers = [2 * number + bit for number, bit in zip(self.numbers, bits, strict=True)]
        wanting = [i for i, sign in enumerate(self.signs) if not sign and (self.numbers[i] or self.class_of(i, level) >= 2)]
        below = data.take(-(-len(wanting) // 8))
        for j, i in enumerate(wanting):
            self.signs[i] = -1 if below[j // 8] >> (7 - j % 8) & 1 else 1
        data.finish()
        self.levels += 1
        return bytes(bits) + np.array(self.signs, np.int8).tobytes()

    def values(self) -> np.ndarray:
        """f32 of all values."""
        if not self.levels:
            return np.zeros(len(self.numbers), F)
        level = self.levels - 1
        places = [F(PLACES[self.class_of(i, level)][kind_of(number)]) / F(256) for i, number in enumerate(self.numbers)]
        sizes = np.array(self.numbers, F) + np.array(places, F)
        return np.array(self.signs, F) * sizes * (self.scale * F(2.0**-self.levels))


@dataclass
class First:
    """A first chunk."""

    pieces: list[Piece]
    flags: bytes
    kept: bytes
    units: list[Unit]
    counts: list[int]
    factors: list[list[np.float32] | None]


def decode(chunks: list[Chunk], tensors: list[Tensor]) -> bytes:
    """The file."""
    size = max(tensor.offset + tensor.size for tensor in tensors) if tensors else 0
    first: list[First] = []
    for chunk in chunks:
        start, stop = chunk.covers[0]
        if start < size or not size:
            first.append(_first(chunk, tensors, pieces_of(tensors, start, stop)))
            continue
        data, hashes, refined = Stream(chunk.payload), [], 0
        while data.left():
            unit = first[data.number()].units[data.number()]
            need(data.number() == unit.levels < 16, "a layer refines what is not there")
            hashes.append(hash64(unit.refine(Stream(data.piece()))))
            refined += len(unit.numbers) // 8 + 1
        need(hash64(np.array(hashes, "<u8").tobytes()) == chunk.content_hash and refined == stop - start, "other numbers")
    return b"".join(_content(part) for part in first)


def kind_of(number: int) -> int:
    """0, 1, 2 to 3, more."""
    return number if number < 2 else 2 if number < 4 else 3


def _first(chunk: Chunk, tensors: list[Tensor], pieces: list[Piece]) -> First:
    data = Stream(chunk.payload)
    flags = data.take(len(pieces))
    need(all(flag <= bool(piece.columns) for flag, piece in zip(flags, pieces, strict=True)), "units of what is not a matrix")
    size = sum(piece.size for piece, flag in zip(pieces, flags, strict=True) if not flag)
    inner = data.piece()
    kept = weights_payload.decode(inner, size, lambda stored: safetensors_head(tensors, stored), lambda: b"") if size else b""
    height, units, counts, factors, told, described = data.byte(), [], [], [], b"", b""
    need(height <= 18, "an impossible size of units")
    for piece in (piece for piece, flag in zip(pieces, flags, strict=True) if flag):
        step = max(1, (1 << height) // piece.columns)
        counts.append(len(range(0, piece.rows, step)))
        own = data.byte()
        need(own <= 1, "unknown column exponents")
        exponents = [(value ^ 128) - 128 for value in read_plane(data, piece.columns)] if own else None
        told += np.array(exponents or [], np.int8).tobytes()
        factors.append(None if exponents is None else [F(EIGHTHS[k % 8] * 2.0 ** (k // 8)) for k in exponents])
        for begin in range(0, piece.rows, step):
            scale = np.frombuffer(data.take(4), "<f4")[0]
            rows = [value - 88 for value in read_plane(data, min(step, piece.rows - begin))]
            columns = [value - 128 for value in read_plane(data, piece.columns)]
            classes = [row + column for row in rows for column in columns]
            units.append(Unit(scale, classes, [0] * len(classes), [0] * len(classes)))
            described += scale.tobytes() + np.array(rows, "<i2").tobytes() + np.array(columns, "<i2").tobytes()
    data.finish()
    need(hash64(kept + told + described) == chunk.content_hash, "other content than was encoded")
    return First(pieces, flags, kept, units, counts, factors)


def _content(part: First) -> bytes:
    out, at, units, counts, factors = b"", 0, iter(part.units), iter(part.counts), iter(part.factors)
    for piece, flag in zip(part.pieces, part.flags, strict=True):
        if flag:
            values = np.concatenate([next(units).values() for _ in range(next(counts))])
            own = next(factors)
            values = values if own is None else values * np.tile(np.array(own, F), piece.rows)
            out += narrowed(values, piece.dtype)
        else:
            out += part.kept[at : at + piece.size]
            at += piece.size
    return out
