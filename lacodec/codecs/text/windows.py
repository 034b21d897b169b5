"""Text as numbers of 16 or 32 bits that say equally much, and back.

ids = windows.encode(text, 16)        uint16[n], about a number for 4 bytes
windows.decode(ids) == text

Any bytes can be encoded, and any numbers decoded. The numbers depend on the model: the one that comes with the package, or the
file that `model` names.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.text import shipped as models
from lacodec.errors import BadInput
from lacodec.models.text import windows
from lacodec.models.text.language import Language, reader, scratch

BITS = (16, 32)
_SLICE = 1 << 20  # bytes decoded at a time


def encode(text: bytes | str, bits: int, model: str | os.PathLike[str] | None = None) -> NDArray[Any]:
    """Numbers of a text (of a str, its UTF-8): uint16[n] or uint32[n]. Raises BadInput for other bits."""
    if bits not in BITS:
        raise BadInput(f"windows have 16 or 32 bits, not {bits!r}")
    data = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)
    words = _words(model)
    room, fresh = scratch(words.model), reader(words.model)
    windows.renewed(words, room, fresh)
    out = np.empty(data.size, np.uint32)
    count = windows.pack(words, room, reader(words.model), fresh, data, bits, out)
    return out[:count].astype(np.uint16 if bits == 16 else np.uint32)


def decode(numbers: NDArray[Any], model: str | os.PathLike[str] | None = None) -> bytes:
    """The bytes again, from uint16[n] or uint32[n]. Raises BadInput for other arrays."""
    if numbers.dtype not in (np.uint16, np.uint32) or numbers.ndim != 1:
        raise BadInput(f"windows are uint16[n] or uint32[n], not {numbers.dtype}{list(numbers.shape)}")
    words = _words(model)
    room, fresh, own = scratch(words.model), reader(words.model), reader(words.model)
    windows.renewed(words, room, fresh)
    left = numbers.astype(np.uint32)
    out, done, parts = np.empty(_SLICE, np.uint8), np.zeros(1, np.int64), []
    while left.size:
        count = windows.unpack(words, room, own, fresh, left, 8 * numbers.dtype.itemsize, out, done)
        parts.append(out[:count].tobytes())
        left = left[done[0] :]
    return b"".join(parts)


def _words(model: str | os.PathLike[str] | None) -> Language:
    return models.by_path(models.SHIPPED if model is None else model).language
