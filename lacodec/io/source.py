"""`Source`: bytes in a file, in memory or in a pipe, read in the same way.

In: a path, a bytes-like object or an open stream. Out: exact ranges (`read`) or consecutive blocks (`blocks`).
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from lacodec.errors import BadInput

PIECE = 1 << 20  # bytes read from a pipe at a time, so that a forged length never allocates more than has arrived


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
    """A regular file, read by `pread`: threads may share it. Data added after it was opened is not read before `refresh`."""

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
        return read_at(self._file.fileno(), offset, min(n, self.size - offset), self.name)

    def refresh(self) -> None:
        """Take note of the size that the file has now."""
        self.size = os.fstat(self._file.fileno()).st_size

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
            return read_at(self._descriptor, offset, n, self.name)
        at = self._file.tell()
        self._file.seek(offset)
        data = self._file.read(n)
        self._file.seek(at)
        return data


def read_at(descriptor: int, offset: int, n: int, name: str) -> bytes:
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
