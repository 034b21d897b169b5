"""The bytes of a base in the order of another file, tensor by tensor."""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.references import Reference
from lacodec.errors import BadInput
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.value import TensorEntry


class LikeTensors:
    """Gives for the bytes of a file with these tensors (by offset) the bytes of the base."""

    def __init__(self, base: Reference, entries: tuple[TensorEntry, ...]) -> None:
        """Tensors of the same name, type, shape and order belong to each other. Raises UnsupportedFile for a base without any."""
        self.base, self.entries = base, entries
        mine = {entry.name: entry for entry in TENSORS.from_source(base.source).entries}
        self._pairs: list[tuple[TensorEntry, TensorEntry]] = []
        for entry in entries:
            same = mine.get(entry.name)
            if same is None or not entry.size:
                continue
            if (same.dtype, same.shape, same.order) == (entry.dtype, entry.shape, entry.order):
                self._pairs.append((entry, same))
        self._stops = [entry.stop for entry, _ in self._pairs]

    def read(self, start: int, size: int) -> NDArray[np.uint8]:
        """u8[size]: for the bytes from `start` on, those of the base; 0 where it has none. Reads only these."""
        out = np.zeros(size, np.uint8)
        for entry, same in self._pairs[bisect_right(self._stops, start) :]:
            low, high = max(entry.offset, start), min(entry.stop, start + size)
            if low >= high:
                break
            data = self.base.source.view(same.offset + low - entry.offset, high - low)
            if len(data) != high - low:
                raise BadInput(f"{self.base.name}: changed since it was opened as a base")
            out[low - start : high - start] = np.frombuffer(data, np.uint8)
        return out
