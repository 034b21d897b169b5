"""Notices when kernels are compiled, which happens once per machine and takes a while: somebody who waits should know why."""

import time
from collections.abc import Callable

from lacodec.kernels.events import compile_listeners

_NOTICE = "compiling kernels for this machine: up to 15 seconds for each kind of data, once (`lacodec warmup` does all at one go)"


class Compilations:
    """Counts functions that are compiled while it is entered.

    `tell` gets a message for the user at the first one, `count` how many there were and the seconds since then, at each.
    """

    def __init__(self, tell: Callable[[str], None] | None = None, count: Callable[[int, float], None] | None = None) -> None:
        self.count = 0
        self._tell, self._show = tell, count
        self._since = 0.0

    def __enter__(self) -> "Compilations":
        compile_listeners.append(self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        compile_listeners.remove(self._notice)

    def _notice(self) -> None:
        self.count += 1
        if self.count == 1:
            self._since = time.monotonic()
            if self._tell is not None:
                self._tell(_NOTICE)
        if self._show is not None:
            self._show(self.count, time.monotonic() - self._since)
