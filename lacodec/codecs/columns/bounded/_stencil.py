"""Weights of the known points around for predicting a point: plain interpolation, or fitted to the data, box by box.

The stencils of a pass are stored as

    u8 kind: bits 0-3 axes of the class along which points are interpolated where nothing is fitted, bits 4-6 precision p of the
             main box, bit 7 other boxes are fitted, too
    u8 precision of each box with 100 points or more, but for the main one (if bit 7 is set)
    for all boxes in order that are fitted: u8 bytes of a weight, all weights but the first, in 2**(5 + 3p)ths, signed, as planes
    of bytes, the lowest first

Precision 0: not fitted. The weights add up to 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._passes import Box, Pass, Taps
from lacodec.codecs.columns.bounded._taps import step
from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import CorruptFile

Floats = NDArray[np.float64]
CUBIC = ((-3, -0.0625), (-1, 0.5625), (1, 0.5625), (3, -0.0625))
FITTING = 100  # points that a box needs for a fit
_WIDEST = 4  # bytes of a weight
_OTHERS = 128


@dataclass(frozen=True)
class Stencil:
    """Known points around, and their weights."""

    taps: Taps
    weights: Floats
    precision: int = 0
    """Of a fit."""


@dataclass(frozen=True)
class Stencils:
    """Of the boxes of a pass; None: points are interpolated as far as they have neighbours, along the axes of `edge`."""

    edge: int
    of_boxes: tuple[Stencil | None, ...]


def unit(precision: int) -> int:
    """Of weights: they are whole numbers over it."""
    return 1 << (5 + 3 * precision)


def rounded(places: Taps, others: NDArray[np.int64], precision: int) -> Stencil:
    """A fitted stencil by all weights but the first, in units."""
    scale = unit(precision)
    return Stencil(places, np.concatenate([[scale - others.sum()], others]) / scale, precision)


def plain(box: Box, edge: int) -> Stencil | None:
    """Cubic interpolation along the axes of `edge`, all alike, where there are neighbours for it."""
    if edge not in box.plains:
        box.plains[edge] = _plain(box, edge)
    return box.plains[edge]


def _plain(box: Box, edge: int) -> Stencil | None:
    axes = [axis for axis in box.of.axes if edge >> (3 - axis) & 1]
    if not axes or any(box.pieces[axis][2] < 3 or box.pieces[axis][3] < 3 for axis in axes):
        return None
    places = tuple(step(axis, distance) for axis in axes for distance, _ in CUBIC)
    return Stencil(Taps(places, box.of.flat(places), 0), np.array([weight / len(axes) for _ in axes for _, weight in CUBIC]))


def write(out: Writer, of: Pass, stencils: Stencils) -> None:
    """Store the stencils of a pass."""
    precisions = [stencil.precision if stencil else 0 for stencil in stencils.of_boxes]
    main = of.boxes.index(of.main)
    others = any(precision for k, precision in enumerate(precisions) if k != main)
    out.write(bytes([stencils.edge | precisions[main] << 4 | (_OTHERS if others else 0)]))
    if others:
        out.write(bytes(p for box, p in zip(of.boxes, precisions, strict=True) if box.count >= FITTING and box is not of.main))
    for stencil in stencils.of_boxes:
        if stencil and stencil.precision:
            weights = units(stencil)
            size = width_of(weights)
            out.write(bytes([size]) + weights.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :size].T.tobytes())


def units(stencil: Stencil) -> NDArray[np.int64]:
    """All weights but the first, in units."""
    return (stencil.weights[1:] * unit(stencil.precision)).astype(np.int64)


def width_of(others: NDArray[np.int64]) -> int:
    """Bytes of each of these signed numbers."""
    return int(np.abs(others).max(initial=0)).bit_length() // 8 + 1


def read(reader: Reader, of: Pass, rich: bool) -> Stencils:
    """The inverse of `write`."""
    kind = reader.take(1)[0]
    edge = kind & 15
    if edge & ~of.members or (of.members and not edge):
        raise CorruptFile("its stencils do not fit its shape")
    precisions = []
    for box in of.boxes:
        if box is of.main:
            precisions.append(kind >> 4 & 7)
        else:
            precisions.append(reader.take(1)[0] if kind & _OTHERS and box.count >= FITTING else 0)
    return Stencils(edge, tuple(_stencil(reader, box, edge, p, rich) for box, p in zip(of.boxes, precisions, strict=True)))


def _stencil(reader: Reader, box: Box, edge: int, precision: int, rich: bool) -> Stencil | None:
    if not precision:
        return plain(box, edge)
    places = box.taps(rich)
    size = reader.take(1)[0]
    if not places.offsets or not 1 <= size <= _WIDEST:
        raise CorruptFile("its stencils do not fit its shape")
    count = len(places.offsets) - 1
    planes = np.frombuffer(reader.take(size * count), np.uint8).reshape(size, count).astype(np.int64)
    others = np.zeros(count, np.int64)
    for k in range(size):
        others |= planes[k] << 8 * k
    sign = 1 << (8 * size - 1)
    return rounded(places, (others ^ sign) - sign, precision)
