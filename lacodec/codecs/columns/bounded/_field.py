"""A field of doubles, coded so that every value comes back within half a step, but for rounding.

    field = f64 step, number of exact values, f64 exact values, u8 kind, [f64 origin], stencils of all passes, number of bytes of
            decisions, decisions, raw bits

kind: bit 0 rich stencils, bits 1-2 which of FINER, bit 3 values are multiples of the step from `origin` on. Marked points are
not coded. Decisions are words of the range coder, big-endian, raw bits little-endian; zeros at the end of either are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded import _kernel as kernel
from lacodec.codecs.columns.bounded._bits import CHANCE
from lacodec.codecs.columns.bounded._fit import fit
from lacodec.codecs.columns.bounded._passes import SETS
from lacodec.codecs.columns.bounded._plan import Step, plan_of, steps_of
from lacodec.codecs.columns.bounded._stencil import Stencils, read, write
from lacodec.codecs.columns.bounded._words import AHEAD, Words, closed, opened, words_of
from lacodec.codecs.fields import Reader, Writer
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Report = Callable[[int], None]
_ROOM = 1024  # words more than there are values, at first
_FITTED = 3  # effort from which on stencils are fitted
_RICH = 7  # with more taps, all of FINER tried, and stencils fitted again to what was decoded
_AGAIN = 2
_BOTH = 9  # with more taps and without
_GRID = 8  # added to the kind
_FEW_BITS = 0.75  # a value, below which a second try takes little time and may save much
FINER = (1.0, 1.25, 1.5)
"""By how much the step of a level may be finer than that of the one below."""
_FINEST = 2.0  # by how much in all


class Scale(NamedTuple):
    """How a field is quantised: with a step, and to its multiples if there is an origin of them."""

    step: float
    origin: float | None = None


def ignore(_: int) -> None:
    """Ignores reports."""


@dataclass
class _Coder:
    """The state of one run over all passes."""

    field: Floats
    marks: Bytes
    steps: list[float]
    origin: float | None
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

    def run(self, step: Step, stencils: Stencils) -> None:
        """One pass."""
        row = step.of.shape[-1] // (2 * step.of.stride) + 1
        kernel.code_pass(
            self.field, self.sizes, self.marks, *plan_of(step, stencils, self.decoding), self.steps[step.of.level],
            self.origin or 0.0, int(self.origin is not None), self.exact, self.used, self.chances, self.registers,
            self.words, self.raws, self.reciprocal, np.empty(row, np.float64), np.empty(row, np.int64),
        )  # fmt: skip


def encode_field(
    field: Floats, marks: Bytes, shape: tuple[int, ...], scale: Scale, effort: int, report: Report = ignore
) -> tuple[bytes, Floats]:
    """The payload of field, f64[n], and what a decoder will find."""
    best, found, way = b"", field, _Way(effort >= _FITTED, False, 0)
    for one in _ways(effort, scale.origin is not None):
        data, decoded = _encode(field, None, marks, shape, scale, one)
        if not best or len(data) < len(best):
            best, found, way = data, decoded, one
        if effort < _RICH and len(data) * 8 > _FEW_BITS * len(field):
            break
    for _ in range(_AGAIN if effort >= _RICH else 0):
        data, decoded = _encode(field, found, marks, shape, scale, way)
        if len(data) >= len(best):
            break
        best, found = data, decoded
    report(len(field))
    return best, found


class _Way(NamedTuple):
    """Whether stencils are fitted, with more taps; which of FINER."""

    fitted: bool
    rich: bool
    finer: int


def _ways(effort: int, gridded: bool) -> list[_Way]:
    """Those to try; the first is the likeliest."""
    if effort < _FITTED:
        return [_Way(False, False, 0)]
    finer = range(1 if gridded else len(FINER) if effort >= _RICH else 2)
    kinds = (False,) if effort < _RICH else (True,) if effort < _BOTH else (True, False)
    return [_Way(True, rich, k) for rich in kinds for k in finer]


def _encode(
    original: Floats, before: Floats | None, marks: Bytes, shape: tuple[int, ...], scale: Scale, way: _Way
) -> tuple[bytes, Floats]:
    """(payload, what a decoder finds); before: the same of another run."""
    order = steps_of(shape)
    steps = steps_of_levels(scale.step, way.finer, len(order))
    stencils = [fit(original, before, one.of, steps[one.of.level], way.fitted, way.rich) for one in order]
    field, room = original.copy(), _ROOM + len(original)
    while True:
        coder = _Coder(
            field,
            marks,
            steps,
            scale.origin,
            np.empty(len(field), np.float64),
            np.empty(room, np.uint32),
            np.empty(room, np.uint32),
            False,
        )
        for one, some in zip(order, stencils, strict=True):
            coder.run(one, some)
        most = int(max(coder.registers[kernel.AT], coder.registers[kernel.PLACE])) + AHEAD
        if most <= room:
            break
        field, room = original.copy(), most
    out = Writer(np.array(scale.step, "<f8").tobytes())
    out.number(int(coder.used[0]))
    out.write(coder.exact[: int(coder.used[0])].astype("<f8").tobytes())
    out.write(bytes([way.rich | way.finer << 1 | (_GRID if scale.origin is not None else 0)]))
    if scale.origin is not None:
        out.write(np.array(scale.origin, "<f8").tobytes())
    for one, some in zip(order, stencils, strict=True):
        write(out, one.of, some)
    decisions = closed(coder.registers, coder.words)
    pool, place = int(coder.registers[kernel.POOL]), int(coder.registers[kernel.PLACE])
    raws = coder.raws[:place].astype("<u4").tobytes() + pool.to_bytes(8, "little")
    out.number(len(decisions))
    out.write(decisions)
    out.write(raws.rstrip(b"\0"))
    return out.data, field


def steps_of_levels(step: float, finer: int, levels: int) -> list[float]:
    """The step of each level: what many others are predicted from may be finer."""
    steps, factor = [], 1.0
    for _ in range(levels):
        steps.append(step / factor)
        factor = min(factor * FINER[finer], _FINEST)
    return steps


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
    order = steps_of(shape)
    kind = reader.take(1)[0]
    finer = (kind & ~_GRID) >> 1
    if finer >= len(FINER):
        raise CorruptFile("its levels are of an unknown kind")
    origin = float(np.frombuffer(reader.take(8), "<f8")[0]) if kind & _GRID else None
    stencils = [read(reader, one.of, bool(kind & 1)) for one in order]
    words, raws = words_of(reader.take(reader.number()), ">u4"), words_of(reader.rest(), "<u4")
    steps = steps_of_levels(step, finer, len(order))
    coder = _Coder(np.zeros(n, np.float64), marks, steps, origin, exact, words, raws, True)
    for one, some in zip(order, stencils, strict=True):
        coder.run(one, some)
        report(one.of.count)
    left = min(int(coder.registers[kernel.AT]) - len(words), int(coder.registers[kernel.PLACE]) - len(raws)) + AHEAD
    if int(coder.used[0]) != count or left < 0:
        raise CorruptFile("its values end before its bits")
    return coder.field
