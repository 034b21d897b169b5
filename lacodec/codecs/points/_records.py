"""Columns of records <-> payloads of `columns`. Coordinates, colours and normals are coded together where that is shorter.

records = for each group of columns: u8 joint if it has several, and a payload of numbers [n, k], or one [n] of each column

Each payload has its size before it; numbers are LEB128.
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_TOGETHER = (("x", "y", "z"), ("red", "green", "blue"), ("r", "g", "b"), ("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
_SAMPLE = 1 << 13  # records that tell whether columns belong together
_SEPARATE, _JOINT = range(2)
_FASTEST, _CAREFUL, _BEST = 3, 7, 9  # efforts; from the middle one on nothing is guessed from samples


def groups(found: Columns) -> list[tuple[int, ...]]:
    """Positions of columns that may be coded together, every column once: neighbours of one type whose names say so."""
    out: list[tuple[int, ...]] = []
    at = 0
    while at < len(found.names):
        three = tuple(name.lower() for name in found.names[at : at + 3])
        joined = three in _TOGETHER and len(set(found.types[at : at + 3])) == 1
        out.append((at, at + 1, at + 2) if joined else (at,))
        at += len(out[-1])
    return out


def encode_records(records: np.ndarray, found: Columns, effort: int, session: Session) -> bytes:
    """The payload of structured records."""
    out = Writer()
    for group in groups(found):
        values = [native(records[found.names[i]]) for i in group]
        if len(group) == 1:
            out.piece(encode_numbers(values[0], effort, session))
        elif effort >= _CAREFUL:
            out.write(min(_joint(values, effort, session), _separate(values, effort, session), key=len))
        else:
            begin = max(0, (len(values[0]) - _SAMPLE) // 2)
            some = [column[begin : begin + _SAMPLE] for column in values]
            joint = len(_joint(some, effort, session)) < len(_separate(some, effort, session))
            out.write((_joint if joint else _separate)(values, effort, session))
    return bytes(out.data)


def _joint(values: list[np.ndarray], effort: int, session: Session) -> bytes:
    """Columns as one array of numbers."""
    out = Writer()
    out.write(bytes([_JOINT]))
    out.piece(encode_numbers(np.stack(values, axis=1), _of_groups(effort), session))
    return bytes(out.data)


def _separate(values: list[np.ndarray], effort: int, session: Session) -> bytes:
    out = Writer()
    out.write(bytes([_SEPARATE]))
    for column in values:
        out.piece(encode_numbers(column, _of_groups(effort), session))
    return bytes(out.data)


def _of_groups(effort: int) -> int:
    """All contexts wherever numbers are mixed: for coordinates they save a fiftieth and take a tenth more time."""
    return _BEST if effort > _FASTEST else effort


def decode_records(reader: Reader, found: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    for group in groups(found):
        how = reader.take(1)[0] if len(group) > 1 else _SEPARATE
        if how > _JOINT:
            raise CorruptFile("its columns are coded in an unknown way; if a newer lacodec wrote it, update")
        if how == _JOINT:
            values = decode_numbers(reader, found.types[group[0]], (len(out), len(group)), unembed)
            for place, i in enumerate(group):
                fill(out[found.names[i]], values[:, place])
            continue
        for i in group:
            fill(out[found.names[i]], decode_numbers(reader, found.types[i], (len(out),), unembed))
