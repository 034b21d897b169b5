"""`JpegFile`: a JPEG file, as its bytes and as the pictures in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lacodec.container.types import MAX_DECODED
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media

if TYPE_CHECKING:
    from lacodec.codecs.image.jpeg.pictures import Picture

MAX_FILE = MAX_DECODED


@dataclass(frozen=True)
class JpegFile:
    """The bytes of a file."""

    data: bytes
    _found: list["Picture"] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, data: bytes, name: str) -> "JpegFile":
        """A file with the picture in it; raises UnsupportedFile if there is none that can be taken apart."""
        return cls(data, [_picture(data, name)])

    def taken(self) -> "Picture":
        """The picture in it. It is large, so it is not kept: another call takes the file apart again."""
        return self._found.pop() if self._found else _picture(self.data, "<bytes>")


class JpegMedia(Media[JpegFile]):
    """JPEG files; their bytes are what is kept, so they decode to bytes."""

    name = "JPEG picture"
    quiet = True

    def sniff(self, head: bytes) -> bool:
        """Whether a file begins as JPEG files do."""
        return head[:3] == b"\xff\xd8\xff"

    def from_source(self, source: Source) -> JpegFile:
        """The file; raises UnsupportedFile if it is of a kind that is not understood, or damaged beyond use."""
        size = source.size
        if size is None or size > MAX_FILE:
            raise UnsupportedFile(f"{source.name}: is larger than {MAX_FILE >> 20} MiB, too much for a JPEG picture")
        return JpegFile.of(source.read(0, size), source.name)

    def from_object(self, value: Any) -> JpegFile:
        """The bytes of a file, an open Source, or a JpegFile."""
        if isinstance(value, JpegFile):
            return value
        if isinstance(value, Source):
            return self.from_source(seekable(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(bytes(value), "<bytes>"))
        raise BadInput(f"a {type(value).__name__} is not a JPEG file; pass a path or the bytes of the file")

    def to_object(self, value: JpegFile) -> bytes:
        """The bytes of the file."""
        return value.data

    def to_blocks(self, value: JpegFile, suffix: str = "") -> Iterator[bytes]:
        """The bytes of the file, whatever the suffix."""
        yield value.data


JPEGS = JpegMedia()
"""The one instance."""


def _picture(data: bytes, name: str) -> "Picture":
    from lacodec.codecs.image.jpeg.pictures import read_picture

    picture = read_picture(data)
    if picture is None:
        raise UnsupportedFile(f"{name}: is not a JPEG file of 8 bits, Huffman-coded, that can be taken apart")
    return picture
