"""One chunk: pieces of the file that decoding gives <-> payload, and the hash of the whole numbers in it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._payload import Surroundings
from lacodec.codecs.weights.quantised._calibration import Calibrated
from lacodec.codecs.weights.quantised._kept import joined, kept_of, read_kept
from lacodec.codecs.weights.quantised._payload import Part, Sections, decode_parts, encode_parts
from lacodec.codecs.weights.quantised._pieces import Piece
from lacodec.codecs.weights.quantised._subjects import Subjects
from lacodec.container.types import content_hash
from lacodec.errors import CorruptFile

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Quantising:
    """How a tensor is quantised: the step, 0 to keep it as it is, and log2 of the columns that are rotated together.

    ranked: rows are words, and steps grow with the square root of the row's number; `step` is that of the middle row.
    columns: exponents of the columns' steps, in place of rotation; calibrated: what a text tells of it, in place of all that.
    """

    step: float
    rotation: int = 0
    ranked: bool = False
    columns: NDArray[np.int8] | None = None
    calibrated: Calibrated | None = None


@dataclass(frozen=True)
class Encoded:
    """payload; hash of its numbers; (tensor, squared error, sum of squares) of each part that was quantised."""

    payload: bytes
    hash: int
    errors: list[tuple[int, float, float]]


def encode_chunk(
    subjects: Subjects, pieces: Sequence[Piece], ways: Sequence[Quantising], embed: Callable[[bytes, int], bytes]
) -> Encoded:
    """The payload of a chunk; ways: of each tensor."""
    flags, parts, quantised = bytearray(), [], []
    for piece in pieces:
        way = ways[piece.tensor] if piece.columns else Quantising(0.0)
        flags.append(way.step > 0)
        if way.step > 0:
            parts.append(_part(subjects, piece, way))
            quantised.append(piece.tensor)
    kept, inner = kept_of(subjects, pieces, [bool(flag) for flag in flags], embed)
    out = Writer()
    out.write(bytes(flags))
    out.piece(inner)
    made = encode_parts(out, parts)
    errors = []
    for tensor, part, sections in zip(quantised, parts, made, strict=True):
        values = part.values.astype(np.float64)
        errors.append((tensor, float(np.square(sections.values() - values).sum()), float(np.square(values).sum())))
    return Encoded(out.data, latent_hash(kept, made), errors)


def decode_chunk(payload: bytes, pieces: Sequence[Piece], around: Surroundings, expected: int) -> memoryview:
    """The bytes of the pieces; `expected` is the hash of the numbers. Raises CorruptFile."""
    reader = Reader(payload)
    flags = bytes(reader.take(len(pieces)))
    kept = read_kept(reader.piece(), pieces, flags, around)
    found = decode_parts(reader, [piece.shape for piece, flag in zip(pieces, flags, strict=True) if flag])
    reader.finish()
    if latent_hash(kept, found) != expected:
        raise CorruptFile("its numbers differ from those that were encoded")
    return joined(pieces, flags, kept, (sections.values() for sections in found))


def latent_hash(kept: Any, found: Sequence[Sections]) -> int:
    """The hash of what is kept as it is, and of all numbers."""
    return content_hash(kept, *(sections.grid.numbers.astype("<i2", copy=False) for sections in found))


def _part(subjects: Subjects, piece: Piece, way: Quantising) -> Part:
    rows, columns = piece.shape
    values, told = values_of(subjects, piece), way.calibrated
    if columns != piece.columns:  # a part of a row
        return Part(values, way.step)
    if told is None:
        return Part(values, way.step * growth_of(subjects, piece) ** way.ranked, way.columns, way.rotation)
    first = piece.first * rows // piece.size
    return Part(values, way.step, told.columns, 0, told.rows[first : first + rows], told.feedback())


def growth_of(subjects: Subjects, piece: Piece) -> float:
    """How the step of a ranked tensor's piece differs from that in its middle."""
    return math.sqrt((2 * piece.first + piece.size) / subjects.items[piece.tensor].entry.size)


def values_of(subjects: Subjects, piece: Piece) -> Values:
    """f32[rows, columns]."""
    item = subjects.items[piece.tensor]
    size = piece.size // piece.count
    return item.read(subjects.source, piece.first // size, piece.count).reshape(piece.shape)
