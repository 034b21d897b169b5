"""`Raw`: any bytes, as they are. Files, pipes and bytes-like objects become a `Raw` and a `Raw` becomes bytes again."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource
from lacodec.media.base import Media

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Raw:
    """The bytes of `source`. format: of the file, where it is one that other media read, and only its size speaks for bytes."""

    source: Source
    format: str | None = None


class RawMedia(Media[Raw]):
    """Any bytes, as they are."""

    name = "bytes"
    streams = True

    def from_source(self, source: Source) -> Raw:
        """The value in a file or pipe."""
        return Raw(source)

    def from_object(self, value: Any) -> Raw:
        """A Raw, a Source, or bytes: bytes, bytearray, mmap, or a contiguous memoryview of them; BadInput for all else.

        An array would come back only as bytes, without shape and type.
        """
        if isinstance(value, Raw):
            return value
        if isinstance(value, Source):
            return Raw(value)
        if isinstance(value, memoryview) and (value.itemsize > 1 or not value.contiguous):
            raise BadInput(
                "a memoryview of anything except contiguous bytes would come back as bytes; pass bytes(it) if you want that"
            )
        if not isinstance(value, bytes | bytearray | memoryview | mmap):
            hint = (
                "pass its bytes, or let lacodec choose the codec"
                if hasattr(value, "tobytes")
                else "pass bytes, a path or a Source"
            )
            raise BadInput(f"codec bytes would not restore a {type(value).__name__}; {hint}")
        return Raw(BytesSource(value))

    def to_object(self, value: Raw) -> bytes:
        """The inverse of `from_object`: bytes in memory."""
        return b"".join(self.to_blocks(value))

    def to_blocks(self, value: Raw, suffix: str = "") -> Iterator[bytes]:
        """The bytes, piece by piece; a suffix changes nothing."""
        if isinstance(value.source, IteratorSource):
            return value.source.pieces()
        return value.source.blocks(_BLOCK)


RAW = RawMedia()
"""The one instance."""
