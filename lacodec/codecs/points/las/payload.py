"""Records of las files <-> a payload.

las = `head`; u64 state, number of words, these, u32 each; the columns that the model has not, as in `_records`, if any
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.image.lossless.fast.kernel import POSITION, RECORDS, START, STATE, code_records
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points import _records
from lacodec.codecs.points.las import _layout as at
from lacodec.codecs.points.las._kernel import State, decode_points, encode_points
from lacodec.codecs.points.las._setup import new_state, new_tokens
from lacodec.codecs.points.las._steps_kernel import SLOTS, number_steps
from lacodec.codecs.points.las.columns import grow, shrink
from lacodec.codecs.points.las.head import Head, others_of
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.las_head import format_of
from lacodec.media.points.value import Columns

_BLOCK = 1 << 12  # points between two looks at how many records there is room for
_WORST = 1 + at.COLUMNS * 5  # records of a point: of each value a token, its size, three pieces of 22 bits
_USUAL = 2  # more records of a point than it has coded columns


def encode_las(records: np.ndarray, found: Columns, effort: int, session: Session) -> bytes | None:
    """The payload of structured records; None if they are not those of a las file."""
    if format_of(found) is None or not len(records):
        return None
    head, values, times = shrink(records, found)
    out = Writer()
    head.write(out, found)
    state = _new(head, values, times, found, decoding=False)
    if head.coded[at.TIME]:
        number_steps(times, head.steps, np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64), state.found)
    coded = _code(state, sum(head.coded))
    words = np.empty(len(coded) + 2, np.uint32)
    last, place = code_records(coded, len(coded), words)
    out.write(int(last).to_bytes(8, "little"))
    out.number(len(words) - int(place))
    out.write(words[int(place) :].astype("<u4", copy=False).tobytes())
    others = others_of(found)
    if others is not None:
        out.write(_records.encode_records(records[list(others.names)], others, effort, session))
    return bytes(out.data)


def decode_las(reader: Reader, found: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    if format_of(found) is None:
        raise CorruptFile("its records are not those of a las file")
    head = Head.read(reader, found)
    values, times = np.zeros((at.COLUMNS, len(out)), np.int32), np.zeros(len(out), np.int64)
    state = _new(head, values, times, found, decoding=True)
    first = int.from_bytes(reader.take(8), "little")
    stream = np.frombuffer(reader.take(4 * reader.number()), "<u4")
    tokens = new_tokens(np.append(stream.astype(np.uint32), np.uint32(0)), np.empty(1, np.uint64))
    tokens.coder[STATE] = first
    decode_points(state, tokens, 0, len(out))
    if int(tokens.coder[STATE]) != START or int(tokens.coder[POSITION]) != len(stream):
        raise CorruptFile("the words of its records do not end with its last point")
    grow(head, values, times, found, out)
    others = others_of(found)
    if others is not None:
        rest = np.empty(len(out), others.dtype)
        _records.decode_records(reader, others, rest, unembed)
        for name in others.names:
            out[name] = rest[name]


def _new(head: Head, values: np.ndarray, times: np.ndarray, found: Columns, *, decoding: bool) -> State:
    state = new_state(values, times, head.coded, decoding=decoding)
    state.steps[1 : len(head.steps) + 1] = head.steps
    returns = head.places.get(at.RETURNS)
    if returns is None:
        returns = np.frombuffer(head.constants[at.RETURNS], np.uint8)
    bits = 4 if at.NAMES[at.FLAGS] in found.names else 3  # of the number of a return, and of how many there are
    number, several = returns.astype(np.int64) % (1 << bits), (returns.astype(np.int64) >> bits) % (1 << bits)
    state.numbers[: len(returns)] = number + 16 * several
    state.kinds[: len(returns)] = np.where(several <= 1, 0, np.where(number <= 1, 1, np.where(number < several, 2, 3)))
    return state


def _code(state: State, columns: int) -> np.ndarray:
    """What is coded, by blocks of points: records for which there is always room."""
    points = state.values.shape[1]
    tokens = new_tokens(np.zeros(1, np.uint32), np.empty(points * (columns + _USUAL) + _BLOCK * _WORST, np.uint64))
    for start in range(0, points, _BLOCK):
        used = int(tokens.coder[RECORDS])
        if len(tokens.records) - used < _BLOCK * _WORST:
            tokens = tokens._replace(records=np.concatenate([tokens.records, np.empty(len(tokens.records), np.uint64)]))
        encode_points(state, tokens, start, min(start + _BLOCK, points))
    return tokens.records[: int(tokens.coder[RECORDS])]
