"""The numbers of a sweep's points in and out of sections: by the mixing kernel, or by `columns` where speed matters.

section = engine 0: size, payload of `columns`      else: first number, sizes of decisions and plain bits, these
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.plain import finish_plain
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers
from lacodec.codecs.points.spinning._neighbours_kernel import NEIGHBOURS, find_neighbours
from lacodec.codecs.points.spinning._values_kernel import code_points
from lacodec.codecs.points.spinning.models import Model, limits, new_values
from lacodec.codecs.points.spinning.sides import Sides
from lacodec.codecs.session import Session
from lacodec.entropy.mixing import POSITION, READ_AHEAD, finish, start
from lacodec.errors import CorruptFile

_SLICE = 1 << 16  # points between two looks at whether the stream has ended
_ASIDE = (0, -1, 1, 2)  # places beside a point that the frame before is asked for
_OCTAVES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096])


def sides_of(starts: np.ndarray, places: np.ndarray, used: int, rings: np.ndarray, image: np.ndarray | None = None) -> Sides:
    """What is known of points before their numbers are: places i64[n] among so many, in runs; rings, u8[n].

    image: numbers by the frame before, u16[rings, used], zeros where it tells none.
    """
    count = len(places)
    near, gaps = np.zeros((count, NEIGHBOURS), np.int32), np.zeros(count, np.uint8)
    find_neighbours(starts, places, np.zeros(used, np.int32), np.zeros(used, np.int32), near, gaps)
    past = np.zeros((1, len(_ASIDE)), np.int64)
    if image is not None:
        past = np.stack([image[rings, (places + aside) % used] for aside in _ASIDE], axis=1).astype(np.int64)
    return Sides(near, gaps, rings, np.zeros((count, 2), np.int64), past)


def told(sides: Sides, errors: np.ndarray, counts: np.ndarray) -> Sides:
    """The same with what ranges tell of intensities: how unexpected they were, and how far away the point is."""
    classes = np.searchsorted(_OCTAVES, np.abs(errors), side="right")
    return sides._replace(told=np.stack([classes, counts >> 10], axis=1).astype(np.int64))


def write_numbers(
    out: Writer, model: Model, engine: int, values: np.ndarray, sides: Sides, effort: int, session: Session
) -> np.ndarray:
    """Add a section for i64[n]; returns by how much the predictions missed, i64[n], zeros without an engine."""
    if not engine:
        out.piece(encode_numbers(values.astype(_type_of(model)), effort, session))
        return np.zeros(len(values), np.int64)
    room = 4 * len(values) + 64
    stream, raw = np.zeros(2 * room, np.uint8), np.zeros(room, np.uint8)
    first = int(values[0])
    s = new_values(model, engine, first, len(values), stream, raw, decoding=False)
    s.values[len(s.values) - len(values) :] = values
    start(s)
    code_points(s, sides, limits(model), 0, len(values))
    finish(s)
    finish_plain(s)
    decisions, plain = int(s.registers[POSITION]), int(s.registers[st.RAW_AT])
    out.numbers([first, decisions, plain])
    out.write(stream[:decisions].tobytes() + raw[:plain].tobytes())
    return s.errors[1:]


def read_numbers(
    reader: Reader, model: Model, engine: int, count: int, sides: Sides, unembed: Unembed
) -> tuple[np.ndarray, np.ndarray]:
    """(numbers i64[count], by how much the predictions missed) of a section; raises CorruptFile."""
    if not engine:
        return decode_numbers(reader, _type_of(model), (count,), unembed).astype(np.int64), np.zeros(count, np.int64)
    first, decisions, plain = reader.number(), reader.number(), reader.number()
    if first >> model.bits:
        raise CorruptFile("the first number of a sweep is too large")
    stream = np.frombuffer(reader.take(decisions), np.uint8).copy()
    raw = np.frombuffer(reader.take(plain), np.uint8).copy()
    s = new_values(model, engine, first, count, stream, raw, decoding=True)
    start(s)
    for begin in range(0, count, _SLICE):
        stop = min(begin + _SLICE, count)
        if code_points(s, sides, limits(model), begin, stop) < stop:
            raise CorruptFile("the numbers of a sweep end before its points")
    if int(s.registers[POSITION]) != stream.size + READ_AHEAD or int(s.registers[st.RAW_AT]) != raw.size:
        raise CorruptFile("the numbers of a sweep do not end with its last point")
    return s.values[len(s.values) - count :], s.errors[1:]


def _type_of(model: Model) -> str:
    return "<u2" if model.bits > 8 else "|u1"
