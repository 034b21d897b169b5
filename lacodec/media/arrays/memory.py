"""An array in memory as an .npy file that is made while it is read: nothing is copied but the parts that are asked for."""

from math import prod

import numpy as np

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource, Source
from lacodec.media.arrays.dtypes import described
from lacodec.media.arrays.npy import header
from lacodec.media.arrays.value import ONLY, ArrayEntry, Arrays


def arrays_of(value: np.ndarray | np.generic) -> Arrays:
    """The file for an array or a scalar; raises BadInput, saying why, if it would not be restored identically."""
    if isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        raise BadInput(f"an array is a {type(value).__name__}, and only its array would be kept; give np.asarray(it)")
    array = np.asarray(value)
    dtype = array.dtype
    if dtype.hasobject:
        raise BadInput("an array holds Python objects, which are not stored; use a numeric dtype, or store a pickle's bytes")
    description = described(dtype)
    if not dtype.itemsize or description is None:
        raise BadInput(f"an array has elements of type {dtype}, which cannot be stored; convert it with astype")
    scalar = isinstance(value, np.generic)
    if scalar and (type(array[()]) is not type(value) or (dtype.kind in "SU" and array[()] != value)):
        raise BadInput(f"a scalar of type {type(value).__name__} that ends with zeros would lose them; give an array")
    order = "F" if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    head = header(dtype, array.shape, order)
    entry = ArrayEntry(ONLY, description, array.shape, len(head), array.nbytes, order)
    return Arrays(ArraySource(head, array.T if order == "F" else array), "npy", (entry,), scalar)


class ArraySource(Source):
    """A head, then the elements of an array in C order."""

    def __init__(self, head: bytes, array: np.ndarray, name: str = "<array>") -> None:
        self._head = head
        self._items = array.view(np.dtype((np.void, array.itemsize)))  # copied as bytes, padding of records included
        self._flat: BytesSource | None = None
        if array.flags.c_contiguous:
            self._flat = BytesSource(array.reshape(-1).view(np.uint8).data if array.size else b"")
        self.size = len(head) + array.nbytes
        self.name = name

    def read(self, offset: int, n: int) -> bytes:
        return bytes(self.view(offset, n))

    def view(self, offset: int, n: int) -> memoryview:
        total = len(self._head) + self._items.nbytes
        offset, stop = min(offset, total), min(offset + n, total)
        begin, end = max(0, offset - len(self._head)), max(0, stop - len(self._head))
        if offset >= len(self._head):
            return self._bytes(begin, end)
        head = self._head[offset:stop]
        return memoryview(head + self._bytes(begin, end) if end > begin else head)

    def _bytes(self, begin: int, end: int) -> memoryview:
        """The bytes of the array in this range; copied unless they are contiguous."""
        if self._flat is not None:
            return self._flat.view(begin, end - begin)
        width = self._items.itemsize
        first = begin // width
        out = np.empty(-(-end // width) - first, self._items.dtype)
        _copy_elements(self._items, first, out)
        return out.view(np.uint8).data[begin - first * width : end - first * width]


def _copy_elements(array: np.ndarray, first: int, out: np.ndarray) -> None:
    """Fill `out` with the elements from `first` on, in C order."""
    if array.ndim < 2:
        out[...] = array[first : first + len(out)] if array.ndim else array
        return
    row, stop = prod(array.shape[1:]), first + len(out)
    at = first
    while at < stop:
        index, inside = divmod(at, row)
        rows = (stop - at) // row if not inside else 0
        part = out[at - first : at - first + (rows * row or min(row - inside, stop - at))]
        if rows:
            part.reshape(rows, *array.shape[1:])[...] = array[index : index + rows]
        else:
            _copy_elements(array[index], inside, part)
        at += len(part)
