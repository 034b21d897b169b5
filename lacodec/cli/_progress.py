"""Progress on a terminal: bytes done -> a bar with speed and time left on standard error. Silent without a terminal."""

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE_S = 0.5
"""Work that is over sooner than this shows no bar (and never imports rich)."""

_WIDE = 100
"""Columns of a terminal from which on the bar is long and the time so far is shown."""


class Meter:
    """One bar at a time: bytes of the current file, and its number if there are several.

    A codec reports after each chunk, which may take minutes, so a timer brings the bar, not the first report.
    """

    def __init__(self, verb: str, files: int, quiet: bool) -> None:
        self._verb = verb
        self._files = files
        self._file = 0
        self._quiet = quiet
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._bar: Progress | None = None
        self._done, self._total = 0, None  # type: int, int | None
        self._compiled = ""

    def start_file(self, total: int | None) -> None:
        """The next file begins; `total` bytes, None when that is not known yet."""
        self.stop()
        self._file += 1
        self._compiled = ""
        self._done, self._total = 0, total
        if sys.stderr.isatty() and not self._quiet:
            self._timer = threading.Timer(_PATIENCE_S, self._show)
            self._timer.daemon = True
            self._timer.start()

    def update(self, done: int, total: int | None) -> None:
        """`done` bytes of the present file have been handled, of `total` (None when only the end will tell)."""
        with self._lock:
            self._done, self._total = done, total
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def tell(self, text: str) -> None:
        """Print a remark on standard error, above the bar if it is shown."""
        with self._lock:
            if self._bar is not None:
                self._bar.console.print(text, markup=False, highlight=False)
            elif not self._quiet:
                print(text, file=sys.stderr, flush=True)

    def compiling(self, count: int, seconds: float) -> None:
        """Shows in the bar how many functions were compiled and for how long, so that it moves before any data does."""
        with self._lock:
            self._compiled = f" (compiled {count} functions, {seconds:.0f} s)"
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], description=self._name())

    def stop(self) -> None:
        """Take the bar away, so that a line can be printed."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _show(self) -> None:
        bar = _make_bar()
        with self._lock:
            if self._timer is None:  # stopped in the meantime
                return
            bar.add_task(self._name(), total=self._total, completed=self._done)
            bar.start()
            self._bar = bar

    def _name(self) -> str:
        return (f"{self._verb} {self._file}/{self._files}" if self._files > 1 else self._verb) + self._compiled


class NoMeter(Meter):
    """For files that are coded beside others: nothing is shown."""

    def __init__(self) -> None:
        super().__init__("", 1, quiet=True)

    def start_file(self, total: int | None) -> None:
        """Nothing."""


def _make_bar() -> "Progress":
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    # Standard output stays untouched: the result, or the data itself, may be on its way through it.
    console = Console(stderr=True)
    wide = console.width >= _WIDE

    def unbroken() -> Column:
        return Column(no_wrap=True)

    columns = (
        progress.TextColumn("{task.description}", table_column=unbroken()),
        progress.BarColumn(bar_width=40 if wide else 8),
        progress.DownloadColumn(table_column=unbroken()),
        progress.TransferSpeedColumn(table_column=unbroken()),
        *([progress.TimeElapsedColumn(table_column=unbroken())] if wide else []),
        progress.TimeRemainingColumn(table_column=unbroken()),
        progress.TextColumn("left", table_column=unbroken()),
    )
    return progress.Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
