"""Files that appear whole or not at all: `with atomic_file(path) as out: ...`; `open_target` also writes to devices and pipes.

The bytes go to a file without a name (Linux), or one next to the target, that only its owner may read. They are synced and get
permissions, times and the final name at the end; an error, Ctrl-C or a full disk leaves nothing, and where nameless files exist
not even a killed process does.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lacodec.errors import BadInput, LacodecError
from lacodec.io.places import descriptor_named, is_special
from lacodec.io.source import Source

_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def open_target(place: str | os.PathLike[str] | BinaryIO, force: bool = False, like: Source | None = None) -> Iterator[BinaryIO]:
    """Where output goes: an `atomic_file`, or the device, named pipe or open descriptor (/dev/stdout) that a path names.

    An open stream is used as it is and stays open. `like`: as for `atomic_file`.
    """
    if not isinstance(place, str | os.PathLike):
        yield place
    elif not is_special(place):
        with atomic_file(Path(place), force, like) as out:
            yield out
    else:
        descriptor = descriptor_named(place)
        try:
            # Opening /dev/stdout again would cut off a file that the caller appends to.
            special = open(place if descriptor is None else os.dup(descriptor), "wb")  # noqa: SIM115  (closed below)
        except OSError as error:
            raise LacodecError(
                f"{os.fspath(place)}: cannot be written ({error.strerror}); choose another place with -o"
            ) from error
        with special:
            yield special


@contextmanager
def atomic_file(path: Path, force: bool = False, like: Source | None = None) -> Iterator[BinaryIO]:
    """A file open for writing and reading that becomes `path` when the block ends without error.

    Permissions and modification time are those of the file that `like` reads; without one the permissions are the usual ones, or
    those of the file that is replaced. Users who could not read that file cannot read the new one either.
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
            _carry(out.fileno(), path, like)
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
            f"{path}: writing failed ({reason}); no partial file is left; free some space and try again"
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
        raise BadInput(f"{path}: already exists; use --force to replace it")


def _carry(descriptor: int, path: Path, like: Source | None) -> None:
    """Give a finished file the permissions and times that it gets under the name `path`."""
    facts = None if like is None else like.facts
    mode = _usual_mode() if facts is None else stat.S_IMODE(facts.st_mode) & 0o777
    with suppress(OSError):
        replaced = os.stat(path)
        if stat.S_ISREG(replaced.st_mode):
            kept = stat.S_IMODE(replaced.st_mode) & 0o777
            mode = kept if facts is None else mode & (kept | stat.S_IRWXU)
    _set_mode_and_time(descriptor, mode, facts)


def _set_mode_and_time(descriptor: int, mode: int, facts: os.stat_result | None) -> None:
    with suppress(OSError):  # some file systems have no permissions; then the file stays its owner's
        os.fchmod(descriptor, mode)
    if facts is not None and os.utime in os.supports_fd:
        with suppress(OSError):
            os.utime(descriptor, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _usual_mode() -> int:
    """The permissions of a new file. The mask can only be read by setting it: to a strict one, for the sake of other threads."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _create(path: Path) -> tuple[int, Path | None]:
    """(descriptor, temporary name or None for a nameless file)."""
    if hasattr(os, "O_TMPFILE") and _DESCRIPTORS.is_dir():
        try:
            return os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), None
        except OSError:
            pass  # not every file system has them; the named file below also reports the real error
    temporary = _temporary_name(path)
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600), temporary


def _give_name(out: BinaryIO, path: Path) -> None:
    """Link a nameless file into its folder, or copy it where the system does not allow the link."""
    # Without a folder descriptor Python calls link(2), which does not follow the symbolic link that /proc shows.
    descriptors = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.link(str(out.fileno()), path, src_dir_fd=descriptors, follow_symlinks=True)
    except OSError:
        out.seek(0)
        made = os.fstat(out.fileno())
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as named:
            shutil.copyfileobj(out, named, 1 << 20)
            named.flush()
            _set_mode_and_time(named.fileno(), stat.S_IMODE(made.st_mode), made)
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
