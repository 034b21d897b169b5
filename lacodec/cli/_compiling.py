"""Notices when kernels are compiled, which happens once per machine and takes a while: somebody who waits should know why."""

from collections.abc import Callable

from lacodec.kernels.events import compile_listeners

_NOTICE = "compiling kernels for this machine: up to half a minute, once (`lacodec warmup` does all at one go)"


class Compilations:
    """Counts compilations while it is entered; calls `tell` with a message for the user at the first one."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.count = 0
        self._tell = tell

    def __enter__(self) -> "Compilations":
        compile_listeners.append(self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        compile_listeners.remove(self._notice)

    def _notice(self) -> None:
        self.count += 1
        if self.count == 1 and self._tell is not None:
            self._tell(_NOTICE)
