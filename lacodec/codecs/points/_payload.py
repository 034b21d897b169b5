"""The payload of a chunk: bytes that are no points, then records, as columns or by the numbers of the sensor.

    payload = bytes before the records, size and `others` if there are any; records, u8 method and data if there are any;
              nothing for a chunk of no bytes; records may be among the bytes before the records, too
    method  = 0 columns (`_records`)   3 a sweep of nuScenes' sensor (`moving`)   5 a sweep of KITTI's sensor (`spinning`)
              2 an older form of 3   1, 4 older forms of 5   6 columns by lasers (`_lanes`)   7 columns by firings (`_firings`)
              8 bytes (`_rows`)   9 several frames, each with a method (`_frames`)   10 mirrored, with a method (`_mirrored`)
              11 records of las (`las`)

Numbers are LEB128.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lacodec.codecs.arrays.others import decode_others, encode_others
from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points import _firings, _frames, _lanes, _mirrored, _records, _rows
from lacodec.codecs.points._options import LEAST_MIXED
from lacodec.codecs.points._step import rounded
from lacodec.codecs.points.las import payload as las
from lacodec.codecs.points.moving import payload as moving
from lacodec.codecs.points.numbers import encode_numbers
from lacodec.codecs.points.spinning import payload as spinning
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_COLUMNS, _SPINNING_OLDEST, _MOVING_OLDER, _MOVING, _SPINNING_OLDER, _SPINNING = range(6)
_LANES, _FIRINGS, _ROWS, _FRAMES, _MIRRORED, _LAS = range(6, 12)
_LATTICES, _BEST = (
    2,
    9,
)  # efforts: from which on `columns` finds lattices; that of bytes beside mixed points, and of all orders tried
_PLAIN = (_COLUMNS, _LANES, _FIRINGS, _ROWS, _MIRRORED, _LAS)
_FEW = 1 << 12  # records of las that are also tried in columns, at efforts that do not mix numbers
_SMALL = 1 << 17  # bytes of a chunk that is also tried without records
_Records = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Encoding:
    """How chunks are encoded. embed: the payload of codec `bytes` for bytes at an effort; step: of coordinates, if any.

    before: records of the frame before, if there is one.
    """

    effort: int
    step: float | None
    session: Session
    embed: Callable[[bytes, int], bytes]
    before: np.ndarray | None = None


def encode_payload(
    data: memoryview, lead: int, columns: Columns, how: Encoding, frames: tuple[int, ...] = ()
) -> tuple[bytes, Any]:
    """(payload, what it decodes to) of `lead` bytes and the records after them. Sweeps of known sensors keep all bits.

    frames: points of each frame, if the records are those of several.
    """
    if not len(data):
        return b"", data
    out = Writer()
    out.number(lead)
    if lead:
        out.piece(_others(bytes(data[:lead]), how))
    records = np.frombuffer(data[lead:], columns.dtype)
    out.number(len(records))
    if len(frames) > 1:

        def one(frame: np.ndarray, before: np.ndarray | None) -> tuple[int, bytes]:
            return _coded(frame, columns, replace(how, before=before))[:2]

        return bytes(out.data) + bytes([_FRAMES]) + _frames.write_frames(records, frames, how.before, one), data
    method = None
    if len(records):
        method, coded, kept = _coded(records, columns, how)
        out.write(bytes([method]) + coded)
        if kept is not records:
            data = memoryview(bytes(data[:lead]) + kept.tobytes())
    whole = _whole(bytes(data), how) if method in _PLAIN and len(data) <= _SMALL and how.effort >= LEAST_MIXED else None
    return min(bytes(out.data), whole or bytes(out.data), key=len), data


def _whole(data: bytes, how: Encoding) -> bytes:
    """The payload of a small chunk whose records are bytes like those before them, which may tell them."""
    out = Writer()
    out.number(len(data))
    out.piece(_others(data, how))
    out.number(0)
    return bytes(out.data)


def _coded(records: np.ndarray, columns: Columns, how: Encoding) -> tuple[int, bytes, np.ndarray]:
    """(method, payload, what it decodes to) of records."""
    method, sweep = _sweep(records, columns, how)
    if sweep is not None:
        return method, sweep, records
    effort = how.effort
    if how.step is not None:
        records = rounded(records, how.step)
        effort = max(effort, _LATTICES)
    return *_shortest(records, columns, effort, how), records


def follow_each_other(frame: np.ndarray, columns: Columns, how: Encoding) -> bool:
    """Whether frames of a sequence that begins with these records are told from each other: those of KITTI's sensor."""
    return how.effort >= LEAST_MIXED and how.step is None and spinning.measured(frame, columns)


def _others(data: bytes, how: Encoding) -> bytes:
    """Bytes beside the points: faces of a mesh as text may be half of what a file takes, and heads much of a small one."""
    if how.effort < LEAST_MIXED:
        return encode_others(data, how.effort, how.embed)
    ways = (encode_others(data, how.effort, lambda others, _: how.embed(others, _BEST), large) for large in (1, len(data) + 1))
    return min(ways, key=len)


def _sweep(records: np.ndarray, columns: Columns, how: Encoding) -> tuple[int, bytes | None]:
    """(method, payload of records as a sweep), None if no known sensor measured them."""
    sweep = spinning.encode(records, columns, how.effort, how.session, how.before)
    if sweep is not None:
        return _SPINNING, sweep
    return _MOVING, moving.encode(records, columns, how.effort, how.session)


def _shortest(records: np.ndarray, columns: Columns, effort: int, how: Encoding) -> tuple[int, bytes]:
    """(method, payload of records that no known sensor measured): in columns, or, where numbers are mixed, in other ways."""
    if effort < LEAST_MIXED:
        return _in_columns(records, columns, effort, how.session)
    found = _in_columns_or_rows(records, columns, effort, how)
    mirrored = _mirrored.encode_mirrored(
        records,
        columns,
        lambda distances: encode_numbers(distances, effort, how.session),
        lambda some: _in_columns_or_rows(some, columns, effort, how),
    )
    return found if mirrored is None or len(mirrored) >= len(found[1]) else (_MIRRORED, mirrored)


def _in_columns_or_rows(records: np.ndarray, columns: Columns, effort: int, how: Encoding) -> tuple[int, bytes]:
    """(method, payload): in columns, or as bytes where that is shorter."""
    found = _in_columns(records, columns, effort, how.session)

    def otherwise(some: np.ndarray) -> int:
        return len((found if len(some) == len(records) else _in_columns(some, columns, effort, how.session))[1])

    rows = _rows.encode_rows(records, otherwise, lambda data: how.embed(data, _BEST))
    return found if rows is None else (_ROWS, rows)


def _in_columns(records: np.ndarray, columns: Columns, effort: int, session: Session) -> tuple[int, bytes]:
    """(method, payload of records that no known sensor measured): the first order that pays; at the best effort, the shortest."""
    coded_las = las.encode_las(records, columns, effort, session)
    if coded_las is not None and effort < LEAST_MIXED and len(records) > _FEW:
        return _LAS, coded_las
    ways = ((_FIRINGS, _firings.encode_firings), (_LANES, _lanes.encode_lanes), (_COLUMNS, _records.encode_records))
    coded = ((method, way(records, columns, effort, session)) for method, way in ways)
    found = ((method, payload) for method, payload in coded if payload is not None)
    best = next(found) if effort < _BEST else min(found, key=lambda pair: len(pair[1]))
    return best if coded_las is None or len(best[1]) <= len(coded_las) else (_LAS, coded_las)


def decode_payload(
    payload: bytes | memoryview, size: int, columns: Columns, unembed: Callable[[bytes, int], bytes], before: _Records
) -> np.ndarray:
    """The u8[size] bytes of a chunk; before: gives the records of the frame before. Raises CorruptFile, and what that raises."""
    reader, out = Reader(payload), np.empty(size, np.uint8)
    if not size:
        reader.finish()
        return out
    lead, others, count = _head(reader, size, columns)
    if lead:
        out[:lead] = np.frombuffer(decode_others(bytes(others), lead, unembed), np.uint8)
    if count:
        records = out[lead:].view(columns.dtype)
        method = reader.take(1)[0]
        if method == _FRAMES:
            for frame, last in _frames.read_frames(reader, records, before):
                _decode(reader, reader.take(1)[0], columns, frame, unembed, last)
        else:
            _decode(reader, method, columns, records, unembed, before)
    reader.finish()
    return out


def _decode(reader: Reader, method: int, columns: Columns, records: np.ndarray, unembed: Unembed, before: _Records) -> None:
    """Fill structured records by a method; raises CorruptFile."""
    if method == _COLUMNS:
        _records.decode_records(reader, columns, records, unembed)
    elif method == _LANES:
        _lanes.decode_lanes(reader, columns, records, unembed)
    elif method == _FIRINGS:
        _firings.decode_firings(reader, columns, records, unembed)
    elif method == _LAS:
        las.decode_las(reader, columns, records, unembed)
    elif method == _ROWS:
        _rows.decode_rows(reader, records, unembed)
    elif method == _MIRRORED:
        _mirrored.decode_mirrored(
            reader, columns, records, unembed, lambda method, some: _own(reader, method, columns, some, unembed)
        )
    elif method in (_SPINNING, _SPINNING_OLDER):
        spinning.decode(reader, columns, records, unembed, before, older=method == _SPINNING_OLDER)
    elif method == _MOVING:
        moving.decode(reader, columns, records, unembed)
    elif method == _SPINNING_OLDEST:
        spinning.decode_oldest(reader, columns, records, unembed)
    elif method == _MOVING_OLDER:
        moving.decode_older(reader, columns, records, unembed)
    else:
        raise CorruptFile("its records have an unknown form; if a newer lacodec wrote it, update")


def _own(reader: Reader, method: int, columns: Columns, records: np.ndarray, unembed: Unembed) -> None:
    """Records that are not mirrored, by a method that may be within another."""
    if method not in (_COLUMNS, _LANES, _FIRINGS, _ROWS):
        raise CorruptFile("its records that are not mirrored have an unknown form; if a newer lacodec wrote it, update")
    _decode(reader, method, columns, records, unembed, _no_frame)


def _no_frame() -> np.ndarray:
    raise CorruptFile("records without a sensor are told from a frame before")


def _head(reader: Reader, size: int, columns: Columns) -> tuple[int, memoryview, int]:
    """(bytes before the records, those bytes coded, number of records), which make up `size` bytes."""
    lead = reader.number()
    before = reader.piece() if lead else memoryview(b"")
    count = reader.number()
    if lead + count * columns.size != size:
        raise CorruptFile("its records do not make up its decoded size")
    return lead, before, count
