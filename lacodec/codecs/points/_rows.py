"""Records as bytes, by codec `bytes`: where columns repeat each other, or there are few points, it may be shorter.

rows = size, payload of codec `bytes`
"""

from collections.abc import Callable

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.errors import CorruptFile

_SAMPLE = 1 << 17  # bytes that tell whether rows may pay
_CLOSE = 1.1  # times what they take otherwise: up to here, they may, since the model of bytes learns for longer


def encode_rows(records: np.ndarray, than: Callable[[np.ndarray], int], embed: Callable[[bytes], bytes]) -> bytes | None:
    """The payload; None if other ways are as short. than: bytes that records take otherwise; embed: the payload of `bytes`."""
    several = max(1, _SAMPLE // records.dtype.itemsize)
    middle = records[max(0, (len(records) - several) // 2) :][:several]
    coded = embed(middle.tobytes())
    if len(coded) >= than(middle) * _CLOSE:
        return None
    out = Writer()
    out.piece(coded if len(middle) == len(records) else embed(records.tobytes()))
    return bytes(out.data) if len(out.data) < than(records) else None


def decode_rows(reader: Reader, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    data = unembed(bytes(reader.piece()), out.nbytes)
    if len(data) != out.nbytes:
        raise CorruptFile("its records have another size")
    out[...] = np.frombuffer(data, out.dtype)
