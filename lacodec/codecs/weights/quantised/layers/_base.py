"""The first chunks of a file in layers: what is kept as it is, and the units that the layers refine.

    payload = u8[pieces] coded (1: units, 0: not) | size, payload of codec `weights` for those that are not | u8 size | tensors
    tensor  = u8 (1: column exponents follow, a plane of i8, in eighths of an octave) | units

The rows of each coded piece are cut into units of about 2^size values. Values are those of units times the factors of columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._payload import Surroundings
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.codecs.weights.quantised._kept import joined, read_kept
from lacodec.codecs.weights.quantised._payload import column_steps
from lacodec.codecs.weights.quantised._pieces import Piece
from lacodec.codecs.weights.quantised.layers._unit import Unit, read_unit
from lacodec.container.types import content_hash
from lacodec.errors import CorruptFile

MOST_VALUES = 18  # log2, in a unit


Exponents = NDArray[np.int8] | None
"""Of the columns of a piece."""


@dataclass(frozen=True)
class Base:
    """The decoded part. start: of the range of the file; units: of all coded pieces, in order; exponents: of these pieces."""

    start: int
    pieces: Sequence[Piece]
    coded: bytes
    kept: Any
    size: int
    units: list[Unit]
    exponents: list[Exponents]

    def afresh(self) -> "Base":
        """With units of which nothing is known yet."""
        return replace(self, units=[unit.afresh() for unit in self.units])

    def content(self, levels: Sequence[int]) -> memoryview:
        """The bytes of the range, after so many levels of each unit."""
        return joined(self.pieces, self.coded, self.kept, self._values(iter(zip(self.units, levels, strict=True))))

    def _values(self, units: Iterator[tuple[Unit, int]]) -> Iterator[Any]:
        coded = (piece for piece, flag in zip(self.pieces, self.coded, strict=True) if flag)
        for piece, exponents in zip(coded, self.exponents, strict=True):
            parts = [next(units) for _ in heights(*piece.shape, self.size)]
            values = np.concatenate([unit.values(known) for unit, known in parts])
            with np.errstate(all="ignore"):
                yield values if exponents is None else values * column_steps(1.0, exponents, piece.shape[1])


def heights(rows: int, columns: int, size: int) -> Iterator[tuple[int, int]]:
    """(begin, end): the rows of each unit of a matrix, of 2^size values if rows are not longer."""
    step = max(1, (1 << size) // max(1, columns))
    for begin in range(0, rows, step):
        yield begin, min(rows, begin + step)


def read_base(payload: bytes, start: int, pieces: Sequence[Piece], around: Surroundings, expected: int) -> Base:
    """The part; `expected`: the hash of what is kept and of the units. Raises CorruptFile."""
    reader = Reader(payload)
    coded = bytes(reader.take(len(pieces)))
    kept = read_kept(reader.piece(), pieces, coded, around)
    size = reader.take(1)[0]
    if size > MOST_VALUES:
        raise CorruptFile("units have an impossible size")
    shapes = [piece.shape for piece, flag in zip(pieces, coded, strict=True) if flag]
    units: list[Unit] = []
    exponents: list[Exponents] = []
    for rows, columns in shapes:
        own = reader.take(1)[0]
        if own > 1:
            raise CorruptFile("a tensor has unknown column exponents")
        exponents.append(decode_plane(reader, columns).view(np.int8) if own else None)
        units += [read_unit(reader, end - begin, columns) for begin, end in heights(rows, columns, size)]
    reader.finish()
    if base_hash(kept, exponents, units) != expected:
        raise CorruptFile("its content differs from what was encoded")
    return Base(start, pieces, coded, kept, size, units, exponents)


def base_hash(kept: Any, exponents: Sequence[Exponents], units: Sequence[Unit]) -> int:
    """The hash of what is kept as it is, of all column exponents, and of what units begin with."""
    own = (one.tobytes() for one in exponents if one is not None)
    described = (part for unit in units for part in (unit.scale.tobytes(), unit.rows.tobytes(), unit.columns.tobytes()))
    return content_hash(b"".join([bytes(kept), *own, *described]))


def write_exponents(out: Writer, exponents: Exponents) -> None:
    """Append those of a tensor."""
    out.write(bytes([exponents is not None]))
    if exponents is not None:
        encode_plane(out, exponents.view(np.uint8))
