"""`PictureFile`: a picture in a `.lac` file, described at once, its pixels decoded window by window.

tiles of a picture codec --select--> those of a window --decode--> pixels
a JPEG file --`pictured`--> pixels of a window
any other file --decode--> a picture file --> pixels
"""

import os
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from lacodec.codecs.regions import Range, Window
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Header, Limits, Reader, stream
from lacodec.errors import BadInput, LacodecError
from lacodec.io.places import open_source
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.pillow import pillow_image
from lacodec.media.image.value import Image, Unread
from lacodec.pipeline.decoding import Decoding
from lacodec.pipeline.pictured import picture_in

MAX_FILE = 1 << 32
"""Bytes that a picture may decode to."""
HEAD = 16
"""Bytes that tell a picture file."""

_MAGICS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P4", b"P5", b"P6", b"\0\0\0\x0cjP  ")


def looks_like_a_picture(head: bytes) -> bool:
    """Whether a file that begins so may be a picture that Pillow opens."""
    if head[4:8] == b"ftyp":
        return head[8:12] in (b"avif", b"avis")
    return head.startswith(_MAGICS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@runtime_checkable
class Describes(Protocol):
    """A codec whose header tells all about a picture but its pixels."""

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""


class PictureFile:
    """A picture in a `.lac` file. Close it, or use it in a `with` block.

    `shown` is the JPEG file that is in it, `original` a whole file that a codec keeps otherwise: GIF, small PNG. None for tiles.
    """

    def __init__(self, place: str | os.PathLike[str] | Source, threads: int = 1) -> None:
        """Read the header and the index; raises LacodecError, BadInput if the file holds something else than a picture."""
        self._source = seekable(open_source(place))
        try:
            self._reader = Reader(self._source, Limits(MAX_FILE))
            self._decoding = Decoding(self._reader.header, self._source.name, Session(threads))
            self.original: bytes | None = None
            self._whole: Image | None = None
            codec = self._decoding.codec
            self.shown = picture_in(self._reader, self._decoding)
            if isinstance(codec, Describes):
                self._open_kept(getattr(codec, "kept_file", None))
            elif self.shown is None:
                self.original = self._file()
        except BaseException:
            self._source.close()
            raise

    @property
    def name(self) -> str:
        """Of the `.lac` file, for messages."""
        return self._source.name

    @cached_property
    def described(self) -> Image:
        """The picture; its pixels may be a stand-in that has only a shape and a type."""
        if self.original is not None:
            return self._all()
        if self.shown is not None:
            height, width, channels = self.shown.shape
            pixels: Any = Unread((height, width, min(channels, 3)), np.uint8, "this is only its description")
            return Image(pixels, 8, format="jpeg")
        codec: Any = self._decoding.codec
        found: Image = codec.described(self._reader.header)
        return found

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = self.described.pixels.shape
        return height, width, channels

    def pixels(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """uint8 or uint16[rows, columns, channels] of a window inside the picture: only its tiles are decoded; CMYK as RGB."""
        if self.shown is not None:
            return _without_inks(self.shown.pixels(Window(Range(top, bottom), Range(left, right))))
        if self.original is not None:
            return np.asarray(self._all().pixels[top:bottom])[:, left:right]
        reader, decoding = self._reader, self._decoding
        key = slice(top, bottom), slice(left, right)
        rows = getattr(decoding.codec, "decode_rows", None)
        decode = None if rows is None else lambda header, chunk, _, session: rows(header, chunk, bottom, session)
        parts = [decoding.part(reader.chunk(i), decode=decode) for i in decoding.codec.select(reader.header, reader.index, key)]
        try:
            found: np.ndarray = decoding.codec.extract(reader.header, reader.index, key, parts, decoding.session)
        except LacodecError as error:
            raise type(error)(f"{self.name}: {error}") from error
        return found

    def whole(self) -> np.ndarray:
        """All pixels, checked to be complete; tiles are decoded on the threads of this object."""
        if self.shown is not None:
            return _without_inks(self.shown.all_pixels)
        if self.original is not None:
            return np.asarray(self._all().pixels)
        _, chunks = stream(self._source, Limits(MAX_FILE))
        return np.asarray(self._decoding.whole(chunks).pixels)

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _open_kept(self, kept_file: Callable[[Header, Chunk], Image | None] | None) -> None:
        """A file that a picture codec keeps in its only chunk."""
        index = [i for i, head in enumerate(self._reader.index) if head.kind == CRITICAL and head.covers]
        if kept_file is not None and len(index) == 1:
            self._whole = kept_file(self._reader.header, self._reader.chunk(index[0]))
            self.original = None if self._whole is None else self._whole.original

    def _file(self) -> bytes:
        """The bytes of the file that a codec of files restores."""
        header, codec = self._reader.header, self._decoding.codec
        if header.identical == "bytes" and (not codec.covers_file(header) or looks_like_a_picture(self._first())):
            _, chunks = stream(self._source, Limits(MAX_FILE))
            data = b"".join(codec.media.to_blocks(self._decoding.whole(chunks)))
            if looks_like_a_picture(data[:HEAD]):
                return data
        raise BadInput(f"{self.name}: holds no picture (codec {header.codec})")

    def _first(self) -> bytes:
        """The first bytes of the file."""
        first = next((i for i, head in enumerate(self._reader.index) if head.covers), None)
        return b"" if first is None else bytes(memoryview(self._decoding.part(self._reader.chunk(first)))[:HEAD])

    def _all(self) -> Image:
        if self._whole is None:
            self._whole = PHOTOS.from_source(BytesSource(self.original or b"", self.name))
        return self._whole


def _without_inks(pixels: np.ndarray) -> np.ndarray:
    """CMYK as RGB, in Pillow's way."""
    if pixels.shape[2] != 4:
        return pixels
    inks = pillow_image().frombytes("CMYK", (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes())
    return np.asarray(inks.convert("RGB"))
