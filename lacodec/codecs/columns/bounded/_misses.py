"""Values that would miss the bound, exactly.

    misses = number m, distances u32[m] (u64[m] where there are 2**32 values or more) (zstd), values[m] (zstd)

Both as planes of bytes, the lowest first; each distance is from the place before, less one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.fields import Reader, Writer, pack, unpack
from lacodec.errors import CorruptFile


def write(out: Writer, places: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Store values at ascending places."""
    out.number(len(places))
    distances = np.diff(places, prepend=-1) - 1
    out.number(width := 4 if int(distances.max()) < 1 << 32 else 8)
    pack(out, _planes(distances.astype(f"<u{width}")))
    pack(out, _planes(values.view(f"u{values.itemsize}").astype(f"<u{values.itemsize}")))


def read(reader: Reader, dtype: np.dtype[Any], n: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """(places, values)."""
    count, width = reader.number(), reader.number()
    if not 0 < count <= n or width not in (4, 8):
        raise CorruptFile(f"it has {count} exact values for {n} values")
    distances = _whole(unpack(reader, width * count), width, count)
    places = np.cumsum(distances.astype(np.float64) + 1) - 1
    if not places[-1] < n:
        raise CorruptFile("its exact values lie behind its end")
    values = _whole(unpack(reader, dtype.itemsize * count), dtype.itemsize, count)
    return np.cumsum(distances.astype(np.int64) + 1) - 1, values.astype(f"u{dtype.itemsize}").view(dtype)


def _planes(words: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(words.view(np.uint8).reshape(len(words), -1).T).tobytes()


def _whole(data: bytes, width: int, count: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(width, count).T).view(f"<u{width}").reshape(-1)
