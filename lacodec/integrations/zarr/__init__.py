"""Codecs for Zarr, format 3. Zarr finds them by their names once lacodec is installed; these classes are for arguments.

zarr.create_array(..., serializer=ArraysCodec(effort=1), compressors=None)       "lacodec.arrays", array -> bytes
zarr.create_array(..., serializer=PicturesCodec(), compressors=None)             "lacodec.image.lossless", array -> bytes
zarr.create_array(..., compressors=BytesCodec(effort=3))                         "lacodec.bytes", bytes -> bytes
                                   ElementsCodec, JpegCodec                      "lacodec.elements", "lacodec.image.jpeg"

Each chunk is a `.lac` file. They need zarr: the extra lacodec[zarr].
"""

from lacodec.integrations.zarr.arrays import ArraysCodec, PicturesCodec
from lacodec.integrations.zarr.buffers import BytesCodec, ElementsCodec, JpegCodec

__all__ = ["ArraysCodec", "BytesCodec", "ElementsCodec", "JpegCodec", "PicturesCodec"]
