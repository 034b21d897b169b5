"""Zarr's bytes-to-bytes codecs: for arrays whose serializer is another one, such as Zarr's own `bytes`.

bytes of a chunk --lacodec--> .lac file
"""

import asyncio
from typing import Any, Self

import numpy as np
from zarr.abc.codec import BytesBytesCodec

from lacodec import api
from lacodec.errors import BadInput, CorruptFile
from lacodec.integrations.zarr._options import Optioned

_SPARE = 1 << 16  # bytes that a serializer may add to those of the elements


class _Buffers(Optioned, BytesBytesCodec):
    def _encode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return chunk_spec.prototype.buffer.from_bytes(self._coded(chunk_bytes.to_bytes()))

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return chunk_spec.prototype.buffer.from_bytes(self._decoded(chunk_bytes.to_bytes(), chunk_spec))

    async def _encode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._encode_sync, chunk_bytes, chunk_spec)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    def _coded(self, data: bytes) -> bytes:
        return self.coder.encode(data, threads=1)

    def _decoded(self, data: bytes, chunk_spec: Any) -> bytes:
        found = api.decode(data, threads=1, max_size=_most(chunk_spec))
        if not isinstance(found, bytes):
            raise CorruptFile(f"a chunk of codec {self.name!r} holds a {type(found).__name__} instead of bytes")
        return found


class BytesCodec(_Buffers):
    """Any bytes, by codec `bytes`."""

    name, codec = "lacodec.bytes", "bytes"


class JpegCodec(_Buffers):
    """JPEG files, byte for byte in less space: after a serializer that makes one of each chunk."""

    name, codec = "lacodec.image.jpeg", "image.jpeg"

    def _coded(self, data: bytes) -> bytes:
        if data[:2] != b"\xff\xd8":
            raise BadInput(f"{self.name!r} codes JPEG files, and the serializer of this array makes others; use 'lacodec.bytes'")
        return super()._coded(data)


class ElementsCodec(_Buffers):
    """The elements in the bytes, by codec `arrays`; for one axis. `lacodec.arrays`, a serializer, also sees the shape."""

    name, codec = "lacodec.elements", "arrays"

    def __init__(self, dtype: str | None = None, **options: Any) -> None:
        """dtype: of the elements, as numpy writes it ("<f4"); by default Zarr tells it."""
        super().__init__(**options)
        object.__setattr__(self, "options", {**({} if dtype is None else {"dtype": dtype}), **self.options})
        object.__setattr__(self, "_dtype", np.dtype("u1" if dtype is None else dtype))

    def evolve_from_array_spec(self, array_spec: Any) -> Self:
        """With the type of the array's elements, unless one was given."""
        return self if "dtype" in self.options else type(self)(_little(array_spec), **self.options)

    def _coded(self, data: bytes) -> bytes:
        whole = len(data) % self._dtype.itemsize == 0
        dtype = self._dtype if whole else np.dtype("u1")
        return self.coder.encode(np.frombuffer(data, dtype), threads=1)

    def _decoded(self, data: bytes, chunk_spec: Any) -> bytes:
        found = api.decode(data, threads=1, max_size=_most(chunk_spec))
        if not isinstance(found, np.ndarray):
            raise CorruptFile(f"a chunk of codec {self.name!r} holds a {type(found).__name__} instead of elements")
        return found.tobytes()


def _little(array_spec: Any) -> str:
    """The type of the elements, in the order of bytes that Zarr writes by default."""
    return str(array_spec.dtype.to_native_dtype().newbyteorder("<").str)


def _most(chunk_spec: Any) -> int:
    dtype = chunk_spec.dtype.to_native_dtype()
    return 2 * int(np.prod(chunk_spec.shape, dtype=np.int64)) * max(1, dtype.itemsize) + _SPARE
