"""Files at URLs that fsspec knows (s3://, gs://, https://, memory://), read by range and written whole.

    head (4 KiB) ------------- anything, read ahead where reading goes forwards ------------- tail (64 KiB)

The head and the tail are kept, so a `.lac` file is opened with one read at its end, or two where the start is asked for too.
"""

import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from lacodec.errors import BadInput, LacodecError, MissingDependency

TAIL = 1 << 16
"""Bytes at the end of a file that come in one read; `container.reader` asks for as many."""

_HEAD = 1 << 12
_AHEAD = 4 << 20
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::.*)?://")


def is_url(place: Any) -> TypeGuard[str]:
    """Whether this is a URL rather than a path."""
    return isinstance(place, str) and _URL.match(place) is not None


class RemoteFile:
    """The bytes at a URL by range; threads may share it. `size` is None if the server does not tell."""

    def __init__(self, url: str) -> None:
        """Ask for the size; raises BadInput if the file does not exist, MissingDependency if a package is missing."""
        self.url = url
        self._system, self._path = file_system(url)
        with _named(url, "opened"):
            self.size: int | None = self._system.info(self._path).get("size")
        self._pieces: list[tuple[int, bytes]] = []  # (offset, bytes): head or tail first, then the last read
        self._next = -1  # where the last read ended
        self._lock = threading.Lock()

    def read(self, offset: int, n: int) -> bytes:
        """Exactly `n` bytes from `offset`, fewer only when the end comes first."""
        size = self.size or 0
        stop = min(offset + max(n, 0), size)
        if offset >= stop:
            return b""
        with self._lock:
            for start, data in self._pieces:
                if start <= offset and stop <= start + len(data):
                    self._next = stop
                    return data[offset - start : stop - start]
            first, last = offset, stop
            if stop <= _HEAD:
                first, last = 0, min(_HEAD, size)
            elif offset >= size - TAIL:
                first, last = max(0, size - TAIL), size
            elif offset == self._next:
                last = min(size, max(stop, offset + _AHEAD))
            data = self._fetch(first, last)
            edges = [piece for piece in self._pieces if piece[0] == 0 or piece[0] + len(piece[1]) == size]
            self._pieces = [*edges[-2:], (first, data)] if last - first <= _AHEAD else edges[-2:]
            self._next = stop
        return data[offset - first : stop - first]

    def stream(self) -> Any:
        """The file opened to be read forwards, for those whose size is not known."""
        with _named(self.url, "opened"):
            return self._system.open(self._path, "rb")

    def _fetch(self, start: int, stop: int) -> bytes:
        with _named(self.url, "read"):
            data = bytes(self._system.cat_file(self._path, start=start, end=stop))
        if len(data) == self.size != stop - start:
            data = data[start:stop]  # for servers that always send the whole file
        if len(data) != stop - start:
            raise LacodecError(
                f"{self.url}: received {len(data)} bytes instead of {stop - start} from offset {start}; it changed, try again"
            )
        return data


@contextmanager
def remote_target(url: str, force: bool) -> Iterator[Path]:
    """A path to write to, with the URL's file name; it is uploaded at the end of the block, unless an error was raised.

    Raises BadInput, before anything else, when the URL exists and not `force`.
    """
    system, path = file_system(url)
    with _named(url, "opened"):
        if not force and system.exists(path):
            raise BadInput(f"{url}: already exists; use force to replace it")
    folder = tempfile.mkdtemp(prefix="lacodec-")
    try:
        local = Path(folder, PurePosixPath(path).name or "out")
        yield local
        with _named(url, "written"):
            system.put_file(str(local), path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_system(url: str) -> tuple[Any, str]:
    """(file system, path in it)"""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingDependency(f"{url}: URLs need fsspec; install it with: pip install 'lacodec[remote]'") from None
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise MissingDependency(f"{url}: {' '.join(str(error).split())}") from error
    except Exception as error:  # fsspec lets its implementations raise anything
        raise BadInput(f"{url}: cannot be opened ({' '.join(str(error).split())}); check the URL") from error
    return system, str(path)


@contextmanager
def _named(url: str, done: str) -> Iterator[None]:
    """Turns errors of a file system into one that names the URL."""
    try:
        yield
    except LacodecError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadInput(f"{url}: cannot be {done} ({type(error).__name__}); check the URL and your permissions") from error
    except Exception as error:  # fsspec lets its implementations raise anything
        text = " ".join(str(error).split())[:200] or "no reason given"
        raise LacodecError(f"{url}: cannot be {done} ({type(error).__name__}: {text})") from error
