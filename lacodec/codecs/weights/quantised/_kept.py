"""What of a chunk is kept as it is, beside the tensors that are coded with loss."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights._chunks import FOREIGN, Plan, Run
from lacodec.codecs.weights._payload import Surroundings, decode_payload, encode_payload
from lacodec.codecs.weights.quantised._pieces import Piece
from lacodec.codecs.weights.quantised._subjects import Subjects, narrow
from lacodec.errors import CorruptFile

_EFFORT = 5


def kept_of(
    subjects: Subjects, pieces: Sequence[Piece], coded: Sequence[bool], embed: Callable[[bytes, int], bytes]
) -> tuple[bytes, bytes]:
    """(the bytes of all pieces that are not coded, their payload)."""
    runs, kept = [], bytearray()
    for piece, flag in zip(pieces, coded, strict=True):
        if flag:
            continue
        runs.append(Run(piece.dtype, piece.size))
        if piece.tensor < 0:
            kept += subjects.head[piece.first : piece.first + piece.size]  # nothing else lies outside tensors
        else:
            kept += subjects.items[piece.tensor].raw(subjects.source, piece.first, piece.size)
    remade = bool(runs) and runs[0] == Run(FOREIGN, len(subjects.head)) and subjects.plain
    payload = encode_payload(bytes(kept), Plan(0, tuple(runs)), _EFFORT, embed, b"" if remade else None) if kept else b""
    return bytes(kept), payload


def read_kept(payload: Any, pieces: Sequence[Piece], coded: bytes, around: Surroundings) -> Any:
    """The bytes of the pieces that are not coded; raises CorruptFile."""
    if any(flag > bool(piece.columns) for flag, piece in zip(coded, pieces, strict=True)):
        raise CorruptFile("something that is not a matrix has sections")
    size = sum(piece.size for piece, flag in zip(pieces, coded, strict=True) if not flag)
    return decode_payload(payload, size, around).data if size else b""


def joined(pieces: Sequence[Piece], coded: bytes, kept: Any, values: Iterator[NDArray[np.float32]]) -> memoryview:
    """All bytes of the pieces; values: of each coded one, in order."""
    out, at, place = np.empty(sum(piece.size for piece in pieces), np.uint8), 0, 0
    for piece, flag in zip(pieces, coded, strict=True):
        part = out[place : place + piece.size]
        if flag:
            narrow(next(values).ravel(), piece.dtype, part)
        else:
            part.data[:] = kept[at : at + piece.size]
            at += piece.size
        place += piece.size
    return out.data
