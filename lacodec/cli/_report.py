"""How the command speaks: sizes, speeds and result lines as text, JSON lines on standard output, notes on standard error."""

import argparse
import json
import re
import shutil
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lacodec.cli import _streams as streams
from lacodec.cli._files import PIPE, Job
from lacodec.cli._table import table_lines
from lacodec.errors import LacodecError

if TYPE_CHECKING:
    from lacodec.api import FileResult

Line = tuple[str, str]
"""A text, and the stream where it goes: "stdout" or "stderr"."""

_kept = threading.local()
_OBJECT = re.compile(r"<([^<>]*?)(?: object)? at 0x[0-9a-fA-F]+>")
_ENOUGH_FOR_SPEED = 1_000_000

IDENTICAL = {
    "bytes": "identical bytes",
    "pixels": "identical pixels",
    "samples": "identical samples",
    "points": "identical points",
    "frames": "identical frames",
    "none": "not identical (lossy)",
}


@contextmanager
def kept_lines() -> Iterator[list[Line]]:
    """What this thread prints inside is kept for `print_lines`."""
    _kept.lines = []
    try:
        yield _kept.lines
    finally:
        del _kept.lines


def print_lines(lines: list[Line]) -> None:
    """Print what was kept, in order."""
    for text, stream in lines:
        _print(text, stream)


def _print(text: str, stream: str) -> None:
    lines: list[Line] | None = getattr(_kept, "lines", None)
    if lines is not None:
        lines.append((text, stream))
    else:
        print(text, file=getattr(sys, stream), flush=True)


def size_text(size: float) -> str:
    """1234567 -> "1.23 MB" (powers of 1000)."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.3g} {unit}" if size < 100 else f"{size:.0f} {unit}"


def speed_text(size: int, seconds: float) -> str:
    """ ", 12.3 MB/s": original bytes per second; nothing for less than 1 MB, which takes less time than getting started."""
    return f", {size_text(size / max(seconds, 1e-6))}/s" if size >= _ENOUGH_FOR_SPEED else ""


def figure_text(value: float) -> str:
    """Three significant digits, never as a power of ten: "0.334", "15.2", "1,130"."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio_text(size: int, encoded: int) -> str:
    """How many times smaller: "3.60x"."""
    return f"{size / encoded:.2f}x" if encoded else "-"


def change_text(size: int, encoded: int) -> str:
    """ "159,180 -> 13,052 bytes (12.20x)"."""
    return f"{size:,} -> {encoded:,} bytes ({ratio_text(size, encoded)})"


def file_facts(job: Job, done: "FileResult", seconds: float) -> dict[str, Any]:
    """The JSON of one finished file."""
    return {
        "input": job.source,
        "output": job.target,
        "codec": done.codec,
        "size": done.size,
        "encoded": done.encoded,
        "ratio": round(done.size / done.encoded, 4) if done.encoded else None,
        "seconds": round(seconds, 4),
        "identical": "none" if done.damage else done.identical,
    }


def say_line(args: argparse.Namespace, text: str) -> None:
    """A line on standard output, unless -q."""
    if not args.quiet and not streams.closed("stdout"):
        _print(text, "stdout")


def say(args: argparse.Namespace, job: Job, text: str) -> None:
    """The line about one finished file: on standard output, unless the data itself goes there. Not with -q or --json."""
    if not args.quiet and not args.json:
        place = f"{job.source} -> {job.target}" if args.verbose else job.source
        line = f"{printable(place)}: {text}"
        if job.target == PIPE:
            _print(line, "stderr")
        elif not streams.closed("stdout"):  # the file was requested
            _print(line, "stdout")


def describe(error: Exception) -> str:
    """An error in one line: ours are complete, those of the system get the file's name in front, and others are bugs."""
    if isinstance(error, LacodecError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'input or output'}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return "out of memory; try --threads 1, a lower --effort or --max-memory"
    what = f"{type(error).__name__}: {error}".split("\n", 1)[0][:200]
    return f"internal error ({what}); this is a bug, -v shows the traceback"


def fail(args: argparse.Namespace, error: Exception, place: str = "") -> None:
    """Print an error in one line that starts with the name of the file; with -v, also the traceback of a bug."""
    if args.verbose and not isinstance(error, LacodecError | OSError | MemoryError):
        traceback.print_exception(error)
    text = describe(error)
    complain(text if not place or place in text else f"{place}: {text}")


def note(args: argparse.Namespace, text: str) -> None:
    """A remark on standard error, unless -q."""
    if not args.quiet:
        _print(printable(text), "stderr")


def printable(value: Any) -> str:
    """As text without control characters: names and metadata come from files, and a terminal obeys control characters.

    Addresses of Python objects, which libraries put into their messages, are left out.
    """
    text = _OBJECT.sub(r"<\1>", str(value))
    return "".join(c if c.isprintable() else "?" for c in text)


def complain(text: str) -> None:
    """An error or warning on standard error, in one line."""
    _print(f"lacodec: {printable(' '.join(text.split()))}", "stderr")


def print_json(value: Any) -> None:
    """One JSON value per line on standard output."""
    put(json.dumps(value))


def put(text: str) -> None:
    """Lines that were asked for on standard output; raises LacodecError when it is closed."""
    streams.check("stdout")
    _print(text, "stdout")


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on standard output that fits the terminal; see `lacodec.cli._table`."""
    streams.check("stdout")
    bold = sys.stdout.isatty()
    if title:
        print(f"\x1b[1m{printable(title)}\x1b[0m" if bold else printable(title))
    rows = [[printable(cell) for cell in row] for row in rows]
    print("\n".join(["", *table_lines(columns, rows, terminal_width()), ""]), flush=True)


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None if it is not one, so that nothing has to be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
