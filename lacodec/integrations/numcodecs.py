"""Codecs of numcodecs, for Zarr format 2 and everything else that takes them. numcodecs finds them once lacodec is installed.

zarr.create_array(..., zarr_format=2, compressors=Arrays(effort=1))

What they write are `.lac` files. They need numcodecs: the extra lacodec[zarr].
"""

from typing import Any, ClassVar

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ensure_contiguous_ndarray, ensure_ndarray, ndarray_copy

from lacodec import api
from lacodec.errors import BadInput
from lacodec.integrations._pictures import check_pictures, stacked


class _Lacodec(Codec):
    codec: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        """`options` are the codec's, such as effort=1. Raises BadInput for unknown ones and for wrong values."""
        self.options = options
        self._coder = api.codec(self.codec, **options)

    def get_config(self) -> dict[str, Any]:
        """The metadata of an array."""
        return {"id": self.codec_id, **self.options}

    def encode(self, buf: Any) -> bytes:
        """The `.lac` file of a buffer."""
        return self._coder.encode(self._value(buf), threads=1)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """What was encoded: an array or bytes, in `out` if that is given."""
        found = api.decode(ensure_bytes(buf), threads=1, max_size=None)
        found = found if isinstance(found, bytes) else np.asarray(found)
        return found if out is None else ndarray_copy(found, ensure_contiguous_ndarray(out))

    def _value(self, buf: Any) -> Any:
        return ensure_bytes(buf)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.options.items())})"


class Arrays(_Lacodec):
    """Arrays of numbers, by codec `arrays`."""

    codec_id, codec = "lacodec.arrays", "arrays"

    def _value(self, buf: Any) -> Any:
        return ensure_ndarray(buf)


class Pictures(_Lacodec):
    """Arrays [..., rows, columns] or [..., rows, columns, up to 4 channels] of uint8 or uint16, by codec `image.lossless`."""

    codec_id, codec = "lacodec.image.lossless", "image.lossless"

    def _value(self, buf: Any) -> Any:
        array = ensure_ndarray(buf)
        check_pictures(array.shape, array.dtype, self.codec_id)
        if not (array.flags.c_contiguous and array.dtype.isnative):
            raise BadInput(f"{self.codec_id!r} codes arrays in C order and this machine's order of bytes; use 'lacodec.arrays'")
        return stacked(array)


class Bytes(_Lacodec):
    """Any bytes, by codec `bytes`."""

    codec_id, codec = "lacodec.bytes", "bytes"


class Jpeg(_Lacodec):
    """JPEG files, byte for byte in less space, by codec `image.jpeg`: after a filter that makes one of each chunk."""

    codec_id, codec = "lacodec.image.jpeg", "image.jpeg"
