"""`Raw`: any bytes, as they are. Files, pipes and bytes-like objects become a `Raw` and a `Raw` becomes bytes again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource, IteratorSource, Source
from lacodec.media.base import Media

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Raw:
    """The bytes of `source`."""

    source: Source


class RawMedia(Media[Raw]):
    """Any bytes, as they are."""

    name = "bytes"
    streams = True

    def from_source(self, source: Source) -> Raw:
        """The value in a file or pipe."""
        return Raw(source)

    def from_object(self, value: Any) -> Raw:
        """The value for what a caller of the Python interface passes: a Raw, a Source, or anything bytes-like and contiguous."""
        if isinstance(value, Raw):
            return value
        if isinstance(value, Source):
            return Raw(value)
        try:
            return Raw(BytesSource(value))
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"a {type(value).__name__} is neither bytes nor a path ({error}); pass bytes, a contiguous array or a Path"
            ) from error

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
