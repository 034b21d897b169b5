"""How far the work on a file is: reports from within chunks and of whole chunks -> one count of bytes that only grows."""

import threading
from collections.abc import Callable, Iterator

Progress = Callable[[int, int | None], None]
"""Called with (bytes of the original done, bytes in all or None) during the work."""

Report = Callable[[int], None]
"""Called with how much was handled since the last call: bytes of content, or whatever the caller counts."""

_PARTS = 64  # that work on a chunk is cut into at most
_LEAST = 1 << 14  # samples in a part: 5 ms or more, since each costs a call of a kernel, some 20 microseconds


def ignore(_: int) -> None:
    """Takes reports that nobody wants."""


def parts(steps: int, samples: int, report: Report, least: int = _LEAST) -> Iterator[tuple[int, int]]:
    """(start, stop) of ranges of `steps` in order; each is reported when the next is asked for, as its part of `samples`.

    least: samples in a range, fewer only if there are fewer in all. One range is all if nobody wants the reports.
    """
    if report is ignore:
        least = max(samples, 1)
    count = max(1, min(_PARTS, samples // least, steps))
    for i in range(count):
        yield steps * i // count, steps * (i + 1) // count
        report(samples * (i + 1) // count - samples * i // count)


class Share:
    """Is called with samples as they are coded, `samples` in all, and reports them as bytes: `size` in all, never more.

    Threads may share it.
    """

    def __init__(self, report: Report, size: int, samples: int) -> None:
        self._report, self._size, self._samples = report, size, max(1, samples)
        self._done, self._reported = 0, 0
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        """`count` more samples were coded."""
        with self._lock:
            self._done = min(self._done + count, self._samples)
            self._tell(self._size * self._done // self._samples)

    def finish(self) -> None:
        """All is done, whether or not every sample was counted."""
        with self._lock:
            self._tell(self._size)

    def _tell(self, total: int) -> None:
        if total > self._reported:
            self._report(total - self._reported)
            self._reported = total


class Work:
    """Sums up reports for `progress`, which hears of the `total` bytes of a file.

    Reports are of its content: `content` bytes, `total` if None. Within chunks they come `passes` times (2: encoded, then decoded
    to compare).
    """

    def __init__(self, progress: Progress | None, total: int | None = None, passes: int = 1, content: int | None = None) -> None:
        self._progress, self._total, self._passes, self._content = progress, total, passes, content
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
        if self._total is not None and self._content:
            done = min(self._total * done // self._content, self._total)
        if self._progress is not None and done > self._shown:
            self._shown = done
            self._progress(done, self._total)
