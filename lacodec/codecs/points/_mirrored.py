"""Records that are mirror images of earlier ones, as halves of symmetric meshes are: where each image's original is, the others.

mirrored = u8 axis, size, payload of columns of distances u32[n]: 0 for records of their own, else how many records before an
           image its original is, which has the other sign on the axis; u8 method, data of the records of their own
"""

from collections.abc import Callable

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_AXES = ("x", "y", "z")
_LEAST = 16  # one record in so many must be an image
_PRIMES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_Coded = Callable[[np.ndarray], tuple[int, bytes]]


def encode_mirrored(
    records: np.ndarray, columns: Columns, numbers: Callable[[np.ndarray], bytes], others: _Coded
) -> bytes | None:
    """The payload of structured records; None if few are images. numbers: codes a column; others: (method, data) of records."""
    if len({kind for name, kind in zip(columns.names, columns.types, strict=True) if name in _AXES and kind[1] == "f"}) != 1:
        return None
    if not set(_AXES) <= set(columns.names):
        return None
    axis = _axis(records)
    if axis is None:
        return None
    distances = _distances(records, _AXES[axis])
    if np.count_nonzero(distances) * _LEAST < len(records):
        return None
    out = Writer()
    out.write(bytes([axis]))
    out.piece(numbers(distances))
    method, data = others(records[distances == 0])
    out.write(bytes([method]) + data)
    return bytes(out.data)


def _axis(records: np.ndarray) -> int | None:
    """That on which most records differ from another only in the sign, None if there is none with enough."""
    bits = [_bits(records, name) for name in _AXES]
    positive = [_unsigned(column) for column in bits]
    several = [len(np.unique(_mixed([*bits[:i], positive[i], *bits[i + 1 :]]))) for i in range(len(_AXES))]
    best = int(np.argmin(several))
    return best if (len(records) - several[best]) * _LEAST >= len(records) else None


def _bits(records: np.ndarray, name: str) -> np.ndarray:
    """A column of floats as unsigned integers in native order."""
    column = records[name]
    width = column.dtype.itemsize
    return np.ascontiguousarray(column.view(f"{column.dtype.str[0]}u{width}").astype(f"u{width}"))


def _unsigned(bits: np.ndarray) -> np.ndarray:
    """Without the sign."""
    return bits & bits.dtype.type((1 << 8 * bits.itemsize - 1) - 1)


def _mixed(columns: list[np.ndarray]) -> np.ndarray:
    out = np.zeros(len(columns[0]), np.uint64)
    for column, prime in zip(columns, _PRIMES, strict=True):
        out = (out ^ column.astype(np.uint64)) * np.uint64(prime)
        out ^= out >> np.uint64(29)
    return out


def _distances(records: np.ndarray, name: str) -> np.ndarray:
    """u32[n]: how far before a record its original is, 0 for those of their own."""
    bits = _bits(records, name)
    plain = records.copy()
    _set(plain, name, _unsigned(bits))
    keys = plain.view(f"V{records.dtype.itemsize}").reshape(-1).tolist()
    minus = (bits != _unsigned(bits)).tolist()
    found, last = np.zeros(len(records), np.uint32), dict[tuple[bytes, bool], int]()
    for i, (key, sign) in enumerate(zip(keys, minus, strict=True)):
        original = last.get((key, not sign))
        if original is None:
            last[key, sign] = i
        else:
            found[i] = i - original
    return found


def _set(records: np.ndarray, name: str, bits: np.ndarray) -> None:
    column = records[name]
    column.view(f"{column.dtype.str[0]}u{column.dtype.itemsize}")[...] = bits


def decode_mirrored(
    reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed, others: Callable[[int, np.ndarray], None]
) -> None:
    """Fill structured records; others: fills some by a method. Raises CorruptFile."""
    axis = reader.take(1)[0]
    if axis >= len(_AXES) or _AXES[axis] not in columns.names or columns.types[columns.names.index(_AXES[axis])][1] != "f":
        raise CorruptFile("its records are mirrored along an impossible axis")
    distances = decode_numbers(reader, "<u4", (len(out),), unembed).astype(np.int64)
    own = distances == 0
    images = np.flatnonzero(~own)
    originals = images - distances[images]
    if len(images) and (int(originals.min()) < 0 or not own[originals].all()):
        raise CorruptFile("images of its records have impossible originals")
    some = np.empty(int(own.sum()), out.dtype)
    method = reader.take(1)[0]
    if len(some):
        others(method, some)
    out[own] = some
    mirrored = out[originals]
    bits = _bits(mirrored, _AXES[axis])
    _set(mirrored, _AXES[axis], bits ^ bits.dtype.type(1 << 8 * bits.itemsize - 1))
    out[images] = mirrored
