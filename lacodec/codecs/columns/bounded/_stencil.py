"""Weights of the known points around for predicting a point: plain cubic interpolation, or fitted to the data.

A stencil is stored as

    u8 kind: bits 0-3 axes of the class along which points near an edge (and all, without a fit) are interpolated,
             bits 4-6 precision p of a fit, 0: none
    signed numbers: weights of all taps but the first, in 2**(5 + 3p)ths (fitted); they all add up to 1
"""

from dataclasses import dataclass

from lacodec.codecs.columns.bounded._passes import AXES, Offset, Pass, add, step
from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import CorruptFile

CUBIC = ((-3, -0.0625), (-1, 0.5625), (1, 0.5625), (3, -0.0625))
MOST = 1 << 40  # a weight in units, beyond which doubles would not be exact


@dataclass(frozen=True)
class Stencil:
    """Offsets of known points and their weights; `edge`: the axes that count near an edge, bits as in a class."""

    edge: int
    taps: tuple[Offset, ...]
    weights: tuple[float, ...]
    precision: int = 0
    """Of a fit."""

    @property
    def fitted(self) -> bool:
        """Whether the weights are stored."""
        return self.precision > 0


def unit(precision: int) -> int:
    """Of weights: they are whole numbers over it."""
    return 1 << (5 + 3 * precision)


def rounded(edge: int, places: tuple[Offset, ...], others: list[int], precision: int) -> Stencil:
    """A fitted stencil by all weights but the first, in units."""
    scale = unit(precision)
    return Stencil(edge, places, tuple(weight / scale for weight in (scale - sum(others), *others)), precision)


def plain(of: Pass, edge: int) -> Stencil:
    """Cubic interpolation along the axes of `edge`, all alike."""
    axes = [axis for axis in of.axes if edge >> (3 - axis) & 1]
    places = tuple(step(axis, distance) for axis in axes for distance, _ in CUBIC)
    return Stencil(edge, places, tuple(weight / len(axes) for _ in axes for _, weight in CUBIC))


def taps(of: Pass) -> tuple[Offset, ...]:
    """The taps of a fitted stencil; the two points before in the class's row come last."""
    found = [step(axis, sign * distance) for axis in of.axes for distance in (1, 3) for sign in (-1, 1)]
    if len(of.wide) == 1:
        found += [step(axis, distance) for axis in of.axes for distance in (-5, 5)]
    for axis in of.axes:
        for other in of.axes:
            if other > axis:
                found += [add(step(axis, a), step(other, b)) for a in (-1, 1) for b in (-1, 1)]
    if len(of.axes) == 1:
        for other in of.wide:
            if other not in of.axes:
                found += [add(step(of.axes[0], a), step(other, b)) for a in (-1, 1) for b in (-2, 2)]
    found += [step(axis, -2) for axis in of.wide if axis != AXES - 1 or not of.behind]
    return tuple(found + ([step(AXES - 1, -2), step(AXES - 1, -4)] if of.behind else []))


def write(out: Writer, stencil: Stencil) -> None:
    """Store a stencil."""
    out.write(bytes([stencil.edge | stencil.precision << 4]))
    if stencil.fitted:
        for weight in stencil.weights[1:]:
            out.signed(int(weight * unit(stencil.precision)))


def read(reader: Reader, of: Pass) -> Stencil:
    """The inverse of `write`."""
    kind = reader.take(1)[0]
    edge, precision = kind & 15, kind >> 4
    if kind > 127 or edge & ~of.members or (of.members and not edge):
        raise CorruptFile("its stencils do not fit its shape")
    if not precision:
        return plain(of, edge)
    places = taps(of)
    others = [reader.signed() for _ in places[1:]]
    if any(abs(weight) > MOST for weight in others):
        raise CorruptFile("its stencils have impossible weights")
    return rounded(edge, places, others, precision)
