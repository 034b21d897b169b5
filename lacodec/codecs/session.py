"""`Session`: everything that a codec runs with besides its options: threads, references, limits. Always passed as an argument."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lacodec.codecs.references import Reference
from lacodec.io.progress import Report, ignore


@dataclass(frozen=True)
class Session:
    """How a codec runs.

    threads: how many chunks may be coded at a time. references: opened bases that content may be stored as differences to: the
    one of an encoder, or all that the user gave a decoder. report: for codecs whose chunks take seconds; it is called with bytes
    of content handled since the last call, at most a chunk's `decoded_size` in all, and moves the progress bar.
    device: for networks, "cpu", "cuda" or "cuda:1"; None for the environment variable LACODEC_DEVICE.
    max_memory: bytes that may be in use at a time; None means no limit.
    """

    threads: int = 1
    references: tuple[Reference, ...] = ()
    report: Report = ignore
    device: str | None = None
    max_memory: int | None = None
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False, compare=False)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """`make()`, called once in this session for each `key`; safe from several threads.

        The result should hold every object that the key names by `id`, so that no other object can get that id meanwhile.
        """
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]


class _Default(Session):
    """Shared by all callers that pass no session, so it keeps nothing."""

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        return make()


DEFAULT: Session = _Default()
"""One thread, no references, no limits."""
