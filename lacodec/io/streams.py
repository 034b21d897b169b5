"""Sources over streams: pipes, open files that somebody else owns, pieces that are made while they are read."""

import os
import stat
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from lacodec.errors import BadInput, LacodecError
from lacodec.io.source import PIECE, Readable, Source, read_at


class PipeSource(Source):
    """A stream that can only be read forwards, such as standard input."""

    def __init__(self, stream: Readable, name: str = "<pipe>") -> None:
        self._stream = stream
        self.position = 0  # how far reading has come, in bytes
        self._peeked = b""
        self.size = None
        self.name = name

    def read(self, offset: int, n: int) -> bytes:
        """As in Source, but only forwards: bytes before `offset` are skipped; raises BadInput for those already gone."""
        if offset < self.position:
            raise BadInput(f"{self.name}: a pipe cannot go back to offset {offset}; save it to a file first")
        while self.position < offset:
            if not self._take(min(offset - self.position, PIECE)):
                return b""
        return self._take(n)

    def peek(self, n: int) -> bytes:
        if self.position:
            raise BadInput(f"{self.name}: the start of this pipe was already read; save it to a file first")
        if len(self._peeked) < n:
            self._peeked = self._take(n)
            self.position = 0
        return self._peeked[:n]

    def _take(self, n: int) -> bytes:
        parts = [self._peeked[:n]]
        self._peeked = self._peeked[n:]
        self.position += len(parts[0])
        n -= len(parts[0])
        while n > 0:
            try:
                part = self._stream.read(min(n, PIECE))
            except OSError as error:
                raise BadInput(f"{self.name}: cannot be read ({error.strerror})") from error
            if part is None:  # taking this for the end would lose the rest
                raise BadInput(f"{self.name}: is a non-blocking pipe; use a blocking one")
            if not part:
                break
            parts.append(part)
            n -= len(part)
            self.position += len(part)
        return b"".join(parts)


class StreamSource(Source):
    """An open stream that can be read at any place; the bytes begin where it stands. Threads may share it."""

    def __init__(self, stream: Any, name: str = "<stream>") -> None:
        """`stream` has `read`, `seek` and `tell`, and stays the caller's to close."""
        self._stream, self._start = stream, stream.tell()
        self.size: int = max(0, stream.seek(0, os.SEEK_END) - self._start)
        stream.seek(self._start)
        self.name = name
        self._lock = threading.Lock()

    def read(self, offset: int, n: int) -> bytes:
        with self._lock:
            try:
                self._stream.seek(self._start + offset)
                return PipeSource(self._stream, self.name).read(0, n)
            except (OSError, ValueError) as error:
                raise BadInput(f"{self.name}: cannot be read at offset {offset} ({error})") from error


class SpecialFileSource(PipeSource):
    """A named pipe or a device, by path."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`; raises BadInput when that is not possible."""
        try:
            self._file = open(path, "rb")  # noqa: SIM115  (closed by close())
        except OSError as error:
            raise BadInput(f"{path}: cannot be opened ({error.strerror}); check the path and its permissions") from error
        super().__init__(self._file, str(path))
        facts = os.fstat(self._file.fileno())
        self.facts = facts if stat.S_ISREG(facts.st_mode) else None

    def close(self) -> None:
        self._file.close()


class SpooledSource(Source):
    """The content of a pipe, kept in a nameless temporary file so that it can be read by range."""

    def __init__(self, pipe: Source) -> None:
        """Read `pipe` to its end; raises LacodecError if the space does not suffice."""
        self.name = pipe.name
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close())
            weakref.finalize(self, self._file.close)  # at the latest; whoever spools mid-way has nobody to close it
            for block in pipe.blocks(PIECE):
                self._file.write(block)
            self._file.flush()
        except OSError as error:
            raise LacodecError(f"{self.name}: no space for a temporary copy ({error.strerror}); set TMPDIR") from error
        self.size = self._file.tell()

    def read(self, offset: int, n: int) -> bytes:
        return read_at(self._file.fileno(), offset, n, self.name)

    def close(self) -> None:
        self._file.close()


def seekable(source: Source) -> Source:
    """`source` if its size is known, else all of it in a temporary file."""
    return source if source.size is not None else SpooledSource(source)


class IteratorSource(PipeSource):
    """Pieces that are made while they are read, such as the parts of a file that is being decoded."""

    def __init__(self, pieces: Iterator[bytes], name: str = "<pieces>", size: int | None = None) -> None:
        self._parts = _PieceStream(pieces)
        super().__init__(self._parts, name)
        self._pieces = pieces
        self.size = size

    def gather(self, offset: int, n: int) -> bytearray | memoryview:
        """As `read`, to be written to; not copied if it is a part of one piece that can be written to, else once."""
        self.read(offset, 0)
        parts: list[bytes | memoryview] = [self._peeked[:n]]
        self._peeked = self._peeked[n:]
        left = n - len(parts[0])
        while left > 0 and (part := self._parts.view(left)):
            parts.append(part)
            left -= len(part)
        self.position += n - left
        last = parts[-1]
        if len(parts) == 2 and not parts[0] and isinstance(last, memoryview) and not last.readonly:
            return last
        return bytearray().join(parts)

    def pieces(self) -> Iterator[bytes]:
        """The pieces as they come, without regrouping; use either this or `read`/`blocks`, not both."""
        return self._pieces


class _PieceStream:
    """The one method of a stream that PipeSource calls, over an iterator of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, n: int, /) -> bytes:
        return bytes(self.view(n))

    def view(self, n: int) -> memoryview:
        """At most n bytes of the piece that comes next; none at the end."""
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return memoryview(b"")
        part, self._rest = self._rest[:n], self._rest[n:]
        return part
