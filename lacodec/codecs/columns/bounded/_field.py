"""A field of doubles, coded so that every value comes back within half a step, but for rounding.

    field = f64 step, number of exact values, f64 exact values, stencils of all passes, number of decisions' bytes, decisions,
            raw bits

Marked points are not coded. Decisions are words of the range coder, big-endian, raw bits little-endian; zeros at the end of
either are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded import _kernel as kernel
from lacodec.codecs.columns.bounded import _stencil
from lacodec.codecs.columns.bounded._bits import CHANCE
from lacodec.codecs.columns.bounded._fit import fit
from lacodec.codecs.columns.bounded._passes import SETS, Offset, Pass, opposite, passes
from lacodec.codecs.columns.bounded._words import AHEAD, Words, closed, opened, words_of
from lacodec.codecs.fields import Reader, Writer
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Report = Callable[[int], None]
_ROOM = 1024  # words more than there are values, at first
_FITTED = 3  # effort from which on stencils are fitted


def ignore(_: int) -> None:
    """Ignores reports."""


@dataclass
class _Coder:
    """The state of one run over all passes."""

    field: Floats
    marks: Bytes
    step: float
    exact: Floats
    words: Words
    raws: Words
    decoding: bool

    def __post_init__(self) -> None:
        self.sizes = np.zeros(len(self.field), np.uint16)
        self.used = np.zeros(1, np.int64)
        self.chances = np.full(SETS * kernel.BUCKETS * kernel.NODES, CHANCE, np.uint32)
        self.registers = opened(self.words if self.decoding else None)
        self.reciprocal = mixing_tables()[3]

    def run(self, of: Pass, stencil: _stencil.Stencil) -> None:
        """One pass."""
        own, sides, plan = of.own(), of.sides(), np.zeros(kernel.PLAN, np.int64)
        down, up = of.reach([*stencil.taps, *own, *sides, *(opposite(offset) for offset in sides)])
        weight = 2 * len(own) + 2 * of.behind + len(sides)
        if of.behind:
            down[-1] = max(down[-1], 4 * of.stride)
        plan[: len(of.shape)] = of.shape
        plan[kernel.STRIDE : kernel.DOWN] = (
            of.stride, of.members, stencil.edge, of.chances, self.decoding,
            kernel.EIGHTHS * 65536 // max(1, weight), of.behind, weight,
        )  # fmt: skip
        plan[kernel.DOWN : kernel.UP] = down
        plan[kernel.UP : kernel.PLAN] = up
        taps, weights = [of.flat(tap) for tap in stencil.taps], np.array(stencil.weights)
        if of.behind and not stencil.fitted:
            taps, weights = [*taps, -2 * of.stride, -4 * of.stride], np.append(weights, [0.0, 0.0])
        row = of.shape[-1] // (2 * of.stride) + 1
        kernel.code_pass(
            self.field, self.sizes, self.marks, plan, np.array(taps, np.int64), weights,
            _flat(of, own), _flat(of, sides), self.step, self.exact, self.used, self.chances,
            self.registers, self.words, self.raws, self.reciprocal, np.empty(row, np.float64), np.empty(row, np.int64),
        )  # fmt: skip


def _flat(of: Pass, offsets: Iterable[Offset]) -> NDArray[np.int64]:
    return np.array([of.flat(offset) for offset in offsets], np.int64)


def encode_field(field: Floats, marks: Bytes, shape: tuple[int, ...], step: float, effort: int, report: Report = ignore) -> bytes:
    """The payload of field, f64[n], which becomes what a decoder will find."""
    order = list(passes(shape))
    stencils = [fit(field, of, step, effort >= _FITTED) for of in order]
    original, room = field.copy(), _ROOM + len(field)
    while True:
        coder = _Coder(
            field, marks, step, np.empty(len(field), np.float64), np.empty(room, np.uint32), np.empty(room, np.uint32), False
        )
        for of, stencil in zip(order, stencils, strict=True):
            coder.run(of, stencil)
            report(of.count())
        most = int(max(coder.registers[kernel.AT], coder.registers[kernel.PLACE])) + AHEAD
        if most <= room:
            break
        field[:], room = original, most
    out = Writer()
    out.write(np.array(step, "<f8").tobytes())
    out.number(int(coder.used[0]))
    out.write(coder.exact[: int(coder.used[0])].astype("<f8").tobytes())
    for stencil in stencils:
        _stencil.write(out, stencil)
    decisions = closed(coder.registers, coder.words)
    pool, place = int(coder.registers[kernel.POOL]), int(coder.registers[kernel.PLACE])
    raws = coder.raws[:place].astype("<u4").tobytes() + pool.to_bytes(8, "little")
    out.number(len(decisions))
    out.write(decisions)
    out.write(raws.rstrip(b"\0"))
    return out.data


def decode_field(data: memoryview, marks: Bytes, shape: tuple[int, ...], n: int, report: Report = ignore) -> Floats:
    """The inverse: f64[n]."""
    reader = Reader(data, 0)
    step = float(np.frombuffer(reader.take(8), "<f8")[0])
    if not 0 < step < np.inf:
        raise CorruptFile("its step is no positive number")
    count = reader.number()
    if count > n:
        raise CorruptFile("it has more exact values than values")
    exact = np.frombuffer(reader.take(8 * count), "<f8").astype(np.float64)
    order = list(passes(shape))
    stencils = [_stencil.read(reader, of) for of in order]
    words, raws = words_of(reader.take(reader.number()), ">u4"), words_of(reader.rest(), "<u4")
    coder = _Coder(np.zeros(n, np.float64), marks, step, exact, words, raws, True)
    for of, stencil in zip(order, stencils, strict=True):
        coder.run(of, stencil)
        report(of.count())
    left = min(int(coder.registers[kernel.AT]) - len(words), int(coder.registers[kernel.PLACE]) - len(raws)) + AHEAD
    if int(coder.used[0]) != count or left < 0:
        raise CorruptFile("its values end before its bits")
    return coder.field
