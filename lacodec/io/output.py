"""Files that appear whole or not at all: `with atomic_file(path) as out: ...`.

The bytes go to a file without a name (Linux), or one beside the target, are synced and get their final name at the end; an error,
Ctrl-C or a full disk leaves nothing, and where nameless files exist not even a killed process does.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lacodec.errors import BadInput, LacodecError

_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def atomic_file(path: Path, force: bool = False) -> Iterator[BinaryIO]:
    """A file open for writing and reading that becomes `path` when the block ends without error.

    Raises BadInput when `path` exists and not `force`, LacodecError when the system refuses (no space, no permission).
    """
    refuse_existing(path, force)
    try:
        descriptor, temporary = _create(path)
    except OSError as error:
        raise LacodecError(f"{path}: cannot be written ({error.strerror}); choose another place with -o") from error
    try:
        with os.fdopen(descriptor, "w+b") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
            if temporary is None:
                temporary = _temporary_name(path)
                _give_name(out, temporary)
            refuse_existing(path, force)
            os.replace(temporary, path)
            temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LacodecError(
            f"{path}: writing failed ({reason}); nothing was left behind, free some space and try again"
        ) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def refuse_existing(path: Path, force: bool) -> None:
    """Raise BadInput when `path` is there already and may not be replaced."""
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; name a file")
    if not force and os.path.lexists(path):
        raise BadInput(f"{path}: exists already; use --force to replace it")


def _create(path: Path) -> tuple[int, Path | None]:
    """(descriptor, temporary name or None for a nameless file)."""
    if hasattr(os, "O_TMPFILE") and _DESCRIPTORS.is_dir():
        try:
            return os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666), None
        except OSError:
            pass  # not every file system has them; the named file below also tells what is really wrong
    temporary = _temporary_name(path)
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666), temporary


def _give_name(out: BinaryIO, path: Path) -> None:
    """Link a nameless file into its folder, or copy it where the system does not allow the link."""
    # Without a folder descriptor Python calls link(2), which does not follow the symbolic link that /proc shows.
    descriptors = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.link(str(out.fileno()), path, src_dir_fd=descriptors, follow_symlinks=True)
    except OSError:
        out.seek(0)
        with open(path, "xb") as named:
            shutil.copyfileobj(out, named, 1 << 20)
            named.flush()
            os.fsync(named.fileno())
    finally:
        os.close(descriptors)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, so that deleting the input afterwards can never lose both."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_name(path: Path) -> Path:
    return path.parent / f".{path.name[:200]}.{secrets.token_hex(4)}.tmp"
