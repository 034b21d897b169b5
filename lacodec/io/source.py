"""`Source`: bytes in a file, in memory or in a pipe, read in the same way.

In: a path, a bytes-like object or an open stream. Out: exact ranges (`read`) or consecutive blocks (`blocks`).
"""

import os
import stat
import tempfile
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from lacodec.errors import BadInput, LacodecError
from lacodec.io.remote import RemoteFile, is_url

_PIECE = 1 << 20  # bytes read from a pipe at a time, so that a forged length never allocates more than has arrived


class Readable(Protocol):
    """The methods that a stream needs; a binary file has them."""

    def read(self, n: int, /) -> bytes | None:
        """At most `n` bytes, none at the end."""


class Source(ABC):
    """Bytes that can be read by range.

    `size` is the number of bytes, None if it is not known before the end (pipes). `name` is for messages. `facts` is the stat
    result of a regular file when it is opened; None for everything else.
    """

    size: int | None
    name: str
    facts: os.stat_result | None = None

    @abstractmethod
    def read(self, offset: int, n: int) -> bytes:
        """Exactly `n` bytes from `offset`, fewer only when the end comes first."""

    def view(self, offset: int, n: int) -> memoryview:
        """Like `read`, but not copied where the bytes are in memory already."""
        return memoryview(self.read(offset, n))

    def blocks(self, n: int) -> Iterator[bytes]:
        """Consecutive blocks of exactly `n` bytes from the start, the last one shorter; nothing for an empty source."""
        offset = 0
        while block := self.read(offset, n):
            yield block
            offset += len(block)
            if len(block) < n:
                return

    def peek(self, n: int) -> bytes:
        """The first `n` bytes, fewer only if the source is shorter; they can be read again. For a pipe only at its start."""
        return self.read(0, n)

    def close(self) -> None:
        """Close everything that the source holds open; reading afterwards is an error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileSource(Source):
    """A regular file, read by `pread`: threads may share it. Data added after it was opened is not read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`; raises BadInput when that is not possible or it is a folder."""
        self.path = Path(path)
        self.name = str(path)
        try:
            if self.path.is_dir():
                raise BadInput(f"{self.name}: is a folder, not a file; give the files in it")
            self._file: BinaryIO = open(self.path, "rb", buffering=0)  # noqa: SIM115  (closed by close())
        except OSError as error:
            raise BadInput(f"{self.name}: cannot be opened ({error.strerror}); check the path and its permissions") from error
        self.facts = os.fstat(self._file.fileno())
        self.size: int = self.facts.st_size

    def read(self, offset: int, n: int) -> bytes:
        return _read_at(self._file.fileno(), offset, min(n, self.size - offset), self.name)

    def close(self) -> None:
        self._file.close()


class BytesSource(Source):
    """Bytes in memory (any contiguous buffer); only the ranges that are read get copied."""

    def __init__(self, data: bytes | bytearray | memoryview | mmap, name: str = "<bytes>") -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.nbytes else memoryview(b"")  # an empty array has no flat form
        self.size = len(self._view)
        self.name = name

    def read(self, offset: int, n: int) -> bytes:
        return bytes(self._view[offset : offset + n])

    def view(self, offset: int, n: int) -> memoryview:
        return self._view[offset : offset + n]


class Part(Source):
    """The bytes from `start` to `stop` of another source."""

    def __init__(self, source: Source, start: int, stop: int) -> None:
        self._source, self._start = source, start
        self.size: int = stop - start
        self.name = source.name

    def read(self, offset: int, n: int) -> bytes:
        return self._source.read(self._start + offset, max(0, min(n, self.size - offset)))


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
            if not self._take(min(offset - self.position, _PIECE)):
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
                part = self._stream.read(min(n, _PIECE))
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


class RemoteSource(Source):
    """A file at a URL, read by range."""

    def __init__(self, file: RemoteFile) -> None:
        self._file, self.size, self.name = file, file.size, file.url

    def read(self, offset: int, n: int) -> bytes:
        return self._file.read(offset, n)


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


class OpenedSource(Source):
    """An open file with a descriptor, or one in memory, that somebody else closes; its position stays where it is."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self.name = file, name
        file.flush()
        at = file.tell()
        self.size: int = file.seek(0, os.SEEK_END)
        file.seek(at)
        self._descriptor = _descriptor(file)

    def read(self, offset: int, n: int) -> bytes:
        if self._descriptor is not None:
            return _read_at(self._descriptor, offset, n, self.name)
        at = self._file.tell()
        self._file.seek(offset)
        data = self._file.read(n)
        self._file.seek(at)
        return data


class SpooledSource(Source):
    """The content of a pipe, kept in a nameless temporary file so that it can be read by range."""

    def __init__(self, pipe: Source) -> None:
        """Read `pipe` to its end; raises LacodecError if the space does not suffice."""
        self.name = pipe.name
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close())
            weakref.finalize(self, self._file.close)  # at the latest; whoever spools mid-way has nobody to close it
            for block in pipe.blocks(_PIECE):
                self._file.write(block)
            self._file.flush()
        except OSError as error:
            raise LacodecError(f"{self.name}: no space for a temporary copy ({error.strerror}); set TMPDIR") from error
        self.size = self._file.tell()

    def read(self, offset: int, n: int) -> bytes:
        return _read_at(self._file.fileno(), offset, n, self.name)

    def close(self) -> None:
        self._file.close()


def open_source(place: str | os.PathLike[str] | Readable | Source, may_grow: bool = False) -> Source:
    """A source for a path, a URL or an open binary stream; a Source is returned unchanged.

    Paths of pipes and devices are read as streams, and with `may_grow` files that claim to be empty (as those in /proc do), too.
    """
    if isinstance(place, Source):
        return place
    if not isinstance(place, str | os.PathLike):
        name = getattr(place, "name", None)
        return PipeSource(place, name if isinstance(name, str) else "<pipe>")
    if is_url(place):
        return remote_source(place)
    if _is_stream(place) or (may_grow and os.path.isfile(place) and os.path.getsize(place) == 0):
        return SpecialFileSource(place)
    return FileSource(place)


def remote_source(url: str) -> Source:
    """The file at a URL; where the server does not tell its size, read forwards."""
    file = RemoteFile(url)
    return RemoteSource(file) if file.size is not None else PipeSource(file.stream(), url)


def stream_source(stream: Any) -> Source:
    """An open binary stream, from where it stands on: by range if it can be sought, else forwards only."""
    name = getattr(stream, "name", None)
    name = name if isinstance(name, str) else "<stream>"
    seekable = getattr(stream, "seekable", None)
    if seekable is None or not seekable():
        return PipeSource(stream, name)
    return StreamSource(stream, name)


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a device, a named pipe or an open descriptor of ours: those are written to, never replaced."""
    return _is_stream(path) or descriptor_named(path) is not None


def descriptor_named(path: str | os.PathLike[str]) -> int | None:
    """The open descriptor of this process that `path` stands for, as /dev/stdout and /dev/fd/3 do; None for other paths."""
    at, process = os.path.abspath(os.fspath(path)), os.path.realpath("/proc/self") + os.sep
    for _ in range(40):  # as many links as the system would follow
        folder, name = os.path.split(at)
        real = os.path.realpath(folder)
        if name.isdecimal() and (real == "/dev/fd" or (real.startswith(process) and os.path.basename(real) == "fd")):
            return int(name)
        try:
            at = os.path.join(real, os.readlink(at))
        except OSError:
            return None
    return None


def _is_stream(path: str | os.PathLike[str]) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # not there yet, or its folder cannot be read: opening it will tell
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def seekable(source: Source) -> Source:
    """`source` if its size is known, else all of it in a temporary file."""
    return source if source.size is not None else SpooledSource(source)


class IteratorSource(PipeSource):
    """Pieces that are made while they are read, such as the parts of a file that is being decoded."""

    def __init__(self, pieces: Iterator[bytes], name: str = "<pieces>", size: int | None = None) -> None:
        super().__init__(_PieceStream(pieces), name)
        self._pieces = pieces
        self.size = size

    def pieces(self) -> Iterator[bytes]:
        """The pieces as they come, without regrouping; use either this or `read`/`blocks`, not both."""
        return self._pieces


class _PieceStream:
    """The one method of a stream that PipeSource calls, over an iterator of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, n: int, /) -> bytes:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return b""
        part, self._rest = self._rest[:n], self._rest[n:]
        return bytes(part)


def _read_at(descriptor: int, offset: int, n: int, name: str) -> bytes:
    """Exactly `n` bytes, fewer only at the end: one system call gives 2 GiB at most."""
    parts = []
    while n > 0:
        try:
            part = os.pread(descriptor, n, offset)
        except OSError as error:
            raise BadInput(f"{name}: cannot be read at offset {offset} ({error.strerror})") from error
        if not part:
            break
        parts.append(part)
        offset += len(part)
        n -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (AttributeError, OSError):
        return None
