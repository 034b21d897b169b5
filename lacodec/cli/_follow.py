"""`lacodec encode --follow`: a log that grows, into a `.lac` file that grows with it."""

import argparse
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lacodec.cli._files import PIPE, UsageError, encoded_name
from lacodec.cli._report import change_text, note, printable, say_line
from lacodec.io.places import is_special

_ENDS = {
    "stopped": "stopped; the same command continues",
    "replaced": "was moved or removed, all of it is kept; to follow the new file, choose another output with -o",
    "cut": "was cut short; what it had before is kept. To follow it from its new start, choose another output with -o",
}


def seconds(text: str) -> float:
    """A number of seconds, as an argument."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= 86_400:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 86400 seconds, not {text!r}")
    return found


def follow(args: argparse.Namespace, options: dict[str, Any]) -> int:
    """Follow the one log that is named, until Ctrl-C or SIGTERM, or until it is replaced."""
    from lacodec.codecs.session import Session
    from lacodec.pipeline.follow import Follower
    from lacodec.pipeline.follow import follow as follow_log

    if len(args.inputs) != 1 or args.inputs[0] == PIPE or is_special(args.inputs[0]):
        raise UsageError("--follow takes one log, which must be a file")
    if args.rm or args.force or args.json:
        raise UsageError("--follow goes with neither --rm nor --force nor --json")
    log = args.inputs[0]
    target = args.output or encoded_name(log)
    if target == PIPE or is_special(target):
        raise UsageError("--follow needs a file as output; name it with -o")
    with (
        Follower(log, target, args.codec or "log", options, Session(args.threads), args.verify) as follower,
        _until_signal() as stopped,
    ):
        if follower.place:
            note(args, f"{log}: continues {target} at byte {follower.place:,}")
        ending = follow_log(follower, args.every, stopped.wait, lambda size: _tell(args, log, size))
        done = follower.result()
    say_line(args, f"{printable(log)}: {change_text(done.size, done.encoded)}, codec {done.codec}; {_ENDS[ending]}")
    return 0


def _tell(args: argparse.Namespace, log: str, size: int) -> None:
    if size and args.verbose:
        note(args, f"{log}: {size:,} more bytes")


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, the first time; the second time they act as usual."""
    event = threading.Event()
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
