"""Standard input, output and error, any of which may be closed, as in some daemons.

A closed one becomes the null device: else the next file that is opened would get its number, and the output of some library
would end up in it. Closed streams are remembered, so that a command can report that its result is lost.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lacodec.errors import BadInput

_NAMES = {"stdin": "standard input", "stdout": "standard output", "stderr": "standard error"}
_closed: set[str] = set()


@contextmanager
def safe_streams() -> Iterator[None]:
    """Use the null device in place of closed streams; names that are not text are shown as far as possible."""
    _closed.clear()
    for number, name in enumerate(_NAMES):
        stream = getattr(sys, name)
        if stream is None or stream.closed:
            _closed.add(name)
            _keep_number(number)
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115  (as long as the process)
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # already reported; Python must not try to write the rest at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def closed(name: str) -> bool:
    """Whether the command was started without this stream ("stdin", "stdout", "stderr")."""
    return name in _closed


def check(name: str) -> None:
    """Raise BadInput when a stream that is needed is closed."""
    if closed(name):
        raise BadInput(f"{_NAMES[name]} is closed; open it, or name a file")


def _keep_number(number: int) -> None:
    """Open the null device as descriptor `number`, where nothing has it."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
