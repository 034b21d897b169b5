"""Notices when kernels are compiled, which happens once per machine and takes a while: somebody who waits should know why."""

import argparse

from laconic.cli._report import note
from laconic.entropy._events import compile_listeners


class Compilations:
    """Counts compilations while it is entered; with `args`, tells the user at the first one."""

    def __init__(self, args: argparse.Namespace | None = None) -> None:
        self.count = 0
        self._args = args

    def __enter__(self) -> "Compilations":
        compile_listeners.append(self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        compile_listeners.remove(self._notice)

    def _notice(self) -> None:
        self.count += 1
        if self.count == 1 and self._args is not None:
            note(
                self._args, "compiling kernels for this machine: up to half a minute, once (`laconic warmup` does all at one go)"
            )
