"""Files of a known kind that codec `bytes` keeps, since its own codec would not make them smaller: their header names the format.

The result of decoding must depend on the kind of file and not on its size, so they are read as their kind.
"""

import io
from typing import Any

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.session import Session
from lacodec.container import Header
from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.raw import RawMedia
from lacodec.pipeline.choice import make_codec
from lacodec.pipeline.encoding import encode_value


def is_of_a_kind(header: Header) -> bool:
    """Whether the bytes that this file restores are such a file."""
    return header.codec == registry.DEFAULT and header.format is not None


def as_its_kind(header: Header, data: bytes) -> Any:
    """The picture, the sound or the arrays in the bytes; the bytes themselves if no reader recognises them any more."""
    codec = _codec_for(data)
    if codec is None:
        return data
    try:
        return codec.media.to_object(codec.media.from_source(BytesSource(data, header.name or "<bytes>")))
    except UnsupportedFile:
        return data


def recoded(header: Header, data: bytes) -> bytes:
    """A `.lac` file by the codec of its kind, to be read in part; empty if no codec has this kind."""
    codec, out = _codec_for(data), io.BytesIO()
    if codec is None:
        return b""
    coder = make_codec(codec.name, {"effort": 1})
    try:
        value = coder.media.from_source(BytesSource(data, header.name or "<bytes>"))
        encode_value(coder, value, None, out, session=Session())
    except UnsupportedFile:
        return b""
    return out.getvalue()


def _codec_for(data: bytes) -> type[Codec[Any]] | None:
    return next(
        (codec for codec in registry.by_content(data[: registry.HEAD_SIZE]) if not isinstance(codec.media, RawMedia)), None
    )
