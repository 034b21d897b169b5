"""A source as a file object, for libraries that read from such: `SourceFile`."""

import io
from typing import Any

from lacodec.io.source import Source


class SourceFile(io.RawIOBase):
    """Reads a source, from `at` on first. Closing it leaves the source open."""

    def __init__(self, source: Source, at: int = 0) -> None:
        self._source, self._at = source, at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._source.size or 0)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._seen(self._at, self._source.read(self._at, len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _seen(self, at: int, data: bytes) -> bytes:
        """What the reader sees of the bytes at a place; subclasses may change it."""
        return data
