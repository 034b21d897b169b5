"""Files that others are stored as differences to: told apart by size and hash, read only where something refers to them."""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

import xxhash

from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source

_BLOCK = 1 << 22


class Reference:
    """A file that content may be stored as differences to; threads may share it."""

    def __init__(self, source: Source) -> None:
        """`source` stays open as long as the reference is used; raises BadInput for a pipe."""
        if source.size is None:
            raise BadInput(
                f"{source.name}: a pipe cannot be a base, because bases are read out of order; save it to a file first"
            )
        self.source, self.name, self.size = source, source.name, source.size
        self._lock = threading.Lock()

    @property
    def digest(self) -> bytes:
        """The xxh3-128 of its bytes, all of which are read when it is asked for first."""
        with self._lock:
            return self._digest

    @cached_property
    def _digest(self) -> bytes:
        digest = xxhash.xxh3_128()
        for block in self.source.blocks(_BLOCK):
            digest.update(block)
        return digest.digest()

    def described(self) -> dict[str, Any]:
        """What the header of a file that needs it says."""
        return {"name": Path(self.name).name.removesuffix(".lac"), "size": self.size, "hash": self.digest}

    def check(self, described: Any) -> None:
        """Raise BadInput unless this is the reference that a header describes; reads all of it."""
        if self.digest != described["hash"]:
            raise BadInput(_wanted(described, [self]))


def needed(described: Any, given: Sequence[Reference]) -> Reference:
    """The reference that a header describes, out of those that the user gave.

    The only one of the right size is taken to be it, unread: what is decoded has hashes of its own, and `check` tells a wrong
    reference from damage. Raises BadInput when it is missing, CorruptFile when that is not a description.
    """
    if not is_description(described):
        raise CorruptFile("the header does not name the base that the file needs")
    fitting = [reference for reference in given if reference.size == described["size"]]
    if len(fitting) > 1:
        fitting = [reference for reference in fitting if reference.digest == described["hash"]]
    if not fitting:
        raise BadInput(_wanted(described, given))
    return fitting[0]


def is_description(described: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this, from a header, is what `described` gives."""
    return isinstance(described, dict) and [type(described.get(key)) for key in ("name", "size", "hash")] == [str, int, bytes]


def _wanted(described: Any, given: Sequence[Reference]) -> str:
    names = f", which {', '.join(reference.name for reference in given)} is not" if given else ", which was not given"
    return (
        f"it needs its base, the file {described['name'][:200]!r} of {described['size']} bytes "
        f"(xxh3-128 {described['hash'].hex()[:64]}){names}; give that file with --base FILE, or base=... in Python"
    )
