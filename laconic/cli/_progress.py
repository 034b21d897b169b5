"""Progress on a terminal: bytes done -> a bar with speed and time left on standard error. Silent elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_S = 0.5
"""Work that is over sooner than this shows no bar (and never imports rich)."""


class Meter:
    """One bar at a time: bytes of the present file, with the number of the file where there are several."""

    def __init__(self, verb: str, files: int | None, shown: bool) -> None:
        self._verb = verb
        self._files = files
        self._file = 1
        self._shown = shown and sys.stderr.isatty()
        self._start = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def update(self, done: int, total: int | None) -> None:
        """`done` bytes of the present file have been handled, of `total` (None when only the end will tell)."""
        if not self._shown or time.monotonic() - self._start < _PATIENCE_S:
            return
        if self._bar is None:
            self._make_bar(total)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def next_file(self) -> None:
        """The present file is done."""
        self.pause()
        self._file += 1
        self._start = time.monotonic()

    def pause(self) -> None:
        """Take the bar away so that a line can be printed."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.pause()

    def _make_bar(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        # Standard output stays untouched: the result, or the data itself, may be on its way through it.
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        several = self._files is not None and self._files > 1
        self._task = self._bar.add_task(f"{self._verb} {self._file}/{self._files}" if several else self._verb, total=total)
        self._bar.start()
