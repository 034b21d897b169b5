"""PyAV over sources: a file that FFmpeg reads, and one error for whatever it finds wrong. Extra `video`."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from lacodec.errors import BadInput, MissingDependency, UnsupportedFile
from lacodec.io.source import Source


def _module(what: str) -> ModuleType:
    try:
        import av
    except ImportError:
        raise MissingDependency(f"{what}: Matroska needs PyAV; install it with: pip install 'lacodec[video]'") from None
    return av


class Stream:
    """A source as a file that can be read and moved in."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0
        self.name = source.name

    def read(self, n: int = -1) -> bytes:
        """At most `n` bytes from the present place."""
        left = max(0, (self._source.size or 0) - self._at)
        data = self._source.read(self._at, left if n < 0 else min(n, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new place."""
        self._at = max(0, offset + (0, self._at, self._source.size or 0)[whence])
        return self._at

    def tell(self) -> int:
        """The present place."""
        return self._at


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """An `av.container.InputContainer`; raises UnsupportedFile for what FFmpeg cannot read, and where PyAV is not installed."""
    try:
        module = _module(source.name)
    except MissingDependency as error:
        raise UnsupportedFile(str(error)) from None
    try:
        with module.open(Stream(source), "r", metadata_errors="surrogateescape") as container:
            yield container
    except (module.FFmpegError, ValueError) as error:
        raise UnsupportedFile(f"{source.name}: cannot be read as video ({' '.join(str(error).split())})") from error


@contextmanager
def writing(what: str) -> Iterator[ModuleType]:
    """PyAV, with its errors as BadInput."""
    module = _module(what)
    try:
        yield module
    except (module.FFmpegError, ValueError) as error:
        raise BadInput(f"{what}: cannot be written ({' '.join(str(error).split())})") from error
