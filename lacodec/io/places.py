"""What a place stands for, a path, a URL or an open stream: a source of its bytes."""

import os
import stat
from typing import Any

from lacodec.io.remote import RemoteFile, is_url
from lacodec.io.source import FileSource, Readable, Source
from lacodec.io.streams import PipeSource, SpecialFileSource, StreamSource


class RemoteSource(Source):
    """A file at a URL, read by range."""

    def __init__(self, file: RemoteFile) -> None:
        self._file, self.size, self.name = file, file.size, file.url

    def read(self, offset: int, n: int) -> bytes:
        return self._file.read(offset, n)


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
