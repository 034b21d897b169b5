"""Zarr's array-to-bytes codecs (serializers): `lacodec.arrays` for numbers, `lacodec.image.lossless` for pictures.

chunk --lacodec--> .lac file          some rows of a chunk <--lacodec-- the ranges of the .lac file that have them
"""

import asyncio
from typing import Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin

from lacodec import api
from lacodec.errors import CorruptFile
from lacodec.integrations._pictures import check_pictures, stacked
from lacodec.integrations.zarr._options import Optioned
from lacodec.integrations.zarr._stored import stored_source

_SPARE = 1 << 16  # decoded bytes besides those of the elements


class _Arrays(Optioned, ArrayBytesCodec):
    def _encode_sync(self, chunk_array: Any, chunk_spec: Any) -> Any:
        data = self.coder.encode(self._value(chunk_array.as_numpy_array()), threads=1)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return chunk_spec.prototype.nd_buffer.from_numpy_array(self._array(chunk_bytes.to_bytes(), chunk_spec))

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._encode_sync, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    def _value(self, array: np.ndarray) -> np.ndarray:
        """What lacodec codes of a chunk."""
        return array

    def _array(self, data: bytes, chunk_spec: Any) -> np.ndarray:
        shape, dtype = tuple(chunk_spec.shape), chunk_spec.dtype.to_native_dtype()
        size = int(np.prod(shape, dtype=np.int64))
        found = np.asarray(api.decode(data, threads=1, max_size=size * dtype.itemsize + _SPARE))
        if found.size != size or found.dtype.newbyteorder("=") != dtype.newbyteorder("="):
            raise CorruptFile(f"a chunk of codec {self.name!r} holds {found.dtype}{list(found.shape)}, not {dtype}{list(shape)}")
        return found.reshape(shape).astype(dtype, copy=False)


class ArraysCodec(_Arrays, ArrayBytesCodecPartialDecodeMixin):
    """Numbers of every type, by codec `arrays`: lossless, or with `max_error` or `max_relative` within a bound.

    With the option `chunk`, rows of a chunk of Zarr that are coded together, a part of a chunk is read without the rest of it.
    """

    name, codec = "lacodec.arrays", "arrays"

    async def _decode_partial_single(self, byte_getter: Any, selection: Any, chunk_spec: Any) -> Any:
        make = chunk_spec.prototype.nd_buffer.from_numpy_array
        rows = self._rows(selection, chunk_spec.shape)
        source = None if rows is None else await stored_source(byte_getter, chunk_spec.prototype)
        if rows is None:
            data = await byte_getter.get(chunk_spec.prototype)
            return None if data is None else (await self._decode_single(data, chunk_spec))[selection]
        if source is None:
            return None
        found = await asyncio.to_thread(_read_rows, source, rows, chunk_spec)
        return make(found)[(slice(None) if isinstance(selection[0], slice) else 0, *selection[1:])]

    def _rows(self, selection: tuple[Any, ...], shape: tuple[int, ...]) -> slice | None:
        """The rows that are read, if a part of the chunk is worth reading for itself."""
        if "chunk" not in self.options or not shape:
            return None
        first = selection[0]
        if isinstance(first, int | np.integer):
            return slice(int(first), int(first) + 1)
        start, stop, step = first.indices(shape[0]) if isinstance(first, slice) else (0, 0, 0)
        return slice(start, stop) if step == 1 and stop - start < shape[0] else None


def _read_rows(source: Any, rows: slice, chunk_spec: Any) -> np.ndarray:
    dtype = chunk_spec.dtype.to_native_dtype()
    with api.open(source) as opened:
        found = np.asarray(opened[rows])
    if found.shape != (rows.stop - rows.start, *chunk_spec.shape[1:]) or found.dtype.newbyteorder("=") != dtype:
        raise CorruptFile(f"a chunk holds rows {found.dtype}{list(found.shape)}, not those of {dtype}{list(chunk_spec.shape)}")
    return found.astype(dtype, copy=False)


class PicturesCodec(_Arrays):
    """Pixels of 8 or 16 bits, by codec `image.lossless`.

    The last two axes of a chunk are rows and columns, followed by an axis of at most 4 channels, if there is one; along the axes
    before them, pictures are stacked.
    """

    name, codec = "lacodec.image.lossless", "image.lossless"

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        """Raise BadInput for arrays that are no pictures."""
        check_pictures(tuple(shape), dtype.to_native_dtype(), self.name)

    def _value(self, array: np.ndarray) -> np.ndarray:
        return stacked(array)
