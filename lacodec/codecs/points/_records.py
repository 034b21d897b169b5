"""Columns of records <-> payloads of `columns`. Coordinates, colours and normals are coded together where that is shorter.

records = for each group of columns: u8 joint if it has several, and a payload of numbers [n, k], or one [n] of each column
by ring = u8 column that tells the ring, a payload of it; `records` of the other columns, all points of the lowest ring first,
          those of a ring in their order

Each payload has its size before it, as LEB128.
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import RINGS, Columns

_TOGETHER = (("x", "y", "z"), ("red", "green", "blue"), ("r", "g", "b"), ("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
_FIRINGS = 1 << 15  # records that tell whether points of a ring belong together
_MOST_RINGS = 1 << 8
_SAMPLE = 1 << 13  # records that tell whether columns belong together
_SEPARATE, _JOINT = range(2)


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
        joint = len(group) > 1 and _better_joint(values, effort, session)
        if len(group) > 1:
            out.write(bytes([_JOINT if joint else _SEPARATE]))
        for column in [np.stack(values, axis=1)] if joint else values:
            out.piece(encode_numbers(column, effort, session))
    return bytes(out.data)


def encode_by_ring(records: np.ndarray, found: Columns, effort: int, session: Session) -> bytes | None:
    """The payload of structured records that a column tells the ring of; None where there is none, or that is longer."""
    at = next((i for i, name in enumerate(found.names) if name in RINGS and found.types[i][1] in "ui"), None)
    if at is None or len(found.names) == 1:
        return None
    some = records[:_FIRINGS]
    if len(np.unique(some[found.names[at]])) > _MOST_RINGS:
        return None
    if len(_by_ring(some, found, at, effort, session)) >= len(encode_records(some, found, effort, session)):
        return None
    return _by_ring(records, found, at, effort, session)


def _by_ring(records: np.ndarray, found: Columns, at: int, effort: int, session: Session) -> bytes:
    rings = native(records[found.names[at]])
    out = Writer()
    out.write(bytes([at]))
    out.piece(encode_numbers(rings, effort, session))
    out.write(encode_records(records[np.argsort(rings, kind="stable")], _without(found, at), effort, session))
    return bytes(out.data)


def decode_by_ring(reader: Reader, found: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    at = reader.take(1)[0]
    if at >= len(found.names) or len(found.names) == 1 or found.types[at][1] not in "ui":
        raise CorruptFile("no column of its points tells their rings")
    rings = decode_numbers(reader, found.types[at], (len(out),), unembed)
    rest = np.empty(len(out), _without(found, at).dtype)
    decode_records(reader, _without(found, at), rest, unembed)
    fill(out[found.names[at]], rings)
    order = np.argsort(rings, kind="stable")
    for name, kind in zip(_without(found, at).names, _without(found, at).types, strict=True):
        width = f"u{kind[2]}"
        out[name].view(f"{out[name].dtype.str[0]}{width}")[order] = rest[name].view(f"{rest[name].dtype.str[0]}{width}")


def _without(found: Columns, at: int) -> Columns:
    return Columns(found.names[:at] + found.names[at + 1 :], found.types[:at] + found.types[at + 1 :])


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


def _better_joint(values: list[np.ndarray], effort: int, session: Session) -> bool:
    """Whether some records from the middle are shorter when their columns are coded together."""
    begin = max(0, (len(values[0]) - _SAMPLE) // 2)
    some = [column[begin : begin + _SAMPLE] for column in values]
    joint = encode_numbers(np.stack(some, axis=1), effort, session)
    return len(joint) < sum(len(encode_numbers(column, effort, session)) for column in some)
