"""A folder of files, local or at a URL of fsspec: listed, read, written whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from lacodec.datasets.engines import LOCAL
from lacodec.errors import BadInput
from lacodec.io.output import atomic_file
from lacodec.io.places import open_source
from lacodec.io.remote import RemoteFile, file_system, is_url, remote_target
from lacodec.io.source import Source

_BLOCK = 1 << 20
_VERSIONS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "created")


@dataclass(frozen=True)
class Entry:
    """A file in a folder: its name from there on, with slashes, its size in bytes, and a text that changes when the file does."""

    name: str
    size: int
    version: str


@dataclass(frozen=True)
class Place:
    """root: a path or a URL."""

    root: str

    def path(self, name: str) -> str:
        """Where a file is."""
        return f"{self.root.rstrip('/')}/{name}" if is_url(self.root) else os.path.join(self.root, name)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is none."""
        path = self.path(name)
        if not is_url(path):
            return os.path.getsize(path) if os.path.isfile(path) else None
        try:
            return RemoteFile(path).size
        except BadInput:
            return None

    def digest(self, name: str) -> str:
        """xxh3-128 of a file, in hexadecimal."""
        digest = xxhash.xxh3_128()
        with open_source(self.path(name)) as source:
            for block in source.blocks(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """All of a small file; raises BadInput if there is none."""
        with open_source(self.path(name)) as source:
            return source.read(0, source.size or 0)

    @contextmanager
    def written(self, name: str, like: Source | None = None) -> Iterator[BinaryIO]:
        """A file that appears whole when the block ends, in place of an older one, with the folders that it needs.

        Local ones get permissions and time of the file that `like` reads.
        """
        path = self.path(name)
        if is_url(path):
            with remote_target(path, True) as local, open(local, "w+b") as file:
                yield file
                file.flush()
        else:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with atomic_file(Path(path), True, like) as file:
                yield file

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        path = self.path(name)
        if is_url(path):
            system, inside = file_system(path)
            if system.exists(inside):
                system.rm_file(inside)
        else:
            Path(path).unlink(missing_ok=True)


def reachable(path: str | os.PathLike[str], engine: str) -> str:
    """A path or URL as the workers of an engine can use it: those on a cluster have other working directories."""
    text = os.fspath(path)
    return text if engine == LOCAL or is_url(text) else os.path.abspath(text)


def listed(root: str) -> tuple[Place, list[Entry]]:
    """All files of a folder, sorted by name; or, with the folder it is in, the one file. Raises BadInput if there is none."""
    if not is_url(root) and os.path.isfile(root):
        path = Path(root)
        return Place(str(path.parent)), [_local(path, path.name)]
    found = list(_remote_files(root) if is_url(root) else _local_files(root))
    if not found:
        raise BadInput(f"{root}: has no files")
    if is_url(root) and [entry.name for entry in found] == [""]:
        parent, _, name = root.rpartition("/")
        return Place(parent), [Entry(name, found[0].size, found[0].version)]
    return Place(root), sorted(found, key=lambda entry: entry.name)


def _local_files(root: str) -> Iterator[Entry]:
    if not os.path.isdir(root):
        raise BadInput(f"{root}: no such file or folder")
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield _local(path, path.relative_to(root).as_posix())


def _remote_files(root: str) -> Iterator[Entry]:
    system, inside = file_system(root)
    inside = inside.rstrip("/")
    found: dict[str, Any] = system.find(inside, detail=True)
    for path, facts in found.items():
        version = next((str(facts[key]) for key in _VERSIONS if facts.get(key)), "")
        yield Entry(path.removeprefix(inside).lstrip("/"), int(facts.get("size") or 0), f"{facts.get('size')} {version}".strip())


def _local(path: Path, name: str) -> Entry:
    facts = path.stat()
    return Entry(name, facts.st_size, f"{facts.st_size} {facts.st_mtime_ns}")
