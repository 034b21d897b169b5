"""A column of a point's numbers <-> a payload of `columns`, for every type and byte order."""

import numpy as np

from lacodec.codecs.columns import payload as columns
from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader
from lacodec.codecs.session import Session

_EFFORT = {1: 1, 2: 2, 3: 3, 4: 7, 5: 7, 6: 7, 7: 8, 8: 8, 9: 9}  # of `columns`, whose mixing begins with 7


def encode_numbers(values: np.ndarray, effort: int, session: Session) -> bytes:
    """The payload of native numbers, with an effort of this codec."""
    return columns.encode(values, effort=_EFFORT[effort], session=session)


def decode_numbers(reader: Reader, kind: str, shape: tuple[int, ...], unembed: Unembed) -> np.ndarray:
    """The native numbers in the next piece; kind: type of the column. Raises CorruptFile."""
    return columns.decode(reader.piece(), np.dtype(f"<{kind[1:]}"), shape, unembed=unembed)


def native(values: np.ndarray) -> np.ndarray:
    """A contiguous copy in little-endian order; the bits of floats stay."""
    width = values.dtype.itemsize
    return values.view(f"{values.dtype.str[0]}u{width}").astype(f"<u{width}").view(f"<{values.dtype.str[1:]}")


def fill(place: np.ndarray, values: np.ndarray) -> None:
    """Put native numbers into a column of any byte order, bit by bit."""
    width = place.dtype.itemsize
    place.view(f"{place.dtype.str[0]}u{width}")[...] = np.ascontiguousarray(values).view(f"<u{width}")
