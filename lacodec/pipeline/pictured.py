"""`FilePicture`: the picture in a file that a codec keeps as bytes, window by window, with errors that name the `.lac` file."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lacodec.codecs.regions import Window
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Header, Reader
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.pipeline.decoding import Decoding

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


class Pictured(Protocol):
    """A file as a picture, in the mode in which Pillow shows it. All of these may raise CorruptFile and UnsupportedFile."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""

    def pixels(self, window: Window) -> "np.ndarray":
        """uint8[rows, columns, channels], not compared with the hash of the file."""

    @property
    def all_pixels(self) -> "np.ndarray":
        """uint8[height, width, channels], from the whole file, which was compared with its hash."""

    @property
    def head(self) -> bytes:
        """The beginning of the file, with all that readers look at before they decode pixels."""

    @property
    def file(self) -> bytes:
        """The whole file."""


class Shows(Protocol):
    """A codec of files that are pictures, of which windows can be decoded."""

    def picture(self, header: Header, chunk: Chunk, session: Session) -> Pictured:
        """The picture in the one chunk of a file; raises CorruptFile."""


class FilePicture:
    """See `Pictured`. Raises LacodecError."""

    def __init__(self, reader: Reader, decoding: Decoding) -> None:
        """The codec must be one of `Shows`."""
        codec: Any = decoding.codec
        index = [i for i, head in enumerate(reader.index) if head.kind == CRITICAL and head.covers]
        if len(index) != 1:
            raise CorruptFile(f"{reader.source.name}: a picture is one chunk, and this file has {len(index)}")
        self._name, self._decoding, self._chunk = reader.source.name, decoding, reader.chunk(index[0])
        self._picture: Pictured = decoding.part(
            self._chunk, decode=lambda header, chunk, _, session: codec.picture(header, chunk, session)
        )

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self._guarded(lambda: self._picture.shape)

    def pixels(self, window: Window) -> "np.ndarray":
        """uint8[rows, columns, channels] of a window."""
        return self._guarded(lambda: self._picture.pixels(window))

    @property
    def all_pixels(self) -> "np.ndarray":
        """uint8[height, width, channels], checked."""
        return self._guarded(lambda: self._picture.all_pixels)

    @property
    def head(self) -> bytes:
        """The beginning of the file."""
        return self._guarded(lambda: self._picture.head)

    @property
    def file(self) -> bytes:
        """The whole file."""
        return self._guarded(lambda: self._picture.file)

    def _guarded(self, read: Callable[[], T]) -> T:
        try:
            found: T = self._decoding.part(self._chunk, decode=lambda *_: read())
        except UnsupportedFile as error:
            raise UnsupportedFile(f"{self._name}: {error}") from error
        return found


def picture_in(reader: Reader, decoding: Decoding) -> FilePicture | None:
    """The picture in a file; None for codecs of other things."""
    return FilePicture(reader, decoding) if hasattr(decoding.codec, "picture") else None
