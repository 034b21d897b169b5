"""The corners of faces <-> bytes that an entropy coder likes: symbols, a byte each, then differences where nothing told.

corners = for each number of a corner (vertex, and texture place and normal, where there are some): the symbols of all
          corners, the differences of those with symbol 255, zigzag, big-endian, in as few bytes as the largest needs
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from lacodec.errors import CorruptFile
from lacodec.media.points._corners_kernel import KNOWN, RECENT, code_others, code_vertices

MOST_DEGREE = 64
"""Corners of a face, at most."""
_SPREAD, _FEW = 4, 1 << 16  # vertices: at most so many times the corners, and some
_FAR = 1 << 40


class Sizes(msgspec.Struct, array_like=True):
    """What reading one number of the corners needs: the lowest, how many are from there on, differences, bytes of each."""

    lowest: int
    count: int
    escapes: int
    width: int


@dataclass(frozen=True)
class Faces:
    """degrees: i64[n], corners of each face; numbers: i64[k, corners]."""

    degrees: np.ndarray
    numbers: np.ndarray


def pack(faces: Faces) -> tuple[list[Sizes], bytes] | None:
    """(sizes, corners); None where numbers are spread too far for that."""
    found: list[Sizes] = []
    parts: list[bytes] = []
    vertices = np.zeros(0, np.int64)
    for which, row in enumerate(faces.numbers):
        lowest = int(row.min())
        flat = row - lowest
        count = int(flat.max()) + 1
        if count > _most(len(flat)):
            return None
        symbols, escapes = np.empty(len(flat), np.uint8), np.empty(len(flat), np.int64)
        if which == 0:
            vertices, several = flat, count
            used = _vertices(faces.degrees, several, symbols, escapes, flat, False)
        else:
            used = code_others(vertices, _known(several), symbols, escapes, flat, False)
        data, width = _narrow(escapes[:used])
        found.append(Sizes(lowest, count, used, width))
        parts += [symbols.tobytes(), data]
    return found, b"".join(parts)


def unpack(degrees: np.ndarray, sizes: list[Sizes], data: bytes) -> Faces:
    """The inverse; raises CorruptFile."""
    corners, at = int(degrees.sum()), 0
    if corners > len(data):
        raise CorruptFile("its faces end too early")
    numbers = np.empty((len(sizes), corners), np.int64)
    for which, one in enumerate(sizes):
        if not (1 <= one.width <= 8 and 0 <= one.escapes <= corners and 0 < one.count <= _most(corners)):
            raise CorruptFile("its faces have impossible sizes")
        if not 0 <= one.lowest < _FAR:
            raise CorruptFile("its faces begin with an impossible vertex")
        symbols = np.frombuffer(bytearray(data[at : at + corners]), np.uint8)
        at += corners
        escapes = _wide(data[at : at + one.escapes * one.width], one)
        at += one.escapes * one.width
        if len(symbols) != corners or at > len(data):
            raise CorruptFile("its faces end too early")
        row = numbers[which]
        if which == 0:
            used = _vertices(degrees, one.count, symbols, escapes, row, True)
        else:
            used = code_others(numbers[0] - sizes[0].lowest, _known(sizes[0].count), symbols, escapes, row, True)
        if used != one.escapes or (len(row) and int(row.max()) >= one.count):
            raise CorruptFile("its faces are senseless")
        row += one.lowest
    if at != len(data):
        raise CorruptFile("its faces are followed by more")
    return Faces(degrees, numbers)


def _most(corners: int) -> int:
    return _SPREAD * corners + _FEW


def _vertices(degrees: np.ndarray, count: int, symbols: Any, escapes: Any, flat: Any, decoding: bool) -> int:
    heads, nodes = np.full((2, count), -1, np.int64), np.zeros((2, max(1, len(flat)), 2), np.int64)
    recent, likely = np.full(RECENT, -1, np.int64), np.zeros(256, np.int64)
    return int(code_vertices(degrees, heads, nodes, recent, likely, symbols, escapes, flat, decoding))


def _known(count: int) -> np.ndarray:
    return np.full((count, KNOWN), -1, np.int64)


def _narrow(escapes: np.ndarray) -> tuple[bytes, int]:
    """(zigzag differences in as few bytes as the largest needs, how many these are)."""
    folded = ((escapes << 1) ^ (escapes >> 63)).astype(">u8")
    width = max(1, (int(folded.max()).bit_length() + 7) // 8) if len(folded) else 1
    return folded.view(np.uint8).reshape(-1, 8)[:, 8 - width :].tobytes(), width


def _wide(data: bytes, one: Sizes) -> np.ndarray:
    if len(data) != one.escapes * one.width:
        raise CorruptFile("its faces end too early")
    folded = np.zeros((one.escapes, 8), np.uint8)
    folded[:, 8 - one.width :] = np.frombuffer(data, np.uint8).reshape(one.escapes, one.width)
    zigzag = folded.reshape(-1).view(">u8").astype(np.uint64)
    return (zigzag >> np.uint64(1)).astype(np.int64) ^ -(zigzag & np.uint64(1)).astype(np.int64)
