"""What `lacodec eval rd` is given, for pictures and sound alike: flags -> settings, peers, files, rates."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lacodec.cli._codec_options import given_options
from lacodec.cli._files import PIPE, UsageError, walk_files
from lacodec.cli._report import complain, note
from lacodec.errors import BadInput

DEFAULT_VALUES = "5,20,40,60,80,95"


class _Peer(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def install(self) -> str: ...
    @property
    def installed(self) -> bool: ...


P = TypeVar("P", bound=_Peer)


def swept(args: argparse.Namespace) -> tuple[str, list[Any]]:
    """The option that `--sweep` names, and its values."""
    option, _, text = args.sweep.partition("=")
    option = option.replace("-", "_")
    values = [number(part, "--sweep") for part in text.split(",") if part]
    if not values:
        raise UsageError(f"--sweep {args.sweep}: give an option and its values, such as quality={DEFAULT_VALUES}")
    if option in given_options(args):
        raise UsageError(f"--{option} is the option that --sweep varies; leave it out, or vary another one")
    return option, values


def chosen_peers(args: argparse.Namespace, peers: Sequence[P]) -> list[P]:
    """Those of `--peers`, else all; without those that are not installed, which is said of those that were named."""
    chosen = None if args.peers is None else [name for name in args.peers.split(",") if name and name != "none"]
    known = [peer.name for peer in peers]
    unknown = [name for name in chosen or [] if name not in known]
    if unknown:
        raise UsageError(f"unknown peer {', '.join(unknown)}; known peers: {', '.join(known)}")
    found = []
    for peer in peers:
        if chosen is not None and peer.name not in chosen:
            continue
        if peer.installed:
            found.append(peer)
        elif chosen is not None or args.verbose:
            complain(f"{peer.name} is not installed: {peer.install}")
    return found


def files_of(args: argparse.Namespace, names: list[str], wanted: Callable[[Path], bool], what: str, kind: str) -> list[Path]:
    """The files to measure on: those named, and of folders those that are `wanted`, which are called `what`, `kind`."""
    paths = []
    for name in names:
        path = Path(name)
        if name == PIPE:
            raise UsageError("eval reads files, not standard input")
        if path.is_dir():
            files = list(walk_files(path, complain))
            good = [file for file in files if wanted(file)]
            if len(good) < len(files):
                note(args, f"{name}: {len(files) - len(good)} files left out: not {what} of {kind}")
            paths += good
        elif path.exists():
            paths.append(path)
        else:
            raise BadInput(f"{name}: no such file or folder")
    if not paths:
        raise BadInput(f"{', '.join(names)}: no {what} found")
    return paths


def rates_of(text: str | None, unit: str, example: str) -> tuple[float, float] | None:
    """The two rates of `--range`."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    rates = number(low, "--range"), number(high, "--range")
    if not colon or not 0 <= rates[0] < rates[1]:
        raise UsageError(f"--range {text}: give two rates in {unit}, the lower one first, such as {example}")
    return rates


def number(text: str, flag: str) -> Any:
    """A whole number as int, so that options of that type take it."""
    try:
        value = int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{flag}: {text!r} is not a number")
    return value
