"""One array of numbers as a payload: a byte for its form, then its data. A stand-in with the two simplest forms.

form 0  the elements, little-endian, in C order        form 1  the one element that all are
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.session import DEFAULT, Session
from lacodec.errors import CorruptFile

VERSION = 0
"""Stream version of payloads."""

_STORED, _CONSTANT = range(2)


def encode(array: np.ndarray, *, effort: int = 5, session: Session = DEFAULT, bound: Bound | None = None) -> bytes:
    """The payload of an array: C-contiguous, little-endian, of one of the types u1 to u8, i1 to i8, f2, f4, f8."""
    data = np.ascontiguousarray(array).reshape(-1)
    raw = data.view(f"<u{data.itemsize}")
    if len(raw) and (raw == raw[0]).all():
        return bytes([_CONSTANT]) + raw[:1].tobytes()
    return bytes([_STORED]) + data.tobytes()


def decode(
    payload: bytes | memoryview, dtype: Any, shape: tuple[int, ...], *, unembed: Callable[[bytes, int], bytes]
) -> np.ndarray:
    """The array; raises CorruptFile. unembed: that many bytes from a payload of codec `bytes`."""
    payload = bytes(payload)
    values = np.frombuffer(payload[1:], np.uint8)
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    if payload[:1] == bytes([_CONSTANT]) and len(values) == dtype.itemsize:
        return np.repeat(values.view(dtype), count).reshape(shape)
    if payload[:1] != bytes([_STORED]) or len(values) != count * dtype.itemsize:
        raise CorruptFile("a column has an unknown form or another size")
    return values.view(dtype).reshape(shape)


def memory(size: int, payload: bytes | memoryview | None = None, effort: int = 9) -> int:
    """Bytes needed to encode an array of `size` bytes, or to decode `payload` to that many."""
    return 4 * size + (1 << 20)
