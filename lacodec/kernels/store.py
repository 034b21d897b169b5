"""Where compiled kernels are kept: a folder that only this user can have written to, since what lies there is run.

    base (LACODEC_CACHE_DIR, ~/.cache/lacodec, ...) / kernels / module-fingerprint / entries

`kernels` is used only if this user owns it with mode 0700; otherwise another name beside it is taken. It is opened once and
everything is reached through that handle, so that nobody who may write to the folders above can put another in its place.
"""

import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_POSIX = hasattr(os, "getuid")
_NAMES = ("kernels", "kernels-1", "kernels-2", "kernels-3")
_KEPT = 4  # folders of one module: so many versions or installations may alternate
_UNUSED = 60 * 86400.0  # seconds after which a folder goes
_DAY = 86400.0


class Store:
    """An open, trusted folder. `path` is for people to read."""

    def __init__(self, path: Path, handle: int | None) -> None:
        self.path, self._handle = path, handle

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or None; `name` may lie in a folder."""
        try:
            with open(self._place(name), "rb", opener=self._open) as file:
                return file.read()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put a file there in one go; that there is no room for it is no error."""
        temporary = f"{name}.{secrets.token_hex(6)}"
        try:
            folder = os.path.dirname(name)
            if folder:
                self._make(folder)
            with open(self._place(temporary), "xb", opener=self._open) as file:
                file.write(data)
            self._replace(temporary, name)
        except OSError:
            with suppress(OSError):
                os.unlink(self._place(temporary), dir_fd=self._handle)

    def use(self, folder: str) -> None:
        """Note that a folder is in use, so that it isn't cleaned away."""
        with suppress(OSError):
            seen = os.stat(self._place(folder), dir_fd=self._handle).st_mtime
            if time.time() - seen > _DAY:
                os.utime(self._place(folder), dir_fd=self._handle)

    def _make(self, folder: str) -> None:
        try:
            os.mkdir(self._place(folder), 0o700, dir_fd=self._handle)
        except FileExistsError:
            return
        self._clean(folder.rpartition("-")[0])

    def _clean(self, module: str) -> None:
        """Remove what nobody used for long, and all but the newest folders of a module."""
        found = []
        for name in os.listdir(self._handle if self._handle is not None else self.path):
            with suppress(OSError):
                found.append((os.stat(self._place(name), dir_fd=self._handle).st_mtime, name))
        now = time.time()
        same = sorted((entry for entry in found if entry[1].rpartition("-")[0] == module), reverse=True)
        for when, name in found:
            if now - when > _UNUSED or (when, name) in same[_KEPT:]:
                self._remove(name)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            with self._listed(name) as names:
                for inner in names:
                    os.unlink(self._place(f"{name}/{inner}"), dir_fd=self._handle)
            os.rmdir(self._place(name), dir_fd=self._handle)

    @contextmanager
    def _listed(self, name: str) -> Iterator[list[str]]:
        if self._handle is None:
            yield os.listdir(self.path / name)
            return
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._handle)
        try:
            yield os.listdir(handle)
        finally:
            os.close(handle)

    def _place(self, name: str) -> str:
        return name if self._handle is not None else str(self.path / name)

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags, 0o600, dir_fd=self._handle)

    def _replace(self, source: str, target: str) -> None:
        os.replace(self._place(source), self._place(target), src_dir_fd=self._handle, dst_dir_fd=self._handle)


@cache
def store() -> Store | None:
    """The place for compiled kernels, or None when none can be trusted and written to: each process then compiles for itself.

    `LACODEC_CACHE_DIR` wins over `XDG_CACHE_HOME/lacodec`, `~/.cache/lacodec` and a folder in the temporary directory.
    """
    for base in _candidates():
        with suppress(OSError):
            base.mkdir(parents=True, exist_ok=True)
        for name in _NAMES:
            try:
                found = _opened(base / name)
            except OSError:
                continue  # the next name or candidate is the answer to a folder that cannot be used
            if found is not None:
                return found
    return None


def _opened(path: Path) -> Store | None:
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if not _POSIX:
        with tempfile.TemporaryFile(dir=path):
            return Store(path, None)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(handle)
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700 and os.access(path, os.W_OK):
        return Store(path, handle)
    os.close(handle)
    return None


def _candidates() -> list[Path]:
    chosen = os.environ.get("LACODEC_CACHE_DIR")
    if chosen:
        return [Path(chosen)]
    bases = []
    if os.environ.get("XDG_CACHE_HOME"):
        bases.append(Path(os.environ["XDG_CACHE_HOME"]) / "lacodec")
    home = Path(os.path.expanduser("~"))
    if home.is_absolute():
        bases.append(home / ".cache" / "lacodec")
    user = os.getuid() if _POSIX else "user"
    bases.append(Path(tempfile.gettempdir()) / f"lacodec-{user}")
    return bases


def file_name(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text)[:80]
