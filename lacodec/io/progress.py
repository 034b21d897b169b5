"""How far the work on a file is: reports from within chunks and of whole chunks -> one count of bytes that only grows."""

import threading
from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with (bytes of the original done, bytes in all or None) during the work."""


class Work:
    """Sums up reports for `progress`; `total` bytes are handled `passes` times (2: encoded, then decoded to compare)."""

    def __init__(self, progress: Progress | None, total: int | None = None, passes: int = 1) -> None:
        self._progress, self._total, self._passes = progress, total, passes
        self._within, self._whole, self._shown = 0, 0, 0
        self._lock = threading.Lock()

    def within_chunk(self, count: int) -> None:
        """`count` more bytes were handled once; called from any thread, by codecs whose chunks take long."""
        with self._lock:
            self._within += count
            self._show()

    def whole_chunk(self, size: int) -> None:
        """A chunk of `size` bytes is done with."""
        with self._lock:
            self._whole += size
            self._show()

    def _show(self) -> None:
        done = max(self._whole, self._within // self._passes)
        if self._progress is not None and done > self._shown:
            self._shown = done
            self._progress(done, self._total)
