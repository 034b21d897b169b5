"""The numbers of a sweep that are not those of single points: the map, the car's lines, the columns' azimuths."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.moving._place_kernel import poses
from lacodec.codecs.points.moving._sweep import Found
from lacodec.codecs.points.moving.sensor import CIRCLE, PACKET, SLIPS, times
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile

_DOUBLES = 30
_UNIT = 2.0**-36
_MOST = 1 << 52
_LARGEST, _LEAST_STEP = 1e6, 2.0**-30
_NUMBERS = 12  # of a segment


@dataclass(frozen=True)
class Model:
    """turn, back: f64[3, 3]; offset, centres, steps, move: f64[3]. starts: first columns of segments; lines: i64[segments, 12].

    columns: i64[columns, 2], azimuth at the start and duration.
    """

    phase: int
    slip: int
    doubles: np.ndarray
    starts: np.ndarray
    lines: np.ndarray
    columns: np.ndarray

    @property
    def turn(self) -> np.ndarray:
        return self.doubles[:9].reshape(3, 3)

    @property
    def offset(self) -> np.ndarray:
        return self.doubles[9:12]

    @property
    def centres(self) -> np.ndarray:
        return self.doubles[12:15]

    @property
    def steps(self) -> np.ndarray:
        return self.doubles[15:18]

    @property
    def back(self) -> np.ndarray:
        return self.doubles[18:27].reshape(3, 3)

    @property
    def move(self) -> np.ndarray:
        return self.doubles[27:]

    @property
    def plausible(self) -> bool:
        """Whether no arithmetic with these numbers can overflow."""
        steps = self.steps
        good = bool(np.isfinite(self.doubles).all() and (np.abs(self.doubles) <= _LARGEST).all())
        turns = bool((np.abs(self.turn) <= 2).all() and (np.abs(self.back) <= 2).all())
        return (
            good
            and turns
            and bool(((steps == 0) | ((steps >= _LEAST_STEP) & (steps <= 1))).all() and (np.abs(self.lines) <= _MOST).all())
        )

    def poses(self) -> np.ndarray:
        """f64[columns, 12]: rotation and place of the sensor in each column."""
        count = len(self.columns)
        segments = np.searchsorted(self.starts, np.arange(count), side="right") - 1
        out = np.empty((count, _NUMBERS))
        poses(self.lines * _UNIT, segments, times(count, self.phase, self.slip), out)
        return out


def model_of(found: Found) -> Model:
    """The numbers of a fit, as a stream holds them."""
    frame, back, fit = found.frame, found.back, found.fit
    doubles = np.concatenate([frame.turn.ravel(), frame.offset, back.centres, back.steps, back.turn.ravel(), back.move])
    place, rotation = fit.place.reshape(-1, 6), fit.rotation.reshape(-1, 6)
    lines = np.concatenate([place, rotation], axis=1) / _UNIT
    lines = np.rint(np.where(np.abs(lines) <= _MOST, lines, 2.0 * _MOST)).astype(np.int64)
    first = found.returns.columns[:, 0] % CIRCLE
    columns = np.column_stack([first, found.returns.columns[:, 1]])
    return Model(found.phase, found.slip, doubles, np.array(fit.starts), lines, columns)


def write_model(out: Writer, model: Model, effort: int, session: Session) -> None:
    """Add a model."""
    out.write(bytes([model.phase, model.slip]) + model.doubles.astype("<f8").tobytes())
    out.number(len(model.starts))
    for step, line in zip(np.diff(model.starts, prepend=0), model.lines, strict=True):
        out.number(int(step))
        for value in line:
            out.signed(int(value))
    steps = np.diff(model.columns[:, 0], prepend=0) % CIRCLE
    durations = model.columns[:, 1]
    odd = np.array([durations[i] - _expected(steps, durations, model.phase, i) for i in range(len(steps))])
    out.piece(encode_numbers(steps.astype("<u2"), effort, session))
    out.piece(encode_numbers(odd.astype("<i2"), effort, session))


def read_model(reader: Reader, count: int, unembed: Unembed) -> Model:
    """The model of so many columns; raises CorruptFile."""
    phase, slip = reader.take(2)
    doubles = np.frombuffer(bytes(reader.take(8 * _DOUBLES)), "<f8")
    several = reader.number()
    if phase >= PACKET or slip >= SLIPS or not 0 < several <= count:
        raise CorruptFile("a sweep has an impossible clock, or impossible segments")
    starts, lines, at = [], [], 0
    for _ in range(several):
        at += reader.number()
        starts.append(at)
        lines.append([reader.signed() for _ in range(_NUMBERS)])
    if starts[0] or at >= count or any(abs(value) > _MOST for line in lines for value in line):
        raise CorruptFile("a segment of a sweep has an impossible place")
    steps = decode_numbers(reader, "<u2", (count,), unembed).astype(np.int64)
    odd = decode_numbers(reader, "<i2", (count,), unembed).astype(np.int64)
    durations = np.zeros(count, np.int64)
    for i in range(count):  # the last one of a packet is expected to be like the one before
        durations[i] = odd[i] + _expected(steps, durations, phase, i)
    model = Model(
        phase, slip, doubles, np.array(starts), np.array(lines, np.int64), np.column_stack([np.cumsum(steps) % CIRCLE, durations])
    )
    if not model.plausible:
        raise CorruptFile("a sweep has an impossible map, lattice or motion")
    return model


def _expected(steps: np.ndarray, durations: np.ndarray, phase: int, i: int) -> int:
    """How long column i should last: until the next one; at the end of a packet, and of all, as long as the one before."""
    last = (i + phase) % PACKET == PACKET - 1 or i + 1 == len(steps)
    return int(durations[i - 1] if last and i else steps[(i + 1) % len(steps)])
